"""Scores against published figures, against other programs, and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.series_forecast_data import airpassengers, ausbeer, bikeshare_days
from estimators.draws import generator
from estimators.forecast.backtests import baselines
from estimators.forecast.backtests.origins import rolling_origins
from estimators.forecast.backtests.scores import (
    coverage,
    crps_of_draws,
    interval_score,
    mase,
    point_errors,
    seasonal_scale,
    smape,
)

BEER_TRAIN = slice(1992 * 4 - 1956 * 4, 2008 * 4 - 1956 * 4)
BEER_TEST = slice(BEER_TRAIN.stop, BEER_TRAIN.stop + 10)

# Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 2nd ed., section 3.4, by R's forecast 8.20
BEER = {
    "mean": (38.447245, 34.825, 8.283390, 2.435315),
    "naive": (62.692902, 57.4, 14.184424, 4.013986),
    "seasonal_naive": (14.310835, 13.4, 3.168503, 0.937063),
    "drift": (64.901293, 58.876190, 14.577487, 4.117216),
}


@pytest.mark.parametrize("method", BEER)
def test_point_errors_are_those_of_rs_accuracy_on_beer(method):
    series = ausbeer()
    train, season = series[BEER_TRAIN], {"season": 4} if method == "seasonal_naive" else {}
    point = getattr(baselines, method)(train, 10, **season)
    errors = point_errors(series[BEER_TEST], point, train, season=4)
    assert (errors.rmse, errors.mae, errors.mape, errors.mase) == pytest.approx(BEER[method], abs=1e-6)


def seasonal_naive_by_origin(values: np.ndarray, horizon: int, season: int) -> list[float]:
    scores = []
    for origin in rolling_origins(len(values), origins=4, horizon=horizon):
        train = values[: origin.cut]
        point = baselines.seasonal_naive(train, horizon, season)
        scores.append(mase(values[None, origin.test], point[None], seasonal_scale(train[None], season)).value)
    return scores


def test_the_seasonal_naive_scores_of_airpassengers_are_the_published_ones():
    known = [1.375459, 0.411584, 1.656513, 1.570881]
    assert seasonal_naive_by_origin(airpassengers(), 12, 12) == pytest.approx(known, abs=1e-6)


def test_the_seasonal_naive_scores_of_bikeshare_are_the_published_ones():
    known = [2.370817, 1.753018, 1.018205, 1.302870]
    assert seasonal_naive_by_origin(bikeshare_days()["bikers"].to_numpy(), 28, 7) == pytest.approx(known, abs=1e-6)


def test_mase_is_the_one_of_statsforecasts_evaluation():
    import pandas as pd
    from utilsforecast.losses import mase as theirs

    values, cut = airpassengers(), 132
    point = baselines.seasonal_naive(values[:cut], 12, 12)
    frame = pd.DataFrame({"unique_id": "a", "ds": np.arange(144), "y": values})
    scored = frame[cut:].assign(model=point)
    reference = theirs(scored, models=["model"], seasonality=12, train_df=frame[:cut])["model"].iloc[0]
    ours = mase(values[None, cut:], point[None], seasonal_scale(values[None, :cut], 12)).value
    assert ours == pytest.approx(reference, rel=1e-12)


def test_a_series_that_repeats_itself_has_no_mase_and_is_counted():
    scale = seasonal_scale(np.array([[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]), season=2)
    score = mase(np.array([[1.0], [5.0]]), np.array([[9.0], [6.0]]), scale)
    assert (score.value, score.n_series, score.n_excluded) == (0.5, 1, 1)


def test_mase_of_nothing_is_not_a_number_rather_than_zero():
    assert np.isnan(mase(np.array([[1.0]]), np.array([[1.0]]), np.array([0.0])).value)


def test_what_was_not_observed_is_not_scored():
    whole = mase(np.array([[1.0, np.nan]]), np.array([[2.0, 50.0]]), np.array([1.0]))
    assert whole.value == 1.0


def test_smape_is_the_one_of_the_m4_competition():
    assert smape(np.array([100.0, 50.0]), np.array([110.0, 50.0])) == pytest.approx(100 * 2 * 10 / 210 / 2)


def test_crps_of_draws_is_the_closed_form_of_a_normal():
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    y = 0.7
    exact = y * (2 * norm.cdf(y) - 1) + 2 * norm.pdf(y) - 1 / np.sqrt(np.pi)  # Gneiting and Raftery 2007, eq. 22
    assert crps_of_draws(np.array(y), draws) == pytest.approx(exact, abs=1e-4)


def test_crps_of_one_draw_is_the_absolute_error():
    assert crps_of_draws(np.array([3.0, -1.0]), np.array([[1.0, 1.0]])).tolist() == [2.0, 2.0]


def test_crps_is_the_double_sum_of_its_definition():
    draws = generator(1, "crps").standard_normal(40)
    slow = np.abs(draws - 0.3).mean() - np.abs(draws[:, None] - draws).mean() / 2
    assert crps_of_draws(np.array(0.3), draws) == pytest.approx(slow, rel=1e-12)


def test_the_interval_score_is_least_at_the_true_quantiles():
    y = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    scores = {z: interval_score(y, np.full_like(y, -z), np.full_like(y, z), 0.8).mean() for z in (0.9, 1.2816, 1.7)}
    assert min(scores, key=scores.get) == 1.2816


def test_a_miss_costs_its_size_over_the_tail():
    assert interval_score(np.array(5.0), np.array(0.0), np.array(2.0), level=0.8) == pytest.approx(2 + 2 / 0.2 * 3)


def test_coverage_counts_observed_values_only():
    actual = np.array([0.0, 2.0, np.nan, 9.0])
    assert coverage(actual, np.full(4, -1.0), np.full(4, 3.0)) == pytest.approx(2 / 3)
