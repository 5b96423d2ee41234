"""B11: what plans promise and deliver over many simulated worlds, with and without pooling and trust region."""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.planning_untried import outcome
from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=int)
    parser.add_argument("--careless", action="store_true", help="slopes as measured, no trust region")
    options = parser.parse_args()
    found, seconds = timed(lambda: [outcome(seed, not options.careless) for seed in range(options.runs)])
    promised, delivered, best = (
        np.array([getattr(o, name) for o in found]) for name in ("promised", "delivered", "best")
    )
    report(
        seconds, promised=promised.mean(), delivered=delivered.mean(), best=best.mean(),
        off=abs(promised.mean() / delivered.mean() - 1), never_worse=float((delivered >= 0).mean()),
        within_a_quarter=float((np.abs(promised / delivered - 1) <= 0.25).mean()),
    )  # fmt: skip


if __name__ == "__main__":
    main()
