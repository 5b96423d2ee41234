"""All checks of the data in one scan: each says which sums it needs, then judges them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks import (
    category_levels,
    duplicate_units,
    finite_values,
    index_dates,
    missing_values,
    sample_ratio,
    sample_size,
    time_order,
    treatment_values,
    weights,
    windows_ended,
)
from estimators.results import Check
from estimators.study_table import StudyTable

_CHECKS = (
    treatment_values,
    duplicate_units,
    missing_values,
    finite_values,
    category_levels,
    sample_size,
    weights,
    time_order,
    windows_ended,
    sample_ratio,
    index_dates,
)


def scan(table: StudyTable) -> Mapping[str, Any]:
    """The sums of all data checks, and the range and mean of every numeric covariate and placebo."""
    sums = {"n": "count(*)"}
    for check in _CHECKS:
        sums |= check.measures(table)
    for column in table.numeric([*table.covariates, *table.placebos]):
        value = table.relation.double(table.relation.name(column))
        sums |= {f"min_{column}": f"min({value})", f"max_{column}": f"max({value})"}
    return table.relation.aggregate(sums)


def judge(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    """A cohort without units has nothing else to be said about it."""
    empty = sample_size.empty(table, facts)
    return empty or [verdict for check in _CHECKS for verdict in check.verdict(table, facts)]
