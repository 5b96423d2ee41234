"""What every measured program does at its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `work` and the seconds that it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def report(fit_seconds: float, **answer: Any) -> None:
    """The last line of a measured program: what `benchmarks.measure` reads."""
    print(json.dumps({"fit_seconds": fit_seconds, **answer}))
