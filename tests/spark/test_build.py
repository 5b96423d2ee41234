"""Two studies of the example, one published and one blocked, built on a local Spark session and on DuckDB."""

from __future__ import annotations

import pytest

from tests.spark.compare import deviations
from tests.spark.projects import SMALL, Built, build, copy_of_example

STUDY_TABLES = ("job_training_experiment", "job_training_observational")
EXPECTED = "causal_has_passed_gates_job_training_observational__published_"


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory) -> Built:
    project = copy_of_example(tmp_path_factory.mktemp("duckdb") / "project")
    return build(project, "duckdb", *SMALL, tables=STUDY_TABLES)


@pytest.fixture(scope="module")
def on_spark(java, tmp_path_factory) -> Built:
    project = copy_of_example(tmp_path_factory.mktemp("spark") / "project")
    return build(project, "spark_session", *SMALL, tables=STUDY_TABLES)


def test_every_node_ends_as_on_duckdb(on_spark, on_duckdb):
    assert on_spark.statuses, on_spark.output
    assert on_spark.statuses == on_duckdb.statuses
    assert {name for name, status in on_spark.statuses.items() if status not in ("success", "pass")} == {EXPECTED}


def test_the_published_tables_are_the_same(on_spark, on_duckdb):
    assert {"published_effects", "checks", "balance", "ledger"} <= set(on_spark.published)
    assert list(deviations(on_spark.published, on_duckdb.published)) == []


def test_the_study_tables_are_the_same_unit_by_unit(on_spark, on_duckdb):
    assert set(on_spark.tables) == set(STUDY_TABLES)
    assert list(deviations(on_spark.tables, on_duckdb.tables)) == []


def test_units_fall_into_the_same_buckets(on_spark, on_duckdb):
    for name in STUDY_TABLES:
        buckets = [
            t[name].set_index("unit_id")["unit_bucket"].sort_index() for t in (on_spark.tables, on_duckdb.tables)
        ]
        assert buckets[0].tolist() == buckets[1].tolist()


def test_every_row_carries_the_publication_that_readers_see(on_spark):
    ids = {i for table in on_spark.published.values() for i in table["publication_id"]}
    assert len(ids) == 1
