"""Tables that Python models write on Spark, and what a killed build left where they go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dbt_causal.spark_connection import clearing_statements, leftover_location
from dbt_causal.spark_tables import write_table


@pytest.fixture(scope="module")
def schema(session) -> str:
    session.sql("create schema if not exists tables_test")
    return "tables_test"


def folder_of(session, table: str) -> Path:
    return Path(session.conf.get("spark.sql.warehouse.dir").removeprefix("file:")) / f"{table.replace('.', '.db/')}"


def leave_behind(session, table: str) -> Path:
    """What a kill -9 in the middle of `create table as` leaves: files, and no table."""
    folder = folder_of(session, table)
    (folder / "_temporary" / "0").mkdir(parents=True)
    (folder / "_temporary" / "0" / "part-0.parquet").write_bytes(b"torn")
    (folder / "part-1.parquet").write_bytes(b"torn too")
    return folder


def test_columns_get_the_type_of_what_they_hold(session, schema):
    frame = pd.DataFrame(
        {"text": ["a", None], "n": [1, 2], "x": [0.5, np.inf], "b": [True, False], "nothing": [None, None]}
    )
    write_table(session, frame, f"{schema}.typed", "parquet")
    found = session.table(f"{schema}.typed")
    assert dict(found.dtypes) == {"text": "string", "n": "bigint", "x": "double", "b": "boolean", "nothing": "string"}
    assert [tuple(row) for row in found.orderBy("n").collect()] == [
        ("a", 1, 0.5, True, None),
        (None, 2, np.inf, False, None),
    ]


def test_a_frame_is_written_as_one_file(session, schema):
    write_table(session, pd.DataFrame({"n": range(1000)}), f"{schema}.one_file", "parquet")
    assert len(list(folder_of(session, f"{schema}.one_file").glob("*.parquet"))) == 1


def test_a_table_is_replaced_with_other_columns(session, schema):
    write_table(session, pd.DataFrame({"a": [1]}), f"{schema}.replaced", "parquet")
    write_table(session, pd.DataFrame({"b": ["x"]}), f"{schema}.replaced", "parquet")
    assert session.table(f"{schema}.replaced").columns == ["b"]


def test_rows_of_spark_are_written_where_they_are(session, schema):
    write_table(session, session.range(10), f"{schema}.of_spark", "parquet")
    assert session.table(f"{schema}.of_spark").count() == 10


def test_what_a_killed_build_left_does_not_stop_the_next_one(session, schema):
    leave_behind(session, f"{schema}.torn")
    write_table(session, pd.DataFrame({"n": [1, 2, 3]}), f"{schema}.torn", "parquet")
    assert sorted(row.n for row in session.table(f"{schema}.torn").collect()) == [1, 2, 3]


def test_without_clearing_spark_refuses(session, schema):
    leave_behind(session, f"{schema}.refused")
    with pytest.raises(Exception, match="LOCATION_ALREADY_EXISTS") as raised:
        session.sql(f"create table {schema}.refused using parquet as select 1 as n")
    assert leftover_location(str(raised.value)).endswith("/refused")


def test_clearing_empties_the_folder_and_leaves_no_table(session, schema):
    folder = leave_behind(session, f"{schema}.cleared")
    for statement in clearing_statements(str(folder)):
        session.sql(statement)
    assert [f for f in folder.rglob("*") if f.is_file()] == []
    assert not session.catalog.tableExists("default.causal_leftover")
