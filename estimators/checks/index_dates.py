"""Index dates are balanced between the arms: controls dated otherwise than the treated bring in calendar effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, figure, passed
from estimators.results import Check, p_value
from estimators.study_table import StudyTable

NAME = "index_dates"
_LIMIT = 0.1
_CHANCE = 0.001  # in a randomised design small samples differ by chance, as they do in any covariate
_SECONDS_PER_DAY = 86_400.0


def measures(table: StudyTable) -> dict[str, str]:
    if not table.has("treated_at"):
        return {}
    seconds = table.relation.seconds(table.relation.name("treated_at"))
    sums = {}
    for arm in (0, 1):
        value = f"case when {table.is_treated(arm)} then {seconds} end"
        sums[f"index_mean_{arm}"] = f"avg({value})"
        sums[f"index_variance_{arm}"] = f"var_samp({value})"
    return sums


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    """Fails if |SMD| of treated_at is 0.1 or more; in a randomised design only if chance is excluded too (p < .001)."""
    if not table.has("treated_at"):
        return [Check(NAME, "not_evaluated", "the study table has no column treated_at")]
    means = [figure(facts, f"index_mean_{arm}") for arm in (0, 1)]
    variances = [figure(facts, f"index_variance_{arm}", 0.0) for arm in (0, 1)]
    gap = means[1] - means[0]
    if math.isnan(gap):
        return [Check(NAME, "not_evaluated", "an arm has no units with a treated_at")]
    spread = math.sqrt((variances[0] + variances[1]) / 2.0)
    if spread == 0.0:
        smd = 0.0 if gap == 0.0 else math.copysign(math.inf, gap)
    else:
        smd = gap / spread
    return [_judged(table, facts, smd, gap / _SECONDS_PER_DAY, variances)]


def _judged(table: StudyTable, facts: Mapping[str, Any], smd: float, days: float, variances: list[float]) -> Check:
    figures = {"statistic": smd, "threshold": _LIMIT}
    if smd == 0.0:
        return passed(NAME, "both arms have the same mean index time", **figures)
    apart = f"treated units are indexed {abs(days):.3g} days {'later' if days > 0 else 'earlier'} (SMD {smd:.3f})"
    if abs(smd) < _LIMIT:
        return passed(NAME, apart, **figures)
    if table.study.design == "randomised" and math.isfinite(smd):
        n = [max(count(facts, f"arm_{arm}"), 1) for arm in (0, 1)]
        error = math.sqrt(variances[0] / n[0] + variances[1] / n[1]) / _SECONDS_PER_DAY
        if error > 0 and p_value(days / error) >= _CHANCE:
            return passed(NAME, f"{apart}, as chance allows (p = {p_value(days / error):.2g})", **figures)
    fix = "draw the controls' index times from those of the treated, or match on date (control_index)"
    return Check(NAME, "fail", f"index dates differ between the arms: {apart}; fix: {fix}", **figures)
