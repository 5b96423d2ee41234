"""Residual series made exchangeable: the correlation of neighbours is taken out with what the past says of it."""

from __future__ import annotations

import numpy as np

_LARGEST = 0.95  # beyond it a residual is a level that moves, and its model lacks one


def autocorrelation(residuals: np.ndarray) -> np.ndarray:
    """Correlation of neighbours by series, (k,), of residuals (n, k) around their means; 0 where nothing is known.

    Corrected for the bias of short series, (1 + 3ρ)/n (Kendall 1954), and kept within ±0.95.
    """
    centred = residuals - np.nanmean(residuals, axis=0)
    pairs = np.nansum(centred[1:] * centred[:-1], axis=0)
    squares = np.nansum(centred**2, axis=0)
    known = squares > 0.0
    raw = np.divide(pairs, squares, out=np.zeros_like(pairs), where=known)
    return np.where(known, np.clip(raw + (1.0 + 3.0 * raw) / len(residuals), -_LARGEST, _LARGEST), 0.0)


def whitened(residuals: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Innovations (n − 1, k) of first-order autoregressions: e_t = r_t − ρ r_{t−1}; NaN beside a gap."""
    return residuals[1:] - correlation * residuals[:-1]
