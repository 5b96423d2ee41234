"""Covariates that carry no information of their own: constant ones and linear functions of others (020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.checks.moments import Moments
from estimators.checks.verdict import count, failed, figure, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, listed, shown

NAME = "collinearity"
_TOLERANCE = 1e-10  # of a column's variance: what rounding leaves of a perfect fit is below 1e-12
_FIX = "leave them out of confounders, or declare collinear: drop"


@dataclass(frozen=True)
class Redundant:
    """Covariates without information of their own. reasons: column → what it is.  rank: of the other terms."""

    reasons: Mapping[str, str]
    rank: int


def constants(table: StudyTable, facts: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """Those of `columns` with a single value, by the scan of the data checks (it has no missing-value indicators)."""
    numbers = [c for c in table.numeric(columns) if f"min_{c}" in facts]
    found = [c for c in numbers if figure(facts, f"min_{c}") == figure(facts, f"max_{c}")]
    found += [c for c in table.of_kind(columns, "text") if f"levels_{c}" in facts and count(facts, f"levels_{c}") < 2]
    return tuple(c for c in columns if c in found)


def linear_fit(covariance: np.ndarray, target: int, on: Sequence[int]) -> tuple[float, np.ndarray]:
    """Share of the target's variance that `on` leaves unexplained, and the coefficients. covariance: (p, p)."""
    variance = covariance[target, target]
    if not len(on):
        return 1.0, np.empty(0)
    block = covariance[np.ix_(on, on)]
    coefficients = np.linalg.lstsq(block, covariance[on, target], rcond=1e-12)[0]
    return float(1.0 - coefficients @ covariance[on, target] / variance), coefficients


def redundant(moments: Moments, covariates: Sequence[str], constant: Sequence[str]) -> Redundant:
    """Goes through the terms, categories first, and finds those that the ones before them explain."""
    covariance, names, owners = moments.covariance(), moments.terms.names, _owners(moments)
    order = [i for i in range(len(names)) if owners[i] in covariates]
    order.sort(key=lambda i: (owners[i] in moments.terms.numbers, i))
    kept: list[int] = []
    reasons = dict.fromkeys(constant, "is constant")
    for i in order:
        unexplained, coefficients = linear_fit(covariance, i, kept)
        if unexplained > _TOLERANCE:
            kept.append(i)
            continue
        used = [shown(names[j]) for j, b in zip(kept, coefficients, strict=True) if abs(b) > 1e-6]
        reasons[owners[i]] = f"is a linear function of {listed(used, 3)}"
    return Redundant(reasons, len(kept))


def check(table: StudyTable, found: Redundant) -> Check:
    rank = {"statistic": float(found.rank), "threshold": float(len(table.covariates))}
    if not found.reasons:
        return passed(NAME, f"{len(table.covariates)} covariates of full rank {found.rank}", **rank)
    named = [f"{shown(c)} {reason}" for c, reason in found.reasons.items()]
    if table.study.collinear == "drop" and not _partly(table, found):
        reason = f"dropped as declared: {listed(named)}; rank {found.rank}"
        return Check(NAME, "warn", reason, code="020", **rank)
    return failed(NAME, Fault("020", "collinear or constant confounders", (listed(named),), _FIX), **rank)


def _partly(table: StudyTable, found: Redundant) -> bool:
    """A category of which one level is redundant cannot be dropped without losing the others."""
    return any(table.relation.columns[c] == "text" and "linear" in reason for c, reason in found.reasons.items())


def _owners(moments: Moments) -> list[str]:
    """The column that each term belongs to."""
    dummies = [c for c, levels in moments.terms.categories for _ in levels[1:]]
    return ["", *moments.terms.numbers, *dummies]
