"""Errors that a real Spark raises are the ones that our messages are made for; nothing here is a copied text."""

from __future__ import annotations

import sys

import pytest

from dbt_causal.spark_connection import leftover_location
from dbt_causal.spark_errors import fault_of, without_stack
from estimators.warehouse.spark_workers import partial_sums


def squares(columns):
    return (columns["id"] ** 2,)


def raised(action) -> str:
    """The text of the error that an action ends in."""
    with pytest.raises(Exception, match=r".") as error:
        action()
    return str(error.value)


def test_a_format_whose_jars_are_missing(session):
    text = raised(lambda: session.sql("create table of_delta using delta as select 1 as a"))
    assert str(fault_of(text)).startswith(
        "CAUSAL-034 table format not installed\n  this Spark cannot read or write delta"
    )


def test_workers_with_another_python(session, monkeypatch):
    monkeypatch.setattr(session.sparkContext, "pythonVer", "3.9")
    text = raised(lambda: partial_sums(session.range(10), squares, None).collect())
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert str(fault_of(text)).startswith(
        f"CAUSAL-034 Spark's workers run another Python\n  the workers run Python {own}, this process 3.9\n"
    )


def test_a_value_that_cannot_be_used_is_withheld(session):
    session.conf.set("spark.sql.ansi.enabled", "true")
    try:
        text = raised(lambda: session.sql("select cast('ann@example.org' as double)").collect())
    finally:
        session.conf.set("spark.sql.ansi.enabled", "false")
    assert "ann@example.org" in text
    assert "ann@" not in without_stack(text)


def test_files_where_a_table_should_go(session):
    folder = session.conf.get("spark.sql.warehouse.dir").removeprefix("file:") + "/of_a_killed_build"
    session.range(1).write.parquet(folder)
    text = raised(lambda: session.sql("create table of_a_killed_build using parquet as select 1 as a"))
    assert leftover_location(text).endswith("/of_a_killed_build")
