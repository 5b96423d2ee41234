"""What is claimed of plans: time, gap and violations beside scipy, cvxpy and PyMC-Marketing; conflicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.claims import MILLION, Claim, Result, within
from benchmarks.measure import ELSEWHERE, Measurement, measure


def gap(ours: Measurement, at_most: float, name: str = "gap") -> Claim:
    """The proven distance from the best plan, relative to the objective."""
    found = ours.answer[name]
    return Claim(
        f"{ours.what}: proven gap ≤ {at_most:g} at {ours.n_rows:,} decisions", f"{found:.1e}", found <= at_most
    )


def violation(ours: Measurement, at_most: float) -> Claim:
    found = ours.answer["violation"]
    text = f"{ours.what}: no constraint violated by more than {at_most:g} at {ours.n_rows:,} decisions"
    return Claim(text, f"{found:.1e}", found <= at_most)


def as_good(ours: Measurement, theirs: Measurement, tolerance: float) -> Claim:
    """Our objective is no lower than theirs."""
    lead = ours.answer["objective"] / theirs.answer["objective"] - 1
    text = f"no worse than {theirs.what} at {ours.n_rows:,} decisions, to {tolerance:g}"
    return Claim(text, f"{lead:+.1e}", lead >= -tolerance)


def log_curves(sizes: tuple[tuple[int, float], ...] = ((1000, 0.1), (100_000, 3.0), (MILLION, 15.0))) -> Result:
    """B1: logarithms under one budget."""
    runs, claims = [], []
    for n, seconds in sizes:
        ours = measure("water-filling", n, "plan_log_curves", n)
        runs.append(ours)
        claims += [*within(ours, seconds=seconds), gap(ours, 1e-8), violation(ours, 1e-9)]
    for peer, name in (("slsqp", "scipy SLSQP"), ("clarabel", "cvxpy with Clarabel")):
        runs.append(measure(name, sizes[0][0], "plan_log_curves", sizes[0][0], "--by", peer))
        claims.append(as_good(runs[0], runs[-1], 1e-7))
    note = ""
    if ELSEWHERE["plan_pymc_marketing"].exists():
        runs.append(measure("PyMC-Marketing", sizes[0][0], "plan_pymc_marketing", _written(sizes[0][0])))
        claims.append(as_good(runs[0], runs[-1], 1e-7))
    else:
        note = "PyMC-Marketing was not measured: there is no .venv-pymc (`make bench` installs it)."
    return Result("plan_log_curves", "B1: Σ a log(1 + x/s) under one budget", runs, claims, note)


def _written(n: int) -> Path:
    """B1 as a file, for programs that cannot import this project."""
    from benchmarks.planning_problems import logarithms

    problem, path = logarithms(n), data.FOLDER / f"logarithms_{n}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    curves = {"size": problem.curves.size, "scale": problem.curves.scale, "upper": problem.region.upper}
    np.savez(path, budget=float(n), **curves)
    return path


def coupled(sizes: tuple[tuple[int, float], ...] = ((100_000, 20.0), (MILLION, 60.0))) -> Result:
    """B2: a bonus that carries over and a coupon, through the torch forward as it is."""
    runs, claims = [], []
    for n, seconds in sizes:
        ours = measure("plan through the modules", n, "plan_coupled", n)
        runs.append(ours)
        claims += [*within(ours, seconds=seconds), gap(ours, 1e-6), violation(ours, 1e-9)]
    peer = measure("cvxpy with Clarabel, rewritten", sizes[0][0], "plan_coupled", sizes[0][0], "--by", "clarabel")
    return Result(
        "plan_coupled",
        "B2: rides = √(hours · orders), one budget",
        [*runs, peer],
        [*claims, as_good(runs[0], peer, 1e-6)],
    )


def ramps(sizes: tuple[tuple[int, float], ...] = ((10_000, 2.0), (100_000, 20.0))) -> Result:
    """B3: B1 with ramps and a planted optimum."""
    runs, claims = [], []
    for n, seconds in sizes:
        ours = measure("interior point", n, "plan_log_curves", n, "--ramps")
        runs.append(ours)
        claims += [*within(ours, seconds=seconds), gap(ours, 1e-6), violation(ours, 1e-8)]
        below = ours.answer["below_planted"]
        claims.append(Claim(f"within 1e-6 of the planted optimum at {n:,} decisions", f"{below:.1e}", below <= 1e-6))
    peer = measure("cvxpy with Clarabel", sizes[0][0], "plan_log_curves", sizes[0][0], "--ramps", "--by", "clarabel")
    return Result("plan_ramps", "B3: ramps, planted optimum", [*runs, peer], [*claims, as_good(runs[0], peer, 1e-6)])


def s_curves(sizes: tuple[int, ...] = (10, 50, 100, 1000)) -> Result:
    """B4: S-curves under one budget."""
    runs, claims = [], []
    for n in sizes:
        ours = measure("envelope, branch and bound", n, "plan_s_curves", n)
        runs.append(ours)
        short = ours.answer["bound"] / ours.answer["objective"] - 1
        claims.append(Claim(f"within 1e-3 of a proven bound at {n:,} decisions", f"{short:.1e}", short <= 1e-3))
        if n <= 100:
            peer = measure("scipy SLSQP from an equal split", n, "plan_s_curves", n, "--by", "slsqp")
            runs.append(peer)
            claims.append(as_good(ours, peer, 1e-9))
    note = "Equality with dynamic programming for n ≤ 12 is a test."
    return Result("plan_s_curves", "B4: Σ a x^h/(x^h + k^h) under one budget", runs, claims, note)


def conflicts() -> Result:
    """B6: contradictory constraints are named."""
    ours = measure("deletion filter", 10, "plan_conflicts")
    named = ours.answer["named"]
    claim = Claim("names exactly the planted conflict in 10 of 10 plans", f"{named} of 10", named == 10)
    return Result("plan_conflicts", "B6: infeasible plans", [ours], [claim])


def untried(runs: int = 200) -> Result:
    """B11: 500 cells, slopes measured with 40 % noise."""
    ours = measure("pooled, trust region", runs, "plan_untried", runs)
    careless = measure("slopes as measured, no trust region", runs, "plan_untried", runs, "--careless")
    off, never = ours.answer["off"], ours.answer["never_worse"]
    claims = [
        Claim("the promise on fresh draws is within 25 % of what is delivered", f"{off:.1%} off", off <= 0.25),
        Claim("no worse than the status quo in ≥ 95 % of the runs", f"{never:.1%}", never >= 0.95),
    ]
    note = (
        f"Promised {ours.answer['promised']:+.1%}, delivered {ours.answer['delivered']:+.1%} "
        f"({ours.answer['within_a_quarter']:.0%} of single runs within a quarter); the best was "
        f"{ours.answer['best']:+.1%}. Taken at their word, the slopes promised {careless.answer['promised']:+.1%} "
        f"and delivered {careless.answer['delivered']:+.1%}."
    )
    return Result("plan_untried", "B11: promise and delivery in untried regions", [ours, careless], claims, note)


USUAL = (log_curves, coupled, ramps, s_curves, conflicts, untried)
