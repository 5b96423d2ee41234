"""Publishes on Spark, where no rename could replace a set of tables: each publication is a snapshot with an id of its
own, and every published table is a view of the snapshot that one pointer names. Replacing the pointer, itself a view of
one row, switches them all in one step.

    <schema>_results.snapshots             rows of all tables of the last two publications, as JSON, by publication_id
    <schema>_results.current_publication   the pointer: publication_id, previous_publication_id, published_at
    <schema>_results.<table>               what BI tools read: typed columns, and the publication_id they are of

Rows lie as JSON in one table so that a publication is one insert: results are small, and each further table costs Spark
seconds. A build that is killed leaves at most a snapshot that no pointer names; the next publication removes it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from dbt_causal.publication_queries import shown

POINTER = "current_publication"
SNAPSHOTS = "snapshots"
KEY = "publication_id"
Columns = Mapping[str, Mapping[str, str]]  # data type by column, by table


def results_schema(schema: str) -> str:
    """The schema that holds what is published of the target `schema`."""
    return f"{schema}_results"


def publish_snapshots(session: Any, schema: str, publication_id: str, tables: Mapping[str, Any]) -> dict[str, int]:
    """Writes `tables` (name to Spark DataFrame) as snapshot `publication_id` and points the published views to it.

    Returns the number of rows of each table.
    """
    place = results_schema(schema)
    session.sql(f"create schema if not exists {place}")
    session.sql(
        f"create table if not exists {place}.{SNAPSHOTS} (table_name string, row string, {KEY} string) "
        f"using parquet partitioned by ({KEY})"
    )
    previous = current_publication(session, place)
    columns = {n: {f.name: f.dataType.simpleString() for f in t.schema.fields} for n, t in tables.items()}
    _write(session, place, publication_id, tables, columns)
    _point_to(session, place, publication_id, previous.get(KEY), _hash(columns))
    if previous.get("columns_hash") != _hash(columns):
        for name, types in columns.items():
            session.sql(_view(place, name, types))
    _forget(session, place, {publication_id, previous.get(KEY)})
    return _n_rows(session, place, publication_id, tables)


def current_publication(session: Any, place: str) -> dict[str, Any]:
    """The row of the pointer, which says what readers see now; empty before the first publication."""
    if not session.catalog.tableExists(f"{place}.{POINTER}"):
        return {}
    return session.table(f"{place}.{POINTER}").collect()[0].asDict()


def _hash(columns: Columns) -> str:
    return hashlib.md5(json.dumps(columns).encode()).hexdigest()


def _write(session: Any, place: str, publication_id: str, tables: Mapping[str, Any], columns: Columns) -> None:
    """Appends all rows of all tables as one file of a partition that nobody reads yet."""
    for name, frame in tables.items():
        frame.createOrReplaceTempView(name)
    rows = " union all ".join(_rows(name, types) for name, types in columns.items())
    session.sql(
        f"insert into {place}.{SNAPSHOTS} partition ({KEY} = '{publication_id}') "
        f"select /*+ coalesce(1) */ table_name, row from ({rows}) as rows_of_tables"
    )


def _rows(name: str, types: Mapping[str, str]) -> str:
    """The rows of one table as JSON; a moment as microseconds, since JSON would cut it to thousandths."""
    items = (f"unix_micros(`{c}`) as `{c}`" if t == "timestamp" else f"`{c}`" for c, t in types.items())
    return (
        f"select '{name}' as table_name, to_json(struct({', '.join(items)})) as row "
        f"from ({shown(name, list(types))}) as {name}"
    )


def _point_to(session: Any, place: str, publication_id: str, previous: str | None, columns_hash: str) -> None:
    """The one step in which readers go from one publication to the next."""
    before = f"'{previous}'" if previous else "cast(null as string)"
    session.sql(
        f"create or replace view {place}.{POINTER} as select '{publication_id}' as {KEY}, {before} as previous_{KEY}, "
        f"timestamp_micros({time.time_ns() // 1000}) as published_at, '{columns_hash}' as columns_hash"
    )


def _view(place: str, name: str, types: Mapping[str, str]) -> str:
    """The view of one table that readers use."""
    declared = ", ".join(f"`{c}` {'bigint' if t == 'timestamp' else t}" for c, t in types.items())
    items = (f"timestamp_micros(r.`{c}`) as `{c}`" if t == "timestamp" else f"r.`{c}`" for c, t in types.items())
    return (
        f"create or replace view {place}.{name} as select {', '.join(items)}, {KEY} "
        f"from (select from_json(row, '{declared}') as r, {KEY} from {place}.{SNAPSHOTS} "
        f"where table_name = '{name}' and {KEY} = (select {KEY} from {place}.{POINTER})) as rows_of_table"
    )


def _forget(session: Any, place: str, kept: set[str | None]) -> None:
    """Drops the snapshots but for the current one and the one before it, which a query may still be reading."""
    rows = session.sql(f"show partitions {place}.{SNAPSHOTS}").collect()
    for old in {row[0].split("=", 1)[1] for row in rows} - kept:
        session.sql(f"alter table {place}.{SNAPSHOTS} drop if exists partition ({KEY} = '{old}')")


def _n_rows(session: Any, place: str, publication_id: str, names: Iterable[str]) -> dict[str, int]:
    rows = session.sql(
        f"select table_name, count(*) as n from {place}.{SNAPSHOTS} "
        f"where {KEY} = '{publication_id}' group by table_name"
    ).collect()
    counted = {row[0]: row[1] for row in rows}
    return {name: counted.get(name, 0) for name in names}
