"""Fixtures of the tests on Spark: one local session for all of them, in a folder of its own.

Tests that need Spark run in the environment that has it (`make test` makes one); elsewhere they are not collected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

NAMES = ("build", "cluster", "dialect", "publication", "real_errors", "tables", "whole_example")
NEED_SPARK = [f"test_{name}.py" for name in NAMES]
collect_ignore = [] if find_spec("pyspark") else NEED_SPARK


@pytest.fixture(scope="session")
def java() -> None:
    """What starts a Spark asks for this: without a Java that will do it is skipped, with the reason in the summary."""
    from dbt_causal.java import NEEDED, java_fault

    fault = java_fault()
    if fault is not None:
        pytest.skip(f"Spark is not tested for want of Java {NEEDED}: {fault.subject} ({'; '.join(fault.details)})")


@pytest.fixture(scope="module")
def cluster(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A master, two workers and a server, on ports of their own."""
    from tests.spark.cluster import Ports, running

    with running(tmp_path_factory.mktemp("cluster"), Ports.free()) as found:
        yield found


@pytest.fixture(scope="session")
def session(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A small local session, classic, with its catalog in memory: Hive's takes twenty seconds to start."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.driver.memory": "1g",
        "spark.driver.host": "localhost",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for key, value in settings.items():
        builder = builder.config(key, value)
    found = builder.getOrCreate()
    yield found
    found.stop()
