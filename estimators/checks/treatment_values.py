"""Treatment takes the two declared values (013), and both of them occur (012)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import AS_GIVEN, StudyTable

NAME = "treatment_values"


def measures(table: StudyTable) -> dict[str, str]:
    given = table.relation.name(AS_GIVEN)
    sums = {f"arm_{arm}": f"sum(case when {table.is_treated(arm)} then 1 else 0 end)" for arm in (0, 1)}
    return {**sums, "null_treatment": f"count(*) - count({given})", "distinct_treatment": f"count(distinct {given})"}


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    n, n_treated, n_control = (count(facts, k) for k in ("n", "arm_1", "arm_0"))
    if table.study.treatment_kind == "continuous":
        return [_dose(facts, n, n - n_treated - n_control)]
    n_other = n - n_treated - n_control
    if n_other:
        return [failed(NAME, _undeclared(table, facts, n_other))]
    if not n_treated or not n_control:
        fix = "check how the cohort sets treatment, and its dates"
        return [failed(NAME, Fault("012", "treatment is constant", (f"{n_treated:,} of {n:,} treated",), fix))]
    return [passed(NAME, f"{n_treated:,} of {n:,} treated")]


def _dose(facts: Mapping[str, Any], n: int, n_null: int) -> Check:
    if n_null:
        fix = "leave units without a dose out of the cohort, or fill it at its source"
        return failed(NAME, Fault("010", "doses missing", (f"{n_null:,} of {n:,} units have no number",), fix))
    n_distinct = count(facts, "distinct_treatment")
    if n_distinct < 2:
        fix = "check how the cohort sets treatment"
        return failed(NAME, Fault("012", "treatment is constant", (f"one dose for all {n:,} units",), fix))
    return passed(NAME, f"{n_distinct:,} doses of {n:,} units; counts by arm are above and up to the mean dose")


def _undeclared(table: StudyTable, facts: Mapping[str, Any], n_other: int) -> Fault:
    """Counts only: a column taken for the treatment by mistake may hold anything."""
    values = table.study.treatment_values
    wanted = "0 and 1" if values is None else f"{values.control!r} and {values.treated!r}"
    kind = table.relation.columns[AS_GIVEN]
    n_null, n_distinct = count(facts, "null_treatment"), count(facts, "distinct_treatment")
    details = (
        f"{n_other:,} of {count(facts, 'n'):,} units hold neither of {wanted}, {n_null:,} of them null",
        f"the column is of kind {kind} with {n_distinct:,} distinct values",
    )
    return Fault("013", "treatment has other values", details, "set 0 and 1 in the cohort, or declare treatment_values")
