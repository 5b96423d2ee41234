"""`estimators.aipw` on a table in a DuckDB file; the rows stay there."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.data import CATEGORIES, NUMERIC, WIDE
from benchmarks.runs.clock import report, timed
from estimators import aipw


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="1GB")
    parser.add_argument("--outcomes", default="outcome_a", help="comma-separated")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--estimand", default="ATE")
    options = parser.parse_args()
    covariates = WIDE if options.wide else [*NUMERIC, *CATEGORIES]
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    effect, seconds = timed(
        lambda: aipw(
            connection.table("units"),
            treatment="treatment",
            outcome=options.outcomes.split(","),
            covariates=covariates,
            estimand=options.estimand,
            folds=5,
            unit="unit_id",
        )
    )
    report(seconds, estimate=effect.estimate, std_error=effect.std_error)


if __name__ == "__main__":
    main()
