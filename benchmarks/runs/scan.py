"""One scan of the columns that CEM reads: the least that any method in the warehouse can cost."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.data import CEM_CUTPOINTS, CEM_EXACT
from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="1GB")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    sums = ", ".join(f"sum({column})" for column in ("treatment", "outcome_a", *CEM_CUTPOINTS))
    texts = ", ".join(f"max({column})" for column in CEM_EXACT)
    _, seconds = timed(lambda: connection.execute(f"select {sums}, {texts} from units").fetchall())
    report(seconds)


if __name__ == "__main__":
    main()
