"""`estimators.aipw` on a Parquet file in a local Spark with two cores; the rows stay there.

The first run in a new Java process also pays for its warm-up, so a small one is made before, outside the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.data import CATEGORIES, NUMERIC, WIDE
from benchmarks.runs.clock import report, timed
from estimators import aipw

WARM_UP_ROWS = 150_000  # enough to take the same way as a large table


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parquet")
    parser.add_argument("--memory", default="2g", help="of Spark's Java process")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--estimand", default="ATE")
    options = parser.parse_args()
    (session, start_seconds) = timed(lambda: _session(options.memory))
    covariates = WIDE if options.wide else [*NUMERIC, *CATEGORIES]
    asked = {"treatment": "treatment", "outcome": "outcome_a", "covariates": covariates, "unit": "unit_id"}

    def fit(frame: Any) -> Any:
        return aipw(frame, **asked, estimand=options.estimand, folds=5)

    units = session.read.parquet(options.parquet)
    _, warm_up_seconds = timed(lambda: fit(units.filter(f"unit_id < {WARM_UP_ROWS}")))
    java = session.sparkContext._gateway.proc.pid
    core_seconds = -_core_seconds(java)
    effect, seconds = timed(lambda: fit(units))
    core_seconds += _core_seconds(java)
    report(
        seconds,
        core_seconds=core_seconds,
        estimate=effect.estimate,
        std_error=effect.std_error,
        start_seconds=start_seconds,
        warm_up_seconds=warm_up_seconds,
        java_gb=_peak_gb(java),
    )


def _session(memory: str) -> Any:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.driver.memory": memory,
        "spark.driver.host": "localhost",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": "4",
    }
    builder = SparkSession.builder.master("local[2]").appName("benchmark")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _core_seconds(process: int) -> float:
    """That a process has used so far: unlike the clock, it hardly depends on what else the machine does."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # in user and in kernel mode


def _peak_gb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) * 1024 / 1e9


if __name__ == "__main__":
    main()
