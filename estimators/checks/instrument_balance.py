"""Balance across the instrument: what an instrument that is not as good as random would do to the estimate.

A variable held out of the covariates must not depend on the instrument given these. The imbalance itself says little,
for it reaches the estimate divided by the first stage: an instrument that moves a tenth of the units turns a gap of
0.02 SD into a bias of 0.2 SD. So the gap is reported as that bias, the very estimate with the held-out variable in the
place of the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from estimators.checks.family import critical_value
from estimators.checks.verdict import passed
from estimators.effects.iv import IvDesign
from estimators.results import Check, Effect
from estimators.study_table import shown

NAME = "instrument_balance"


def check(
    design: IvDesign, columns: Sequence[str], scale: Mapping[str, float], margin: float, seed: str
) -> list[Check]:
    """One row per held-out variable. scale: its SD.  margin: the largest bias that is of no concern, in SDs.

    Passes if the simultaneous 90 % interval of the implied bias lies within the margin, fails if it does not and the
    95 % interval excludes 0, else it could not be evaluated (METHODS, A/A checks). The outcome is not read.
    """
    if not columns:
        reason = "no variable is held out of the confounders; name a placebo outcome measured before the instrument"
        return [Check(NAME, "not_evaluated", reason, method="iv")]
    joint = design.estimate(columns)
    critical = {level: critical_value(np.asarray(joint.covariance), level, 1, seed) for level in (0.9, 0.95)}
    return [_judged(e, scale[c], margin, critical) for c, e in zip(columns, joint.effects, strict=True)]


def _judged(effect: Effect, sd: float, margin: float, critical: Mapping[float, float]) -> Check:
    figures = {"threshold": margin, "method": "iv", "outcome": shown(effect.outcome)}
    if not (np.isfinite(effect.estimate) and effect.std_error > 0.0 and sd > 0.0):
        reason = f"no implied bias for {shown(effect.outcome)}: the instrument is weak, or the variable does not vary"
        return Check(NAME, "not_evaluated", reason, **figures)
    bias, error = effect.estimate / sd, effect.std_error / sd
    reach = {level: abs(bias) + factor * error for level, factor in critical.items()}
    figures |= {"statistic": bias, "bias_bound": reach[0.9]}
    said = f"{_gap(effect, sd)} implies a bias of {bias:.3f} SD (up to {reach[0.9]:.3f}), margin ±{margin:g}"
    if reach[0.9] <= margin:
        return passed(NAME, f"no bias beyond the margin: {said}", **figures)
    if abs(bias) > critical[0.95] * error:
        reason = f"the instrument is not as good as random: {said}; fix: add the confounder that drives it"
        return Check(NAME, "fail", reason, **figures)
    reason = f"too little power to exclude a bias: {said}; fix: more units, or a stronger instrument"
    return Check(NAME, "not_evaluated", reason, **figures)


def _gap(effect: Effect, sd: float) -> str:
    """The imbalance over the first stage, in words; with several instruments there is no single one."""
    gaps, stages = effect.diagnostics["reduced_form"], effect.diagnostics["first_stage"]
    if len(gaps) > 1:
        return f"{shown(effect.outcome)}, by {len(gaps)} instruments,"
    name = effect.diagnostics["instruments"][0].removeprefix("instrument_")
    gap = f"{shown(effect.outcome)} differs by {gaps[0] / sd:.3f} SD per unit of {name}"
    return f"{gap}, which over a first stage of {stages[0]:.3g}"
