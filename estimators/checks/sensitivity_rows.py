"""One row of a sensitivity analysis, of whatever kind, and the words and numbers that all kinds share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "robustness_value",
    "benchmark",
    "contour",
    "e_value",
    "rosenbaum",
    "breakdown_bias",
    "plausibly_exogenous",
    "honest_did",
]


@dataclass(frozen=True)
class Sensitivity:
    """What an estimate would be, or how strong an unobserved confounder would have to be, under one supposition.

    kind, name: of the supposition.  parameter: its size, on the kind's own scale.  value: what was found there.
    estimate, ci_lower, ci_upper: of the effect under the supposition, in units of the outcome, where there is one.

    | kind | parameter | value |
    |---|---|---|
    | robustness_value | significance level (1: the estimate itself) | share of both residual variations explained |
    | benchmark | share of the treatment's residual variation | share of the outcome's |
    | contour | share of the treatment's residual variation | share of the outcome's |
    | e_value | risk ratio | E-value |
    | rosenbaum | Γ, odds ratio of two units in one stratum | largest one-sided p-value |
    | breakdown_bias | bias in standard deviations of the outcome | bias in units of the outcome |
    | plausibly_exogenous | largest direct effect γ of one unit of the instrument | the same in SD per SD |
    | honest_did | M̄ or M | |
    """

    method: str
    outcome: str
    kind: Kind
    name: str
    parameter: float | None = None
    value: float | None = None
    estimate: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    in_words: str = ""


def percent(share: float) -> str:
    """A share in words: ``13.9 %``, and ``0.04 %`` for a small one."""
    return f"{100.0 * share:.1f} %" if share >= 0.001 or share == 0.0 else f"{100.0 * share:.2g} %"


def robustness(f: float) -> float:
    """The share r of both residual variations at which ``r / √(1 - r) = f``.

    f: the effect in units of the largest bias (Cohen's f of the treatment in a linear regression). Cinelli and Hazlett
    2020, equation 13; the same root answers Chernozhukov et al. 2022.
    """
    return 0.5 * (math.sqrt(f**4 + 4.0 * f**2) - f**2)


def crossing(reaches: Callable[[float], bool], upper: float) -> float:
    """The smallest value in [0, upper) from which on `reaches` holds, by bisection; inf if it never does."""
    low, high = 0.0, upper
    if not math.isfinite(upper):
        high = 1.0
        while not reaches(high):
            low, high = high, 2.0 * high
            if high > 1e12:
                return math.inf
    elif not reaches(high):
        return math.inf
    for _ in range(200):
        middle = 0.5 * (low + high)
        if high - low <= 1e-12 * high:
            break
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high
