"""Runs a program in a process of its own and says what it took: its own clock for the fit, the kernel's for memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHORT = 15.0  # seconds
# Programs of packages that are installed elsewhere, and the Python of `make bench` that has them.
ELSEWHERE = {"plan_pymc_marketing": ROOT / ".venv-pymc" / "bin" / "python"}


@dataclass(frozen=True)
class Measurement:
    """One run. fit_seconds: without loading data or starting up.  peak_gb: of the whole process, loading included.

    answer: what the program found (an estimate, a standard error), to see that the same thing was computed.
    """

    what: str
    n_rows: int
    fit_seconds: float
    wall_seconds: float
    peak_gb: float
    answer: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class RunFailed(RuntimeError):
    """A measured program ended with an error; its last lines are the message."""


def measure(what: str, n_rows: int, program: str, *arguments: object) -> Measurement:
    """Runs ``benchmarks/runs/<program>`` (a Python module, or an R script by its ending) and measures it.

    The program prints one line of JSON at the end, with `fit_seconds` and whatever it found. What takes less than 15
    seconds is run three times and the fastest fit counts, whoever's it is: the first run may wait for the disk.
    Raises RunFailed.
    """
    print(f"  {what}, {n_rows:,} rows ...", end="", flush=True)
    runs = [_run_once(what, n_rows, program, arguments)]
    while len(runs) < 3 and runs[0].wall_seconds < SHORT:
        runs.append(_run_once(what, n_rows, program, arguments))
    best = min(runs, key=lambda run: run.fit_seconds)
    print(f" {best.fit_seconds:.2f} s, {best.peak_gb:.2f} GB", flush=True)
    return best


def _run_once(what: str, n_rows: int, program: str, arguments: Sequence[object]) -> Measurement:
    command = [*_interpreter(program), *map(str, arguments)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        output, errors = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise RunFailed(f"{program} ended with {process.returncode}: {errors[-2000:]}")
    answer = json.loads(output.strip().splitlines()[-1])
    seconds = float(answer.pop("fit_seconds"))
    # In kilobytes. A new program inherits the peak of the process that started it, so Python programs say their own.
    peak = float(answer.pop("peak_gb", usage.ru_maxrss * 1024 / 1e9))
    return Measurement(what, n_rows, seconds, wall, peak, answer)


def _interpreter(program: str) -> list[str]:
    if program.endswith(".R"):
        return ["Rscript", str(ROOT / "benchmarks" / "runs" / program)]
    return [str(ELSEWHERE.get(program, sys.executable)), "-m", f"benchmarks.runs.{program}"]
