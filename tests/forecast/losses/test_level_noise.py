"""The level that is integrated out: the same numbers as a Kalman filter, with gaps and regressors too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from statsmodels.tsa.statespace.structural import UnobservedComponents

from estimators.forecast.losses.level_noise import best_ratio, level_covariance, level_noise, profiled, spectrum


def walk(n_series: int = 1, n_times: int = 60, ratio: float = 0.3, seed: int = 1) -> torch.Tensor:
    source = np.random.default_rng(seed)
    level = 50 + np.cumsum(np.sqrt(ratio) * source.standard_normal((n_series, n_times)), 1)
    return torch.from_numpy(level + source.standard_normal((n_series, n_times)))


def filtered(series: torch.Tensor, variance: float, ratio: float):
    model = UnobservedComponents(series.numpy(), "local level")
    model.ssm.initialize_approximate_diffuse(1e8)
    return model.smooth([variance, variance * ratio])


@pytest.fixture
def gaps() -> torch.Tensor:
    observed = torch.ones(1, 60, dtype=torch.bool)
    observed[0, [0, 7, 8, 30, 58, 59]] = False
    return observed


def test_likelihood_differs_from_a_kalman_filters_by_a_constant():
    series, observed = walk(), torch.ones(1, 60, dtype=torch.bool)
    apart = []
    for ratio in (0.05, 0.3, 2.0):
        noise = level_noise(observed, ratio)
        ours = -0.5 * (noise.degrees * np.log(1.7) + noise.log_determinant + float(noise.weigh(series)[0]) / 1.7)
        apart.append(filtered(series[0], 1.7, ratio).llf - ours)
    assert np.ptp(apart) < 1e-4


def test_level_is_the_kalman_smoothers():
    series, observed = walk(), torch.ones(1, 60, dtype=torch.bool)
    smoothed = filtered(series[0], 1.0, 0.3).smoothed_state[0]
    assert level_noise(observed, 0.3).weigh(series)[1][0].numpy() == pytest.approx(smoothed, abs=1e-5)


def test_level_bridges_gaps_and_goes_on_after_the_last_observation(gaps):
    series = walk()
    with_gaps = torch.where(gaps, series, torch.nan)
    smoothed = filtered(with_gaps[0], 1.0, 0.3).smoothed_state[0]
    level = level_noise(gaps, 0.3).weigh(torch.where(gaps, series, 0.0))[1][0].numpy()
    assert level == pytest.approx(smoothed, abs=1e-5)
    assert level[-1] == level[-2] == pytest.approx(level[-3])


def test_uncertainty_of_the_level_is_the_kalman_smoothers(gaps):
    with_gaps = torch.where(gaps, walk(), torch.nan)
    variances = filtered(with_gaps[0], 1.0, 0.3).smoothed_state_cov[0, 0]
    assert level_covariance(gaps, 0.3)[0].diagonal().numpy() == pytest.approx(variances, rel=1e-4)


def test_finds_the_ratio_that_a_kalman_filter_finds():
    series, observed = walk(1, 200), torch.ones(1, 200, dtype=torch.bool)
    fit = UnobservedComponents(series[0].numpy(), "local level").fit(disp=0)
    assert best_ratio(series, spectrum(observed, True)) == pytest.approx(fit.params[1] / fit.params[0], rel=0.05)


@pytest.mark.parametrize("with_lever", [False, True])
def test_series_with_different_gaps_are_what_they_are_alone(gaps, with_lever):
    series = walk(5)
    observed = torch.ones(5, 60, dtype=torch.bool)
    observed[[1, 3]] = gaps
    lever = (
        torch.randn(5, 60, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64) if with_lever else None
    )
    filled = torch.where(observed, series, 0.0)
    together = level_noise(observed, 0.3, lever)
    alone = [level_noise(observed[[i]], 0.3, lever[[i]] if with_lever else None) for i in range(5)]
    assert float(together.weigh(filled)[0]) == pytest.approx(
        sum(float(one.weigh(filled[[i]])[0]) for i, one in enumerate(alone))
    )
    assert together.log_determinant == pytest.approx(sum(one.log_determinant for one in alone))
    assert together.degrees == sum(one.degrees for one in alone)
    levels = torch.cat([one.weigh(filled[[i]])[1] for i, one in enumerate(alone)])
    assert together.weigh(filled)[1].numpy() == pytest.approx(levels.numpy())


def test_what_history_confounds_with_a_lever_is_left_out():
    series, observed = walk(), torch.ones(1, 60, dtype=torch.bool)
    lever = torch.linspace(-1, 1, 60).sin()[None, :, None] + 0.3 * torch.randn(
        1, 60, 1, generator=torch.Generator().manual_seed(2)
    )
    noise = level_noise(observed, 0.3, lever)
    without, with_much = noise.weigh(series)[0], noise.weigh(series + 5.0 * lever[:, :, 0])[0]
    assert float(with_much / without) == pytest.approx(1.0, abs=0.05)
    assert float(level_noise(observed, 0.3).weigh(series + 5.0 * lever[:, :, 0])[0] / without) > 3


def test_a_lever_that_never_moved_takes_nothing_away():
    series, observed = walk(), torch.ones(1, 60, dtype=torch.bool)
    still = torch.full((1, 60, 1), 7.0, dtype=torch.float64)
    noise = level_noise(observed, 0.3, still)
    assert noise.degrees == 59
    assert float(noise.weigh(series)[0]) == pytest.approx(float(level_noise(observed, 0.3).weigh(series)[0]))


def test_the_profile_is_the_likelihood_at_the_best_variance():
    series, observed = walk(), torch.ones(1, 60, dtype=torch.bool)
    noise = level_noise(observed, 0.3)
    quadratic = noise.weigh(series)[0].sum()
    best = quadratic / noise.degrees
    by_hand = 0.5 * (noise.degrees * torch.log(best) + noise.log_determinant + noise.degrees)
    constant = 0.5 * noise.degrees * (1 - np.log(noise.degrees))
    assert float(profiled(quadratic, noise)) == pytest.approx(float(by_hand) - constant)
