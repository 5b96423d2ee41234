"""Categorical covariates have a bounded number of levels (022): each one is a column of the design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, listed, shown

NAME = "category_levels"


def measures(table: StudyTable) -> dict[str, str]:
    text = table.of_kind(table.covariates, "text")
    return {f"levels_{c}": f"count(distinct {table.relation.name(c)})" for c in text}


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    text, limit = table.of_kind(table.covariates, "text"), table.study.max_levels
    levels = {c: count(facts, f"levels_{c}") for c in text}
    largest = float(max(levels.values(), default=0))
    figures = {"statistic": largest, "threshold": float(limit)}
    many = [f"{shown(c)} {k:,}" for c, k in levels.items() if k > limit]
    if many:
        fix = "group rare levels in the feature model, or raise max_levels if every level has many units"
        return [
            failed(
                NAME, Fault("022", "too many levels", (f"levels: {listed(many)}; allowed: {limit:,}",), fix), **figures
            )
        ]
    return [passed(NAME, f"{len(text)} categorical covariates, at most {largest:.0f} levels", **figures)]
