"""The experiment gate: do the model's effects agree with what experiments measured, as far as anybody could tell?

z = (predicted − measured) / √(se² + model variance); the sum of z² is judged by χ² with as many degrees of freedom as
there are experiments (with shared controls the quadratic form in the joint covariance takes its place). A gate that
could not have seen an error of half the effect has not judged anything: it says `not_evaluated`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

FAIL_BELOW = 0.01
FEWEST = 5
LARGEST_DETECTABLE = 0.5  # as a share of the effects
POWER = 0.8


@dataclass(frozen=True)
class Consistency:
    """The verdict of the gate.

    status: pass, fail or not_evaluated.  statistic: Σz².  degrees: number of randomised experiments.  detectable: the
    smallest error, as a share of all effects, that the gate finds with 80 % power.  effects: a frame with one row per
    experiment (experiment, lever, outcome, split, source, measured, std_error, predicted, model_sd, z).
    """

    status: str
    statistic: float
    degrees: int
    p_value: float
    detectable: float
    threshold: float
    reason: str
    effects: Any = None


def judge(
    predicted: np.ndarray, measured: np.ndarray, covariance: np.ndarray, model_covariance: np.ndarray
) -> Consistency:
    """The gate on effects (m,), the covariance (m, m) of their measurement and that of the model over its draws."""
    from scipy.stats import chi2

    count = len(measured)
    if count < FEWEST:
        return _unjudged(count, np.nan, f"{count} randomised experiments, the gate needs {FEWEST}")
    total = covariance + model_covariance
    if not (np.isfinite(predicted).all() and np.isfinite(total).all()):
        reason = "a predicted effect, or its variance over draws, is not a number"
        return Consistency("fail", np.inf, count, 0.0, np.nan, FAIL_BELOW, reason)
    apart = predicted - measured
    statistic = float(apart @ np.linalg.solve(total, apart))
    detectable = detectable_error(measured, covariance, total)
    if detectable > LARGEST_DETECTABLE:
        reason = f"the smallest error it could find is {detectable:.0%} of the effects, above {LARGEST_DETECTABLE:.0%}"
        return _unjudged(count, detectable, reason, statistic)
    p_value = float(chi2.sf(statistic, count))
    status = "fail" if p_value < FAIL_BELOW else "pass"
    reason = f"sum of z² {statistic:.1f} on {count} experiments, p = {p_value:.2g}; finds errors of {detectable:.0%}"
    return Consistency(status, statistic, count, p_value, detectable, FAIL_BELOW, reason)


def detectable_error(measured: np.ndarray, covariance: np.ndarray, total: np.ndarray) -> float:
    """The relative error ε of all effects that the χ² test at 1 % finds with 80 % power.

    The statistic is then noncentral with λ = ε² τ'V⁻¹τ; τ'V⁻¹τ is estimated without the part that noise adds to it.
    """
    size = float(measured @ np.linalg.solve(total, measured) - np.trace(np.linalg.solve(total, covariance)))
    if size <= 0:
        return np.inf
    return float(np.sqrt(_noncentrality(len(measured)) / size))


@lru_cache
def _noncentrality(degrees: int) -> float:
    """λ at which a noncentral χ² exceeds the 99 % point of the central one with probability 0.8."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    limit = chi2.isf(FAIL_BELOW, degrees)
    return brentq(lambda size: ncx2.sf(limit, degrees, size) - POWER, 1e-6, 100.0 + 10.0 * degrees)


def _unjudged(count: int, detectable: float, reason: str, statistic: float = np.nan) -> Consistency:
    return Consistency("not_evaluated", statistic, count, np.nan, detectable, FAIL_BELOW, reason)
