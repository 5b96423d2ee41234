"""The two dialects of each macro in macros/dialect give the same on DuckDB and on Spark."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from tests.dialect import DIALECT, rendered

EVENTS = [("a", 3), ("b", 3), ("c", 1), (None, None)]


@pytest.fixture(scope="session")
def engines(session):
    """By engine: a function from a query to its one value."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield {
            "default": lambda query: connection.execute(query).fetchall()[0][0],
            "spark": lambda query: session.sql(query).collect()[0][0],
        }


def both(engines: dict, macro: str, *arguments: Any, source: str = "") -> list[Any]:
    return [ask(f"select {rendered(engine, macro, *arguments)} as x {source}") for engine, ask in engines.items()]


def events() -> str:
    rows = ", ".join(f"({'null' if v is None else repr(v)}, {'null' if m is None else m})" for v, m in EVENTS)
    return f"from (values {rows}) as events(value, moment)"


@pytest.mark.parametrize("value", ["17", "'17'", "'Zoë'", "cast(null as bigint)"])
def test_a_unit_has_the_same_bucket(engines, value):
    found, wanted = both(engines, "md5_bucket", value)
    assert found == wanted


@pytest.mark.parametrize(
    ("moment", "wanted"),
    [
        ("date '2026-03-01'", 1772323200000000),
        ("timestamp '2026-03-01 00:00:00.000001'", 1772323200000001),
        ("timestamp '1969-12-31 23:59:59'", -1000000),
        ("cast(null as timestamp)", None),
    ],
)
def test_moments_are_the_same_microseconds(engines, moment, wanted):
    assert both(engines, "micros", moment) == [wanted, wanted]


@pytest.mark.parametrize("moment", ["date '2026-07-01'", "timestamp_ntz '2026-07-01 00:00:00'"])
def test_a_moment_without_a_zone_is_utc_whatever_the_session_says(session, moment):
    session.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        found = session.sql(f"select {rendered('spark', 'micros', moment)}").collect()[0][0]
    finally:
        session.conf.set("spark.sql.session.timeZone", "UTC")
    assert found == 1782864000000000


def test_microseconds_become_the_same_timestamp(engines):
    at = "cast({} as string)".format
    texts = [
        ask(f"select {at(rendered(engine, 'timestamp_from_micros', 1772323200000001))}")
        for engine, ask in engines.items()
    ]
    assert texts == ["2026-03-01 00:00:00.000001"] * 2


def test_the_latest_value_is_the_same_with_ties(engines):
    assert both(engines, "latest_value", "value", "moment", None, source=events()) == ["b", "b"]


def test_texts_are_joined_in_the_same_order(engines):
    assert both(engines, "concat_sorted", "value", source=events()) == ["abc", "abc"]


@pytest.mark.parametrize(("aggregation", "wanted"), [("sum", 7.0), ("mean", 7 / 3)])
def test_sums_and_means_pass_over_nulls(engines, aggregation, wanted):
    found = [
        ask(f"select {rendered(engine, 'aggregate_function', aggregation)}(cast(moment as double)) {events()}")
        for engine, ask in engines.items()
    ]
    assert found == pytest.approx([wanted, wanted])


@pytest.mark.parametrize("text", ["it's", "back\\slash", "${spark.app.name}", 'quo"te', "über\nline", "%s {x}"])
def test_a_literal_is_read_as_the_text_it_was(engines, text):
    assert both(engines, "text_literal", text) == [text, text]


def test_no_text_is_a_null_literal(engines):
    assert both(engines, "text_literal", None) == [None, None]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [("text", "a 'b'"), ("number", "0.125"), ("flag", "true"), ("nothing", None), ("missing", None), ("limit", "inf")],
)
def test_a_field_of_a_payload_is_the_same_text(engines, field, wanted):
    payload = json.dumps({"text": "a 'b'", "number": 0.125, "flag": True, "nothing": None, "limit": "inf"})
    found = []
    for engine, ask in engines.items():
        literal = rendered(engine, "text_literal", payload)
        found.append(
            ask(f"select {rendered(engine, 'json_text', 'payload', field)} from (select {literal} as payload)")
        )
    assert found == [wanted, wanted]


def test_a_nested_field_is_the_same_json(engines):
    payload = json.dumps({"inner": {"a": [1, 2.5, 1e-7], "b": None}})
    found = []
    for engine, ask in engines.items():
        literal = rendered(engine, "text_literal", payload)
        text = ask(f"select {rendered(engine, 'json_text', 'payload', 'inner')} from (select {literal} as payload)")
        found.append(json.loads(text))
    assert found == [{"a": [1, 2.5, 1e-7], "b": None}] * 2


def test_a_record_keeps_its_nulls(engines):
    source = "from (select 1 as n, 0.5e0 as x, cast(null as string) as s, true as b)"
    found = [json.loads(text) for text in both(engines, "json_record", ["n", "x", "s", "b"], source=source)]
    assert found == [{"n": 1, "x": 0.5, "s": None, "b": True}] * 2


def test_every_dialect_macro_has_both_versions():
    texts = {file.stem: file.read_text() for file in DIALECT.glob("*.sql")}
    assert {n for n, t in texts.items() if f"macro default__{n}(" not in t or f"macro spark__{n}(" not in t} == set()
