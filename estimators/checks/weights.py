"""Sampling weights are positive numbers (024)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable

NAME = "weights"


def measures(table: StudyTable) -> dict[str, str]:
    if table.weights is None:
        return {}
    column = table.relation.name(table.weights)
    value = table.relation.double(column)
    tests = {
        "weights_null": f"{column} is null",
        "weights_not_finite": f"abs({value}) > 1.7976931348623157e308",
        "weights_negative": f"{value} < 0",
        "weights_zero": f"{value} = 0",
    }
    return {key: f"sum(case when {test} then 1 else 0 end)" for key, test in tests.items()}


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    if table.weights is None:
        return []
    n = count(facts, "n")
    counts = {key.removeprefix("weights_").replace("_", " "): count(facts, key) for key in measures(table)}
    found = [f"{k:,} {kind}" for kind, k in counts.items() if k]
    if found:
        fix = "leave out units that should not count, and correct the others in the cohort"
        return [failed(NAME, Fault("024", "weights must be positive", (f"{', '.join(found)} of {n:,}",), fix))]
    return [passed(NAME, f"{n:,} positive weights")]
