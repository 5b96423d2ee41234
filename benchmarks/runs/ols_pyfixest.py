"""pyfixest's `feols` with HC1, on the same table in memory; with the options that make it lean."""

from __future__ import annotations

import argparse

import pandas as pd
import pyfixest

from benchmarks.iv_data import COVARIATES
from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    options = parser.parse_args()
    frame = pd.read_parquet(options.table, columns=["outcome", "treatment", *COVARIATES])
    formula = f"outcome ~ treatment + {' + '.join(COVARIATES)}"
    lean = {"copy_data": False, "store_data": False, "lean": True}
    pyfixest.feols(formula, frame.head(1000), vcov="HC1", **lean)  # whatever is compiled on first use
    fit, seconds = timed(lambda: pyfixest.feols(formula, frame, vcov="HC1", **lean))
    report(seconds, estimate=float(fit.coef()["treatment"]), std_error=float(fit.se()["treatment"]))


if __name__ == "__main__":
    main()
