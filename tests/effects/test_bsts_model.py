"""The banded covariance is the state space model: the same likelihood, states and forecasts as statsmodels' filter."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.tsa.statespace.structural import UnobservedComponents

from estimators.effects.bsts_model import Covariance, Shocks, Structure, differenced
from tests.datasets import nile

SIGMA = np.array([0.7, 0.3, 0.2])


def statsmodels_filter(y: np.ndarray, season: int, sigma: np.ndarray):
    """A local level with a dummy season whose first states have variance 1 about 0."""
    options = {"seasonal": season, "stochastic_seasonal": True} if season > 1 else {}
    model = UnobservedComponents(y, "llevel", loglikelihood_burn=0, **options)
    k = 1 + (season - 1 if season > 1 else 0)
    model.ssm.initialize_known(np.zeros(k), np.eye(k))
    return model.smooth((sigma if season > 1 else sigma[:2]) ** 2)


def simulated(n: int, season: int) -> np.ndarray:
    random = np.random.default_rng(n + season)
    return random.normal(size=n).cumsum() * 0.3 + random.normal(size=n)


def ours(y: np.ndarray, season: int, sigma: np.ndarray, is_missing: np.ndarray | None = None):
    structure = Structure(len(y), season, 1, is_missing)
    shocks = Shocks(structure)
    sigma = sigma if season > 1 else sigma[:2]
    return shocks, Covariance(shocks).factor(sigma), differenced(y, structure.lag), sigma


@pytest.mark.parametrize("season", [1, 4, 7])
def test_the_likelihood_is_that_of_the_filter(season):
    y = simulated(60, season)
    _, factor, residual, _ = ours(y, season, SIGMA)
    found = -0.5 * (len(y) * np.log(2 * np.pi) + factor.log_determinant + factor.squares(residual))
    assert found == pytest.approx(statsmodels_filter(y, season, SIGMA).llf, rel=1e-10)


@pytest.mark.parametrize("season", [1, 4, 7])
def test_one_step_ahead_errors_are_those_of_the_filter(season):
    y = simulated(60, season)
    _, factor, residual, _ = ours(y, season, SIGMA)
    error, sd = factor.one_step_ahead(residual)
    theirs = statsmodels_filter(y, season, SIGMA)
    assert error == pytest.approx(theirs.forecasts_error[0], abs=1e-7)
    assert sd**2 == pytest.approx(theirs.forecasts_error_cov[0, 0], rel=1e-7)


@pytest.mark.parametrize("season", [1, 4])
def test_smoothed_states_are_those_of_the_smoother(season):
    y = simulated(60, season)
    shocks, factor, residual, sigma = ours(y, season, SIGMA)
    mean = shocks.variances(sigma) * (shocks.transposed @ factor.solve(residual))
    theirs = statsmodels_filter(y, season, SIGMA).smoothed_state
    assert mean[: len(y)].cumsum() == pytest.approx(theirs[0], abs=1e-9)
    assert y - mean[shocks.noise] == pytest.approx(theirs[: min(season, 2)].sum(axis=0), abs=1e-9)
    if season > 1:
        assert shocks.season_at_end(mean)[::-1] == pytest.approx(theirs[1:, -1], abs=1e-9)


def test_a_missing_outcome_is_one_that_the_filter_skips():
    y, is_missing = simulated(60, 1), np.zeros(60, dtype=bool)
    is_missing[[10, 11, 30]] = True
    shocks, factor, residual, sigma = ours(np.where(is_missing, 0.0, y), 1, SIGMA, is_missing)
    mean = shocks.variances(sigma) * (shocks.transposed @ factor.solve(residual))
    theirs = statsmodels_filter(np.where(is_missing, np.nan, y), 1, SIGMA).smoothed_state[0]
    assert mean[:60].cumsum() == pytest.approx(theirs, abs=1e-5)


def test_a_season_of_several_periods_is_the_repeated_season():
    """Blocks of 3 periods, 4 blocks a cycle: without noise of its own the season repeats itself exactly."""
    structure = Structure(36, 4, 3)
    shocks = Shocks(structure)
    z = np.zeros(shocks.matrix.shape[1])
    z[36:39] = [1.0, 2.0, -4.0]
    cycle = np.repeat([-4.0, 1.0, 1.0, 2.0], 3)
    assert shocks.matrix @ z == pytest.approx(differenced(np.tile(cycle, 3), structure.lag))


def test_the_nile_has_the_variances_of_structts():
    """Maximum likelihood of the local level: R's StructTS finds 15,099 and 1,469, statsmodels 15,078 and 1,479."""
    from scipy.optimize import minimize

    y = nile()["volume"].to_numpy(float)
    sd = y.std()
    covariance = Covariance(Shocks(Structure(len(y), start_variance=1e4)))
    residual = differenced((y - y.mean()) / sd, 1)

    def negative(log_sigma: np.ndarray) -> float:
        factor = covariance.factor(np.exp(log_sigma))
        return 0.5 * (factor.log_determinant + factor.squares(residual))

    noise, level = np.exp(minimize(negative, np.log([0.7, 0.2]), method="Nelder-Mead").x) * sd
    assert noise**2 == pytest.approx(15_090, rel=0.02)
    assert level**2 == pytest.approx(1_474, rel=0.02)
