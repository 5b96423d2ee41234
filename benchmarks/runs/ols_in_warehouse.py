"""Least squares with HC1 on a table in a DuckDB file; the rows stay there."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.iv_data import COVARIATES
from benchmarks.runs.clock import report, timed
from estimators.warehouse import as_relation
from estimators.warehouse.least_squares import least_squares


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="300MB")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    rows = as_relation(connection.table("units"))
    fit, seconds = timed(lambda: least_squares(rows, "outcome", ["treatment", *COVARIATES], covariance="HC1"))
    estimate, std_error = fit.effect_of("treatment")
    report(seconds, estimate=estimate, std_error=std_error)


if __name__ == "__main__":
    main()
