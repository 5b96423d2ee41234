"""Two studies of the example on a standalone cluster (master, two workers, a driver): by Connect, by Thrift, and when
machines die.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from tests.spark.cluster import Cluster
from tests.spark.compare import deviations
from tests.spark.projects import SMALL, TO_THE_END, Built, Running, build, copy_of_example, finished, start

pytestmark = pytest.mark.cluster

STUDY = "causal.job_training_experiment__results"
AGAIN = (
    *("job_training_experiment__results", "checks", "runs", "effects", "study_status"),
    *("published_effects", "ledger", "publication"),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return copy_of_example(tmp_path_factory.mktemp("example") / "project")


@pytest.fixture(scope="module")
def on_duckdb(project) -> Built:
    return build(project, "duckdb", *SMALL)


@pytest.fixture(scope="module")
def by_connect(cluster, project) -> Built:
    return build(project, "spark_connect", *SMALL, **cluster.environment)


def began(node: str, running: Running) -> None:
    """Waits until dbt has begun with a node."""
    deadline = time.monotonic() + TO_THE_END
    while f"{node} " not in "\n".join(line for line in running.log.splitlines() if " START " in line):
        assert running.process.poll() is None, running.log
        assert time.monotonic() < deadline, f"{node} did not begin"
        time.sleep(0.2)


def test_a_build_by_connect_publishes_the_numbers_of_duckdb(by_connect, on_duckdb):
    assert by_connect.statuses == on_duckdb.statuses, by_connect.output
    assert list(deviations(by_connect.published, on_duckdb.published)) == []


def test_sql_by_thrift_and_python_by_connect_publish_the_same(cluster, project, on_duckdb):
    by_thrift = build(project, "spark_thrift", *SMALL, CAUSAL_SCHEMA="by_thrift", **cluster.environment)
    assert by_thrift.statuses == on_duckdb.statuses, by_thrift.output
    assert list(deviations(by_thrift.published, on_duckdb.published)) == []


def test_a_worker_that_dies_changes_no_number(cluster, project, by_connect, on_duckdb):
    running = start(project, "spark_connect", *AGAIN, **cluster.environment)
    began(STUDY, running)
    cluster.kill("worker0")
    found = finished(running)
    cluster.start_worker(0)
    assert found.exit_status == 0, found.output
    assert list(deviations(without_ledger(found), without_ledger(on_duckdb))) == []
    assert publication_of(found) != publication_of(by_connect)


@pytest.mark.parametrize("node", ["causal.checks", "causal.ledger", "causal.publication"])
def test_a_driver_that_dies_leaves_the_old_publication_and_nothing_to_repair(cluster, project, by_connect, node):
    before = read_published(cluster, project)
    running = start(project, "spark_connect", *AGAIN, **cluster.environment)
    began(node, running)
    cluster.kill("server")
    cluster.start_server()
    assert finished(running).exit_status != 0
    left = read_published(cluster, project)
    assert publication_of(left) == publication_of(before)
    assert list(deviations(left.published, before.published)) == []
    again = build(project, "spark_connect", *AGAIN, **cluster.environment)
    assert again.exit_status == 0, again.output
    assert publication_of(again) != publication_of(before)
    assert list(deviations(without_ledger(again), without_ledger(by_connect))) == []
    assert_links_are_whole(again)


def read_published(cluster: Cluster, project: Path) -> Built:
    """What readers see now, exported after a dbt command that has nothing to build."""
    return build(project, "spark_connect", "tag:nothing", **cluster.environment)


def publication_of(built: Built) -> str:
    """The one publication that all tables are of."""
    (found,) = {i for table in built.published.values() for i in table["publication_id"]}
    return found


def without_ledger(built: Built) -> dict:
    return {name: table for name, table in built.published.items() if name != "ledger"}


def assert_links_are_whole(built: Built) -> None:
    """Every link of the chain follows the one before it and holds all its rows."""
    ledger = built.published["ledger"].sort_values("link")
    heads = {link: (set(rows["previous_chain"]), set(rows["chain"])) for link, rows in ledger.groupby("link")}
    assert list(heads) == list(range(1, len(heads) + 1))
    before = ""
    for link, (previous, chain) in heads.items():
        hashes = "".join(sorted(ledger.loc[ledger["link"] == link, "row_hash"]))
        assert previous == {before}
        before = hashlib.md5((before + hashlib.md5(hashes.encode()).hexdigest()).encode()).hexdigest()
        assert chain == {before}
