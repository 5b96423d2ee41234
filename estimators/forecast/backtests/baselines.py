"""Simple forecasts that anything better has to beat, with intervals calibrated in the same way as everybody's.

The first four take the training values (n,) of one series and give (horizon,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from estimators.errors import refuse
from estimators.forecast.series.calibration import calibrate
from estimators.forecast.series.combination import combine
from estimators.forecast.series.panel import panels_by_season
from estimators.forecast.series.smoothing_search import Form, fit


def mean(train: np.ndarray, horizon: int) -> np.ndarray:
    """The mean of the training part."""
    return np.full(horizon, np.mean(train))


def naive(train: np.ndarray, horizon: int) -> np.ndarray:
    """The last value."""
    return np.full(horizon, train[-1], dtype=float)


def drift(train: np.ndarray, horizon: int) -> np.ndarray:
    """The line through the first and the last value."""
    slope = (train[-1] - train[0]) / (len(train) - 1)
    return train[-1] + slope * np.arange(1, horizon + 1)


def seasonal_naive(train: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The values of the last season, repeated. train: (..., n); result (..., horizon)."""
    last = np.asarray(train, dtype=float)[..., -season:]
    return last[..., np.arange(horizon) % season]


@dataclass(frozen=True)
class Predicted:
    """point, lower, upper: (n_series, horizon).  draws: (n_draws, n_series, horizon), None where there are none."""

    point: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    draws: np.ndarray | None = None


def _seasonal_naive(series: Sequence[np.ndarray], horizon: int, season: int) -> np.ndarray:
    return np.stack([seasonal_naive(one, horizon, min(season, len(one))) for one in series])


def _ets(series: Sequence[np.ndarray], horizon: int, season: int) -> np.ndarray:
    """ETS(A,Ad,A), or (A,Ad,N) for series of under two seasons: damped trend, additive season (FPP3, ch. 8)."""
    result = np.zeros((len(series), horizon))
    for rows, panel, m in panels_by_season(series, season):
        result[rows] = panel.unsort(fit(panel, Form(has_trend=True, is_damped=True, season=m)).forecast(horizon))
    return result


def _combination(series: Sequence[np.ndarray], horizon: int, season: int) -> np.ndarray:
    return combine(series, horizon, season).point


BASELINES: dict[str, Callable[[Sequence[np.ndarray], int, int], np.ndarray]] = {
    "seasonal_naive": _seasonal_naive,
    "ets": _ets,
    "combination": _combination,
}


def refuse_unknown(names: Sequence[str]) -> None:
    """Raises CausalError 029 for a baseline that there is not."""
    unknown = [name for name in names if name not in BASELINES]
    if unknown:
        raise refuse(
            "029", f"unknown baseline {unknown[0]}", f"there are {', '.join(BASELINES)}", fix="name one of these"
        )


def predict(name: str, train: np.ndarray, horizon: int, season: int, level: float | None) -> Predicted:
    """A baseline by name, from (n_series, n_periods). Holes in a series are filled by a line for baselines alone.

    Intervals and draws come from the baseline's own errors at earlier origins; they are NaN (None) where the history
    is too short to check it often enough, and for level None. A series without a single value is forecast as NaN.
    """
    series = [_filled(row) for row in train]
    there = [row for row, one in enumerate(series) if len(one)]
    known, method = [series[row] for row in there], BASELINES[name]
    point = np.full((len(series), horizon), np.nan)
    if known:
        point[there] = method(known, horizon, season)
    half = np.full_like(point, np.nan)
    if not known or level is None:
        return Predicted(point, half, half)
    calibration = calibrate(
        known, horizon, season, level, lambda cuts: method([known[row][:cut] for row, cut in cuts], horizon, season)
    )
    if not calibration.is_enough(level):
        return Predicted(point, half, half)
    half[there] = calibration.half_widths(level)
    draws = np.full((len(calibration.errors), *point.shape), np.nan)
    draws[:, there] = calibration.draws(point[there])
    return Predicted(point, point - half, point + half, draws)


def _filled(row: np.ndarray) -> np.ndarray:
    """From the first to the last value seen, holes bridged by straight lines and the end held."""
    seen = np.flatnonzero(~np.isnan(row))
    if len(seen) == 0:
        return np.zeros(0)
    periods = np.arange(seen[0], len(row))
    return np.interp(periods, seen, row[seen])
