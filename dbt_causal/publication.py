"""Publishes: on DuckDB, writes the published tables into a file of their own, which BI tools open while dbt builds; on
Spark, see `spark_publication`.

The file is made beside the database under another name and renamed into place: a reader sees the old file or the new
one, never a part of either. Figures that are withheld are in no table of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt_causal.publication_queries import shown

if TYPE_CHECKING:
    import pandas as pd

STORAGE_VERSION = "v1.2.0"  # opened by every DuckDB from 1.2 on


def publish(context: Mapping[str, Any], session: Any, tables: Mapping[str, Any]) -> pd.DataFrame:
    """Publishes `tables` (name to relation) where BI tools read them; one row per table written.

    context: `dbt.causal`.  session: dbt's DuckDB connection, or a Spark session; `file_name` is the results file, or
    the schema of the published views.  A DuckDB database in memory has no place for a file: nothing is written then and
    `file_name` is empty.
    """
    import pandas as pd

    from dbt_causal.library_version import require_same

    require_same(context["library_version"])
    publish_tables = _to_views if type(session).__module__.startswith("pyspark") else _to_file
    place, n_rows = publish_tables(context, session, tables)
    return pd.DataFrame(
        {
            "publication_id": context["invocation_id"],
            "file_name": place,
            "table_name": list(n_rows),
            "n_rows": list(n_rows.values()),
        }
    )


def _to_file(context: Mapping[str, Any], session: Any, tables: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    """Writes the results file beside the session's database; its name and the rows of each table."""
    target = results_file(session)
    rows = {name: relation.to_arrow_table() for name, relation in tables.items()}
    if target is not None:
        replace_file(target, rows)
    return target.name if target else "", {name: table.num_rows for name, table in rows.items()}


def _to_views(context: Mapping[str, Any], session: Any, tables: Mapping[str, Any]) -> tuple[str, dict[str, int]]:
    """Publishes a snapshot on Spark; the schema of the views and the rows of each table."""
    from dbt_causal.spark_publication import publish_snapshots, results_schema

    n_rows = publish_snapshots(session, context["schema"], context["invocation_id"], tables)
    return results_schema(context["schema"]), n_rows


def results_file(session: Any) -> Path | None:
    """`<stem>_results.duckdb` beside the database that `session` is connected to; None for one in memory."""
    found = session.execute("select path from duckdb_databases() where database_name = current_database()").fetchall()
    if not found or not found[0][0] or found[0][0] == ":memory:":
        return None
    database = Path(found[0][0]).resolve()
    return database.with_name(f"{database.stem}_results.duckdb")


def replace_file(target: Path, rows: Mapping[str, Any]) -> None:
    """Writes the Arrow tables `rows` into a new DuckDB file and renames it to `target`, durably."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        _write(temporary, rows)
        _flush(temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _flush(target.parent)


def _write(file: Path, rows: Mapping[str, Any]) -> None:
    import duckdb

    path = str(file).replace("'", "''")
    with duckdb.connect(":memory:") as connection:
        connection.execute("set timezone = 'UTC'")
        for name, table in rows.items():
            connection.register(name, table)
        connection.execute(f"attach '{path}' as results (storage_version '{STORAGE_VERSION}')")
        for name in rows:
            connection.execute(f"create table results.{name} as {shown(name, rows[name].column_names)}")
        connection.execute("detach results")


def _flush(path: Path) -> None:
    """Forces a file, or a directory's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
