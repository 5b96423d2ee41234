"""Python models of one process take turns; studies on a cluster do not wait for one another."""

from __future__ import annotations

import threading
import time

import pytest

from dbt_causal.turns import turn


class Relation:
    pass


class ClusterRelation:
    __module__ = "pyspark.sql.connect.dataframe"


def most_at_once(relation):
    """How many of three threads were inside their turns together."""
    inside, most, entered = 0, 0, threading.Lock()

    def work():
        nonlocal inside, most
        with turn(relation):
            with entered:
                inside += 1
                most = max(most, inside)
            time.sleep(0.05)
            with entered:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


def test_models_on_duckdb_and_forecasts_take_turns():
    assert most_at_once(Relation()) == 1
    assert most_at_once(None) == 1


def test_studies_on_a_cluster_run_side_by_side():
    assert most_at_once(ClusterRelation()) == 3


def test_a_model_that_fails_gives_its_turn_back():
    with pytest.raises(ValueError, match="of the model"), turn():
        raise ValueError("of the model")
    assert most_at_once(None) == 1
