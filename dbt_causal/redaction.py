"""What of an engine's error may be shown: its kind and a hint, never a value. A conversion error quotes the value that
could not be converted, which may be an e-mail address, and dbt writes it to the terminal and to its log file.
"""

from __future__ import annotations

import re

from estimators.errors import Fault

# by class of duckdb's errors: what they may quote is data; the others (catalog, parser, ...) quote names and SQL
_HINTS = {
    "ConversionException": "a value could not be converted to the type of its column",
    "OutOfRangeException": "a number is outside the range of its type (cast to double before summing)",
    "InvalidInputException": "a value was not accepted by a function",
    "ConstraintException": "rows break a constraint of the table",
    "TypeMismatchException": "values of two types that do not go together",
    "SerializationException": "a value could not be stored",
    "DataError": "a value was not accepted",
    "IntegrityError": "rows break a constraint of the table",
}
_WITHHELD = "the values are withheld"
_QUERY = re.compile(r"\bLINE \d+:")


def quotes_data(error: BaseException) -> bool:
    """Whether the text of this engine error may contain values of rows."""
    return any(kind.__name__ in _HINTS for kind in type(error).__mro__[:2])


def redacted(error: BaseException) -> str:
    """One line about an engine error that holds no value: class, hint, and the line of the query if it is told."""
    name = type(error).__name__
    hint = _HINTS.get(name) or next((_HINTS[k.__name__] for k in type(error).__mro__ if k.__name__ in _HINTS), "")
    line = _QUERY.search(str(error))
    parts = [
        f"{name}: {hint or 'the engine refused a query'} ({_WITHHELD})",
        line[0].rstrip(":").lower() if line else "",
    ]
    return ", ".join(p for p in parts if p)


def engine_fault(error: BaseException) -> Fault:
    """An engine error inside a study as a fault: 031 out of memory, 032 files and disk, else 028 unusable values."""
    name = type(error).__name__
    if name == "OutOfMemoryException" or isinstance(error, MemoryError):
        fix = "raise memory_limit in the profile, or lower the number of rows or covariates"
        return Fault("031", "out of memory", ("the engine ran out of memory in this study",), fix)
    if name == "IOException":
        details = ("the engine could not read or write a file (disk full, or a file that is gone)",)
        return Fault("032", "file not usable", details, "free some space, check the path of the profile; then rerun")
    fix = "cast or clean the column in the cohort or feature model; run its query in DuckDB to see the value"
    return Fault("028", "values that the engine cannot compute with", (redacted(error),), fix)
