"""A/A: the effect on a pre-treatment variable, which treatment cannot have caused, by the study's own estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from estimators.checks.collinearity import linear_fit
from estimators.checks.family import critical_value
from estimators.checks.moments import Moments
from estimators.checks.verdict import failed, passed
from estimators.effects.method import Estimates
from estimators.errors import Fault
from estimators.results import Check
from estimators.study import Study
from estimators.study_table import StudyTable, listed, shown

NAME = "placebo_outcome"
_FUNCTION_OF_COVARIATES = 1e-8  # of the placebo's variance left unexplained
_POWER = 0.8


@dataclass(frozen=True)
class Placebo:
    """One A/A estimate in standard deviations of the placebo outcome in the target population.

    critical: half-width of the simultaneous interval in standard errors, by level.
    """

    method: str
    outcome: str
    estimate: float
    std_error: float
    critical: Mapping[float, float]

    def interval(self, level: float) -> tuple[float, float]:
        half = self.critical[level] * self.std_error
        return self.estimate - half, self.estimate + half

    def reach(self, level: float) -> float:
        """The largest absolute end of the interval: a bias up to this size is not excluded."""
        return max(abs(end) for end in self.interval(level))

    def excludes_zero(self, level: float) -> bool:
        lower, upper = self.interval(level)
        return lower > 0.0 or upper < 0.0


def refused(table: StudyTable, moments: Moments) -> list[Check]:
    """Placebos that are a covariate, or a linear function of covariates: adjusting for them makes their effect 0."""
    covariance, names = moments.covariance(), moments.terms.names
    on = moments.terms.positions(table.covariates)[1:]
    found = []
    for column in table.placebos:
        unexplained, weights = linear_fit(covariance, moments.position(column), on)
        if unexplained > _FUNCTION_OF_COVARIATES:
            continue
        used = [shown(names[i]) for i, b in zip(on, weights, strict=True) if abs(b) > 1e-6]
        detail = f"{shown(column)} is a linear function of {listed(used, 3)}, so its effect is 0 whatever the bias"
        fix = "take an earlier window of the outcome's metric that is not a covariate"
        found.append(
            failed(NAME, Fault("020", "placebo outcome is a covariate", (detail,), fix), outcome=shown(column))
        )
    return found


def undeclared(table: StudyTable) -> list[Check]:
    """Without placebo outcomes an observational study is blocked unless waived; randomisation needs none."""
    is_gate = table.study.design == "observational"
    reason = "the definition declares no placebo_outcomes; name an earlier window of the outcome's metric"
    return [Check(NAME, "not_evaluated", reason, is_gate=is_gate)]


def flat(column: str) -> Check:
    """A placebo outcome that does not vary can show no bias."""
    reason = f"{shown(column)} does not vary in the target population; choose a placebo outcome that does"
    return Check(NAME, "not_evaluated", reason, outcome=shown(column))


def placebos(
    estimates: Mapping[str, Estimates], columns: Sequence[str], scale: Mapping[str, float], seed: str
) -> list[Placebo]:
    """All A/A estimates of a study as one family. scale: SD of each placebo in the target population."""
    found = []
    for method, joint in estimates.items():
        covariance = np.asarray(joint.covariance, dtype=float)
        critical = {level: critical_value(covariance, level, len(estimates), seed) for level in (0.9, 0.95, 0.99)}
        for column, effect in zip(columns, joint.effects, strict=True):
            sd = scale[column]
            found.append(Placebo(method, shown(column), effect.estimate / sd, effect.std_error / sd, critical))
    return found


def judge(study: Study, placebo: Placebo) -> Check:
    """The decision rule of METHODS: equivalence for observational designs, a test with a floor for randomised ones."""
    if not (np.isfinite(placebo.estimate) and placebo.std_error > 0.0):
        reason = f"{placebo.method} gives no standard error for {placebo.outcome}; choose a placebo outcome that varies"
        return Check(NAME, "not_evaluated", reason, method=placebo.method, outcome=placebo.outcome)
    if study.design == "randomised":
        return _randomised(placebo, study.margin)
    return _observational(placebo, study.margin)


def _observational(placebo: Placebo, margin: float) -> Check:
    """Pass: 90 % interval within ± margin. Fail: it is not, and the 95 % interval excludes 0. Else too little power."""
    lower, upper = placebo.interval(0.9)
    figures = _figures(placebo, margin)
    found = f"{_said(placebo)}, simultaneous 90 % interval {lower:.3f} to {upper:.3f}, margin ±{margin:g}"
    if placebo.reach(0.9) <= margin:
        return passed(NAME, f"no bias beyond the margin: {found}", **figures)
    if placebo.excludes_zero(0.95):
        reason = f"the arms differed before treatment and {placebo.method} does not remove it: {found}"
        return Check(
            NAME, "fail", f"{reason}; fix: add the confounder that is missing, or compare other units", **figures
        )
    reason = f"too little power to exclude a bias: {found}; fix: more units, or covariates that predict the outcome"
    return Check(NAME, "not_evaluated", reason, **figures)


def _randomised(placebo: Placebo, margin: float) -> Check:
    """Fail: the 99 % interval excludes 0 and the estimate exceeds a fifth of the margin."""
    lower, upper = placebo.interval(0.99)
    figures = _figures(placebo, margin)
    found = f"{_said(placebo)}, simultaneous 99 % interval {lower:.3f} to {upper:.3f}"
    if placebo.excludes_zero(0.99) and abs(placebo.estimate) > margin / 5.0:
        reason = f"the arms differed before treatment, which randomisation would not do: {found}"
        return Check(NAME, "fail", f"{reason}; fix: look for how units got into the arms, or were lost", **figures)
    detectable = (placebo.critical[0.99] + NormalDist().inv_cdf(_POWER)) * placebo.std_error
    return passed(
        NAME, f"{found}; a difference of {detectable:.3f} SD would be seen in {_POWER:.0%} of trials", **figures
    )


def _figures(placebo: Placebo, margin: float) -> dict[str, object]:
    reach = placebo.reach(0.9)
    return {
        "statistic": placebo.estimate,
        "threshold": margin,
        "method": placebo.method,
        "outcome": placebo.outcome,
        "bias_bound": reach,
    }


def _said(placebo: Placebo) -> str:
    return f"effect of {placebo.estimate:.3f} SD on {placebo.outcome} by {placebo.method}"
