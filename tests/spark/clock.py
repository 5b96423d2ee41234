"""What a dbt command costs beyond its work: wall time less the time in which a query or a Python model was running."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Interval = tuple[float, float]
OF_CONNECT = ("to_table", "execute_command", "_analyze")


@dataclass
class Clock:
    """When queries ran (by Connect), and when Python models did, whose own queries are among them."""

    queries: list[Interval] = field(default_factory=list)
    models: list[Interval] = field(default_factory=list)

    def watch(self) -> None:
        """Wraps what sends queries and what runs Python models, for the rest of this process."""
        from pyspark.sql.connect.client import SparkConnectClient

        from dbt_causal.spark_submission import SessionPythonModel

        for name in OF_CONNECT:
            _timed(SparkConnectClient, name, self.queries)
        _timed(SessionPythonModel, "submit", self.models)

    def seconds(self, wall: float) -> dict[str, float]:
        """wall: of the whole command.  queries: in which one was running at least.  python: in models, between their
        queries.  overhead: the rest, which is dbt's.
        """
        queries, both = union(self.queries), union([*self.queries, *self.models])
        found = {"wall": wall, "queries": queries, "python": both - queries, "overhead": wall - both}
        return {name: round(value, 2) for name, value in found.items()}


def union(intervals: Iterable[Interval]) -> float:
    """Seconds that at least one of the intervals covers."""
    covered, until = 0.0, float("-inf")
    for start, end in sorted(intervals):
        covered += max(end - max(start, until), 0.0)
        until = max(until, end)
    return covered


def _timed(owner: Any, name: str, into: list[Interval]) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def timed(*arguments: Any, **keywords: Any) -> Any:
        began = time.monotonic()
        try:
            return original(*arguments, **keywords)
        finally:
            into.append((began, time.monotonic()))

    setattr(owner, name, timed)
