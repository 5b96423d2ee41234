"""The whole example, forecasts and plans included, on DuckDB, on a local Spark session and on a standalone cluster."""

from __future__ import annotations

import pytest
import yaml

from tests.spark.compare import deviations
from tests.spark.projects import ROOT, Built, build, copy_of_example, has_forecasts

pytestmark = pytest.mark.cluster  # not because each needs one: three builds of the whole example take half an hour

OVERHEAD_SECONDS = 15.0  # of a build of the whole example by Connect, beyond its queries and models
STUDIES = {"published_effects", "checks", "balance", "overlap", "event_times", "series", "ledger"}
STUDY_TABLES = tuple(yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text())["vars"]["studies"])
FORECASTS = {"forecasts", "backtests", "fit_parameters", "experiment_agreement", "published_plan", "regret"}


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory) -> Built:
    return build(copy_of_example(tmp_path_factory.mktemp("duckdb") / "project"), "duckdb", tables=STUDY_TABLES)


@pytest.fixture(scope="module")
def on_local_session(java, tmp_path_factory) -> Built:
    return build(copy_of_example(tmp_path_factory.mktemp("session") / "project"), "spark_session", tables=STUDY_TABLES)


@pytest.fixture(scope="module")
def on_cluster(cluster, tmp_path_factory) -> Built:
    project = copy_of_example(tmp_path_factory.mktemp("connect") / "project")
    return build(project, "spark_connect", tables=STUDY_TABLES, **cluster.environment)


def assert_same(found: Built, wanted: Built) -> None:
    """Nodes ended alike; every published table says the same, and so does every study table, unit by unit."""
    assert found.statuses == wanted.statuses, found.output
    assert wanted.published.keys() >= (STUDIES | FORECASTS if has_forecasts() else STUDIES)
    assert list(deviations(found.published, wanted.published)) == []
    assert set(wanted.tables) == set(STUDY_TABLES)
    assert list(deviations(found.tables, wanted.tables)) == []


def test_a_local_session_publishes_the_numbers_of_duckdb(on_local_session, on_duckdb):
    assert_same(on_local_session, on_duckdb)


def test_a_cluster_publishes_the_numbers_of_duckdb(on_cluster, on_duckdb):
    assert_same(on_cluster, on_duckdb)


def test_dbt_costs_at_most_fifteen_seconds_beyond_queries_and_models(on_cluster):
    print(on_cluster.seconds)
    assert on_cluster.seconds["overhead"] <= OVERHEAD_SECONDS, on_cluster.seconds
