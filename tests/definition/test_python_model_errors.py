"""A Python model that fails with one of our messages shows the message alone; any other failure is dbt's own."""

from __future__ import annotations

import pytest
from dbt_common.exceptions import DbtRuntimeError

from dbt_causal.database_lock import _without_traceback
from dbt_causal.run import StudyFailed


class Environment:
    """Stands for dbt-duckdb's, which puts the traceback of a model into its message."""

    @classmethod
    def run_python_job(cls, error: Exception) -> None:
        raise DbtRuntimeError(
            f"Python model failed:\nTraceback (most recent call last):\n  File x\n{error!r}: {error}\n"
        )


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setattr(Environment, "run_python_job", _without_traceback(vars(Environment)["run_python_job"]))
    return Environment


def test_our_message_is_shown_without_a_traceback(environment):
    with pytest.raises(DbtRuntimeError) as raised:
        environment.run_python_job(StudyFailed("CAUSAL-000 push could not be analysed\n  ValueError"))
    assert raised.value.msg == "CAUSAL-000 push could not be analysed\n  ValueError"


def test_another_failure_keeps_its_traceback(environment):
    with pytest.raises(DbtRuntimeError, match="Traceback"):
        environment.run_python_job(KeyError("x"))
