"""`estimators.iv` on a table in a DuckDB file; the rows stay there."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.iv_data import COVARIATES
from benchmarks.runs.clock import report, timed
from estimators import iv


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="300MB")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    effect, seconds = timed(lambda: iv(connection.table("units"), "treatment", "outcome", "instrument", COVARIATES))
    report(seconds, estimate=effect.estimate, std_error=effect.std_error)


if __name__ == "__main__":
    main()
