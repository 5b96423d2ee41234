"""From sums of the influence function to effects with standard errors, and from several splits to one answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimators.effects.passes import ScoreSums


@dataclass(frozen=True)
class Scored:
    """Estimates of one split. levels: S segment levels; estimate, std_error, control_mean: (S, m).

    covariance: (S·m, S·m), block-diagonal over segment levels (units are in one level each; clusters may not be, and
    then the blocks understate what clusters share across levels).
    """

    levels: tuple[str, ...]
    n: np.ndarray
    n_treated: np.ndarray
    n_clusters: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray
    control_mean: np.ndarray
    covariance: np.ndarray


def score(sums: ScoreSums) -> Scored:
    """θ = ΣN/ΣD and Var = Σ(N - θD)(N - θD)' / (ΣD)², with the small-cluster factor G/(G-1) when there are clusters."""
    levels, m = sums.s.shape
    theta = sums.s / sums.d[:, None]
    blocks = np.zeros((levels * m, levels * m))
    for i in range(levels):
        t = theta[i]
        spread = sums.ss[i] - np.outer(t, sums.sd[i]) - np.outer(sums.sd[i], t) + np.outer(t, t) * sums.dd[i]
        g = sums.n_clusters[i]
        factor = g / (g - 1) if g > 1 else 1.0
        blocks[i * m : (i + 1) * m, i * m : (i + 1) * m] = factor * spread / sums.d[i] ** 2
    std_error = np.sqrt(np.clip(np.diag(blocks), 0.0, None)).reshape(levels, m)
    control = sums.baseline / sums.d[:, None]
    return Scored(sums.levels, sums.n, sums.n_treated, sums.n_clusters, theta, std_error, control, blocks)


def median_of_splits(splits: list[Scored]) -> tuple[Scored, np.ndarray]:
    """The median estimate over splits, its standard error, and the sd of the estimates over splits (S, m).

    Var = median(se² + (θ_split - θ)²) (Chernozhukov et al. 2018, definition 3.3), so that a result that depends on the
    split says so in its interval.
    """
    first = splits[0]
    if len(splits) == 1:
        return first, np.zeros_like(first.estimate)
    estimates = np.array([s.estimate for s in splits])
    estimate = np.median(estimates, axis=0)
    spread = np.array([s.std_error for s in splits]) ** 2 + (estimates - estimate) ** 2
    std_error = np.sqrt(np.median(spread, axis=0))
    scale = (std_error / np.where(first.std_error > 0, first.std_error, 1.0)).ravel()
    combined = Scored(
        first.levels,
        first.n,
        first.n_treated,
        first.n_clusters,
        estimate,
        std_error,
        np.median(np.array([s.control_mean for s in splits]), axis=0),
        first.covariance * np.outer(scale, scale),
    )
    return combined, estimates.std(axis=0, ddof=1)
