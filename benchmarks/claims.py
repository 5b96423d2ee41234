"""What is claimed of speed and memory, each claim next to the measurements that it rests on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks import data, study_table
from benchmarks.measure import Measurement, measure

MILLION = 1_000_000


@dataclass(frozen=True)
class Claim:
    """text: what is claimed.  figure: what was measured, in words.  holds: None where it could not be measured."""

    text: str
    figure: str
    holds: bool | None


@dataclass(frozen=True)
class Result:
    """One benchmark: its measurements and the claims drawn from them. note: what was not measured, and why."""

    name: str
    title: str
    measurements: list[Measurement] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def ratio(ours: Measurement, theirs: Measurement, at_least: float) -> Claim:
    """How many times faster ours is than theirs."""
    times = theirs.fit_seconds / ours.fit_seconds
    text = f"≥ {at_least:g} times faster than {theirs.what} at {ours.n_rows:,} rows"
    return Claim(text, f"{times:.1f} times", times >= at_least)


def memory(ours: Measurement, theirs: Measurement, at_most: float) -> Claim:
    """The share of their peak memory that ours needs."""
    share = ours.peak_gb / theirs.peak_gb
    text = f"≤ {at_most:g} of the memory of {theirs.what} at {ours.n_rows:,} rows"
    return Claim(text, f"{share:.2f}", share <= at_most)


def within(ours: Measurement, seconds: float | None = None, gb: float | None = None) -> Iterator[Claim]:
    """Absolute limits on time and memory."""
    if seconds is not None:
        done = f"{ours.fit_seconds:.1f} s"
        yield Claim(f"{ours.what}: ≤ {seconds:g} s at {ours.n_rows:,} rows", done, ours.fit_seconds <= seconds)
    if gb is not None:
        text = f"{ours.what}: ≤ {gb:g} GB at {ours.n_rows:,} rows"
        yield Claim(text, f"{ours.peak_gb:.2f} GB", ours.peak_gb <= gb)


def agreement(ours: Measurement, theirs: Measurement) -> Claim:
    """Both found the same effect: within a tenth of a standard error, as the folds differ."""
    apart = abs(ours.answer["estimate"] - theirs.answer["estimate"]) / ours.answer["std_error"]
    return Claim(
        f"same estimate as {theirs.what}, to 0.1 standard errors", f"{apart:.4f} standard errors", apart <= 0.1
    )


def aipw_beside_doubleml(n_rows: int = MILLION) -> Result:
    """AIPW with linear and logistic nuisances, 5 folds, 13 confounders, beside DoubleML's IRM."""
    database = data.units(n_rows)
    ours = measure("aipw", n_rows, "aipw_in_warehouse", database, "--memory-limit", "80MB")
    two = measure(
        "aipw, two outcomes", n_rows, "aipw_in_warehouse", database, "--memory-limit", "80MB",
        "--outcomes", "outcome_a,outcome_b",
    )  # fmt: skip
    table = data.parquet(database)
    peer = measure("DoubleML IRM", n_rows, "aipw_doubleml", table)
    quick = measure("DoubleML IRM, newton-cholesky", n_rows, "aipw_doubleml", table, "--solver", "newton-cholesky")
    more = two.fit_seconds / ours.fit_seconds - 1
    claims = [
        ratio(ours, peer, at_least=12),
        memory(ours, peer, at_most=0.2),
        agreement(ours, peer),
        Claim("a second outcome costs ≤ 30 % more", f"{more:.0%} more", more <= 0.3),
    ]
    return Result("aipw_doubleml", "AIPW beside DoubleML, 13 confounders", [ours, two, peer, quick], claims)


def aipw_beside_scikit_learn(n_rows: int = 10 * MILLION) -> Result:
    """The same estimator beside scikit-learn by hand, at ten times the rows."""
    database = data.units(n_rows)
    ours = measure("aipw", n_rows, "aipw_in_warehouse", database, "--memory-limit", "300MB")
    peer = measure("scikit-learn by hand", n_rows, "aipw_scikit_learn", data.parquet(database))
    claims = [ratio(ours, peer, at_least=15), *within(ours, gb=1.0), agreement(ours, peer)]
    return Result("aipw_scikit_learn", "AIPW beside scikit-learn by hand", [ours, peer], claims)


def aipw_by_size(sizes: tuple[int, ...] = (MILLION // 10, MILLION, 10 * MILLION)) -> Result:
    """Time and memory of AIPW as the rows grow tenfold, under one memory limit."""
    runs = [measure("aipw", n, "aipw_in_warehouse", data.units(n), "--memory-limit", "300MB") for n in sizes]
    growth = runs[-1].fit_seconds / runs[-2].fit_seconds
    swell = runs[-1].peak_gb / runs[-2].peak_gb
    claims = [
        Claim("ten times the rows take ≤ 12 times as long", f"{growth:.1f} times", growth <= 12),
        Claim("ten times the rows take ≤ 3 times the memory", f"{swell:.1f} times", swell <= 3),
    ]
    return Result("aipw_by_size", "AIPW by number of rows", runs, claims)


def aipw_wide(n_rows: int = MILLION) -> Result:
    """AIPW with 200 confounders, where cross-products outgrow SQL, beside DoubleML."""
    database = data.wide_units(n_rows)
    ours = measure("aipw, 200 confounders", n_rows, "aipw_in_warehouse", database, "--wide", "--memory-limit", "2GB")
    peer = measure("DoubleML IRM, 200 confounders", n_rows, "aipw_doubleml", data.parquet(database), "--wide")
    claims = [ratio(ours, peer, at_least=1), memory(ours, peer, at_most=1), agreement(ours, peer)]
    return Result("aipw_wide", "AIPW with 200 confounders", [ours, peer], claims)


def aipw_large(n_rows: int = 100 * MILLION) -> Result:
    """AIPW at a hundred million rows."""
    database = data.units(n_rows)
    # the scan comes first: it also brings the file into the system's cache, as a query before the study would have
    scan = measure("one scan", n_rows, "scan", database, "--aipw", "--memory-limit", "1GB")
    ours = measure("aipw", n_rows, "aipw_in_warehouse", database, "--memory-limit", "1GB")
    return Result("aipw_large", "AIPW at 1e8 rows", [scan, ours], list(within(ours, seconds=90, gb=3)))


def cem_beside_matchit(n_rows: int = 10 * MILLION) -> Result:
    """CEM on two cut numbers and two exact categories, beside one scan of its columns and R's MatchIt."""
    database = data.units(n_rows)
    scan = measure("one scan", n_rows, "scan", database)  # first: it also brings the file into the system's cache
    ours = measure("cem", n_rows, "cem_in_warehouse", database)
    times = ours.fit_seconds / scan.fit_seconds
    claims = [Claim("≤ 5 times one scan of its columns", f"{times:.1f} times", times <= 5)]
    if shutil.which("Rscript") is None:
        note = "MatchIt was not measured: there is no Rscript on this machine (Debian: r-cran-matchit)."
        return Result("cem", "CEM beside MatchIt", [ours, scan], claims, note)
    peer = measure("MatchIt 4.5", n_rows, "cem_matchit.R", data.columns_for_r(database), n_rows)
    claims += [ratio(ours, peer, at_least=20), agreement(ours, peer)]
    return Result("cem", "CEM beside MatchIt", [ours, peer, scan], claims)


def study_table_beside_joins(n_events: int = 100 * MILLION, n_units: int = MILLION) -> Result:
    """Thirteen windowed features as the study-table macro writes them, beside one join per feature."""
    database = data.events(n_events, n_units)
    one_scan = study_table.compiled(database, data.FOLDER)
    joined = ("a join per feature", n_events, "study_table_query", database, study_table.joined(data.FOLDER))
    before = measure(*joined)
    ours = measure("causal.study_table", n_events, "study_table_query", database, one_scan)
    peer = min(before, measure(*joined), key=lambda run: run.fit_seconds)  # ours has the best of three, being short
    is_same = all(abs(ours.answer[k] - peer.answer[k]) <= 1e-9 * abs(peer.answer[k]) for k in peer.answer)
    claims = [ratio(ours, peer, at_least=4), Claim("the same table", "equal sums" if is_same else "not equal", is_same)]
    return Result("study_table", f"13 windowed features of {n_units:,} units", [ours, peer], claims)


USUAL = (
    aipw_beside_doubleml,
    aipw_beside_scikit_learn,
    aipw_by_size,
    aipw_wide,
    cem_beside_matchit,
    study_table_beside_joins,
)
LARGE = (aipw_large,)
