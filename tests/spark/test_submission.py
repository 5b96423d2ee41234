"""Where Python models run: in our session for local Spark and Thrift, wherever dbt-spark says for everything else."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from dbt_causal import spark_submission
from dbt_causal.spark_submission import SessionPythonModel, remote_of, session_of
from estimators.errors import CausalError


def adapter_class(default: str = "all_purpose_cluster", helpers: dict | None = None) -> type:
    """A class like dbt-spark's adapter."""

    class SparkAdapter:
        def __init__(self, method: str) -> None:
            self.config = SimpleNamespace(credentials=SimpleNamespace(method=method))

        @property
        def default_python_submission_method(self) -> str:
            return default

        @property
        def python_submission_helpers(self) -> dict:
            return {"all_purpose_cluster": object, **(helpers or {})}

    return SparkAdapter


@pytest.fixture
def installed(monkeypatch):
    """Installs our submission into an adapter class, as the plugin does when dbt has loaded dbt-spark."""

    def install(adapter: type) -> type:
        module = ModuleType("dbt.adapters.spark.impl")
        module.SparkAdapter = adapter
        monkeypatch.setitem(sys.modules, "dbt.adapters.spark.impl", module)
        monkeypatch.setenv("PYSPARK_PYTHON", "python")
        spark_submission.install()
        return adapter

    return install


@pytest.mark.parametrize("method", ["session", "thrift"])
def test_a_local_session_and_thrift_run_python_models_in_this_process(installed, method):
    adapter = installed(adapter_class())(method)
    assert adapter.default_python_submission_method == "session"
    assert adapter.python_submission_helpers["session"] is SessionPythonModel


@pytest.mark.parametrize("method", ["http", "odbc"])
def test_databricks_keeps_its_own_submission(installed, method):
    adapter = installed(adapter_class())(method)
    assert adapter.default_python_submission_method == "all_purpose_cluster"
    assert adapter.python_submission_helpers["all_purpose_cluster"] is object


def test_a_later_dbt_spark_that_runs_sessions_itself_is_left_alone(installed):
    own = type("TheirHelper", (), {})
    adapter = installed(adapter_class("local_session", {"session": own}))("session")
    assert adapter.default_python_submission_method == "local_session"
    assert adapter.python_submission_helpers["session"] is own


def test_an_adapter_that_looks_different_is_left_alone(installed):
    plain = installed(type("SparkAdapter", (), {}))
    assert vars(plain).keys() == vars(type("SparkAdapter", (), {})).keys()


def test_installing_twice_wraps_once(installed):
    adapter = installed(adapter_class())
    before = adapter.python_submission_helpers
    assert installed(adapter).python_submission_helpers is before


def test_nothing_happens_without_dbt_spark(monkeypatch):
    monkeypatch.delitem(sys.modules, "dbt.adapters.spark.impl", raising=False)
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    spark_submission.install()
    assert "PYSPARK_PYTHON" not in spark_submission.os.environ


def test_the_profile_names_the_connect_server(monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", "sc://from-the-environment")
    credentials = SimpleNamespace(method="session", server_side_parameters={"spark.remote": "sc://of-the-profile"})
    assert remote_of(credentials) == "sc://of-the-profile"


def test_thrift_without_a_connect_server_cannot_run_python_models(monkeypatch):
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    sql = ModuleType("pyspark.sql")
    sql.SparkSession = object
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    with pytest.raises(CausalError) as raised:
        session_of(SimpleNamespace(method="thrift", server_side_parameters={}))
    assert str(raised.value) == (
        "CAUSAL-034 no Spark Connect server for Python models\n"
        "  the profile reaches Spark by Thrift, which carries SQL only\n"
        "  fix: add spark.remote: sc://<host>:15002 to server_side_parameters of the profile, or set SPARK_REMOTE\n"
        "  more: docs/errors.md#causal-034"
    )


def submit(code: str, monkeypatch) -> Exception | None:
    monkeypatch.setattr(spark_submission, "session_of", lambda credentials: "the session")
    try:
        SessionPythonModel({"alias": "x"}, None).submit(code)
    except Exception as error:  # noqa: BLE001 (whatever is raised is what is tested)
        return error
    return None


def test_a_model_finds_its_session(monkeypatch):
    assert submit("assert spark == 'the session'", monkeypatch) is None


def test_a_model_that_fails_with_one_of_our_messages_shows_that_message_alone(monkeypatch):
    error = submit("raise RuntimeError('CAUSAL-000 x could not be analysed\\n  fix: report it')", monkeypatch)
    assert str(error) == "CAUSAL-000 x could not be analysed\n  fix: report it"


def test_a_model_that_fails_otherwise_shows_where(monkeypatch):
    error = submit("unknown_name", monkeypatch)
    assert "NameError" in str(error)
    assert "dbt_python_model_x" in str(error)
