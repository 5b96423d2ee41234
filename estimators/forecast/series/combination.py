"""The default forecaster: a fixed combination of simple forecasts, with nothing to choose per data set.

Two families, each on the values and on their logarithms where all are positive:

* smoothing: exponential smoothing with a smoothed season and four strengths of trend, namely none, half of the long-run
  slope (Theta), damped, and full (Holt);
* regression: the seasonal difference on its own past (only where there is a season).

The forecast is the mean within a family, then the mean of the two. Equal weights are the lesson of the M competitions
(Makridakis, Spiliotis and Assimakopoulos 2020) and cannot be fitted to the data that judge them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from estimators.forecast.series.autoregression import seasonal_autoregression
from estimators.forecast.series.panel import Panel, panels_by_season
from estimators.forecast.series.smoothing_search import Form, fit
from estimators.forecast.series.theta import theta

INGREDIENTS = ("level", "theta", "damped", "holt", "autoregression")


@dataclass(frozen=True)
class Combined:
    """point: (n_series, horizon).  ingredients: the forecasts behind it by name, each (n_series, horizon), ``log_`` in
    front for those on logarithms; NaN where a series has none (not positive, or too short for a season).
    """

    point: np.ndarray
    ingredients: dict[str, np.ndarray]


def combine(series: Sequence[np.ndarray], horizon: int, season: int) -> Combined:
    """Point forecasts of series of any lengths. One of under two seasons is forecast without a season."""
    names = [prefix + name for prefix in ("", "log_") for name in INGREDIENTS]
    ingredients = {name: np.full((len(series), horizon), np.nan) for name in names}
    for rows, panel, m in panels_by_season(series, season):
        for name, values in _forecasts(panel, horizon, m):
            ingredients[name][rows] = panel.unsort(values)
    families = [_mean_of(ingredients, names, is_regression) for is_regression in (False, True)]
    return Combined(_mean_over_known(families), ingredients)


def _mean_of(ingredients: dict[str, np.ndarray], names: Sequence[str], is_regression: bool) -> np.ndarray:
    return _mean_over_known([ingredients[name] for name in names if name.endswith("autoregression") == is_regression])


def _mean_over_known(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The mean over the parts that are there; NaN, without a warning, where none is."""
    stacked = np.stack(parts)
    count = (~np.isnan(stacked)).sum(axis=0)
    return np.divide(np.nansum(stacked, axis=0), count, out=np.full(stacked.shape[1:], np.nan), where=count > 0)


def _forecasts(panel: Panel, horizon: int, season: int) -> Iterator[tuple[str, np.ndarray]]:
    for name, values in _on_one_scale(panel, horizon, season):
        yield name, values
    observed = panel.is_observed()
    is_positive = np.where(observed, panel.values, 1.0).min(axis=1) > 0
    if is_positive.any():
        logs = np.log(np.where(observed & is_positive[:, None], panel.values, 1.0))
        for name, values in _on_one_scale(panel.with_values(logs), horizon, season):
            yield f"log_{name}", np.where(is_positive[:, None], np.exp(values), np.nan)


def _on_one_scale(panel: Panel, horizon: int, season: int) -> Iterator[tuple[str, np.ndarray]]:
    level = fit(panel, Form(has_trend=False, is_damped=False, season=season))
    yield "level", level.forecast(horizon)
    yield "theta", theta(level, horizon)
    yield "damped", fit(panel, Form(has_trend=True, is_damped=True, season=season)).forecast(horizon)
    yield "holt", fit(panel, Form(has_trend=True, is_damped=False, season=season)).forecast(horizon)
    if season > 1:
        yield "autoregression", seasonal_autoregression(panel, horizon, season)
