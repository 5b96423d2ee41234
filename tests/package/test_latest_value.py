"""The last value of a unit: ties of one moment go to the largest value, whatever the type of the column."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialect import rendered
from tests.package.consumer import Consumer

CENTS = st.integers(-(10**8), 10**8).map(lambda n: Decimal(n) / 100)
VALUES = {
    "DOUBLE": st.floats(allow_nan=False) | st.sampled_from([-1.5, -2.5, 5e-324, -5e-324]),
    "FLOAT": st.floats(allow_nan=False, width=32),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "UINTEGER": st.integers(0, 2**32 - 1),
    "BOOLEAN": st.booleans(),
    "DECIMAL(15,2)": CENTS,
    "DECIMAL(18,2)": CENTS,
    "HUGEINT": st.integers(-(2**120), 2**120),
    "VARCHAR": st.text("abz", max_size=3),
}
WITHOUT_NUMBER = ("DECIMAL(18,2)", "HUGEINT", "VARCHAR", "DATE", None)
# A second before treatment, the moment of it, and the year 9999 in microseconds since 1970
MOMENTS = st.sampled_from([-1_000_000, 0, 253_402_300_799_999_999]) | st.integers(-(2**62), 2**62)


def order_of(type_: str | None) -> str | None:
    number = rendered("default", "order_number", "value", type_)
    return None if number == "None" else number


def latest(connection: duckdb.DuckDBPyConnection, type_: str, rows: list[tuple[int, Any]]) -> Any:
    order = order_of(type_)
    aggregate = rendered("default", "latest_value", "value", "moment", order and "number")
    connection.execute(f"create or replace temp table events (moment bigint, value {type_})")
    connection.executemany("insert into events values (?, ?)", rows)
    [(value,)] = connection.execute(
        f"select {aggregate} from (select *, {order or 'null'} as number from events)"
    ).fetchall()
    return value


@pytest.mark.parametrize("type_", VALUES)
def test_it_is_the_largest_value_of_the_latest_moment(type_: str) -> None:
    with duckdb.connect() as connection:

        @given(st.lists(st.tuples(MOMENTS, VALUES[type_]), min_size=1, max_size=6), st.lists(VALUES[type_], max_size=3))
        def check(rows: list[tuple[int, Any]], tied: list[Any]) -> None:
            rows = rows + [(max(rows)[0], value) for value in tied]
            assert latest(connection, type_, rows) == max(rows)[1]

        check()


@pytest.mark.parametrize("nan", ["'nan'::double", "-'nan'::double"])
def test_a_nan_is_the_largest_value_whatever_its_sign(nan: str) -> None:
    aggregate = rendered("default", "latest_value", "value", "moment", "number")
    source = f"(values (7, {nan}), (7, 'inf'::double), (6, 1.0)) as events(moment, value)"
    with duckdb.connect() as connection:
        [(value,)] = connection.execute(
            f"select {aggregate} from (select *, {order_of('DOUBLE')} as number from {source})"
        ).fetchall()
    assert math.isnan(value)


@pytest.mark.parametrize("type_", [*VALUES, "DATE", None])
def test_a_type_whose_order_a_number_of_64_bits_cannot_hold_has_none(type_: str | None) -> None:
    assert (order_of(type_) is None) == (type_ in WITHOUT_NUMBER)


def test_a_study_table_compares_numbers_and_where_it_cannot_pairs(built: Consumer, tmp_path: Path) -> None:
    consumer = built.copy_to(tmp_path / "project")
    consumer.replace("models/studies/good/good.yml", "- sessions_7d", "- sessions_7d\n            - platform")
    assert consumer.dbt("compile", "--select", "good").success
    [file] = consumer.folder.glob("target/compiled/consumer/**/good.sql")
    sql = file.read_text()
    assert "* 18446744073709551616 + order_age" in sql
    assert "(micros_after, value_platform)" in sql
