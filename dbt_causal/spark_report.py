"""`causal status` on Spark: the report of the published views of one publication, read by Spark Connect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dbt_causal.spark_publication import KEY, POINTER, current_publication, results_schema
from estimators.errors import refuse

if TYPE_CHECKING:
    import pyarrow

_RUNS = "ledger"  # grows with every build, and is not in the report


def print_spark_report(remote: str, schema: str) -> int:
    """Prints the report of what is published of the target `schema`. remote: ``sc://<host>:<port>``.

    Raises CausalError 034 where no server answers or Spark is not installed, 032 where nothing is published.
    """
    from dbt_causal.spark_connection import require_server

    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", schema):
        raise refuse("003", "no name of a schema", f"got {schema}", fix="give the schema of the target")
    require_server(remote)
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        fix = "pip install 'dbt-causal[spark]'"
        raise refuse("034", "Spark is not installed here", "pyspark cannot be imported", fix=fix) from None
    session = SparkSession.builder.remote(remote).create()
    try:
        print(report_of_tables(published_tables(session, schema), f"{results_schema(schema)} at {remote}"))
    finally:
        session.stop()
    return 0


def published_tables(session: Any, schema: str) -> dict[str, pyarrow.Table]:
    """The published tables by name, all of one publication, whoever publishes meanwhile."""
    place = results_schema(schema)
    if not current_publication(session, place):
        fix = "run dbt build on Spark first; it ends with the node causal.publication"
        raise refuse("032", "nothing is published", f"{place} has no {POINTER}", fix=fix)
    for _ in range(3):
        before = current_publication(session, place)[KEY]
        names = [row["viewName"] for row in session.sql(f"show views in {place}").collect() if not row["isTemporary"]]
        tables = {n: session.table(f"{place}.{n}").drop(KEY).toArrow() for n in names if n not in (POINTER, _RUNS)}
        if current_publication(session, place)[KEY] == before:
            return tables
    raise refuse("032", "published meanwhile", "builds ended while it was read", fix="ask again when no build runs")


def report_of_tables(tables: dict[str, pyarrow.Table], place: str) -> str:
    """The report of Arrow tables by name."""
    import duckdb

    from dbt_causal.report import report_of

    with duckdb.connect() as connection:
        for name, rows in tables.items():
            connection.register("rows_of_table", rows)
            connection.execute(f'create table "{name}" as select * from rows_of_table')
            connection.unregister("rows_of_table")
        return report_of(connection, place)
