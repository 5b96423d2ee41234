"""What is claimed of the library on Spark: the numbers of DuckDB, and time that grows with the rows."""

from __future__ import annotations

from importlib.util import find_spec

from benchmarks import data
from benchmarks.claims import MILLION, Claim, Result
from benchmarks.measure import Measurement, measure

WARM_UP = "without its start and warm-up"


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
    """Peaks of the Java process and of Python, added up."""
    total = one.peak_gb + one.answer["java_gb"]
    return Claim(f"≤ {at_most:g} GB at {one.n_rows:,} rows, Java and Python", f"{total:.2f} GB", total <= at_most)


def aipw_on_spark(n_rows: int = MILLION) -> Result:
    """AIPW with 13 confounders on a local Spark with two cores and 2 GB, from n to 10 n rows."""
    title = "AIPW on Spark (local, 2 cores)"
    if find_spec("pyspark") is None:
        note = "not measured here: needs an environment with the extra `spark`"
        return Result("spark_aipw", title, note=note)
    sizes = (n_rows, 10 * n_rows)
    few, many = (measure("aipw on Spark", n, "aipw_in_spark", data.parquet(data.units(n))) for n in sizes)
    duckdb = measure("aipw on DuckDB", n_rows, "aipw_in_warehouse", data.units(n_rows))
    claims = [linear(few, many), memory_of_all(many, at_most=8.0), same_numbers(few, duckdb)]
    start, warm_up = (few.answer[k] for k in ("start_seconds", "warm_up_seconds"))
    note = f"Apart from this, Spark takes {start:.0f} s to start and {warm_up:.0f} s for a first run."
    return Result("spark_aipw", title, [few, many, duckdb], claims, note=note)


USUAL = (aipw_on_spark,)
