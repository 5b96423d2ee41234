"""Covariates precede treatment and outcomes follow it, proved on the data (017): a leak biases without a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, listed

NAME = "time_order"
_AUDIT = ("treated_at", "latest_covariate_at", "earliest_outcome_at")


def measures(table: StudyTable) -> dict[str, str]:
    if _absent(table):
        return {}
    treated_at, latest, earliest = (table.relation.name(c) for c in _AUDIT)
    return {
        "n_late_covariates": f"sum(case when {latest} >= {treated_at} then 1 else 0 end)",
        "n_early_outcomes": f"sum(case when {earliest} < {treated_at} then 1 else 0 end)",
    }


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    absent = _absent(table)
    if absent:
        reason = f"the study table has no column {listed(absent)}; make it with the study-table macro"
        return [Check(NAME, "not_evaluated", reason)]
    n, n_late, n_early = (count(facts, k) for k in ("n", "n_late_covariates", "n_early_outcomes"))
    details = []
    if n_late:
        details.append(f"covariates use events at or after treated_at for {n_late:,} of {n:,} units")
    if n_early:
        details.append(f"outcomes use events before treated_at for {n_early:,} of {n:,} units")
    if details:
        fix = "let the study-table macro make the windows, and correct event_at in the registry"
        return [
            failed(NAME, Fault("017", "leak across treatment", tuple(details), fix), statistic=float(n_late + n_early))
        ]
    return [passed(NAME, f"all covariates precede and all outcomes follow treated_at, {n:,} units", statistic=0.0)]


def _absent(table: StudyTable) -> list[str]:
    return [c for c in _AUDIT if not table.has(c)]
