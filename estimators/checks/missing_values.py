"""Nulls in covariates and placebo outcomes: counted in any case, and treated as the definition declares (010)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from estimators.checks.verdict import count, failed, passed, share
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, listed, shown

NAME = "missing_values"


def measures(table: StudyTable) -> dict[str, str]:
    return null_measures(table, [*table.covariates, *table.placebos])


def null_measures(table: StudyTable, columns: Sequence[str]) -> dict[str, str]:
    """Counts of nulls per column, and of the units of each arm that lack none of `columns`."""
    name = table.relation.name
    sums = {f"null_{c}": f"count(*) - count({name(c)})" for c in columns}
    is_complete = " and ".join(f"{name(c)} is not null" for c in columns) or "true"
    for arm in (0, 1):
        sums[f"complete_{arm}"] = f"sum(case when {is_complete} and {table.is_treated(arm)} then 1 else 0 end)"
    return sums


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    return judge(table, facts, [*table.covariates, *table.placebos], NAME)


def judge(table: StudyTable, facts: Mapping[str, Any], columns: Sequence[str], check_name: str) -> list[Check]:
    """Fails above `max_missing_share` of any column, or at the first null under ``missing_values: fail``."""
    n, study = count(facts, "n"), table.study
    nulls = {c: k for c in columns if (k := count(facts, f"null_{c}"))}
    largest = max((share(k, n) for k in nulls.values()), default=0.0)
    limit = 0.0 if study.missing_values == "fail" else study.max_missing_share
    figures = {"statistic": largest, "threshold": limit}
    counts = listed([f"{shown(c)} {k:,} ({share(k, n):.1%})" for c, k in nulls.items()])
    if largest > limit:
        detail = f"nulls of {n:,} units: {counts}; allowed: {limit:.1%}"
        fix = "correct the feature at its source, leave it out, or declare missing_values and max_missing_share"
        return [failed(check_name, Fault("010", "missing values", (detail,), fix), **figures)]
    if not nulls:
        return [passed(check_name, f"no nulls in {len(columns)} columns of {n:,} units", **figures)]
    return [passed(check_name, f"nulls of {n:,} units, policy {study.missing_values}: {counts}", **figures)]
