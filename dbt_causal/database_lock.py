"""A DuckDB file belongs to one process at a time: wait for it, say who holds it, and fail in one sentence.

dbt-duckdb lets DuckDB's error through, which dbt then prints with a traceback for each of its threads. This wraps the
two places where an adapter meets the file. If dbt-duckdb ever looks different, nothing is wrapped and nothing breaks.
"""

from __future__ import annotations

import functools
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
_announced = threading.Lock()
_given_up: dict[str, float] = {}  # by file: when the wait ended in vain, so that other threads do not wait again


def install() -> None:
    """Wraps dbt-duckdb's connection if that adapter is the one in use; safe to call again."""
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    environment = sys.modules.get("dbt.adapters.duckdb.environments")
    local = sys.modules.get("dbt.adapters.duckdb.environments.local")
    opener = getattr(environment, "Environment", None)
    if connections is not None and hasattr(opener, "initialize_db"):
        _wrap_once(opener, "initialize_db", _waiting)
    cursor = getattr(local, "DuckDBCursorWrapper", None)
    if hasattr(cursor, "execute"):
        _wrap_once(cursor, "execute", _naming_a_full_disk)
    _given_up.clear()


def _wrap_once(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    original = owner.__dict__.get(name)
    if original is not None and not getattr(owner, f"_causal_{name}", False):
        setattr(owner, name, wrap(original))
        setattr(owner, f"_causal_{name}", True)


def _waiting(original: Any) -> Any:
    open_database = original.__func__  # a classmethod

    @functools.wraps(open_database)
    def initialize_db(cls: Any, credentials: Any, *args: Any, **keywords: Any) -> Any:
        path = str(getattr(credentials, "path", "the database"))
        return wait_for(lambda: open_database(cls, credentials, *args, **keywords), path)

    return classmethod(initialize_db)


def wait_for(open_database: Callable[[], Any], path: str) -> Any:
    """The result of `open_database`, tried until the file's lock is free or the wait is over.

    Waits up to 60 s (CAUSAL_LOCK_WAIT_SECONDS). Raises a dbt error with code 032 that names the holder.
    """
    limit = _wait_seconds()
    deadline = _given_up.get(path, time.monotonic() + limit)
    has_announced = False
    while True:
        try:
            return open_database()
        except Exception as error:  # noqa: BLE001  re-raised unless it is a lock or a full disk
            if not _is_lock(error):
                raise _named(error, path) from None
            if time.monotonic() >= deadline:
                _given_up[path] = deadline
                raise _failure(_locked(path, str(error), limit)) from None
            if not has_announced:
                _say(f"causal: {path} is held by {_holder(str(error))}; waiting up to {limit:g} s for it")
                has_announced = True
        time.sleep(min(_PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))


def _wait_seconds() -> float:
    try:
        return max(0.0, float(os.environ.get(WAIT_VARIABLE, "60")))
    except ValueError:
        return 60.0


def _say(line: str) -> None:
    with _announced:
        print(line, file=sys.stderr, flush=True)


def _is_lock(error: Exception) -> bool:
    return "Could not set lock on file" in str(error) or "being used by another process" in str(error)


def _is_full_disk(error: Exception) -> bool:
    text = str(error)
    return "No space left on device" in text or "max_temp_directory_size" in text or "Disk quota exceeded" in text


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
    """A dbt error that prints as the fault alone."""
    from dbt.adapters.exceptions import FailedToConnectError

    class DatabaseUnavailable(FailedToConnectError):
        def __str__(self, prefix: str = "") -> str:
            return str(self.msg)

    return DatabaseUnavailable(str(fault))


def _named(error: Exception, path: str) -> Exception:
    return _failure(_full(path)) if _is_full_disk(error) else error


def _naming_a_full_disk(original: Any) -> Any:
    @functools.wraps(original)
    def execute(self: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return original(self, *args, **keywords)
        except Exception as error:
            if _is_full_disk(error):
                raise _failure(_full("the database")) from None
            raise

    return execute
