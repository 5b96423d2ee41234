"""E-values: how strongly a confounder must go with both treatment and outcome to explain an effect away.

VanderWeele and Ding 2017: for a risk ratio RR > 1 it is RR + √(RR (RR - 1)), on the scale of risk ratios; a ratio below
1 is inverted first. Other measures are turned into approximate risk ratios: an odds ratio or a hazard ratio of a common
outcome by √OR and (1 - 0.5^√HR)/(1 - 0.5^√(1/HR)), a standardised mean difference d by exp(0.91 d) with the interval
exp(0.91 d ± 1.78 se).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from estimators.checks.sensitivity_rows import Sensitivity
from estimators.results import Effect


@dataclass(frozen=True)
class EValue:
    """E-values of an estimate and of the limit of its interval that is nearer to no effect.

    risk_ratio, lower, upper: what they were made of.  point: of the estimate.  limit: 1 if the interval includes 1.
    """

    risk_ratio: float
    lower: float
    upper: float
    point: float
    limit: float


def e_value(risk_ratio: float) -> float:
    """The E-value of one risk ratio, 1 if it is 1. NaN for a ratio that is not positive."""
    if not risk_ratio > 0.0:
        return math.nan
    ratio = max(risk_ratio, 1.0 / risk_ratio)
    return ratio + math.sqrt(ratio * (ratio - 1.0))


def of_risk_ratio(estimate: float, lower: float = math.nan, upper: float = math.nan) -> EValue:
    """E-values of a risk ratio (or rate ratio, or the ratio of a rare outcome's odds or hazards) and its interval."""
    limit = lower if estimate >= 1.0 else upper
    includes = limit <= 1.0 if estimate >= 1.0 else limit >= 1.0
    return EValue(estimate, lower, upper, e_value(estimate), 1.0 if includes else e_value(limit))


def of_odds_ratio(estimate: float, lower: float = math.nan, upper: float = math.nan, is_rare: bool = False) -> EValue:
    """E-values of an odds ratio. is_rare: fewer than 15 % of the units have the outcome, so that it is a risk ratio."""
    return of_risk_ratio(*(v if is_rare else math.sqrt(v) for v in (estimate, lower, upper)))


def of_hazard_ratio(estimate: float, lower: float = math.nan, upper: float = math.nan, is_rare: bool = False) -> EValue:
    """E-values of a hazard ratio, as for odds ratios."""

    def common(ratio: float) -> float:
        return (1.0 - 0.5 ** math.sqrt(ratio)) / (1.0 - 0.5 ** math.sqrt(1.0 / ratio))

    return of_risk_ratio(*(v if is_rare else common(v) for v in (estimate, lower, upper)))


def of_difference(d: float, std_error: float) -> EValue:
    """E-values of a difference of means in standard deviations of the outcome. std_error: in the same unit."""
    return of_risk_ratio(*(math.exp(0.91 * d + sign * 1.78 * std_error) for sign in (0.0, -1.0, 1.0)))


def of_effect(effect: Effect, outcome_sd: float, is_binary: bool) -> EValue | None:
    """E-values of a published effect; None where it has no ratio (a risk that leaves the range of probabilities).

    outcome_sd: pooled standard deviation within the arms.  is_binary: the outcome is 0/1, so that the effect and the
    untreated mean make a risk ratio; its interval takes the untreated mean as known.
    """
    if not is_binary:
        return of_difference(effect.estimate / outcome_sd, effect.std_error / outcome_sd) if outcome_sd > 0.0 else None
    base = effect.control_mean
    if base is None or not 0.0 < base < 1.0 or not 0.0 < base + effect.estimate <= 1.0:
        return None
    ratio = (base + effect.estimate) / base
    half = NormalDist().inv_cdf(0.975) * effect.std_error / (base + effect.estimate)  # of the log, by the delta method
    return of_risk_ratio(ratio, ratio * math.exp(-half), ratio * math.exp(half))


def rows(effect: Effect, found: EValue) -> list[Sensitivity]:
    """The E-values of the estimate and of its interval's nearer limit."""
    nearer = found.lower if found.risk_ratio >= 1.0 else found.upper
    words = "a confounder would have to go with both treatment and outcome by a risk ratio of {:.2f} each to {}"
    return [
        Sensitivity(effect.method, effect.outcome, "e_value", name, ratio, value, in_words=words.format(value, what))
        for name, ratio, value, what in (
            ("estimate", found.risk_ratio, found.point, "bring the estimate to no effect"),
            ("interval", nearer, found.limit, "make the 95 % interval include no effect"),
        )
    ]
