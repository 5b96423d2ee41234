"""Python models on open-source Spark. dbt-spark submits them to Databricks only; here they run in dbt's own process, in
the session that dbt-spark uses for SQL, or in a Spark Connect session of the same cluster.

`install` adds a submission method to dbt-spark's adapter class. A method of that name that dbt-spark brings itself
wins, and so does its default for other connections (Databricks keeps its own). Without dbt-spark nothing happens.
"""

from __future__ import annotations

import os
import sys
from typing import Any

METHOD = "session"
_STOCK_DEFAULT = "all_purpose_cluster"
_OWN_CONNECTIONS = ("session", "thrift")
_RETRIES = 7  # with pyspark's pauses, which grow from 0.05 to 60 s


def install() -> None:
    """Extends dbt-spark if that adapter is the one in use; safe to call again."""
    module = sys.modules.get("dbt.adapters.spark.impl")
    adapter = getattr(module, "SparkAdapter", None)
    if adapter is None:
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else local workers start whatever `python3` is
    from dbt_causal import spark_connection

    spark_connection.install()
    if not getattr(adapter, "runs_python_models_of_causal", False):
        _extend(adapter)


def _extend(adapter: Any) -> None:
    helpers = _getter(adapter, "python_submission_helpers")
    default = _getter(adapter, "default_python_submission_method")
    if helpers is None or default is None:
        return  # another dbt-spark than the ones we know: leave it as it is

    def python_submission_helpers(self: Any) -> dict[str, Any]:
        return {METHOD: SessionPythonModel, **helpers(self)}

    def default_python_submission_method(self: Any) -> str:
        stock = default(self)
        own = stock == _STOCK_DEFAULT and _method(self.config.credentials) in _OWN_CONNECTIONS
        return METHOD if own else stock

    adapter.python_submission_helpers = property(python_submission_helpers)
    adapter.default_python_submission_method = property(default_python_submission_method)
    adapter.runs_python_models_of_causal = True


def _getter(adapter: Any, name: str) -> Any:
    return getattr(getattr(adapter, name, None), "fget", None)


def _method(credentials: Any) -> str:
    method = getattr(credentials, "method", "")
    return str(getattr(method, "value", method))


class SessionPythonModel:
    """dbt's helper for one Python model: runs the compiled code with `spark` defined.

    dbt makes one with the parsed model and the credentials of the profile, and calls `submit` once.
    """

    def __init__(self, parsed_model: dict[str, Any], credentials: Any) -> None:
        self.model, self.credentials = parsed_model, credentials

    def submit(self, compiled_code: str) -> None:
        """Raises a dbt error that holds our message alone where the model failed with one of ours."""
        from dbt_causal.spark_errors import model_failure

        name = f"dbt_python_model_{self.model['alias']}"
        try:
            session = session_of(self.credentials)
            exec(compile(compiled_code, f"<{name}>", "exec"), {"__name__": name, "spark": session})
        except Exception as error:  # noqa: BLE001 (whatever a model raises, dbt is told of it without values)
            raise model_failure(error) from None


def session_of(credentials: Any) -> Any:
    """The Spark session of a profile: local, or by Connect where `spark.remote` (or SPARK_REMOTE) names a server.

    Raises CausalError 034 for a Thrift profile without one: Thrift carries SQL only.
    """
    from pyspark.sql import SparkSession

    from estimators.errors import refuse

    remote = remote_of(credentials)
    if remote is None and _method(credentials) == "thrift":
        raise refuse(
            "034",
            "no Spark Connect server for Python models",
            "the profile reaches Spark by Thrift, which carries SQL only",
            fix="add spark.remote: sc://<host>:15002 to server_side_parameters of the profile, or set SPARK_REMOTE",
        )
    builder = SparkSession.builder if remote else SparkSession.builder.enableHiveSupport()
    for key, value in credentials.server_side_parameters.items():
        builder = builder.config(key, value)
    if remote is None:
        return builder.getOrCreate()
    return _patient(builder.config("spark.remote", remote).getOrCreate())


def _patient(session: Any) -> Any:
    """A Connect session that waits two minutes for a server which went away, not ten."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES)])
    return session


def remote_of(credentials: Any) -> str | None:
    """The address of the Connect server that a profile names, or None for a session in this process."""
    return credentials.server_side_parameters.get("spark.remote") or os.environ.get("SPARK_REMOTE") or None
