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


def timed_again(work: Callable[[], Any]) -> tuple[Any, float]:
    """The same of a second run: fits of a fraction of a second would else measure what a library loads on first use."""
    work()
    return timed(work)


def report(fit_seconds: float, **answer: Any) -> None:
    """The last line of a measured program: what `benchmarks.measure` reads."""
    print(json.dumps({"fit_seconds": fit_seconds, "peak_gb": peak_gb(), **answer}))


def peak_gb() -> float:
    """The most memory that this program held, as the kernel counts it for the program alone."""
    with open("/proc/self/status", encoding="ascii") as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(kilobytes) * 1024 / 1e9
