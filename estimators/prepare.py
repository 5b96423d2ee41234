"""The declared treatment of missing values, outliers and redundant covariates, as SQL over the study table.

Rows stay in the warehouse: each step returns the table over a filtered or extended relation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from estimators.checks.verdict import count, figure
from estimators.study_table import StudyTable

_NO_LEVEL = "(missing)"


def without(table: StudyTable, columns: Sequence[str]) -> StudyTable:
    """The table without some covariates; they stay listed as dropped."""
    kept = tuple(c for c in table.covariates if c not in columns)
    return replace(table, covariates=kept, dropped=(*table.dropped, *(c for c in table.covariates if c in columns)))


def complete_covariates(table: StudyTable, facts: Mapping[str, Any]) -> StudyTable:
    """Applies `missing_values` to covariates and placebo outcomes. facts: the scan of the data checks."""
    columns = [*table.covariates, *table.placebos]
    holed = [c for c in columns if count(facts, f"null_{c}")]
    policy = table.study.missing_values
    if not holed:
        return table
    if policy == "drop":
        return _only_complete(table, holed)
    filled = _filled(table, holed)
    if policy == "zero":
        return filled
    # A placebo is an outcome: only covariates get an indicator, which the methods then adjust for.
    flagged = [c for c in holed if c in table.covariates and c in table.numeric([c])]
    name = table.relation.name
    flags = {f"{c}_is_missing": f"case when {name(c)} is null then 1 else 0 end" for c in flagged}
    relation = table.relation.with_columns(flags)
    covariates = (*table.covariates, *flags)
    return _filled(table.with_relation(relation, covariates=covariates), holed)


def complete_outcomes(table: StudyTable, facts: Mapping[str, Any]) -> StudyTable:
    """Applies `missing_values` to outcomes: zero where the definition says zero, else units without them are left out.

    facts: the scan of the outcomes, in the second stage.
    """
    holed = [c for c in table.outcomes if count(facts, f"null_{c}")]
    if not holed:
        return table
    return _filled(table, holed) if table.study.missing_values == "zero" else _only_complete(table, holed)


def winsorised(table: StudyTable, columns: Sequence[str]) -> StudyTable:
    """`columns` limited to their quantiles at the declared share of each tail, over both arms together."""
    tail = table.study.winsorise
    if tail is None or not columns:
        return table
    relation = table.relation
    values = {c: relation.double(relation.name(c)) for c in columns}
    ends = {"lower": tail, "upper": 1.0 - tail}
    found = relation.aggregate(
        {f"{end}_{c}": relation.quantile(v, share) for c, v in values.items() for end, share in ends.items()}
    )
    limited = {}
    for column, value in values.items():
        lower, upper = (relation.number(figure(found, f"{end}_{column}")) for end in ends)
        limited[column] = (
            f"case when {value} < {lower} then {lower} when {value} > {upper} then {upper} else {value} end"
        )
    return table.with_relation(relation.with_columns(limited))


def winsorised_outcomes(table: StudyTable) -> StudyTable:
    """Binary outcomes have no tails."""
    kinds = {f"outcome_{o.name}": o.kind for o in table.study.outcomes}
    return winsorised(table, [c for c in table.outcomes if kinds[c] != "binary"])


def winsorised_placebos(table: StudyTable) -> StudyTable:
    """A placebo outcome is treated as the outcome will be, or the A/A check would test another estimator."""
    kinds = {f"placebo_{p.name}": p.kind for p in table.study.checks.placebo_outcomes}
    return winsorised(table, [c for c in table.placebos if kinds[c] != "binary"])


def _only_complete(table: StudyTable, columns: Sequence[str]) -> StudyTable:
    condition = " and ".join(f"{table.relation.name(c)} is not null" for c in columns)
    return table.with_relation(table.relation.filter(condition))


def _filled(table: StudyTable, columns: Sequence[str]) -> StudyTable:
    relation = table.relation
    blank = {"number": "0", "boolean": "false", "text": relation.text(_NO_LEVEL)}
    filled = {c: f"coalesce({relation.name(c)}, {blank[relation.columns[c]]})" for c in columns}
    return table.with_relation(relation.with_columns(filled))
