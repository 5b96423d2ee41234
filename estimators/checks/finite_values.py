"""Infinities and NaN in covariates and placebo outcomes (011): a single one makes every mean infinite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, listed, shown

NAME = "finite_values"
_LARGEST = "1.7976931348623157e308"


def measures(table: StudyTable) -> dict[str, str]:
    return finite_measures(table, [*table.covariates, *table.placebos])


def finite_measures(table: StudyTable, columns: Sequence[str]) -> dict[str, str]:
    """Counts per number column. Engines sort NaN above infinity, which is what the comparisons rest on."""
    sums = {}
    for column in table.of_kind(columns, "number"):
        value = table.relation.double(table.relation.name(column))
        sums[f"nan_{column}"] = f"sum(case when {value} > cast('Infinity' as double) then 1 else 0 end)"
        sums[f"inf_{column}"] = f"sum(case when abs({value}) > {_LARGEST} then 1 else 0 end)"
    return sums


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    return judge(table, facts, [*table.covariates, *table.placebos], NAME)


def judge(table: StudyTable, facts: Mapping[str, Any], columns: Sequence[str], check_name: str) -> list[Check]:
    counts = []
    for column in table.of_kind(columns, "number"):
        n_nan, n_either = count(facts, f"nan_{column}"), count(facts, f"inf_{column}")
        if n_either:
            counts.append(f"{shown(column)} {n_either - n_nan:,} infinite and {n_nan:,} NaN")
    if not counts:
        return [passed(check_name, f"all values of {len(columns)} columns are finite")]
    detail = f"of {count(facts, 'n'):,} units: {listed(counts)}"
    fix = "correct them at their source, e.g. a division by zero in the feature model"
    return [failed(check_name, Fault("011", "infinite or NaN values", (detail,), fix))]
