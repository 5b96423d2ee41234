"""Simultaneous intervals and adjusted p-values."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from estimators.checks.family import critical_value, holm

normal = NormalDist().inv_cdf


def test_one_estimate_has_the_normal_quantile():
    assert critical_value(np.array([[4.0]]), 0.95, 1, "s") == pytest.approx(normal(0.975))


def test_independent_estimates_have_the_sidak_quantile():
    level = 0.95 ** (1 / 3)
    assert critical_value(np.eye(3) * [1, 4, 9], 0.95, 1, "s") == pytest.approx(normal((1 + level) / 2), abs=0.02)


def test_the_same_estimate_twice_costs_nothing():
    assert critical_value(np.ones((2, 2)), 0.95, 1, "s") == pytest.approx(normal(0.975), abs=0.02)


def test_an_unknown_covariance_falls_back_on_bonferroni():
    covariance = np.array([[1.0, np.nan], [np.nan, 1.0]])
    assert critical_value(covariance, 0.9, 1, "s") == pytest.approx(normal(1 - 0.1 / 4))


def test_methods_share_the_level():
    assert critical_value(np.array([[1.0]]), 0.9, 2, "s") == pytest.approx(normal(1 - 0.1 / 4))


def test_the_quantile_is_the_same_in_every_run():
    covariance = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert critical_value(covariance, 0.9, 1, "s") == critical_value(covariance, 0.9, 1, "s")


def test_joint_intervals_hold_at_their_level():
    covariance = np.array([[1.0, 0.7], [0.7, 1.0]])
    half = critical_value(covariance, 0.9, 1, "s")
    draws = np.random.default_rng(1).multivariate_normal([0, 0], covariance, 20_000)
    assert np.mean(np.abs(draws).max(axis=1) <= half) == pytest.approx(0.9, abs=0.01)


def test_holm_is_that_of_statsmodels():
    p = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_leaves_out_what_is_not_a_number():
    assert holm([0.02, float("nan"), 0.03])[0] == pytest.approx(0.04)
