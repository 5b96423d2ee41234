"""What happens where dbt-duckdb meets the file: wait for its lock, say who holds it, and fail in one short message.

DuckDB's file belongs to one process at a time; dbt prints its error with a traceback for each thread. Three methods of
dbt-duckdb are wrapped. If they ever look different, nothing is wrapped and nothing breaks.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

WAIT_VARIABLE = "CAUSAL_LOCK_WAIT_SECONDS"
_PAUSE_SECONDS = 0.5
_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")
_FULL_DISK = ("No space left on device", "max_temp_directory_size", "Disk quota exceeded")
_speaking = threading.Lock()
_given_up: dict[str, float] = {}  # by file: when the wait ended in vain, so that other threads do not wait again
_announced: set[str] = set()


def install() -> None:
    """Wraps dbt-duckdb if that adapter is the one in use; safe to call again (each invocation waits anew)."""
    environments = sys.modules.get("dbt.adapters.duckdb.environments")
    local = _local_environment() if environments is not None else None
    for owner, name, wrap in (
        (getattr(environments, "Environment", None), "initialize_db", _waiting),
        (getattr(environments, "Environment", None), "run_python_job", _without_traceback),
        (getattr(local, "DuckDBCursorWrapper", None), "execute", _without_values),
    ):
        original = vars(owner).get(name) if owner is not None else None
        if original is not None and not hasattr(getattr(original, "__func__", original), "is_causal"):
            setattr(owner, name, wrap(original))
    _given_up.clear()
    _announced.clear()


def _local_environment() -> Any:
    """dbt-duckdb's module of the cursor, which it imports only when it opens the file."""
    try:
        return importlib.import_module("dbt.adapters.duckdb.environments.local")
    except ImportError:
        return None


def _waiting(original: Any) -> Any:
    open_database = getattr(original, "__func__", original)

    @functools.wraps(open_database)
    def initialize_db(cls: Any, credentials: Any, *arguments: Any, **keywords: Any) -> Any:
        path = str(getattr(credentials, "path", "the database"))
        return wait_for(lambda: open_database(cls, credentials, *arguments, **keywords), path)

    initialize_db.is_causal = True  # type: ignore[attr-defined]
    return classmethod(initialize_db)


def _without_traceback(original: Any) -> Any:
    """A Python model that fails with one of our messages shows the message, not dbt's traceback around it."""
    run = getattr(original, "__func__", original)

    @functools.wraps(run)
    def run_python_job(cls: Any, *arguments: Any, **keywords: Any) -> Any:
        from dbt_common.exceptions import DbtRuntimeError

        try:
            return run(cls, *arguments, **keywords)
        except DbtRuntimeError as error:
            message = str(error.msg)
            start = message.rfind("CAUSAL-")
            if start < 0:
                raise
            raise DbtRuntimeError(message[start:].rstrip()) from None

    run_python_job.is_causal = True  # type: ignore[attr-defined]
    return classmethod(run_python_job)


def _without_values(original: Any) -> Any:
    """Engine errors of SQL models: a full disk is named, and values of rows are left out."""

    @functools.wraps(original)
    def execute(self: Any, *arguments: Any, **keywords: Any) -> Any:
        try:
            return original(self, *arguments, **keywords)
        except Exception as error:
            if _is_full_disk(error):
                raise _failure(_full("the database")) from None
            from dbt_causal.redaction import quotes_data, redacted

            if type(error).__module__.lstrip("_").startswith("duckdb") and quotes_data(error):
                raise plain_failure(redacted(error)) from None
            raise

    execute.is_causal = True  # type: ignore[attr-defined]
    return execute


def wait_for(open_database: Callable[[], Any], path: str) -> Any:
    """The result of `open_database`, tried until the file's lock is free or the wait is over.

    Waits up to 60 s (CAUSAL_LOCK_WAIT_SECONDS) and says so once. Raises a dbt error with code 032 that names the
    holder; other errors pass through.
    """
    limit = _wait_seconds()
    deadline = _given_up.get(path, time.monotonic() + limit)
    while True:
        try:
            return open_database()
        except Exception as error:
            if _is_full_disk(error):
                raise _failure(_full(path)) from None
            if not _is_lock(error):
                raise
            if time.monotonic() >= deadline:
                _given_up[path] = deadline
                raise _failure(_locked(path, str(error), limit)) from None
            _announce(path, f"causal: {path} is held by {_holder(str(error))}; waiting up to {limit:g} s for it")
        time.sleep(max(0.0, min(_PAUSE_SECONDS, deadline - time.monotonic())))


def _wait_seconds() -> float:
    try:
        return max(0.0, float(os.environ.get(WAIT_VARIABLE, "60")))
    except ValueError:
        return 60.0


def _announce(path: str, line: str) -> None:
    with _speaking:
        if path not in _announced:
            _announced.add(path)
            print(line, file=sys.stderr, flush=True)


def _is_lock(error: Exception) -> bool:
    return "Could not set lock on file" in str(error) or "being used by another process" in str(error)


def _is_full_disk(error: Exception) -> bool:
    return any(sign in str(error) for sign in _FULL_DISK)


def _holder(text: str) -> str:
    match = _HOLDER.search(text)
    return f"{match['program']} (PID {match['pid']})" if match else "another process"


def _locked(path: str, text: str, limit: float) -> Any:
    from estimators.errors import Fault

    details = (f"{path} is held by {_holder(text)}", f"waited {limit:g} s; nothing was changed, old results are intact")
    fix = "let that process end, or stop it; to read results while dbt builds, open the file <name>_results.duckdb"
    return Fault("032", "database locked", details, fix)


def _full(path: str) -> Any:
    from estimators.errors import Fault

    details = (f"no space left while writing {path}", "the transaction was rolled back, old results are intact")
    return Fault(
        "032", "disk full", details, "free some space, or point the profile's path to a larger disk; then rerun"
    )


def _failure(fault: Any) -> Exception:
    return plain_failure(str(fault))


def plain_failure(message: str) -> Exception:
    """A dbt error that prints as its message alone."""
    from dbt_common.exceptions import DbtDatabaseError

    class DatabaseFailure(DbtDatabaseError):
        def __str__(self, prefix: str = "") -> str:
            return str(self.msg)

    return DatabaseFailure(message)
