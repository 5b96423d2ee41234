"""Were the arms on parallel trends before treatment? Judged by equivalence, never by the absence of a rejection.

Pass: the simultaneous band of the coefficients before treatment lies within ± the margin. Where it does not, the
interval that allows trends to differ after treatment as much as they did before it (HonestDiD at M̄ = 1) becomes the
headline, and the check no longer blocks; where that interval cannot be had, it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from estimators.checks.family import critical_value
from estimators.checks.verdict import passed
from estimators.effects.did import with_interval
from estimators.effects.event_study import EventStudy
from estimators.effects.honest_did import HonestDid, honest_did
from estimators.effects.method import PreTrends
from estimators.errors import CausalError
from estimators.results import Check, Effect

NAME = "pre_trends"
MAGNITUDE = 1.0  # M̄ of the headline when trends are not shown to be parallel


@dataclass(frozen=True)
class Trend:
    """found: effects before treatment of one outcome.  scale: its SD before treatment, which margins are counted in."""

    found: PreTrends
    scale: float


@dataclass(frozen=True)
class Judgement:
    """check: the verdict.  effect: what may be published.  sensitivity: None with the reason in the check."""

    check: Check
    effect: Effect
    sensitivity: HonestDid | None


def judge(pre: PreTrends, scale: float, margin: float, seed: str, n_methods: int = 1) -> Check:
    """The verdict alone. scale: SD of the outcome before treatment.  margin: δ in such SDs.

    n_methods: how many methods share the family of A/A checks.
    """
    if not len(pre.estimates):
        reason = "no period before treatment is left to compare; fix: add two or more periods before treatment"
        return Check(NAME, "not_evaluated", reason, outcome=pre.outcome)
    std_errors = np.sqrt(np.diag(pre.covariance))
    if not (scale > 0.0 and np.all(np.isfinite(std_errors)) and np.all(std_errors > 0.0)):
        reason = f"{pre.outcome} gives no standard errors before treatment; fix: more units in every cohort"
        return Check(NAME, "not_evaluated", reason, outcome=pre.outcome)
    estimates, errors = np.asarray(pre.estimates) / scale, std_errors / scale
    low, high = _band(estimates, errors, critical_value(pre.covariance, 0.9, n_methods, seed))
    reach = float(max(-low.min(), high.max()))
    worst = int(np.argmax(np.abs(estimates)))
    figures = {
        "statistic": float(estimates[worst]),
        "threshold": margin,
        "method": "did",
        "outcome": pre.outcome,
        "bias_bound": reach,
    }
    found = (
        f"{len(estimates)} coefficients before treatment, the largest {estimates[worst]:.3f} SD at relative period "
        f"{pre.relative_periods[worst]:g}, simultaneous 90 % band within ±{reach:.3f}, margin ±{margin:g}"
    )
    if reach <= margin:
        return passed(NAME, f"trends were parallel before treatment up to the margin: {found}", **figures)
    low, high = _band(estimates, errors, critical_value(pre.covariance, 0.95, n_methods, seed))
    if np.any((low > 0.0) | (high < 0.0)):
        reason = f"the arms were on different trends before treatment: {found}"
        return Check(NAME, "fail", f"{reason}; fix: adjust for what drives the trends, or compare others", **figures)
    reason = f"too little power to show parallel trends: {found}; fix: more units or periods before treatment"
    return Check(NAME, "not_evaluated", reason, **figures)


def judged(
    effect: Effect, pre: PreTrends, study: EventStudy, scale: float, margin: float, seed: str, n_methods: int = 1
) -> Judgement:
    """The verdict, and the effect under the interval that the verdict allows."""
    check = judge(pre, scale, margin, seed, n_methods)
    try:
        sensitivity = honest_did(study, "average", seed=seed)
    except CausalError as error:
        reason = f"{check.reason}; no sensitivity analysis: {error.faults[0].on_one_line()}"
        return Judgement(replace(check, reason=reason), effect, None)
    if check.status == "pass":
        return Judgement(check, effect, sensitivity)
    interval = sensitivity.at(MAGNITUDE)
    convention = f"HonestDiD, relative magnitudes at {MAGNITUDE:g} (average of the event times)"
    reason = (
        f"{check.reason}. Published instead: the interval {interval.lower:.4g} to {interval.upper:.4g}, which lets "
        "trends differ after treatment by as much as they did between any two periods before it"
    )
    headline = replace(with_interval(effect, interval.lower, interval.upper, convention), estimate=sensitivity.estimate)
    return Judgement(replace(check, reason=reason, is_gate=False), headline, sensitivity)


def _band(estimates: np.ndarray, errors: np.ndarray, critical: float) -> tuple[np.ndarray, np.ndarray]:
    return estimates - critical * errors, estimates + critical * errors
