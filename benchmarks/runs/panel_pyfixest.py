"""The same regression by pyfixest, on a frame in memory, asked to copy and keep as little as it can.

A small regression goes first, so that what pyfixest sets up once is not counted.
"""

from __future__ import annotations

import argparse
from typing import Any

import duckdb
import pandas as pd
import pyfixest

from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parquet")
    parser.add_argument("--covariates", default="x", help="comma-separated")
    options = parser.parse_args()
    covariates = [c for c in options.covariates.split(",") if c]
    columns = ["unit_id", "period", "treatment", "outcome", *covariates]
    with duckdb.connect() as connection:
        frame = connection.execute(f"select {', '.join(columns)} from '{options.parquet}'").df()
    formula = f"outcome ~ {' + '.join(['treatment', *covariates])} | unit_id + period"

    def fit(rows: pd.DataFrame) -> Any:
        return pyfixest.feols(formula, rows, vcov={"CRV1": "unit_id"}, copy_data=False, store_data=False, lean=True)

    fit(frame.head(1000).copy())
    model, seconds = timed(lambda: fit(frame))
    report(seconds, estimate=float(model.coef()["treatment"]), std_error=float(model.se()["treatment"]))


if __name__ == "__main__":
    main()
