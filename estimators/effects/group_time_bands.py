"""Standard errors and simultaneous bands of averages, analytic or from the multiplier bootstrap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from estimators.draws import generator, joint_normal
from estimators.effects.group_time_averages import Average
from estimators.effects.group_time_sums import GroupTime

_DRAWS = 10_000
_NUMBERS = 10_000_000  # drawn at most, so that a design of thousands of cells stays small
_QUARTILES = 2.0 * NormalDist().inv_cdf(0.75)


@dataclass(frozen=True)
class Band:
    """std_errors: (k,), NaN for reference cells.  critical: half-width of the joint 95 % band in standard errors."""

    std_errors: np.ndarray
    critical: float


def band_of(averages: Sequence[Average], found: GroupTime, seed: str, level: float = 0.95) -> Band:
    """Joint band of `averages`: the quantile of max |t| under their joint normal, or over the bootstrap's draws.

    With draws the standard error is the interquartile range of the draws over that of a normal, as in R's did.
    """
    gradients = np.array([a.gradient for a in averages])
    if found.draws is not None:
        draws = found.draws @ gradients.T
        low, high = np.quantile(draws, [0.25, 0.75], axis=0)
        std_errors = _positive((high - low) / _QUARTILES)
    else:
        covariance = gradients @ found.covariance @ gradients.T
        std_errors = _positive(np.sqrt(np.clip(np.diag(covariance), 0.0, None)))
        draws = None
    known = np.isfinite(std_errors)
    pointwise = NormalDist().inv_cdf(0.5 + level / 2.0)
    if known.sum() <= 1:
        return Band(std_errors, pointwise)
    if draws is None:
        draws = drawn(covariance[np.ix_(known, known)], seed)
    else:
        draws = draws[:, known]
    largest = np.max(np.abs(draws / std_errors[known]), axis=1)
    return Band(std_errors, max(float(np.quantile(largest, level)), pointwise))


def drawn(covariance: np.ndarray, seed: str, n_draws: int = _DRAWS) -> np.ndarray:
    """Draws (n, k) for a max-t band; fewer than `n_draws` of them where there are many estimates."""
    n = min(n_draws, max(1_000, _NUMBERS // len(covariance)))
    return joint_normal(covariance, n, generator(seed, "max t"))


def _positive(std_errors: np.ndarray) -> np.ndarray:
    return np.where(std_errors > 0.0, std_errors, np.nan)


def joint_test(averages: Sequence[Average], found: GroupTime) -> dict[str, float | str]:
    """Wald test that all of `averages` are 0: statistic, degrees of freedom and p-value, or the reason for none."""
    if not averages:
        return {"reason": "no period before treatment can be compared with an earlier one"}
    gradients = np.array([a.gradient for a in averages])
    covariance = gradients @ found.covariance @ gradients.T
    scale = np.sqrt(np.diag(covariance))
    if np.any(scale <= 0.0) or np.linalg.cond(covariance / np.outer(scale, scale)) > 1e12:
        return {"reason": "the effects before treatment determine each other"}
    estimates = np.array([a.estimate for a in averages])
    statistic = float(estimates @ np.linalg.solve(covariance, estimates))
    p_value = chi_square_tail(statistic, len(averages))
    return {"statistic": statistic, "degrees_of_freedom": len(averages), "p_value": p_value}


def chi_square_tail(statistic: float, degrees: int) -> float:
    """P(χ² > statistic) for whole degrees of freedom, in closed form: importing SciPy takes longer than this design."""
    half = statistic / 2.0
    if half <= 0.0:
        return 1.0
    powers = [i + 0.5 * (degrees % 2) for i in range(degrees // 2)]
    terms = sum(math.exp(power * math.log(half) - half - math.lgamma(power + 1.0)) for power in powers)
    return terms + (math.erfc(math.sqrt(half)) if degrees % 2 else 0.0)
