"""Controls must not be touched by the intervention: each one is put to the same test as the outcome.

Every control is predicted from its own past and from the other controls; a shift at the intervention that chance does
not explain makes it useless, since what it lost or gained is subtracted from the effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from estimators.checks.verdict import passed
from estimators.effects.bsts import series_effect, settings_of
from estimators.effects.series_inputs import SeriesInputs, read_series
from estimators.results import Check, Effect
from estimators.warehouse import as_relation

NAME = "controls_not_affected"
_FAILS_AT, _WARNS_AT = 0.01, 0.05
_QUICK = {"n_chains": 1, "n_draws": 400}


def controls_not_affected(
    data: Any,
    time: str,
    outcome: str,
    controls: Sequence[str],
    intervention: Any,
    season: int | None = None,
    **options: Any,
) -> list[Check]:
    """One check per control, judged as a family; arguments as of `bsts`. The outcome is only read for its dates."""
    if not controls:
        reason = "the study has no controls: everything else that changed at that date counts as effect"
        return [Check(NAME, "warn", reason, is_gate=False, outcome=outcome, method="bsts")]
    inputs = read_series(as_relation(data), time, outcome, controls, intervention, options.pop("gap_end", None))
    settings = settings_of(season, options.pop("seed", 0), "gibbs", {**_QUICK, **options})
    effects = [series_effect(_as_outcome(inputs, i), c, settings, holds_out=False) for i, c in enumerate(controls)]
    return [judge(effect, len(effects), inputs) for effect in effects]


def _as_outcome(inputs: SeriesInputs, position: int) -> SeriesInputs:
    others = [i for i in range(len(inputs.names)) if i != position]
    return SeriesInputs(
        inputs.periods,
        inputs.position,
        inputs.controls[:, position],
        inputs.controls[:, others],
        tuple(inputs.names[i] for i in others),
        inputs.is_pre,
        inputs.is_post,
    )


def judge(effect: Effect, n_controls: int, inputs: SeriesInputs) -> Check:
    """effect: of the intervention on one control. The threshold is that of all controls together."""
    sd = float(np.std(inputs.controls[inputs.is_pre, inputs.names.index(effect.outcome)], ddof=1))
    z = abs(effect.estimate) / effect.std_error
    family = min(1.0, 2.0 * NormalDist().cdf(-z) * n_controls)
    lower, upper = effect.ci_lower / sd, effect.ci_upper / sd
    said = f"{effect.outcome} moved by {effect.estimate / sd:.2f} SD at the intervention"
    said += f", 95 % interval {lower:.2f} to {upper:.2f}"
    figures = {"statistic": family, "threshold": _FAILS_AT, "method": "bsts", "outcome": effect.outcome}
    if family < _FAILS_AT:
        return Check(NAME, "fail", f"{said} (p = {family:.2g} of {n_controls}); fix: leave this control out", **figures)
    if family < _WARNS_AT:
        return Check(NAME, "warn", f"{said} (p = {family:.2g} of {n_controls})", **figures)
    return passed(NAME, said, **figures)
