"""Regression of the seasonal difference on its own past, for all series of a panel at once.

    w_t = y_t − y_{t−m} = c + Σ_k a_k w_{t−k},   k ∈ {1, 2, m, m + 1}

is a seasonal ARIMA with one seasonal difference and drift whose moving-average part is replaced by lags (FPP3, sec.
9.9): ordinary least squares, one small system per series.
"""

from __future__ import annotations

import numpy as np

from estimators.forecast.series.panel import Panel

_RIDGE = 1e-3  # of the variance of w, on the sum of squares: next to nothing, but a constant series stays solvable
_PERIODS_PER_TERM = 3


def seasonal_autoregression(panel: Panel, horizon: int, season: int) -> np.ndarray:
    """Forecasts (n_series, horizon). Lags for which a series is too short are left out of that series' regression."""
    lags = sorted({1, 2, season, season + 1})
    difference = _seasonal_difference(panel, season)
    n_differences = np.maximum(panel.lengths - season, 0)
    is_used = n_differences[:, None] - np.array(lags) > _PERIODS_PER_TERM * (len(lags) + 1)
    coefficients = _least_squares(difference, n_differences, lags, is_used)
    return _extend(panel, difference, coefficients, lags, horizon, season)


def _seasonal_difference(panel: Panel, season: int) -> np.ndarray:
    """(n_series, n_periods − m), zero after a series' end."""
    values = panel.values
    return np.where(panel.is_observed()[:, season:], values[:, season:] - values[:, :-season], 0.0)


def _least_squares(w: np.ndarray, lengths: np.ndarray, lags: list[int], is_used: np.ndarray) -> np.ndarray:
    """Coefficients (n_series, n_lags + 1), the last one the intercept; zero for a lag that is not used."""
    n_series, longest = len(w), max(lags)
    longest_used = np.max(np.where(is_used, lags, 0), axis=1)
    periods = np.arange(w.shape[1])
    rows = (periods >= longest_used[:, None]) & (periods < lengths[:, None])
    columns = np.ones((len(lags) + 1, n_series, w.shape[1]))
    padded = np.hstack([np.zeros((n_series, longest)), w])
    for place, lag in enumerate(lags):
        columns[place] = padded[:, longest - lag : padded.shape[1] - lag] * is_used[:, place, None]
    columns = columns * rows
    gram = np.einsum("ant,bnt->nab", columns, columns, optimize=True)
    target = np.einsum("ant,nt->na", columns, w * rows, optimize=True)
    power = (w**2).sum(axis=1) / np.maximum(lengths, 1)
    ridge = np.full((n_series, len(lags) + 1), _RIDGE)
    ridge[:, :-1] *= np.where(power > 0, power, 1.0)[:, None]  # in the units of each column, the intercept's being one
    return np.linalg.solve(gram + ridge[:, :, None] * np.eye(len(lags) + 1), target[:, :, None])[:, :, 0]


def _extend(
    panel: Panel, w: np.ndarray, coefficients: np.ndarray, lags: list[int], horizon: int, season: int
) -> np.ndarray:
    """The recursion carried on from each series' own end."""
    rows, longest = np.arange(panel.n_series), max(lags)
    ends = panel.lengths - season
    place = ends[:, None] + np.arange(-longest, 0)
    past = np.where(place >= 0, w[rows[:, None], np.maximum(place, 0)], 0.0)
    changes = np.hstack([past, np.zeros((panel.n_series, horizon))])
    last = panel.lengths[:, None] + np.arange(-season, 0)
    path = np.hstack([panel.values[rows[:, None], last], np.zeros((panel.n_series, horizon))])
    for step in range(horizon):
        now = longest + step
        changes[:, now] = coefficients[:, -1] + sum(
            coefficients[:, k] * changes[:, now - lag] for k, lag in enumerate(lags)
        )
        path[:, season + step] = path[:, step] + changes[:, now]
    return path[:, season:]
