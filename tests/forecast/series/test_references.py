"""Published figures: R's airline model of AirPassengers (D-FC-3), and the naive forecast of M4's weeks (D-FC-4).

D-FC-1, 2 and 5 are in tests/forecast/backtests/test_scores.py, D-CAL-1 in tests/forecast/training/test_media.py.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

from benchmarks.series_forecast_claims import M4_FILE
from benchmarks.series_forecast_data import airpassengers, m4_weekly
from estimators.forecast.backtests.baselines import naive
from estimators.forecast.backtests.scores import mase, seasonal_scale, smape

NO_LICENCE = f"the data state no licence and no package on PyPI holds them: {M4_FILE} names no file"


@pytest.fixture(scope="module")
def airline():
    """(0,1,1)(0,1,1)₁₂ on the logarithms, by the exact likelihood; the judge of the seasonal regression beside it."""
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that a monthly frequency is not attached to the numbers
        model = SARIMAX(
            np.log(airpassengers()), order=(0, 1, 1), seasonal_order=(0, 1, 1, 12), simple_differencing=True
        )
        return model.fit(disp=False, method="lbfgs", maxiter=500, cov_type="approx")  # the Hessian by differences, as R


def test_the_airline_model_has_the_coefficients_of_r(airline):
    assert airline.params[:2] == pytest.approx([-0.401828, -0.556945], rel=0.01)
    assert airline.bse[:2] == pytest.approx([0.089644, 0.073100], rel=0.01)


def test_the_airline_model_has_the_likelihood_of_r(airline):
    assert airline.llf == pytest.approx(244.70, rel=1e-4)


@pytest.mark.skipif(M4_FILE not in os.environ, reason=NO_LICENCE)
def test_the_naive_forecast_of_m4_weekly_has_the_published_scores():
    series = m4_weekly(os.environ[M4_FILE])
    scores, shares = [], []
    for values in series:
        train, test = values[:-13], values[-13:]
        point = naive(train, 13)
        scores.append(mase(test[None], point[None], seasonal_scale(train[None], 1)).value)
        shares.append(smape(test, point))
    assert len(series) == 359
    assert np.mean(scores) == pytest.approx(2.777294993, abs=1e-8)
    assert np.mean(shares) == pytest.approx(9.161286914, abs=1e-8)
