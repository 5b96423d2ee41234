"""How good a forecast was: point errors, MASE over series, coverage, interval score and CRPS.

Shapes: the last axis is the horizon; a series is a row of the training part. NaN in the actual values means *not
observed*: such a cell is scored by nothing and counted by nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PointErrors:
    """Errors of one forecast of one series. mape: in percent, NaN where an actual value is zero."""

    rmse: float
    mae: float
    mape: float
    mase: float


@dataclass(frozen=True)
class Mase:
    """value: the mean over series.  by_series: (n_series,), NaN where excluded.  n_excluded: scale zero or unknown.

    Hyndman and Koehler (2006): the mean absolute error over the mean absolute error of the seasonal naive forecast
    inside the training part. A series that repeats itself exactly has scale zero and no MASE: it is left out and
    counted.
    """

    value: float
    by_series: np.ndarray
    n_series: int
    n_excluded: int


def seasonal_scale(train: np.ndarray, season: int) -> np.ndarray:
    """Mean |y_t − y_{t−season}| along the last axis, over the pairs that are observed; NaN where there is none."""
    train = np.asarray(train, dtype=float)
    steps = np.abs(train[..., season:] - train[..., :-season])
    return mean_of_known(steps)


def mase(actual: np.ndarray, point: np.ndarray, scale: np.ndarray) -> Mase:
    """MASE over series from `scale` (n_series,), the seasonal naive error inside each training part.

    actual, point: (n_series, horizon).
    """
    scale = np.asarray(scale, dtype=float)
    error = mean_of_known(np.abs(np.asarray(actual, dtype=float) - point))
    usable = scale > 0
    by_series = np.divide(error, scale, out=np.full_like(scale, np.nan), where=usable)
    scored = by_series[np.isfinite(by_series)]
    value = float(scored.mean()) if scored.size else float("nan")
    return Mase(value, by_series, int(scored.size), int(scale.size - scored.size))


def point_errors(actual: Sequence[float], point: Sequence[float], train: Sequence[float], season: int) -> PointErrors:
    """RMSE, MAE, MAPE (percent) and MASE of one series (horizon,), as R's `forecast::accuracy` defines them."""
    actual, point = np.asarray(actual, dtype=float), np.asarray(point, dtype=float)
    error = actual - point
    share = np.divide(np.abs(error), np.abs(actual), out=np.full_like(error, np.nan), where=actual != 0)
    mae, scale = float(mean_of_known(np.abs(error))), float(seasonal_scale(np.asarray(train, dtype=float), season))
    percent = float("nan") if np.any(actual == 0) else 100.0 * float(mean_of_known(share))
    return PointErrors(
        float(np.sqrt(mean_of_known(error**2))), mae, percent, mae / scale if scale > 0 else float("nan")
    )


def smape(actual: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Symmetric MAPE in percent along the last axis, 200 |y − f| / (|y| + |f|), as the M4 competition scored it."""
    actual, point = np.asarray(actual, dtype=float), np.asarray(point, dtype=float)
    size = np.abs(actual) + np.abs(point)
    return mean_of_known(np.divide(200.0 * np.abs(actual - point), size, out=np.zeros_like(size), where=size != 0))


def coverage(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """The share of observed values inside [lower, upper]."""
    inside = ((actual >= lower) & (actual <= upper)).astype(float)
    return float(mean_of_known(np.where(np.isnan(actual), np.nan, inside), axis=None))


def interval_score(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: float) -> np.ndarray:
    """Width plus 2/(1 − level) times the miss (Gneiting and Raftery 2007, eq. 43); smaller is better. Elementwise."""
    miss = np.maximum(lower - actual, 0.0) + np.maximum(actual - upper, 0.0)
    return (upper - lower) + 2.0 / (1.0 - level) * miss


def crps_of_draws(actual: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score, E|X − y| − E|X − X'|/2 over the empirical law of draws (n_draws, ...).

    Gneiting and Raftery (2007, eq. 21); elementwise over the other axes, in the units of y, smaller is better. The
    second term is a sum over order statistics, so the cost is a sort and not the square of the draws.
    """
    ordered = np.sort(np.asarray(draws, dtype=float), axis=0)
    n = len(ordered)
    rank = np.arange(1, n + 1).reshape(-1, *[1] * (ordered.ndim - 1))
    spread = ((2 * rank - n - 1) * ordered).sum(axis=0) / n**2
    return np.abs(ordered - actual).mean(axis=0) - spread


def pinball(actual: np.ndarray, quantile: np.ndarray, share: float) -> np.ndarray:
    """The quantile loss of one quantile forecast: its mean over all shares is half the CRPS. Elementwise."""
    error = np.asarray(actual, dtype=float) - quantile
    return np.maximum(share * error, (share - 1.0) * error)


def crps_of_quantiles(actual: np.ndarray, quantiles: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """CRPS by twice the mean pinball loss over `shares` (n_shares,); quantiles (n_shares, ...)."""
    losses = [pinball(actual, quantile, share) for quantile, share in zip(quantiles, shares, strict=True)]
    return 2.0 * np.mean(losses, axis=0)


def mean_of_known(values: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """The mean over observed values; NaN, without a warning, where there is none."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
