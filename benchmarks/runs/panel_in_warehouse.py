"""`estimators.panel` on a table in a DuckDB file: unit and period effects, standard errors clustered by unit."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.runs.clock import report, timed
from estimators import panel


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="300MB")
    parser.add_argument("--covariates", default="x", help="comma-separated")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    covariates = [c for c in options.covariates.split(",") if c]
    effect, seconds = timed(
        lambda: panel(connection.table("panel"), "unit_id", "period", "treatment", "outcome", covariates)
    )
    report(seconds, estimate=effect.estimate, std_error=effect.std_error, n_rows=effect.diagnostics["n_rows"])


if __name__ == "__main__":
    main()
