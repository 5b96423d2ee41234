"""B6: how many of ten planted conflicts are named exactly."""

from __future__ import annotations

from benchmarks.planning_conflicts import conflicts
from benchmarks.runs.clock import report, timed


def main() -> None:
    planted = conflicts()
    found, seconds = timed(lambda: [set(conflict.plan.solve().infeasible_because) for conflict in planted])
    named = sum(names == conflict.because for names, conflict in zip(found, planted, strict=True))
    report(seconds, named=named, planted=len(planted))


if __name__ == "__main__":
    main()
