"""E-values: the published formula, and which interval limit counts."""

from __future__ import annotations

import math

import pytest

from estimators.checks import e_value
from estimators.results import Effect, wald


def effect(estimate: float, std_error: float, control_mean: float | None = None) -> Effect:
    figures = {"n_units": 10, "n_treated": 5, "method": "aipw", "estimand": "ATT", "outcome": "y"}
    return Effect(**wald(estimate, std_error), **figures, control_mean=control_mean)


# D-SENS-2: VanderWeele and Ding 2017
@pytest.mark.parametrize(("ratio", "expected"), [(3.9, 7.2630343443), (1.8, 3.0), (0.8, 1.8090169944), (1.0, 1.0)])
def test_the_e_value_of_a_risk_ratio_equals_the_reference(ratio, expected):
    assert e_value.e_value(ratio) == pytest.approx(expected, rel=1e-10)


def test_a_ratio_below_one_counts_as_its_inverse():
    assert e_value.e_value(0.25) == pytest.approx(e_value.e_value(4.0), rel=1e-12)


def test_the_limit_nearer_to_one_counts():
    assert e_value.of_risk_ratio(3.9, 1.8, 8.7).limit == pytest.approx(3.0, rel=1e-10)
    assert e_value.of_risk_ratio(0.5, 0.3, 0.8).limit == pytest.approx(1.8090169944, rel=1e-10)


def test_an_interval_that_includes_one_needs_no_confounder():
    assert e_value.of_risk_ratio(1.2, 0.9, 1.6).limit == 1.0
    assert e_value.of_risk_ratio(0.8, 0.6, 1.1).limit == 1.0


def test_an_odds_ratio_of_a_common_outcome_counts_by_its_root():
    assert e_value.of_odds_ratio(4.0).point == pytest.approx(e_value.e_value(2.0))
    assert e_value.of_odds_ratio(4.0, is_rare=True).point == pytest.approx(e_value.e_value(4.0))


def test_a_hazard_ratio_of_a_common_outcome_counts_by_its_published_approximation():
    ratio = (1 - 0.5 ** math.sqrt(2.0)) / (1 - 0.5 ** math.sqrt(0.5))
    assert e_value.of_hazard_ratio(2.0).risk_ratio == pytest.approx(ratio, rel=1e-12)
    assert e_value.of_hazard_ratio(2.0, is_rare=True).risk_ratio == 2.0


def test_a_standardised_difference_counts_as_exp_of_091_d():
    found = e_value.of_difference(0.5, 0.1)
    ratios = (found.risk_ratio, found.lower, found.upper)
    assert ratios == pytest.approx((math.exp(0.455), math.exp(0.277), math.exp(0.633)), rel=1e-12)


def test_a_binary_outcome_makes_a_risk_ratio_of_the_published_effect():
    found = e_value.of_effect(effect(0.1, 0.02, control_mean=0.2), 0.4, is_binary=True)
    assert found.risk_ratio == pytest.approx(1.5)
    assert found.lower == pytest.approx(1.5 * math.exp(-1.959963984540054 * 0.02 / 0.3), rel=1e-9)


def test_a_risk_that_leaves_its_range_has_no_ratio():
    assert e_value.of_effect(effect(-0.3, 0.02, control_mean=0.2), 0.4, is_binary=True) is None
