"""Sessions for the library's tests on Spark: a classic one and one of Connect, served by the same Java process."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import Any

import pytest

collect_ignore_glob = [] if find_spec("pyspark") else ["test_*.py"]  # the environment without Spark skips nothing

SETTINGS = {
    "spark.sql.session.timeZone": "America/St_Johns",  # no number may depend on it
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",  # saves a fifth of the time of queries as small as these
}


def settled(session: Any) -> Any:
    for key, value in SETTINGS.items():
        session.conf.set(key, value)
    return session


@pytest.fixture(scope="session")
def classic(session: Any) -> Any:
    return settled(session.newSession())


@pytest.fixture(scope="session")
def connect(session: Any) -> Any:
    from pyspark.sql.connect.session import SparkSession

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    context = session.sparkContext._jsc.sc()
    context.conf().set("spark.connect.grpc.binding.address", "127.0.0.1")
    context.conf().set("spark.connect.grpc.binding.port", str(port))
    service = session._jvm.org.apache.spark.sql.connect.service.SparkConnectService
    service.start(context)
    found = settled(SparkSession.builder.remote(f"sc://127.0.0.1:{port}").create())
    yield found
    found.stop()


@pytest.fixture(scope="session", params=["classic", "connect"])
def spark(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)
