"""Writes the result of one query of a study table into a table of the same database."""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

from benchmarks.runs.clock import report, timed
from benchmarks.study_table import FEATURES


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("query", type=Path)
    parser.add_argument("--memory-limit", default="4GB")
    options = parser.parse_args()
    with duckdb.connect(options.database, config={"memory_limit": options.memory_limit}) as connection:
        connection.execute("set timezone = 'UTC'")
        query = options.query.read_text()
        _, seconds = timed(lambda: connection.execute(f"create or replace table measured as {query}"))
        sums = ", ".join(f"round(sum({name}::double), 2) as {name}" for name, *_ in FEATURES)
        found = connection.execute(f"select count(*) as n_units, {sums} from measured").fetchnumpy()
    report(seconds, **{name: float(values[0]) for name, values in found.items()})


if __name__ == "__main__":
    main()
