"""Whether the chains agree and how much they are worth: R-hat and effective sample size (Vehtari et al. 2021)."""

from __future__ import annotations

import numpy as np


def r_hat(chains: np.ndarray) -> float:
    """Rank-normalised split R-hat of one quantity, (chains, draws). 1 where it never moves."""
    halves = _split(chains)
    if np.ptp(halves) == 0.0:
        return 1.0
    scores = _normal_scores(halves)
    folded = _normal_scores(np.abs(halves - np.median(halves)))
    return max(_classic(scores), _classic(folded))


def effective_sample_size(chains: np.ndarray) -> float:
    """Bulk effective sample size of one quantity, (chains, draws), by Geyer's initial monotone sequence."""
    halves = _split(chains)
    if np.ptp(halves) == 0.0:
        return float(halves.size)
    scores = _normal_scores(halves)
    m, n = scores.shape
    covariance = _autocovariance(scores)
    within = covariance[:, 0].mean() * n / (n - 1.0)
    total = within * (n - 1.0) / n + scores.mean(axis=1).var(ddof=1)
    rho = 1.0 - (within - covariance.mean(axis=0) * n / (n - 1.0)) / total
    rho[0] = 1.0
    pairs = rho[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs < 0.0)
    kept = np.minimum.accumulate(pairs[: negative[0] if len(negative) else None])
    time = max(-1.0 + 2.0 * float(kept.sum()), 1.0 / np.log10(m * n))
    return float(m * n / time)


def _split(chains: np.ndarray) -> np.ndarray:
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, -half:]])


def _normal_scores(values: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    _, inverse, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - 0.5 * (counts - 1.0))[inverse]  # the average rank of ties
    return ndtri((ranks - 0.375) / (values.size + 0.25)).reshape(values.shape)


def _classic(chains: np.ndarray) -> float:
    n = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    if within == 0.0:
        return float("inf") if np.ptp(chains) > 0.0 else 1.0
    between = chains.mean(axis=1).var(ddof=1)
    return float(np.sqrt((n - 1.0) / n + between / within))


def _autocovariance(chains: np.ndarray) -> np.ndarray:
    n = chains.shape[1]
    centred = chains - chains.mean(axis=1, keepdims=True)
    size = 2 ** int(np.ceil(np.log2(2 * n)))
    spectrum = np.fft.rfft(centred, size, axis=1)
    return np.fft.irfft(spectrum * np.conj(spectrum), size, axis=1)[:, :n] / n
