"""Publication on Spark: what readers see at every moment, and after a build that was killed."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from dbt_causal import spark_publication
from dbt_causal.spark_publication import POINTER, publish_snapshots
from dbt_causal.spark_report import published_tables
from estimators.errors import CausalError


@pytest.fixture
def schema(session, request) -> str:
    """A schema of its own for each test."""
    return f"published_{abs(hash(request.node.name)) % 10**8}"


def publish(session, schema: str, publication_id: str, n: int = 1, **columns) -> dict[str, int]:
    """Two tables of n rows each that say in which publication they were made."""
    frame = pd.DataFrame({"study_id": [f"s{i}" for i in range(n)], "made_by": publication_id, **columns})
    tables = {name: session.createDataFrame(frame) for name in ("effects", "checks")}
    return publish_snapshots(session, schema, publication_id, tables)


def seen(session, schema: str, table: str = "effects") -> list[tuple]:
    rows = session.sql(f"select made_by, publication_id from {schema}_results.{table} order by study_id").collect()
    return [tuple(row) for row in rows]


def test_readers_see_the_latest_publication_and_its_id(session, schema):
    assert publish(session, schema, "first", n=2) == {"effects": 2, "checks": 2}
    publish(session, schema, "second", n=3)
    assert seen(session, schema) == [("second", "second")] * 3


def test_all_tables_switch_in_one_step(session, schema, monkeypatch):
    publish(session, schema, "first")
    before = []
    switch = spark_publication._point_to

    def look_first(*arguments):
        before.extend(seen(session, schema, table) for table in ("effects", "checks"))
        switch(*arguments)
        before.extend(seen(session, schema, table) for table in ("effects", "checks"))

    monkeypatch.setattr(spark_publication, "_point_to", look_first)
    publish(session, schema, "second")
    assert before == [[("first", "first")], [("first", "first")], [("second", "second")], [("second", "second")]]


def test_a_build_that_dies_before_the_switch_changes_nothing(session, schema, monkeypatch):
    publish(session, schema, "first")
    with monkeypatch.context() as patch:
        patch.setattr(spark_publication, "_point_to", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            publish(session, schema, "killed")
    assert seen(session, schema) == [("first", "first")]
    publish(session, schema, "second")
    assert seen(session, schema) == [("second", "second")]
    kept = session.sql(f"show partitions {schema}_results.snapshots").collect()
    assert {row[0] for row in kept} == {"publication_id=first", "publication_id=second"}


def test_a_query_that_began_before_the_switch_reads_the_old_publication(session, schema):
    publish(session, schema, "first")
    begun = session.table(f"{schema}_results.effects")
    begun.schema  # analysed: bound to the first publication  # noqa: B018
    publish(session, schema, "second")
    assert [row.made_by for row in begun.collect()] == ["first"]


def test_only_the_last_two_publications_are_kept(session, schema):
    for publication_id in ("first", "second", "third"):
        publish(session, schema, publication_id)
    kept = session.sql(f"show partitions {schema}_results.snapshots").collect()
    assert {row[0] for row in kept} == {"publication_id=second", "publication_id=third"}


def test_a_column_that_is_new_or_gone_shows_in_the_view(session, schema):
    publish(session, schema, "first", old=1)
    publish(session, schema, "second", new=2.5)
    assert session.table(f"{schema}_results.effects").columns == ["study_id", "made_by", "new", "publication_id"]
    assert [row.new for row in session.table(f"{schema}_results.effects").collect()] == [2.5]


def test_the_pointer_knows_the_publication_before(session, schema):
    publish(session, schema, "first")
    publish(session, schema, "second")
    row = session.table(f"{schema}_results.{POINTER}").collect()[0]
    assert (row.publication_id, row.previous_publication_id) == ("second", "first")


def test_the_ledger_withholds_what_is_no_longer_published(session, schema):
    effects = pd.DataFrame({"study_id": ["a", "b"], "definition_hash": "h", "status": ["published", "blocked"]})
    ledger = pd.DataFrame(
        {"link": [1, 1], "study_id": ["a", "b"], "definition_hash": "h", "row_hash": ["x", "y"], "payload": "figures"}
    )
    tables = {"published_effects": session.createDataFrame(effects), "ledger": session.createDataFrame(ledger)}
    publish_snapshots(session, schema, "first", tables)
    rows = session.table(f"{schema}_results.ledger").collect()
    assert {row.study_id: row.payload for row in rows} == {"a": "figures", "b": None}


def test_values_come_back_as_they_were(session, schema):
    frame = session.sql(
        "select 0.1e0 as x, double('infinity') as big, double('nan') as none_at_all, cast(null as double) as missing, "
        "9007199254740993 as n, true as flag, timestamp '2026-03-01 00:00:00.000001' as moment, 'a\\'b' as text"
    )
    publish_snapshots(session, schema, "first", {"effects": frame})
    row, wanted = session.table(f"{schema}_results.effects").collect()[0].asDict(), frame.collect()[0].asDict()
    assert math.isnan(row.pop("none_at_all"))
    assert math.isnan(wanted.pop("none_at_all"))
    assert row == wanted | {"publication_id": "first"}


def test_views_are_made_anew_only_when_columns_change(session, schema, monkeypatch):
    publish(session, schema, "first")
    made = []
    view = spark_publication._view
    monkeypatch.setattr(spark_publication, "_view", lambda *arguments: made.append(arguments[1]) or view(*arguments))
    publish(session, schema, "second")
    assert made == []
    publish(session, schema, "third", added=1)
    assert made == ["effects", "checks"]


def test_the_report_reads_the_tables_of_one_publication(session, schema):
    publish(session, schema, "first")
    publish(session, schema, "second", n=2)
    tables = published_tables(session, schema)
    assert {name: table.column("made_by").to_pylist() for name, table in tables.items()} == {
        "effects": ["second", "second"],
        "checks": ["second", "second"],
    }


def test_a_schema_in_which_nothing_was_published_says_what_to_run(session, schema):
    with pytest.raises(CausalError) as refused:
        published_tables(session, schema)
    assert str(refused.value) == (
        "CAUSAL-032 nothing is published\n"
        f"  {schema}_results has no current_publication\n"
        "  fix: run dbt build on Spark first; it ends with the node causal.publication\n"
        "  more: docs/errors.md#causal-032"
    )
