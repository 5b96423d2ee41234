"""The outcomes themselves: nulls, infinities, constants and impossible values (010, 011, 028). Second stage only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks import finite_values, missing_values
from estimators.checks.verdict import count, failed, figure, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, shown

NAME = "outcome_values"


def scan(table: StudyTable) -> Mapping[str, Any]:
    """One scan over all outcomes."""
    sums = {"n": "count(*)", **missing_values.null_measures(table, table.outcomes)}
    sums |= finite_values.finite_measures(table, table.outcomes)
    for column in table.numeric(table.outcomes):
        value = table.relation.double(table.relation.name(column))
        sums |= {f"min_{column}": f"min({value})", f"max_{column}": f"max({value})"}
        sums[f"not_binary_{column}"] = f"sum(case when {value} not in (0, 1) then 1 else 0 end)"
    return table.relation.aggregate(sums)


def judge(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    checks = missing_values.judge(table, facts, table.outcomes, "missing_outcomes")
    checks += finite_values.judge(table, facts, table.outcomes, "finite_outcomes")
    kinds = {f"outcome_{o.name}": o.kind for o in table.study.outcomes}
    for column in table.outcomes:
        checks.append(_judged(table, facts, column, kinds[column]))
    return checks


def _judged(table: StudyTable, facts: Mapping[str, Any], column: str, kind: str) -> Check:
    n, name = count(facts, "n"), shown(column)
    if column not in table.numeric(table.outcomes):
        return _failed(
            name, "outcome is not a number", f"{name} is of kind {table.relation.columns[column]}", "cast it"
        )
    lowest, highest = figure(facts, f"min_{column}"), figure(facts, f"max_{column}")
    if lowest == highest:
        what = "zero" if lowest == 0.0 else "the same"
        fix = "check the outcome's feature and its window; no effect can be estimated"
        return _failed(name, "outcome does not vary", f"{name} is {what} for all {n:,} units", fix)
    n_other = count(facts, f"not_binary_{column}")
    if kind == "binary" and n_other:
        fix = "make the feature 0 or 1, or declare its kind as count or continuous"
        return _failed(name, "binary outcome outside {0, 1}", f"{name}: {n_other:,} of {n:,} units", fix)
    if kind == "count" and lowest < 0.0:
        return _failed(name, "count below zero", f"{name} has negative values", "declare its kind as continuous")
    return passed(NAME, f"{name} varies over {n:,} units", outcome=name)


def _failed(name: str, subject: str, detail: str, fix: str) -> Check:
    return failed(NAME, Fault("028", subject, (detail,), fix), outcome=name)
