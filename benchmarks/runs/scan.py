"""One scan of the columns that CEM, or with ``--aipw`` AIPW reads: the least that any method can cost."""

from __future__ import annotations

import argparse

import duckdb

from benchmarks.data import CATEGORIES, CEM_CUTPOINTS, CEM_EXACT, NUMERIC
from benchmarks.runs.clock import report, timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--memory-limit", default="1GB")
    parser.add_argument("--aipw", action="store_true")
    options = parser.parse_args()
    connection = duckdb.connect(options.database, read_only=True, config={"memory_limit": options.memory_limit})
    numbers, categories = (NUMERIC, CATEGORIES) if options.aipw else (CEM_CUTPOINTS, CEM_EXACT)
    sums = ", ".join(f"sum({column})" for column in ("treatment", "outcome_a", *numbers))
    texts = ", ".join(f"max({column})" for column in categories)
    _, seconds = timed(lambda: connection.execute(f"select {sums}, {texts} from units").fetchall())
    report(seconds)


if __name__ == "__main__":
    main()
