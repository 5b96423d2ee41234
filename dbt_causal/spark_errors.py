"""Errors of Spark as messages of ours: what is missing and what to do, without a JVM's stack and without values.

What an estimator can meet is known to `estimators.warehouse.spark_faults`; here stands what only a build can.
"""

from __future__ import annotations

import re
import traceback

from estimators.errors import Fault
from estimators.warehouse import spark_faults

_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")
_SOURCE = re.compile(r"Failed to find the data source: ([\w.]+)")
_STACK = re.compile(r"\n\s*(?:at [\w.$]+\(|JVM stacktrace:|\*\*\* Server-side stack|Driver stacktrace:)")
_THRIFT_IS_GONE = ("Could not connect to any of", "TSocket read 0 bytes")
_GONE = (
    "INVALID_HANDLE", "SESSION_NOT_FOUND", "SESSION_CHANGED", "NO_ACTIVE_SESSION",
    "SparkContext was shut down", "SparkContext stopped",
)  # fmt: skip
# conditions of values that Spark cannot use, whose text may quote them; others quote names and SQL
_QUOTES_DATA = (
    "CAST_INVALID_INPUT",
    "CAST_OVERFLOW",
    "ARITHMETIC_OVERFLOW",
    "DIVIDE_BY_ZERO",
    "CANNOT_PARSE_TIMESTAMP",
    "CANNOT_PARSE_DECIMAL",
    "CONVERSION_INVALID_INPUT",
    "DUPLICATED_MAP_KEY",
    "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH",
    "INVALID_FRACTION_OF_SECOND",
    "MALFORMED_RECORD_IN_PARSING",
    "NUMERIC_VALUE_OUT_OF_RANGE",
    "USER_RAISED_EXCEPTION",
)


def fault_of(text: str) -> Fault | None:
    """The fault behind the text of a Spark error, or None where Spark's own words are the best there are."""
    if "DATA_SOURCE_NOT_FOUND" in text or "Failed to find the data source" in text:
        return _no_format(text)
    if "JAVA_GATEWAY_EXITED" in text or "Java gateway process exited" in text:
        details = ("Spark's Java process ended while it started; its own words stand above",)
        return Fault("034", "Spark did not start", details, "check JAVA_HOME, free memory and spark.driver.memory")
    if "Another instance of Derby may have already booted" in text:
        details = ("Spark's local metastore (Derby) is open in another process; it serves one at a time",)
        return Fault("032", "metastore in use", details, "let that process end, or use the profile spark_connect")
    if any(sign in text for sign in _GONE):
        return _went_away()
    if _has_no_server(text):
        return no_server("the address of the profile")
    return spark_faults.fault_of(text)


def _has_no_server(text: str) -> bool:
    return spark_faults.has_no_server(text) or any(sign in text for sign in _THRIFT_IS_GONE)


def no_server(address: str) -> Fault:
    """Nobody answers where the profile says that a Spark server is."""
    fix = "start the server (make spark-cluster, in a clone) or correct host and port in the profile"
    return Fault("034", "no Spark server", (f"nothing answers at {address}",), fix)


def _no_format(text: str) -> Fault:
    found = _SOURCE.search(text)
    name = found[1].rstrip(".") if found else "the file_format of a model"
    fix = "set +file_format: parquet in dbt_project.yml, or start Spark with that format's jars (spark.jars.packages)"
    return Fault("034", "table format not installed", (f"this Spark cannot read or write {name}",), fix)


def without_stack(text: str) -> str:
    """The text of a Spark error up to where the JVM's stack begins; values of rows are left out."""
    found = _CONDITION.search(text)
    if found and found[1].startswith(_QUOTES_DATA):
        return f"[{found[1]}] a value could not be used (the values are withheld)"
    return _STACK.split(text, maxsplit=1)[0].strip()


def model_failure(error: Exception) -> Exception:
    """What dbt is told when a Python model raised: our message if there is one, else the error with its place."""
    from dbt_common.exceptions import DbtRuntimeError

    from dbt_causal.database_lock import plain_failure

    text = str(error)
    start = text.rfind("CAUSAL-")
    fault = None if start >= 0 else fault_of(text)
    if start >= 0:
        return plain_failure(text[start:].rstrip())
    if fault is not None:
        return plain_failure(str(fault))
    if is_spark_error(error):
        return plain_failure(f"{type(error).__name__}: {without_stack(text)}")
    return DbtRuntimeError("Python model failed:\n" + "".join(traceback.format_exception(error)))


def is_spark_error(error: BaseException) -> bool:
    """Whether Spark (classic, Connect or the bridge to Java) raised this error."""
    return type(error).__module__.split(".")[0] in ("pyspark", "py4j", "grpc")


def quotes_data(error: BaseException) -> bool:
    """Whether Spark could not compute with a value of a row: a fault of the data, not of the machine."""
    found = _CONDITION.search(str(error)) if is_spark_error(error) else None
    return found is not None and found[1].startswith(_QUOTES_DATA)


def lost(error: BaseException) -> Fault | None:
    """034 where Spark went away in the middle of a study, which says nothing about the study; else None."""
    text = str(error)
    if not is_spark_error(error):
        return None
    is_silent = _has_no_server(text) or "Network" in type(error).__name__
    return _went_away() if is_silent else fault_of(text)


def _went_away() -> Fault:
    details = ("its driver ended, or nothing answers any more; what was published before is untouched",)
    return Fault("034", "Spark was lost", details, "look into the server's log (memory?), start it again and rerun")
