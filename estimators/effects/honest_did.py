"""How far trends would have to differ for a conclusion to change (Rambachan and Roth 2023), from an event study.

Two ways to bound how the arms' trends differ after treatment by what is seen before it: *relative magnitudes* (at most
M̄ times the largest change between two periods before treatment) and *smoothness* (the slope changes by at most M per
period, so that M = 0 allows any linear trend). The first gives conditional least-favourable hybrid sets, the second
fixed-length intervals. Both need coefficients against one fixed period: the universal base.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from estimators.effects.event_study import EventStudy
from estimators.effects.honest_did_magnitudes import Magnitudes
from estimators.effects.honest_did_smoothness import Smoothness
from estimators.errors import refuse
from estimators.results import normal_interval

LARGEST_MAGNITUDE = 32.0  # beyond this multiple of the trends before treatment a breakdown value says nothing more
BREAKDOWN_DIGITS = 1e-3

Restriction = Literal["relative magnitudes", "smoothness"]


@dataclass(frozen=True)
class HonestInterval:
    """The interval for the target if trends differ by no more than `bound` (M̄ or M).

    set_lower, set_upper: where the target would lie if the estimates had no error (relative magnitudes; else NaN).
    """

    restriction: Restriction
    bound: float
    lower: float
    upper: float
    set_lower: float = float("nan")
    set_upper: float = float("nan")

    @property
    def excludes_zero(self) -> bool:
        return self.lower > 0.0 or self.upper < 0.0


@dataclass(frozen=True)
class HonestDid:
    """estimate: the target, l'β̂.  original: its interval under parallel trends.

    breakdown: the largest M̄ at which the interval still excludes 0; 0 if it never does, inf if it still does at 32.
    smoothness_breakdown: the same for M, in units of the outcome per period.
    """

    outcome: str
    target: str
    estimate: float
    original: tuple[float, float]
    intervals: tuple[HonestInterval, ...]
    breakdown: float
    smoothness_breakdown: float
    level: float

    def at(self, bound: float, restriction: Restriction = "relative magnitudes") -> HonestInterval:
        """The interval at one of the bounds asked for."""
        return next(i for i in self.intervals if i.restriction == restriction and i.bound == bound)

    @property
    def in_words(self) -> str:
        """One sentence for people who do not know the method."""
        if not (self.original[0] > 0.0 or self.original[1] < 0.0):
            return "The effect cannot be told from 0 even if the trends would have been parallel."
        if self.breakdown >= LARGEST_MAGNITUDE:
            times = f"more than {LARGEST_MAGNITUDE:g} times"
        else:
            times = f"{self.breakdown:.2g} times"
        return (
            "The conclusion that there is an effect holds as long as the trends after treatment would have drifted "
            f"apart by at most {times} the largest drift seen between two periods before treatment."
        )


def honest_did(
    study: EventStudy,
    target: Literal["average", "first"] | Sequence[float] = "average",
    relative_magnitudes: Sequence[float] = (0.5, 1.0, 1.5, 2.0),
    smoothness: Sequence[float] = (),
    level: float = 0.95,
    seed: str = "",
) -> HonestDid:
    """Intervals for `target` under bounds on how trends differ, and the bounds at which the conclusion breaks down.

    target: the mean of the effects since treatment, the effect at treatment, or weights of the periods after the
    reference. Periods of anticipation stand after the reference and get no weight in ``average`` and ``first``.
    smoothness: values of M in units of the outcome; none by default, as they depend on its scale.

    Raises CausalError 026 without two periods before treatment or with gaps, 001 for weights of another length.
    """
    study.require_contiguous()
    weights = _weights(study, target)
    relative, smooth = Magnitudes(study, weights, 1.0 - level, seed), Smoothness(study, weights)
    center, sd = relative.center, relative.std_error

    def smooth_interval(bound: float) -> HonestInterval:
        return HonestInterval("smoothness", bound, *smooth.interval(bound, level))

    found = [
        HonestInterval("relative magnitudes", b, *relative.interval(b), *relative.identified_set(b))
        for b in relative_magnitudes
    ]
    found += [smooth_interval(bound) for bound in smoothness]
    return HonestDid(
        outcome=study.outcome,
        target=target if isinstance(target, str) else "weights",
        estimate=center,
        original=normal_interval(center, sd, level),
        intervals=tuple(found),
        breakdown=_breakdown(relative.excludes_zero, LARGEST_MAGNITUDE),
        smoothness_breakdown=_breakdown(lambda b: smooth_interval(b).excludes_zero, 8.0 * (abs(center) + sd)),
        level=level,
    )


def _weights(study: EventStudy, target: str | Sequence[float]) -> np.ndarray:
    after = np.array([t for t in study.relative_periods if t > study.reference])
    if target == "average":
        return (after >= 0) / max((after >= 0).sum(), 1)
    if target == "first":
        return (after == 0).astype(float)
    weights = np.asarray(target, dtype=float)
    if weights.shape != after.shape or not np.any(weights):
        detail = f"{weights.size} weights for {len(after)} periods after the reference"
        raise refuse("001", "target of another length", detail, fix="give one weight per period, not all of them 0")
    return weights


def _breakdown(excludes_zero: Callable[[float], bool], largest: float) -> float:
    """The largest bound at which 0 is still excluded: intervals grow with the bound."""
    if not excludes_zero(0.0):
        return 0.0
    if excludes_zero(largest):
        return float("inf")
    low, high = 0.0, largest
    while high - low > BREAKDOWN_DIGITS * max(high, BREAKDOWN_DIGITS * largest):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excludes_zero(middle) else (low, middle)
    return low
