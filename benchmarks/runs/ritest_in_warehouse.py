"""`randomization_test` on a table in a DuckDB file; the rows stay there but for a block at a time."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.randomization_data import COVARIATES
from benchmarks.runs.clock import report, timed
from estimators.checks.randomization import randomization_test


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--covariates", type=int, default=5)
    parser.add_argument("--memory-limit", default="300MB")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    test, seconds = timed(
        lambda: randomization_test(
            connection.table("units"),
            "treatment",
            "outcome",
            COVARIATES[: options.covariates],
            n_draws=options.draws,
        )
    )
    report(seconds, estimate=test.estimate, std_error=test.std_error, p_value=test.p_value)


if __name__ == "__main__":
    main()
