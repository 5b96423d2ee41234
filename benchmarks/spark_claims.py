"""What is claimed of the library on Spark: the numbers of DuckDB, and time that grows with the rows."""

from __future__ import annotations

from benchmarks import data
from benchmarks.claims import MILLION, Claim, Result
from benchmarks.measure import Measurement, measure
from benchmarks.spark_cluster import two_cores

WARM_UP = "without its start and warm-up"
CLUSTER = "a Spark cluster (two workers of one core and 2 GB)"


def same_numbers(ours: Measurement, theirs: Measurement) -> Claim:
    """Estimate and standard error of two engines, to 1e-8."""
    gaps = [abs(ours.answer[k] / theirs.answer[k] - 1.0) for k in ("estimate", "std_error")]
    return Claim(f"the numbers of DuckDB at {ours.n_rows:,} rows, to 1e-8", f"{max(gaps):.1e}", max(gaps) <= 1e-8)


def linear(few: Measurement, many: Measurement) -> Claim:
    """Time per row does not grow: of the processors, which other programs on the machine do not lengthen."""
    times, rows = many.answer["core_seconds"] / few.answer["core_seconds"], many.n_rows / few.n_rows
    text = f"{rows:g} times the rows take at most {rows:g} times as long, {WARM_UP}"
    return Claim(text, f"{times:.1f} times", times <= rows)


def memory_of_all(one: Measurement, at_most: float) -> Claim:
    """Peaks of all Java processes and of Python, added up."""
    text = f"≤ {at_most:g} GB at {one.n_rows:,} rows, all Java processes and Python"
    return Claim(text, f"{one.peak_gb:.2f} GB", one.peak_gb <= at_most)


def started(one: Measurement) -> str:
    """What comes before the fit, in words."""
    start, warm_up = (one.answer[k] for k in ("start_seconds", "warm_up_seconds"))
    return f"Apart from this, a session takes {start:.0f} s to start and a first run on few rows {warm_up:.0f} s."


def aipw_on_spark(n_rows: int = MILLION) -> Result:
    """AIPW with 13 confounders on a Spark cluster with two cores, from n to 10 n rows."""
    title = f"AIPW on {CLUSTER}"
    files = {n: data.parquet(data.units(n)) for n in (n_rows, 10 * n_rows)}
    with two_cores():
        few, many = (measure("aipw on Spark", n, "aipw_in_spark", file) for n, file in files.items())
    duckdb = measure("aipw on DuckDB", n_rows, "aipw_in_warehouse", data.units(n_rows))
    claims = [linear(few, many), memory_of_all(many, at_most=8.0), same_numbers(few, duckdb)]
    return Result("spark_aipw", title, [few, many, duckdb], claims, note=started(few))


USUAL = (aipw_on_spark,)
