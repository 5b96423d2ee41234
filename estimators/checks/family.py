"""Simultaneous intervals for a family of estimates: max-t where their covariance is known, Bonferroni elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from estimators.draws import generator, joint_normal

_DRAWS = 100_000


def critical_value(covariance: np.ndarray, level: float, n_methods: int, seed: str) -> float:
    """Half-width, in standard errors, of intervals that hold jointly at `level` for one of `n_methods` methods.

    covariance: (k, k) of the estimates of one method. Across methods the level is divided (Bonferroni). Within a
    method it is the quantile of max |t| under a normal with that correlation (Hothorn, Bretz, Westfall 2008), from
    draws keyed by the seed; Bonferroni where an entry is NaN.
    """
    alpha = (1.0 - level) / n_methods
    k = len(covariance)
    if k == 1:
        return _normal(alpha)
    if not np.all(np.isfinite(covariance)) or np.any(np.diag(covariance) <= 0.0):
        return _normal(alpha / k)
    scale = np.sqrt(np.diag(covariance))
    draws = joint_normal(covariance / np.outer(scale, scale), _DRAWS, generator(seed, "family"))
    found = float(np.quantile(np.max(np.abs(draws), axis=1), 1.0 - alpha))
    return min(found, _normal(alpha / k))


def _normal(alpha: float) -> float:
    return NormalDist().inv_cdf(1.0 - alpha / 2.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979); NaN stays NaN and does not count."""
    known = sorted((p, i) for i, p in enumerate(p_values) if not np.isnan(p))
    adjusted = [float("nan")] * len(p_values)
    running = 0.0
    for rank, (p, i) in enumerate(known):
        running = max(running, min(1.0, (len(known) - rank) * p))
        adjusted[i] = running
    return adjusted
