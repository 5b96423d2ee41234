"""Baselines of a panel with holes, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.series_forecast_data import airpassengers
from estimators.forecast.backtests.baselines import predict

AIR = airpassengers()


def test_a_hole_is_bridged_for_baselines():
    holed = AIR.copy()
    holed[140] = np.nan
    whole = AIR.copy()
    whole[140] = (AIR[139] + AIR[141]) / 2
    made, wanted = (predict("ets", values[None], 12, 12, None).point for values in (holed, whole))
    assert np.array_equal(made, wanted)


def test_a_series_that_begins_later_is_forecast_from_its_beginning():
    later = np.concatenate([np.full(24, np.nan), AIR])
    made = predict("combination", later[None], 12, 12, None).point
    assert made == pytest.approx(predict("combination", AIR[None], 12, 12, None).point, rel=1e-12)


def test_a_series_never_observed_is_not_forecast():
    made = predict("seasonal_naive", np.stack([AIR, np.full(144, np.nan)]), 3, 12, 0.8)
    assert np.isnan(made.point[1]).all()
    assert np.isfinite(made.lower[0]).all()


def test_a_history_too_short_to_calibrate_has_points_but_no_intervals():
    made = predict("seasonal_naive", AIR[None, :40], 12, 12, 0.8)
    assert np.isfinite(made.point).all()
    assert np.isnan(made.lower).all()
    assert made.draws is None


def test_the_draws_of_a_baseline_are_its_earlier_errors_around_its_point():
    made = predict("seasonal_naive", AIR[None], 12, 12, 0.8)
    assert made.draws.shape == (12, 1, 12)
    inside = (made.draws >= made.lower) & (made.draws <= made.upper)
    assert inside.mean() >= 0.8
