"""`estimators.bsts` on a file of days: 4 chains of 1,000 draws after burn-in, held-out fit and series included."""

from __future__ import annotations

import argparse

import pandas as pd

from benchmarks.runs.clock import report, timed
from estimators import bsts


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("csv")
    parser.add_argument("n_pre", type=int)
    parser.add_argument("--season", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    frame = pd.read_csv(options.csv, parse_dates=["day"])
    controls = [c for c in frame.columns if c.startswith("x")]
    call = {"time": "day", "outcome": "y", "controls": controls, "season": options.season, "seed": options.seed}
    bsts(frame.head(60), **call | {"season": None}, intervention=frame["day"][50], n_chains=1, n_draws=20)  # imports
    effect, seconds = timed(lambda: bsts(frame, **call, intervention=frame["day"][options.n_pre]))
    report(
        seconds,
        estimate=effect.estimate,
        std_error=effect.std_error,
        largest_r_hat=max(effect.diagnostics["r_hat"].values()),
        fewest_effective_draws=min(effect.diagnostics["effective_sample_size"].values()),
    )


if __name__ == "__main__":
    main()
