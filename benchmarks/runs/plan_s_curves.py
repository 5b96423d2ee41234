"""B4: S-curves under one budget, by envelopes with branch and bound, or by scipy's SLSQP from an equal split.

SLSQP from an equal split is what PyMC-Marketing's budget optimiser runs on such curves.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.planning_problems import s_curves
from benchmarks.runs.clock import report, timed
from benchmarks.runs.plan_log_curves import by_slsqp
from estimators.forecast.planning.solvers import solve


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("--by", default="ours", choices=["ours", "slsqp"])
    options = parser.parse_args()
    problem = s_curves(options.n)
    if options.by == "slsqp":
        answer, seconds = timed(lambda: by_slsqp(problem))
        x, bound = torch.from_numpy(answer), None
    else:
        found, seconds = timed(lambda: solve(problem))
        x, bound = found.x, found.bound
    violation = max(problem.region.violations(x).values())
    report(seconds, objective=problem.value(x), bound=bound, violation=violation)


if __name__ == "__main__":
    main()
