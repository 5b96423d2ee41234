"""Theta, the seasonal regression and covariates, each against another way to the same number."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.tsa.forecasting.theta import ThetaModel

from benchmarks.series_forecast_data import airpassengers, ausbeer
from estimators.draws import generator
from estimators.forecast.series.autoregression import seasonal_autoregression
from estimators.forecast.series.combination import combine
from estimators.forecast.series.covariates import effects_of
from estimators.forecast.series.panel import panel_of
from estimators.forecast.series.smoothing import Parameters, States, smooth
from estimators.forecast.series.smoothing_search import Fitted, Form
from estimators.forecast.series.theta import theta

NONE = Form(has_trend=False, is_damped=False, season=1)


def test_theta_without_a_season_is_the_one_of_statsmodels():
    values = ausbeer()[:60]
    theirs = ThetaModel(values, period=1, deseasonalize=False).fit()
    panel, one = panel_of([values]), np.ones((1, 1))
    parameters = Parameters(theirs.params["alpha"] * one, 0 * one, 0 * one, one)
    start = States(values[0] * one, 0 * one, np.zeros((1, 1, 1)))
    ours = theta(Fitted(NONE, panel, parameters, smooth(panel, start, parameters)), 8)
    assert ours[0] == pytest.approx(theirs.forecast(8).to_numpy(), rel=1e-9)


def test_the_seasonal_regression_is_least_squares_on_its_lags():
    values, m, lags = airpassengers(), 12, (1, 2, 12, 13)
    w = values[m:] - values[:-m]
    x = np.column_stack([*(w[13 - lag : len(w) - lag] for lag in lags), np.ones(len(w) - 13)])
    ridge = 1e-3 * np.diag([*4 * [np.mean(w**2)], 1.0])
    beta = np.linalg.solve(x.T @ x + ridge, x.T @ w[13:])
    known, changes = list(values), list(w)
    for _ in range(12):
        changes.append(beta[-1] + sum(b * changes[-lag] for b, lag in zip(beta, lags, strict=False)))
        known.append(known[-m] + changes[-1])
    ours = seasonal_autoregression(panel_of([ausbeer(), values]), 12, m)
    assert ours[1] == pytest.approx(known[-12:], rel=1e-9)


def test_the_regression_leaves_out_lags_for_which_a_series_is_short():
    values = np.tile([1.0, 5.0, 2.0, 8.0], 5)
    assert seasonal_autoregression(panel_of([values]), 4, 4)[0] == pytest.approx([1.0, 5.0, 2.0, 8.0])


def test_the_two_families_have_equal_weight():
    combined = combine([airpassengers()], 12, 12)
    parts = combined.ingredients
    smoothing = np.mean([v for k, v in parts.items() if "autoregression" not in k], axis=0)
    regression = np.mean([v for k, v in parts.items() if "autoregression" in k], axis=0)
    assert combined.point == pytest.approx((smoothing + regression) / 2, rel=1e-12)
    assert len(parts) == 10


def test_a_series_with_zeros_is_forecast_on_its_values_alone():
    values = airpassengers() - airpassengers().min()
    combined = combine([values, airpassengers()], 6, 12)
    assert np.isnan(combined.ingredients["log_holt"]).tolist() == [[True] * 6, [False] * 6]
    assert np.isfinite(combined.point).all()


def test_a_series_of_under_two_seasons_is_forecast_without_one():
    combined = combine([airpassengers()[:20]], 6, 12)
    assert np.isnan(combined.ingredients["autoregression"]).all()
    assert np.isfinite(combined.point).all()


def test_a_planted_effect_of_a_covariate_is_recovered():
    source = generator(0, "covariates")
    x = source.standard_normal((400, 2))
    level = np.cumsum(source.normal(0, 0.3, 400)) + np.tile(np.arange(7.0), 58)[:400]
    values = level + x @ [4.0, -2.0] - 100.0
    effects = effects_of([values], [x], 7)
    assert effects.coefficients[0] == pytest.approx([4.0, -2.0], abs=0.1)


def test_effects_on_a_positive_series_are_shares():
    source = generator(1, "covariates")
    x = source.standard_normal((300, 1))
    values = np.exp(3.0 + np.cumsum(source.normal(0, 0.02, 300)) + 0.25 * x[:, 0])
    effects = effects_of([values], [x], 1)
    assert effects.is_share.tolist() == [True]
    assert effects.coefficients[0, 0] == pytest.approx(0.25, abs=0.01)
    doubled = effects.put_back(np.array([[10.0]]), np.array([[[np.log(2) / effects.coefficients[0, 0]]]]))
    assert doubled[0, 0] == pytest.approx(20.0)
