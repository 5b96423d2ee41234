"""`estimators.did` on a table in a DuckDB file; the rows stay there."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.did_data import COVARIATES
from benchmarks.runs.clock import report, timed_again
from estimators import did


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="1GB")
    parser.add_argument("--adjusted", action="store_true")
    parser.add_argument("--control", default="never")
    parser.add_argument("--bootstrap", type=int, default=0)
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    effect, seconds = timed_again(
        lambda: did(
            connection.table("units"),
            unit="unit",
            time="time",
            cohort="cohort",
            outcome="outcome",
            covariates=COVARIATES if options.adjusted else (),
            control=options.control,
            bootstrap=options.bootstrap,
        )
    )
    report(seconds, estimate=effect.estimate, std_error=effect.std_error)


if __name__ == "__main__":
    main()
