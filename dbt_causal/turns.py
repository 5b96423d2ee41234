"""Python models of one dbt process take turns.

Two of dbt's threads that compute in Python take longer beside one another than one after the other: every small
operation on an array gives the interpreter away and waits milliseconds to have it back. The example's build of 16
seconds of forecasts took 49 that way. Models in SQL go on beside them, and so do the queries of a study, which DuckDB
spreads over all cores by itself.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from threading import RLock
from typing import Any

_TURN = RLock()


def turn(relation: Any = None) -> AbstractContextManager[Any]:
    """What a model holds while it computes.

    relation: what it reads. A study on Spark waits for its cluster, not for the interpreter: studies on a cluster run
    side by side, as many as dbt has threads.
    """
    on_spark = type(relation).__module__.split(".")[0] == "pyspark"
    return nullcontext() if on_spark else _TURN
