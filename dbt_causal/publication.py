"""Writes the published tables into a file of their own, which BI tools open while dbt builds.

The file is made beside the database under another name and renamed into place: a reader sees the old file or the new
one, never a part of either. Figures that are withheld are in no table of it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

STORAGE_VERSION = "v1.2.0"  # opened by every DuckDB from 1.2 on

# The ledger keeps what a run published at the time. Once a study is stale or blocked its figures are withheld here too;
# the row's hash covers the payload by payload_hash, so that the copy can still be verified.
_WITHHELD = {
    "ledger": """
        select * replace (case when exists (
            select 1 from published_effects as shown
            where shown.status = 'published'
              and shown.study_id = ledger.study_id and shown.definition_hash = ledger.definition_hash
        ) then payload end as payload)
        from ledger order by link, study_id, row_hash
    """
}


def publish(context: Mapping[str, Any], session: Any, tables: Mapping[str, Any]) -> pd.DataFrame:
    """Publishes `tables` (name to DuckDB relation) beside the session's database; one row per table written.

    context: `dbt.causal`.  session: dbt's DuckDB connection.  An in-memory database has no place for a file: nothing is
    written then and the column `file_name` is empty.
    """
    import pandas as pd

    from dbt_causal.library_version import require_same

    require_same(context["library_version"])
    target = results_file(session)
    rows = {name: relation.to_arrow_table() for name, relation in tables.items()}
    if target is not None:
        replace_file(target, rows)
    return pd.DataFrame(
        {
            "publication_id": context["invocation_id"],
            "file_name": target.name if target else "",
            "table_name": list(rows),
            "n_rows": [table.num_rows for table in rows.values()],
        }
    )


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
            query = _WITHHELD.get(name, f"select * from {name}")
            connection.execute(f"create table results.{name} as {query}")
        connection.execute("detach results")


def _flush(path: Path) -> None:
    """Forces a file, or a directory's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
