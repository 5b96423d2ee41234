"""The study table on Spark: the table of DuckDB, and time that grows with the events."""

from __future__ import annotations

from benchmarks import data, study_table
from benchmarks.claims import MILLION, Claim, Result
from benchmarks.measure import Measurement, measure
from benchmarks.spark_claims import CLUSTER, linear, memory_of_all, started
from benchmarks.spark_cluster import two_cores


def same_table(ours: Measurement, theirs: Measurement) -> Claim:
    """The sum of every column, rounded to cents on both sides, and the number of units."""
    gaps = [abs(ours.answer[k] - v) / max(abs(v), 1.0) for k, v in theirs.answer.items()]
    return Claim(f"the table of DuckDB at {ours.n_rows:,} events", f"sums {max(gaps):.1e} apart", max(gaps) <= 1e-9)


def study_table_on_spark(n_events: int = MILLION) -> Result:
    """Thirteen windowed features on a Spark cluster with two cores, from n to 10 n events."""
    title = f"13 windowed features on {CLUSTER}"
    databases = {n: data.events(n, n // 10) for n in (n_events, 10 * n_events)}
    with two_cores():
        few, many = (measure("study table on Spark", n, "spark_study_table", db) for n, db in databases.items())
    query = study_table.compiled(databases[n_events], data.FOLDER)
    duckdb = measure("study table on DuckDB", n_events, "study_table_query", databases[n_events], query)
    claims = [linear(few, many), memory_of_all(many, at_most=8.0), same_table(few, duckdb)]
    return Result("spark_study_table", title, [few, many, duckdb], claims, note=started(few))


USUAL = (study_table_on_spark,)
