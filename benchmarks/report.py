"""Measurements as a table on the screen, as JSON in benchmarks/results/, and as the page docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.claims import Result
from benchmarks.measure import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
PACKAGES = (
    "duckdb", "numpy", "scikit-learn", "DoubleML", "linearmodels", "pyfixest", "csdid", "tfcausalimpact", "dbt-core",
    "torch", "scipy", "cvxpy", "statsforecast", "pyspark",
)  # fmt: skip
VERDICT = {True: "yes", False: "**no**", None: "not measured"}
HEAD = """\
# Benchmarks
Written by `make bench` and `make bench-large`. Each line is a process of its own, and the fastest of three where that
takes less than 15 seconds. Seconds are those of the fit: without start-up and, for the libraries that need the rows in
memory, without loading them. Memory is the peak of the whole process. The data are made by `benchmarks/data.py`: 13
confounders are 10 numbers and categories of 3, 5 and 10 levels. The same run can take a fifth longer, or shorter, an
hour later on such a machine: a figure that close to its claim is met on some runs and missed on others.
"""


def show(result: Result) -> None:
    """Prints the measurements and claims of one benchmark."""
    print("\n".join(_table(result.as_dict())))


def save(result: Result) -> Path:
    """Writes one benchmark as JSON, with the machine and the versions that it was measured on."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{result.name}.json"
    path.write_text(json.dumps({**result.as_dict(), "machine": machine()}, indent=1, ensure_ascii=False) + "\n")
    return path


def write_page() -> Path:
    """docs/benchmarks.md from all saved results."""
    parts = [HEAD]
    for path in sorted(RESULTS.glob("*.json")):
        saved = json.loads(path.read_text())
        parts.append("\n".join([f"## {saved['title']}", *_table(saved), "", f"Measured on {saved['machine']}.", ""]))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(parts))
    return PAGE.relative_to(ROOT)


def machine() -> str:
    """Cores, memory, Python and versions, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = [f"{name} {_version(name)}" for name in PACKAGES if _version(name)]
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GiB, Python {platform.python_version()}, {', '.join(found)}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _table(saved: dict[str, Any]) -> list[str]:
    runs = [
        (m["what"], f"{m['n_rows']:,}", f"{m['fit_seconds']:.2f}", f"{m['peak_gb']:.2f}") for m in saved["measurements"]
    ]
    claims = [(c["text"], c["figure"], VERDICT[c["holds"]]) for c in saved["claims"]]
    lines = ["", *_rows(("what", "rows", "seconds", "GB"), runs), "", *_rows(("claim", "measured", "holds"), claims)]
    return [*lines, "", saved["note"]] if saved["note"] else lines


def _rows(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *body]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
