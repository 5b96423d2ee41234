"""`forecast_series`: point and interval forecasts of any number of series, with nothing to tune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estimators.errors import refuse
from estimators.forecast.series.calibration import Calibration, calibrate
from estimators.forecast.series.combination import combine
from estimators.forecast.series.covariates import effects_of
from estimators.forecast.series.frames import SeriesSet, later_times, read_future, read_series

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SeriesForecast:
    """forecast: a frame with series, time, step, point, lower, upper, ordered by series and step.

    point, lower, upper: (n_series, horizon).  ingredients: (n_series, horizon) each, what every part of the combination
    says alone (without covariates' effects where there are covariates).  calibration: the earlier errors behind the
    intervals.  is_conditional: covariates were used, so the forecast holds for their stated future.
    """

    forecast: pd.DataFrame
    point: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    ingredients: dict[str, np.ndarray]
    calibration: Calibration
    level: float
    season: int
    is_conditional: bool

    def draws(self) -> np.ndarray:
        """Equally likely values of each cell, (n_draws, n_series, horizon), for CRPS and sums over steps of a series.

        A draw takes its errors at all steps from one series and origin, so its path over time hangs together; draws of
        different series are not joint.
        """
        return self.calibration.draws(self.point)


def forecast_series(
    frame: pd.DataFrame,
    *,
    horizon: int,
    season: int,
    series: str | None = None,
    time: str = "time",
    value: str = "value",
    covariates: Sequence[str] = (),
    future: pd.DataFrame | None = None,
    level: float = 0.8,
) -> SeriesForecast:
    """Forecasts every series of a long frame `horizon` periods ahead by the fixed combination of `combination.py`.

    season: periods in a season, 1 for none (12 for months, 7 for days).  covariates: columns known in `future` too.
    level: of the intervals, which come from the errors at earlier origins (`calibration.py`). No draws, no seeds: the
    same frame gives the same numbers. Raises CausalError 029 for missing columns or values, gaps, duplicates, and short
    histories.
    """
    _refuse_settings(horizon, season, level)
    known = read_series(frame, series=series, time=time, value=value, covariates=covariates)
    ahead = read_future(future, known, series=series, time=time, covariates=covariates, horizon=horizon)
    every = [(row, len(values)) for row, values in enumerate(known.values)]
    point, ingredients = _forecast_at(known, every, ahead, season)
    calibration = calibrate(known.values, horizon, season, level, lambda cuts: _replay(known, cuts, horizon, season))
    half = calibration.half_widths(level)
    lower, upper = _kept_positive(known, point - half), point + half
    table = _table(known, point, lower, upper, series or "series", time)
    return SeriesForecast(table, point, lower, upper, ingredients, calibration, level, season, bool(covariates))


def _replay(known: SeriesSet, cuts: Sequence[tuple[int, int]], horizon: int, season: int) -> np.ndarray:
    """What would have been forecast at earlier cuts, covariates as they turned out."""
    ahead = np.stack([known.covariates[row][cut : cut + horizon] for row, cut in cuts])
    return _forecast_at(known, cuts, ahead, season)[0]


def _forecast_at(
    known: SeriesSet, cuts: Sequence[tuple[int, int]], ahead: np.ndarray, season: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Points (n_cuts, horizon) and ingredients, from the first `cut` periods of each series alone."""
    past = [known.values[row][:cut] for row, cut in cuts]
    horizon = ahead.shape[1]
    if ahead.shape[2] == 0:
        combined = combine(past, horizon, season)
        return combined.point, combined.ingredients
    inputs = [known.covariates[row][:cut] for row, cut in cuts]
    effects = effects_of(past, inputs, season)
    combined = combine(effects.taken_out(past, inputs), horizon, season)
    return effects.put_back(combined.point, ahead), combined.ingredients


def _kept_positive(known: SeriesSet, lower: np.ndarray) -> np.ndarray:
    """The interval of a series that was never negative is cut at zero, which loses no coverage."""
    never_negative = np.array([values.min() >= 0 for values in known.values])
    return np.where(never_negative[:, None], np.maximum(lower, 0.0), lower)


def _table(
    known: SeriesSet, point: np.ndarray, lower: np.ndarray, upper: np.ndarray, series: str, time: str
) -> pd.DataFrame:
    import pandas as pd

    n_series, horizon = point.shape
    times = [later_times(one, horizon) for one in known.times]
    return pd.DataFrame(
        {
            series: np.repeat(np.array(known.names, dtype=object), horizon),
            time: times[0].append(times[1:]),
            "step": np.tile(np.arange(1, horizon + 1), n_series),
            "point": point.ravel(),
            "lower": lower.ravel(),
            "upper": upper.ravel(),
        }
    )


def _refuse_settings(horizon: int, season: int, level: float) -> None:
    if horizon < 1 or season < 1 or not 0 < level < 1:
        raise refuse(
            "029",
            "a forecast that cannot be made",
            f"horizon = {horizon}, season = {season}, level = {level}",
            fix="horizon and season are whole numbers of at least 1, level lies between 0 and 1",
        )
