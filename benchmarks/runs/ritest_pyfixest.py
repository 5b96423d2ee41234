"""pyfixest's `ritest` on a Parquet file: coefficients by its fast algorithm, t statistics by its slow one."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
import pyfixest

from benchmarks.randomization_data import COVARIATES
from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--covariates", type=int, default=5)
    parser.add_argument("--statistic", choices=["c", "t"], default="c")
    options = parser.parse_args()
    names = COVARIATES[: options.covariates]
    frame = pd.read_parquet(options.table, columns=["treatment", "outcome", *names])
    fit = pyfixest.feols(f"outcome ~ {' + '.join(['treatment', *names])}", frame, vcov="HC1")
    algorithm = "fast" if options.statistic == "c" else "slow"  # only the slow one has t statistics
    settings = {"type": f"randomization-{options.statistic}", "choose_algorithm": algorithm}
    if algorithm == "fast":  # compiled before the clock starts
        fit.ritest("treatment", reps=1, rng=np.random.default_rng(1), **settings)
    found, seconds = timed(
        lambda: fit.ritest("treatment", reps=options.draws, rng=np.random.default_rng(1), **settings)
    )
    p_value = float(found["Pr(>|t|)"])
    report(seconds, estimate=float(found["Estimate"]), std_error=float(fit.se()["treatment"]), p_value=p_value)


if __name__ == "__main__":
    main()
