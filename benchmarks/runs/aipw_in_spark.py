"""`estimators.aipw` on a Parquet file in Spark: the cluster of SPARK_REMOTE, or a local one with two cores.

The rows stay there. The first run in a new Java process also pays for its warm-up, so a small one is made before,
outside the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from benchmarks.data import CATEGORIES, NUMERIC, WIDE
from benchmarks.runs.clock import peak_gb, report, timed
from benchmarks.runs.spark_processes import Processes
from estimators import aipw

WARM_UP_ROWS = 150_000  # enough to take the same way as a large table


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parquet")
    parser.add_argument("--memory", default="2g", help="of a local Spark's Java process")
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
    spark = Processes.of(session)
    core_seconds = -spark.core_seconds()
    effect, seconds = timed(lambda: fit(units))
    core_seconds += spark.core_seconds()
    report(
        seconds,
        core_seconds=core_seconds,
        estimate=effect.estimate,
        std_error=effect.std_error,
        start_seconds=start_seconds,
        warm_up_seconds=warm_up_seconds,
        peak_gb=peak_gb() + spark.peak_gb(),
    )


def _session(memory: str) -> Any:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    remote = os.environ.get("SPARK_REMOTE")
    if remote:
        return SparkSession.builder.remote(remote).getOrCreate()
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


if __name__ == "__main__":
    main()
