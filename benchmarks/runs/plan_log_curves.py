"""B1: logarithms under one budget, by water-filling, by scipy's SLSQP or by cvxpy with Clarabel."""

from __future__ import annotations

import argparse

import numpy as np
import torch

from benchmarks.planning_problems import logarithms, ramped
from benchmarks.runs.clock import report, timed
from estimators.forecast.planning.problem import Problem
from estimators.forecast.planning.solvers import solve


def by_slsqp(problem: Problem) -> np.ndarray:
    """From an equal split, with exact gradients."""
    from scipy.optimize import LinearConstraint, minimize

    curves, region = problem.curves, problem.region

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.from_numpy(x)
        return -float(curves.value(point).sum()), -curves.slope(point).numpy()

    rows = LinearConstraint(region.matrix.toarray(), region.low, region.high)
    bounds = np.c_[region.lower.numpy(), region.upper.numpy()]
    start = np.minimum(1.0, bounds[:, 1])
    options = {"maxiter": 1000, "ftol": 1e-12}
    return minimize(loss, start, jac=True, method="SLSQP", bounds=bounds, constraints=[rows], options=options).x


def by_clarabel(problem: Problem) -> np.ndarray:
    import cvxpy

    region, curves = problem.region, problem.curves
    z = cvxpy.Variable(region.size)
    gain = curves.size.numpy() @ cvxpy.log(1 + cvxpy.multiply(1 / curves.scale.numpy(), z))
    rules = [z >= region.lower.numpy(), z <= region.upper.numpy()]
    for rows in region.rows:
        rules += [rows.matrix @ z <= rows.high] if np.isfinite(rows.high).all() else []
        rules += [rows.matrix @ z >= rows.low] if np.isfinite(rows.low).all() else []
    cvxpy.Problem(cvxpy.Maximize(gain), rules).solve("CLARABEL")
    return z.value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("--ramps", action="store_true", help="B3: with ramps and a planted optimum")
    parser.add_argument("--by", default="ours", choices=["ours", "slsqp", "clarabel"])
    options = parser.parse_args()
    best = None
    if options.ramps:
        planted = ramped(options.n)
        problem, best = planted.problem, planted.best
    else:
        problem = logarithms(options.n)
    solve(logarithms(100))  # what torch and scipy set up on first use is not counted
    if options.by == "ours":
        found, seconds = timed(lambda: solve(problem))
        x, gap = found.x, found.gap
    else:
        solver = by_slsqp if options.by == "slsqp" else by_clarabel
        answer, seconds = timed(lambda: solver(problem))
        x, gap = torch.from_numpy(answer), None
    below = None if best is None else (best - problem.value(x)) / best
    violation = max(problem.region.violations(x).values())
    report(seconds, objective=problem.value(x), gap=gap, below_planted=below, violation=violation)


if __name__ == "__main__":
    main()
