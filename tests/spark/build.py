"""Runs dbt and exports what it published, in one process, because a local Spark session lives as long as its process:
``python -m tests.spark.build <project> --export <folder> -- build --select ...``. CAUSAL_TARGET names the profile.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.spark.clock import Clock


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: dbt's. Prints, as one line of JSON, the last, how each node ended and what took how long."""
    from dbt.cli.main import dbtRunner

    parser = argparse.ArgumentParser(prog="python -m tests.spark.build", description=__doc__.split("\n")[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--tables", nargs="*", default=[], help="tables of the target's schema to export too")
    own, command = split(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(own)
    os.chdir(options.project)
    clock, began = Clock(), time.monotonic()
    if os.environ.get("SPARK_REMOTE"):
        clock.watch()
    found = dbtRunner().invoke([*command, "--profiles-dir", "."])
    seconds = clock.seconds(time.monotonic() - began)
    if found.exception is not None:
        print(found.exception, file=sys.stderr)
        return 2
    statuses = {result.node.name: str(result.status) for result in getattr(found.result, "results", [])}
    if options.export is not None and statuses.get("publication", "success") == "success":
        _export(options.export, options.tables)
    print(json.dumps({"statuses": statuses, "seconds": seconds}))
    return 0 if found.success else 1


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the first ``--``, and after it."""
    given = list(arguments)
    at = given.index("--") if "--" in given else len(given)
    return given[:at], given[at + 1 :]


def _export(folder: Path, tables: Sequence[str]) -> None:
    """The published tables and these others as parquet files; on DuckDB the results file is there already."""
    if os.environ.get("CAUSAL_TARGET", "duckdb") == "duckdb":
        return _export_from_duckdb(folder, tables)
    from tests.spark.compare import export, export_table

    session, schema = _session(), os.environ.get("CAUSAL_SCHEMA", "causal")
    export(session, f"{schema}_results", folder / "published")
    for name in tables:
        export_table(session, f"{schema}.{name}", folder / "tables")
    return None


def _export_from_duckdb(folder: Path, tables: Sequence[str]) -> None:
    import duckdb

    from tests.spark.compare import published_on_duckdb

    database = Path(os.environ["CAUSAL_DB"])
    for place in ("published", "tables"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for name, frame in published_on_duckdb(database.with_name(f"{database.stem}_results.duckdb")).items():
        frame.to_parquet(folder / "published" / f"{name}.parquet")
    if tables:
        _close_database()
        with duckdb.connect(str(database), read_only=True) as connection:
            for name in tables:
                connection.table(name).df().to_parquet(folder / "tables" / f"{name}.parquet")


def _close_database() -> None:
    """dbt-duckdb keeps the file open until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager.env().close()
        DuckDBConnectionManager.close_all_connections()


def _session() -> Any:
    """The session that dbt has just used, or a Connect session of the same cluster."""
    from pyspark.sql import SparkSession

    remote = os.environ.get("SPARK_REMOTE")
    builder = SparkSession.builder.remote(remote) if remote else SparkSession.builder
    return builder.getOrCreate()


if __name__ == "__main__":
    sys.exit(main())
