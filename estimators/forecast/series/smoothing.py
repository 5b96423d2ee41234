"""Exponential smoothing with damped trend and additive season, for many series and many parameters in one pass.

The innovations form of Hyndman, Koehler, Ord and Snyder (2008, ch. 3), additive errors:

    ŷ_t = ℓ + φb + s_{t−m},   e = y_t − ŷ_t,   ℓ ← ℓ + φb + αe,   b ← φb + βe,   s_t = s_{t−m} + γe

One step in time is a handful of array operations over all series and all candidate parameters, so that a panel costs
little more than a series. statsmodels' ETSModel gives the same numbers one series at a time (tests/forecast/series).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimators.forecast.series.panel import Panel

_FEWEST_FOR_START = 10
_SEASONS_FOR_START = 3


@dataclass(frozen=True)
class Parameters:
    """Smoothing parameters α, β, γ and damping φ, each (n_series, n_candidates)."""

    level: np.ndarray
    trend: np.ndarray
    season: np.ndarray
    damping: np.ndarray

    def take(self, candidate: np.ndarray) -> Parameters:
        """One candidate per series, (n_series,), as (n_series, 1)."""
        rows = np.arange(len(candidate))
        return Parameters(
            *(part[rows, candidate][:, None] for part in (self.level, self.trend, self.season, self.damping))
        )


@dataclass(frozen=True)
class States:
    """What a series is at its end (or before its start). level, trend: (n_series, k).

    season: (m, n_series, k); row ``t % m`` is the season of period t; m = 1 and zeros where there is none.
    """

    level: np.ndarray
    trend: np.ndarray
    season: np.ndarray

    def rows(self, chosen: np.ndarray) -> States:
        """Those of some of the series."""
        return States(self.level[chosen], self.trend[chosen], self.season[:, chosen])

    def widened(self, n_candidates: int) -> States:
        """The same start for every candidate, as arrays of their own."""
        return States(*(np.repeat(part, n_candidates, axis=-1) for part in (self.level, self.trend, self.season)))


@dataclass(frozen=True)
class Smoothed:
    """squared_error: (n_series, k), summed over one-step errors.  states: at each series' end.

    errors: (n_series, n_periods, k) one-step errors, if asked for.  products: (n_series, k, k) sums over time of
    the products of candidates' errors, if asked for.
    """

    squared_error: np.ndarray
    states: States
    errors: np.ndarray | None = None
    products: np.ndarray | None = None


def start_of(panel: Panel, season: int, has_trend: bool) -> States:
    """States before the first period: least squares of a line and seasonal means on the first three seasons.

    The design is the same for all series of one length: one small pseudo-inverse per length.
    """
    window = np.minimum(panel.lengths, max(_FEWEST_FOR_START, _SEASONS_FOR_START * season))
    level, trend = np.zeros(panel.n_series), np.zeros(panel.n_series)
    seasons = np.zeros((season, panel.n_series))
    for n in np.unique(window):
        rows = window == n
        inverse = np.linalg.pinv(_design(int(n), season, has_trend))
        solution = inverse @ panel.values[rows, :n].T
        level[rows] = solution[0]
        trend[rows] = solution[1] if has_trend else 0.0
        if season > 1:
            effects = solution[1 + has_trend :]
            seasons[:, rows] = np.vstack([effects, -effects.sum(axis=0)])
    return States(level[:, None], trend[:, None], seasons[:, :, None])


def _design(n: int, season: int, has_trend: bool) -> np.ndarray:
    """Columns: level before period 0, slope, and seasonal effects that sum to zero."""
    periods = np.arange(n)
    columns = [np.ones(n)]
    if has_trend:
        columns.append(periods + 1.0)
    for effect in range(season - 1):
        columns.append((periods % season == effect) - 1.0 * (periods % season == season - 1))
    return np.column_stack(columns)


def smooth(
    panel: Panel, start: States, parameters: Parameters, keep_errors: bool = False, keep_products: bool = False
) -> Smoothed:
    """One pass over time. parameters: (n_series, k) each; start: (n_series, 1) or (n_series, k)."""
    n_candidates = parameters.level.shape[1]
    states = start.widened(n_candidates if start.level.shape[1] != n_candidates else 1)
    total = np.zeros_like(states.level)
    errors = np.zeros((*panel.values.shape, n_candidates)) if keep_errors else None
    products = np.zeros((panel.n_series, n_candidates, n_candidates)) if keep_products else None
    for period, n in enumerate(panel.alive()):
        error = _step(states, parameters, panel.values[:n, period, None], period)
        total[:n] += error * error
        if errors is not None:
            errors[:n, period] = error
        if products is not None:
            products[:n] += error[:, :, None] * error[:, None, :]
    return Smoothed(total, states, errors, products)


def _step(states: States, parameters: Parameters, values: np.ndarray, period: int) -> np.ndarray:
    """Moves the states of the first ``len(values)`` series on by one period, in place, and gives their errors."""
    n, n_seasons = len(values), len(states.season)
    level, trend = states.level[:n], states.trend[:n]
    trend *= parameters.damping[:n]
    level += trend
    error = values - level
    if n_seasons > 1:
        effect = states.season[period % n_seasons, :n]
        error -= effect
        effect += parameters.season[:n] * error
    level += parameters.level[:n] * error
    trend += parameters.trend[:n] * error
    return error


def extrapolate(states: States, parameters: Parameters, lengths: np.ndarray, horizon: int) -> np.ndarray:
    """Forecasts (n_series, horizon, k) from the states at each series' end, whose lengths are (n_series,)."""
    powers = np.cumsum(parameters.damping[:, None, :] ** np.arange(1, horizon + 1)[None, :, None], axis=1)
    path = states.level[:, None, :] + powers * states.trend[:, None, :]
    place = (lengths[:, None] + np.arange(horizon)) % len(states.season)
    return path + states.season[place, np.arange(len(lengths))[:, None]]
