"""Does the study find what an experiment found? The one comparison that confounding cannot explain."""

from __future__ import annotations

import math
from statistics import NormalDist

from estimators.checks.verdict import passed, rounded
from estimators.results import Check, Effect, p_value
from estimators.study_table import shown

NAME = "agreement_with_experiment"
_LEVEL = 0.05


def check(effect: Effect, estimate: float, std_error: float, source: str, is_gate: bool = True) -> Check:
    """Agreement with a randomised estimate of the same effect, in the same units and of other units than the study's.

    Fails if the 95 % interval of the difference excludes 0. Passes only if it does not and a difference as large as
    the experiment's own effect would have been seen in 80 % of cases; else there is too little power to say.
    """
    gap, error = effect.estimate - estimate, math.hypot(effect.std_error, std_error)
    figures = {"is_gate": is_gate, "method": effect.method, "outcome": shown(effect.outcome), "threshold": _LEVEL}
    if not (math.isfinite(gap) and math.isfinite(error) and error > 0.0):
        return Check(NAME, "not_evaluated", f"{effect.method} has no standard error to compare by", **figures)
    p = p_value(gap / error)
    found = (
        f"{effect.method} finds {rounded(effect.estimate)} (SE {rounded(effect.std_error)}), the experiment "
        f"{rounded(estimate)} (SE {rounded(std_error)}; {source}): difference {rounded(gap)}, p = {p:.2g}"
    )
    if p < _LEVEL:
        fix = "look for confounding, or say why the experiment's units or times differ"
        return Check(NAME, "fail", f"the study contradicts an experiment: {found}; fix: {fix}", statistic=p, **figures)
    detectable = (NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) * error
    if detectable > abs(estimate):
        reason = f"too little power: only differences above {rounded(detectable)} would be seen; {found}"
        return Check(NAME, "not_evaluated", reason, statistic=p, **figures)
    return passed(NAME, f"{found}; differences above {rounded(detectable)} would be seen", statistic=p, **figures)
