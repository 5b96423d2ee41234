"""The study table on Spark: seconds by number of events. Run in the environment that has Spark."""

from __future__ import annotations

from benchmarks import data
from benchmarks.claims import MILLION, Claim, Result, measure

GROWTH = 12  # times longer for ten times the events: linear, with room for the noise of one machine


def study_table_on_spark() -> Result:
    """Thirteen windowed features from 1e6 and 1e7 events."""
    runs = [
        measure("causal.study_table on Spark", n, "spark_study_table", data.events(n, n // 10))
        for n in (MILLION, 10 * MILLION)
    ]
    times = runs[1].fit_seconds / runs[0].fit_seconds
    claims = [Claim(f"ten times the events take at most {GROWTH} times as long", f"{times:.1f} times", times <= GROWTH)]
    return Result("spark_study_table", "13 windowed features on Spark, two cores", runs, claims)


USUAL = (study_table_on_spark,)
