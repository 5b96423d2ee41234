"""Sample-ratio mismatch: the share of treated units against the share that the design announced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy import stats

from estimators.checks.verdict import count, passed
from estimators.results import Check
from estimators.study_table import StudyTable

NAME = "sample_ratio"
_LEVEL = 0.001  # Fabijan et al. 2019, table 3: alarms at p < .001


def measures(table: StudyTable) -> dict[str, str]:
    return {f"arm_{arm}": f"sum(case when {table.is_treated(arm)} then 1 else 0 end)" for arm in (0, 1)}


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    """Chi-square with one degree of freedom, fails at p < .001. Without `expected_share` it is no gate."""
    expected = table.study.expected_share
    if expected is None:
        return [Check(NAME, "not_evaluated", "the definition states no expected_share", is_gate=False)]
    n_treated, n_control = count(facts, "arm_1"), count(facts, "arm_0")
    n = n_treated + n_control
    if n == 0:
        return [Check(NAME, "not_evaluated", "no units with a valid treatment")]
    p = float(stats.chisquare([n_treated, n_control], [n * expected, n * (1.0 - expected)]).pvalue)
    found = f"{n_treated:,} of {n:,} treated ({n_treated / n:.2%}), {expected:.2%} expected (p = {p:.2g})"
    if p < _LEVEL:
        reason = f"sample-ratio mismatch: {found}; units are lost or assigned differently by arm, find out where"
        return [Check(NAME, "fail", reason, statistic=p, threshold=_LEVEL)]
    return [passed(NAME, found, statistic=p, threshold=_LEVEL)]
