"""linearmodels' IV2SLS with robust covariance, on the same table in memory."""

from __future__ import annotations

import argparse

import pandas as pd
from linearmodels.iv import IV2SLS

from benchmarks.iv_data import COVARIATES
from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    options = parser.parse_args()
    frame = pd.read_parquet(options.table, columns=["outcome", "treatment", "instrument", *COVARIATES])
    exogenous = frame[COVARIATES].assign(intercept=1.0)

    def fit() -> tuple[float, float]:
        model = IV2SLS(frame["outcome"], exogenous, frame[["treatment"]], frame[["instrument"]])
        found = model.fit(cov_type="robust", debiased=True)
        return float(found.params["treatment"]), float(found.std_errors["treatment"])

    (estimate, std_error), seconds = timed(fit)
    report(seconds, estimate=estimate, std_error=std_error)


if __name__ == "__main__":
    main()
