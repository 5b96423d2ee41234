"""Before dbt-spark connects, somebody looks whether anybody is there; statements survive what a killed build left."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace

import pytest

from dbt_causal import spark_connection
from dbt_causal.cli import main
from dbt_causal.spark_connection import _clearing_leftovers, _in_our_words, _looking_first


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def opened(method: str, **credentials) -> str:
    """What opening a connection with these credentials ends in."""

    class Manager:
        @classmethod
        def open(cls, connection):
            return "connected"

    Manager.open = _looking_first(vars(Manager)["open"])
    given = {"host": "127.0.0.1", "port": 1, "server_side_parameters": {}} | credentials
    return Manager.open(SimpleNamespace(credentials=SimpleNamespace(method=method, **given)))


@pytest.fixture(autouse=True)
def _nobody_known(monkeypatch):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.setattr(spark_connection, "_reached", set())


def test_a_thrift_server_that_is_not_there_is_said_at_once(closed_port):
    began = time.monotonic()
    with pytest.raises(Exception, match="CAUSAL-034") as raised:
        opened("thrift", port=closed_port)
    assert time.monotonic() - began < 6
    assert str(raised.value) == (
        "CAUSAL-034 no Spark server\n"
        f"  nothing answers at 127.0.0.1:{closed_port}\n"
        "  fix: start the server (make spark-cluster, in a clone) or correct host and port in the profile\n"
        "  more: docs/errors.md#causal-034"
    )


def test_a_connect_server_that_is_not_there_is_said_at_once(closed_port):
    with pytest.raises(Exception, match=f"nothing answers at 127.0.0.1:{closed_port}"):
        opened("session", server_side_parameters={"spark.remote": f"sc://127.0.0.1:{closed_port}/;user_id=a"})


def test_the_report_of_a_server_that_is_not_there_says_so(closed_port, capsys):
    assert main(["status", "--remote", f"sc://127.0.0.1:{closed_port}"]) == 2
    assert capsys.readouterr().err.startswith(
        f"CAUSAL-034 no Spark server\n  nothing answers at 127.0.0.1:{closed_port}\n"
    )


def test_a_server_that_is_there_is_connected_to():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert opened("thrift", port=server.getsockname()[1]) == "connected"


def test_databricks_is_not_looked_at(closed_port):
    assert opened("http", port=closed_port) == "connected"


def test_a_local_session_needs_java(monkeypatch, tmp_path):
    from dbt_causal.java import java_fault

    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java_fault.cache_clear()
    with pytest.raises(Exception, match="CAUSAL-034 no Java for Spark"):
        opened("session")
    java_fault.cache_clear()


def test_an_error_of_a_query_loses_its_stack():
    from contextlib import contextmanager

    from dbt_common.exceptions import DbtRuntimeError

    @contextmanager
    def of_dbt_spark(self, sql):
        try:
            yield
        except ValueError as error:
            raise DbtRuntimeError(str(error)) from error

    with pytest.raises(DbtRuntimeError) as raised, _in_our_words(of_dbt_spark)(None, "select 1"):
        raise ValueError("[PARSE_SYNTAX_ERROR] near 'x'\n\tat org.apache.spark.Parser.parse(Parser.scala:1)")
    assert str(raised.value.msg) == "[PARSE_SYNTAX_ERROR] near 'x'"


def statements_after(first_error: Exception) -> list[str]:
    """What is executed when the first statement fails with this error."""
    done: list[str] = []

    def execute(self, sql, bindings=None):
        done.append(sql)
        if len(done) == 1:
            raise first_error

    _clearing_leftovers(execute)(None, "create table x as select 1")
    return done


def test_a_statement_that_meets_leftovers_is_repeated_once_they_are_cleared():
    place = "as its associated location 'file:/w/x' already exists."
    text = f"[LOCATION_ALREADY_EXISTS] Cannot name the managed table as `x`, {place}"
    done = statements_after(RuntimeError(text))
    assert done[0] == done[-1] == "create table x as select 1"
    assert any("location 'file:/w/x'" in statement for statement in done[1:-1])


def test_another_error_is_not_repeated():
    with pytest.raises(RuntimeError, match="PARSE"):
        statements_after(RuntimeError("[PARSE_SYNTAX_ERROR]"))
