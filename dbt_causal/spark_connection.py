"""What happens where dbt-spark meets Spark: look before connecting, say what is wrong in one short message, and clear
what a killed build left behind.

Methods of dbt-spark are wrapped. If they ever look different, nothing is wrapped and nothing breaks.
"""

from __future__ import annotations

import functools
import re
import socket
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

_reached: set[tuple[str, int]] = set()
_TIMEOUT_SECONDS = 5.0
_CONNECT_PORT = 15002


def install() -> None:
    """Wraps dbt-spark if that adapter is the one in use; safe to call again."""
    connections = sys.modules.get("dbt.adapters.spark.connections")
    _wrap(getattr(connections, "SparkConnectionManager", None), "open", _looking_first)
    _wrap(getattr(connections, "SparkConnectionManager", None), "exception_handler", _in_our_words)
    _wrap(getattr(connections, "PyhiveConnectionWrapper", None), "execute", _clearing_leftovers)
    _wrap(_session_wrapper(), "execute", _clearing_leftovers)
    _reached.clear()
    # dbt-spark asks every session for Hive; one by Connect has its server's catalog, and would say so with a warning
    warnings.filterwarnings("ignore", message="Failed to set spark.sql.catalogImplementation")


def _wrap(owner: Any, name: str, wrap: Any) -> None:
    original = vars(owner).get(name) if owner is not None else None
    if original is not None and not hasattr(getattr(original, "__func__", original), "is_causal"):
        setattr(owner, name, wrap(original))


def _session_wrapper() -> Any:
    """dbt-spark's wrapper of a session, which needs pyspark: absent where only Thrift is installed."""
    try:
        from dbt.adapters.spark.session import SessionConnectionWrapper
    except ImportError:
        return None
    return SessionConnectionWrapper


def _looking_first(original: Any) -> Any:
    connect = getattr(original, "__func__", original)

    @functools.wraps(connect)
    def open_connection(cls: Any, connection: Any) -> Any:
        fault = _missing(connection.credentials)
        if fault is not None:
            from dbt_causal.database_lock import plain_failure

            raise plain_failure(str(fault))
        if _by_connect(connection.credentials):
            from dbt_causal.spark_submission import session_of

            session_of(connection.credentials)  # dbt-spark goes on with this session
        return connect(cls, connection)

    open_connection.is_causal = True  # type: ignore[attr-defined]
    return classmethod(open_connection)


def _missing(credentials: Any) -> Any:
    """The fault that keeps this profile from reaching Spark, or None."""
    from dbt_causal.java import java_fault
    from dbt_causal.spark_errors import no_server
    from dbt_causal.spark_submission import remote_of

    method = _method(credentials)
    remote = remote_of(credentials) if method == "session" else None
    if method == "session" and remote is None:
        return java_fault()
    address = _address(remote) if remote else (credentials.host, int(credentials.port))
    if method not in ("session", "thrift") or (remote or "").startswith("local") or _answers(address):
        return None
    return no_server(f"{address[0]}:{address[1]}")


def require_server(remote: str) -> None:
    """Raises CausalError 034 where nobody answers at the address of a Connect server."""
    from dbt_causal.spark_errors import no_server
    from estimators.errors import CausalError

    host, port = _address(remote)
    if not _answers((host, port)):
        raise CausalError(no_server(f"{host}:{port}"))


def _method(credentials: Any) -> str:
    return str(getattr(credentials.method, "value", credentials.method))


def _by_connect(credentials: Any) -> bool:
    from dbt_causal.spark_submission import remote_of

    return _method(credentials) == "session" and remote_of(credentials) is not None


def _address(remote: str) -> tuple[str, int]:
    parts = urlsplit(remote)
    return parts.hostname or "localhost", parts.port or _CONNECT_PORT


def _answers(address: tuple[str, int]) -> bool:
    """Whether something listens there; asked once per dbt command, so that a dead server costs seconds, not minutes."""
    if address in _reached:
        return True
    try:
        socket.create_connection(address, _TIMEOUT_SECONDS).close()
    except OSError:
        return False
    _reached.add(address)
    return True


def _in_our_words(original: Any) -> Any:
    @contextmanager
    @functools.wraps(original)
    def exception_handler(self: Any, sql: str) -> Iterator[None]:
        from dbt_common.exceptions import DbtRuntimeError

        from dbt_causal.database_lock import plain_failure
        from dbt_causal.spark_errors import fault_of, without_stack

        try:
            with original(self, sql):
                yield
        except DbtRuntimeError as error:
            text = str(error.msg)
            fault = fault_of(text)
            raise plain_failure(str(fault) if fault else without_stack(text)) from None

    exception_handler.is_causal = True  # type: ignore[attr-defined]
    return exception_handler


_LEFTOVER = re.compile(r"LOCATION_ALREADY_EXISTS.*?associated location '?([^\s']+)'? already exists", re.DOTALL)


def leftover_location(text: str) -> str | None:
    """The folder that Spark refuses to create a table in, because a killed build left files there."""
    found = _LEFTOVER.search(text)
    return found[1] if found else None


def clearing_statements(location: str) -> list[str]:
    """SQL that empties the folder of a table that the catalog does not know.

    Overwriting a partitioned table with no rows deletes all files below its location and writes none; dropping it
    keeps the folder, since the table is external. Plain SQL, because a Connect client has no file system of Spark's.
    """
    table = "`causal_leftover`"
    return [
        "set mapreduce.fileoutputcommitter.marksuccessfuljobs=false",
        f"drop table if exists default.{table}",
        f"create table default.{table} (a int, b int) using parquet partitioned by (b) location '{location}'",
        f"insert overwrite table default.{table} select 1 as a, 1 as b where false",
        f"drop table default.{table}",
        "reset mapreduce.fileoutputcommitter.marksuccessfuljobs",
    ]


def _clearing_leftovers(original: Any) -> Any:
    @functools.wraps(original)
    def execute(self: Any, sql: str, bindings: Any = None) -> Any:
        try:
            return original(self, sql, bindings)
        except Exception as error:
            location = leftover_location(str(error))
            if location is None:
                raise
        for statement in clearing_statements(location):
            original(self, statement)
        return original(self, sql, bindings)

    execute.is_causal = True  # type: ignore[attr-defined]
    return execute
