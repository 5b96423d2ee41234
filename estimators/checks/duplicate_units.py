"""One row per unit (015), and no unit in both arms (016). Examples are hashes, never identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable
from estimators.warehouse import Relation

NAME = "duplicate_units"
_EXAMPLES = 3


def measures(table: StudyTable) -> dict[str, str]:
    unit = table.relation.name("unit_id")
    return {"distinct_units": f"count(distinct {unit})", "null_units": f"count(*) - count({unit})"}


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    """A second scan finds the duplicates, but only when the first one says that there are any."""
    n, n_null, n_distinct = (count(facts, k) for k in ("n", "null_units", "distinct_units"))
    checks = []
    if n_null:
        fault = Fault("015", "units without an identifier", (f"{n_null:,} of {n:,} rows",), "drop them in the cohort")
        checks.append(failed(NAME, fault))
    if n - n_null > n_distinct:
        checks += _repeated(table, n)
    return checks or [passed(NAME, f"{n:,} rows, one per unit")]


def _repeated(table: StudyTable, n: int) -> list[Check]:
    name = table.relation.name
    sums = {"n_rows": "count(*)", "n_arms": f"count(distinct {name('treatment')})"}
    units = table.relation.filter(f"{name('unit_id')} is not null").grouped(sums, {"unit_id": name("unit_id")})
    twice = units.filter(f"{name('n_rows')} > 1 and {name('n_arms')} < 2")
    crossed = units.filter(f"{name('n_arms')} > 1")
    checks = []
    if n_twice := twice.n_rows():
        details = (f"{n_twice:,} units have several rows of {n:,}", f"examples (md5 of unit_id): {_examples(twice)}")
        fix = "make the cohort one row per unit; a join that fans out is the usual cause"
        checks.append(failed(NAME, Fault("015", "duplicate units", details, fix), statistic=float(n_twice)))
    if n_crossed := crossed.n_rows():
        details = (f"{n_crossed:,} units are in both arms", f"examples (md5 of unit_id): {_examples(crossed)}")
        fix = "decide in the cohort, or declare crossover: first_exposure"
        checks.append(failed(NAME, Fault("016", "units in both arms", details, fix), statistic=float(n_crossed)))
    return checks


def _examples(units: Relation) -> str:
    """The first hashes in hash order: the same ones whatever the order of the rows."""
    hashed = units.with_columns({"unit_hash": units.bucket(units.name("unit_id"))})
    hash_column = hashed.name("unit_hash")
    first = hashed.head({"unit_hash": hash_column}, _EXAMPLES, order_by=hash_column)
    return ", ".join(f"{int(h):08x}" for h in first["unit_hash"])
