"""`estimators.cem` on a table in a DuckDB file: two numbers cut at four points, two categories matched exactly."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.data import CEM_CUTPOINTS, CEM_EXACT
from benchmarks.runs.clock import report, timed
from estimators import cem


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="1GB")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    effect, seconds = timed(
        lambda: cem(
            connection.table("units"),
            treatment="treatment",
            outcome="outcome_a",
            covariates=[*CEM_CUTPOINTS, *CEM_EXACT],
            exact=CEM_EXACT,
            cutpoints=CEM_CUTPOINTS,
            estimand="ATT",
        )
    )
    report(seconds, estimate=effect.estimate, std_error=effect.std_error, n_units=effect.n_units)


if __name__ == "__main__":
    main()
