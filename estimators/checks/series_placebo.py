"""Placebo in time for series: the same estimator at earlier dates, where nothing had happened. It gates.

Windows are as long as the post-period and lie in the pre-period; they may overlap, and the number of disjoint ones is
said. The largest of their effects is judged as one family. Given the effect itself, its rank among them is said too:
an effect that the same series shows without an intervention warns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimators.checks.verdict import passed, rounded
from estimators.effects.bsts import series_effect, settings_of
from estimators.effects.series_inputs import SeriesInputs, read_series
from estimators.effects.synthetic_control import units_effect
from estimators.effects.synthetic_control_inputs import UnitSeries, read_units
from estimators.results import Check, Effect
from estimators.warehouse import as_relation

NAME = "placebo_in_time"
_FAILS_AT, _WARNS_AT = 0.01, 0.05  # of the family: a study without fault is blocked in 1 of 100
_FEWEST = 10  # periods before a placebo intervention
_MOST_WINDOWS = 8
_QUICK = {"n_chains": 1, "n_draws": 400}


@dataclass(frozen=True)
class Window:
    """Periods [start, end) of the pre-period, by number, treated as if the intervention had come at `start`."""

    start: int
    end: int


def windows(n_pre: int, length: int, fewest_before: int, at_most: int = _MOST_WINDOWS) -> list[Window]:
    """Evenly spread windows, the last one ending with the pre-period; at least a third of it lies before each."""
    first, last = max(fewest_before, -(-n_pre // 3)), n_pre - length
    if length < 1 or last < first:
        return []
    n = min(at_most, last - first + 1)
    starts = sorted({round(float(s)) for s in np.linspace(first, last, n)})
    return [Window(s, s + length) for s in starts]


def n_disjoint(found: Sequence[Window]) -> int:
    """The most windows that do not overlap, counted from the end."""
    count, border = 0, np.inf
    for window in sorted(found, key=lambda w: -w.end):
        if window.end <= border:
            count, border = count + 1, window.start
    return count


def bsts_placebo_in_time(
    data: Any,
    time: str,
    outcome: str,
    controls: Sequence[str],
    intervention: Any,
    season: int | None = None,
    effect: Effect | None = None,
    **options: Any,
) -> Check:
    """Arguments as of `bsts`. effect: the study's own, to rank it; leave it out while outcomes may not be read."""
    inputs = read_series(as_relation(data), time, outcome, controls, intervention, options.pop("gap_end", None))
    settings = settings_of(season, options.pop("seed", 0), "gibbs", {**_QUICK, **options})
    cycle = (settings.season or 1) * settings.season_duration
    found = windows(inputs.n_pre, inputs.n_post, max(_FEWEST, 2 * cycle if settings.season else 0))
    effects = [series_effect(_within(inputs, w), outcome, settings, holds_out=False) for w in found]
    return judge(found, effects, [np.inf] * len(found), "bsts", outcome, effect)


def _within(inputs: SeriesInputs, window: Window) -> SeriesInputs:
    rows = np.flatnonzero(inputs.is_pre)[: window.end]
    is_post = np.arange(window.end) >= window.start
    return replace(
        inputs,
        periods=inputs.periods[rows],
        position=inputs.position[rows],
        outcome=inputs.outcome[rows],
        controls=inputs.controls[rows],
        is_pre=~is_post,
        is_post=is_post,
    )


def synthetic_control_placebo_in_time(
    data: Any,
    unit: str,
    time: str,
    outcome: str,
    treated: Any,
    intervention: Any,
    effect: Effect | None = None,
    **options: Any,
) -> Check:
    """Arguments as of `synthetic_control`."""
    panel = read_units(as_relation(data), unit, time, outcome, treated, intervention)
    n_post = int(panel.is_post.sum())
    found = windows(len(panel.is_post) - n_post, n_post, _FEWEST)
    effects = [units_effect(_panel_within(panel, w), outcome, **options) for w in found]
    freedom = [max(1.0, float(e.diagnostics["n_placebos"])) for e in effects]
    return judge(found, effects, freedom, "synthetic_control", outcome, effect)


def _panel_within(panel: UnitSeries, window: Window) -> UnitSeries:
    is_post = np.arange(window.end) >= window.start
    return replace(panel, periods=panel.periods[: window.end], outcomes=panel.outcomes[: window.end], is_post=is_post)


def judge(
    found: Sequence[Window],
    effects: Sequence[Effect],
    freedom: Sequence[float],
    method: str,
    outcome: str,
    effect: Effect | None = None,
) -> Check:
    """freedom: degrees of freedom of each standard error (infinite for a posterior's)."""
    known = [(e, d) for e, d in zip(effects, freedom, strict=True) if e.std_error > 0.0]
    if not known:
        reason = "the pre-period is too short for a placebo window as long as the post-period; fix: a longer pre-period"
        return Check(NAME, "not_evaluated", reason, method=method, outcome=outcome)
    p_values = np.array([_two_sided(e.estimate / e.std_error, d) for e, d in known])
    worst = known[int(p_values.argmin())][0]
    family = min(1.0, float(p_values.min()) * len(known))
    said = (
        f"{len(known)} placebo windows of {found[0].end - found[0].start} periods, {n_disjoint(found)} of them "
        f"disjoint; largest effect {rounded(worst.estimate)} (standard error {rounded(worst.std_error)}), "
        f"p = {family:.3g} as a family"
    )
    figures = {"statistic": family, "threshold": _FAILS_AT, "method": method, "outcome": outcome}
    if family < _FAILS_AT:
        fix = "fix: add controls that follow the series before the intervention, or a season"
        return Check(NAME, "fail", f"{method} finds effects where nothing happened: {said}; {fix}", **figures)
    ranked, is_extreme = _ranked(effect, [e for e, _ in known])
    if family < _WARNS_AT or not is_extreme:
        return Check(NAME, "warn", f"{said}{ranked}", **figures)
    return passed(NAME, f"no effect where nothing happened: {said}{ranked}", **figures)


def _ranked(effect: Effect | None, placebos: Sequence[Effect]) -> tuple[str, bool]:
    """Where the study's effect stands; false if its interval excludes 0 although placebos are as large."""
    if effect is None:
        return "", True
    n = sum(abs(p.estimate) >= abs(effect.estimate) for p in placebos)
    share = (1 + n) / (1 + len(placebos))
    excludes = effect.ci_lower > 0.0 or effect.ci_upper < 0.0
    text = f"; {n} of {len(placebos)} placebo effects are as large as the study's (rank p = {share:.2f})"
    return text, not (excludes and n > 0.1 * len(placebos))


def _two_sided(statistic: float, freedom: float) -> float:
    from scipy.special import ndtr, stdtr

    tail = ndtr(-abs(statistic)) if np.isinf(freedom) else stdtr(freedom, -abs(statistic))
    return 2.0 * float(tail)
