"""All checks of a study on series, in one call per method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from estimators.checks.series_controls import controls_not_affected
from estimators.checks.series_held_out import held_out_fit
from estimators.checks.series_lengths import chain_convergence, pre_period_fit, pre_period_length
from estimators.checks.series_placebo import bsts_placebo_in_time, synthetic_control_placebo_in_time
from estimators.results import Check, Effect


def bsts_checks(
    effect: Effect,
    data: Any,
    time: str,
    outcome: str,
    controls: Sequence[str],
    intervention: Any,
    season: int | None = None,
    **options: Any,
) -> list[Check]:
    """effect: what `bsts` gave for the same arguments. options: gap_end, seed, and the model's own."""
    where = (data, time, outcome, controls, intervention, season)
    return [
        pre_period_length(effect),
        chain_convergence(effect),
        held_out_fit(effect),
        bsts_placebo_in_time(*where, effect=effect, **options),
        *controls_not_affected(*where, **options),
    ]


def synthetic_control_checks(
    effect: Effect, data: Any, unit: str, time: str, outcome: str, treated: Any, intervention: Any, **options: Any
) -> list[Check]:
    """effect: what `synthetic_control` gave for the same arguments. options: demeaned, seed, n_placebos, ..."""
    placebo = synthetic_control_placebo_in_time(
        data, unit, time, outcome, treated, intervention, effect=effect, **options
    )
    return [pre_period_length(effect), pre_period_fit(effect), placebo]
