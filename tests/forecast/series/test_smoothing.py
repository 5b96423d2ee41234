"""The smoothing of a whole panel against statsmodels, one series at a time."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from benchmarks.series_forecast_data import airpassengers, ausbeer
from estimators.forecast.series.panel import panel_of
from estimators.forecast.series.smoothing import Parameters, States, extrapolate, smooth, start_of
from estimators.forecast.series.smoothing_search import Form, fit

SERIES = [airpassengers(), ausbeer()[:90]]  # of two lengths
LEVEL, TREND, SEASON, DAMPING = 0.3, 0.05, 0.2, 0.95


def statsmodels_of(values: np.ndarray, start: States, season: int) -> ETSModel:
    place = np.arange(season)  # statsmodels lists the season of the first period first
    return ETSModel(
        values,
        error="add",
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=season,
        initialization_method="known",
        initial_level=float(start.level[0, 0]),
        initial_trend=float(start.trend[0, 0]),
        initial_seasonal=start.season[place, 0, 0],
    )


@pytest.mark.parametrize("season", [4, 12])
def test_errors_and_forecasts_are_those_of_statsmodels(season):
    panel = panel_of(SERIES)
    start = start_of(panel, season, has_trend=True)
    parameters = Parameters(*(np.full((2, 1), value) for value in (LEVEL, TREND, SEASON, DAMPING)))
    ours = smooth(panel, start, parameters, keep_errors=True)
    ahead = extrapolate(ours.states, parameters, panel.lengths, 9)
    for row, values in enumerate(SERIES):
        one = States(start.level[row : row + 1], start.trend[row : row + 1], start.season[:, row : row + 1])
        theirs = statsmodels_of(values, one, season).smooth([LEVEL, TREND, SEASON, DAMPING])
        assert ours.errors[row, : len(values), 0] == pytest.approx(np.asarray(theirs.resid), abs=1e-9)
        assert ahead[row, :, 0] == pytest.approx(np.asarray(theirs.forecast(9)), abs=1e-8)


def test_the_parameters_found_are_as_good_as_those_of_statsmodels():
    values = airpassengers()
    panel = panel_of([values])
    ours = fit(panel, Form(has_trend=True, is_damped=True, season=12))
    model = statsmodels_of(values, start_of(panel, 12, has_trend=True), 12)
    theirs = model.fit(disp=False)
    assert ours.smoothed.squared_error[0, 0] <= 1.001 * float((np.asarray(theirs.resid) ** 2).sum())


def test_a_series_in_a_panel_is_fitted_as_if_it_were_alone():
    form = Form(has_trend=True, is_damped=False, season=4)
    together = fit(panel_of(SERIES), form)
    alone = fit(panel_of([SERIES[1]]), form)
    assert together.forecast(6)[1] == pytest.approx(alone.forecast(6)[0], rel=1e-8)


def test_a_line_with_a_season_is_continued_exactly():
    t = np.arange(48.0)
    values = 5 + 2 * t + np.tile([3.0, -1.0, -4.0, 2.0], 12)
    ahead = fit(panel_of([values]), Form(has_trend=True, is_damped=False, season=4)).forecast(8)[0]
    later = np.arange(48.0, 56.0)
    assert ahead == pytest.approx(5 + 2 * later + np.tile([3.0, -1.0, -4.0, 2.0], 2), abs=1e-8)


def test_rows_come_back_in_the_order_of_the_list():
    short, long = np.arange(5.0), np.arange(9.0)
    panel = panel_of([short, long])
    assert panel.lengths.tolist() == [9, 5]
    assert panel.unsort(panel.lengths).tolist() == [5, 9]
