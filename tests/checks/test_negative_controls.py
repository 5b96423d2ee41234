"""Negative controls show the systematic error, and calibrate by it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from estimators import CausalError
from estimators.checks.empirical_calibration import EmpiricalNull, empirical_null
from estimators.checks.negative_controls import check, null_of
from estimators.results import Effect, wald
from tests.datasets import ohdsi_controls, ohdsi_reference


def effect(outcome: str, estimate: float, std_error: float) -> Effect:
    return Effect(
        **wald(estimate, std_error), n_units=1000, n_treated=500, method="aipw", estimand="ATT", outcome=outcome,
        se_convention="influence function",
    )  # fmt: skip


def controls(mean: float, sd: float, n: int = 30, std_error: float = 0.05, seed: int = 1) -> list[Effect]:
    """Effects on outcomes that treatment cannot have changed, with a planted systematic error."""
    random = np.random.default_rng(seed)
    errors = random.normal(mean, sd, n) + std_error * random.standard_normal(n)
    return [effect(f"negative_control_{i}", float(x), std_error) for i, x in enumerate(errors)]


@pytest.mark.parametrize("name", ["sccs", "cohortMethod"])
def test_the_empirical_null_is_that_of_r(name):
    negative, reference = ohdsi_controls(name), ohdsi_reference(name)
    null = empirical_null(negative["logRr"], negative["seLogRr"])
    assert null.mean == pytest.approx(reference["mean"], abs=1e-7)
    assert null.sd == pytest.approx(reference["sd"], abs=1e-7)
    assert null.expected_absolute_error == pytest.approx(reference["ease"], abs=1e-7)


@pytest.mark.parametrize("name", ["sccs", "cohortMethod"])
def test_calibrated_p_values_and_intervals_are_those_of_r(name):
    negative, reference = ohdsi_controls(name), ohdsi_reference(name)
    null = empirical_null(negative["logRr"], negative["seLogRr"])
    found = null.calibrated(reference["estimate"], reference["std_error"])
    for key in ("p_value", "ci_lower", "ci_upper"):
        assert found[key] == pytest.approx(reference[key], abs=1e-6)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.3), (0.2, 0.1), (-0.5, 0.2), (0.3, 0.0)])
def test_the_expected_error_is_the_mean_of_its_distribution(mean, sd):
    by_hand = abs(mean)
    if sd:
        by_hand = integrate.quad(lambda b: abs(b) * stats.norm.pdf(b, mean, sd), -5, 5, points=[0.0], limit=200)[0]
    assert EmpiricalNull(mean, sd, 10).expected_absolute_error == pytest.approx(by_hand, abs=1e-8)


def test_controls_that_differ_by_chance_only_have_no_systematic_variance():
    null = empirical_null([0.01, -0.02, 0.015, 0.0, -0.005], [0.1] * 5)
    assert (null.sd, null.mean) == (0.0, pytest.approx(0.0))
    assert null.calibrated(0.5, 0.1) == pytest.approx(wald(0.5, 0.1))


def test_the_same_bias_everywhere_is_taken_off():
    null = empirical_null([0.30, 0.31, 0.29, 0.30, 0.30], [0.02] * 5)
    found = null.calibrated(0.30, 0.02)
    assert found["estimate"] == pytest.approx(0.0, abs=0.01)
    assert found["p_value"] > 0.5 > 1e-6 > wald(0.30, 0.02)["p_value"]


def test_calibrated_p_values_of_further_controls_are_uniform():
    random = np.random.default_rng(5)
    errors = random.choice([0.02, 0.1, 0.3], 1000)
    estimates = random.normal(0.2, 0.15, 1000) + errors * random.standard_normal(1000)
    null = empirical_null(estimates[:500], errors[:500])
    p = [null.calibrated(x, s)["p_value"] for x, s in zip(estimates[500:], errors[500:], strict=True)]
    plain = [wald(x, s)["p_value"] for x, s in zip(estimates[500:], errors[500:], strict=True)]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(plain) < 0.05) > 0.5


def test_a_small_systematic_error_passes():
    found = check("aipw", controls(0.0, 0.02))
    assert (found.status, found.is_gate, found.threshold) == ("pass", True, 0.25)
    assert found.statistic == pytest.approx(math.sqrt(2 / math.pi) * 0.02, abs=0.02)
    assert found.reason.startswith("aipw on 30 outcomes that treatment cannot have changed errs by 0.0")


@pytest.mark.parametrize(("mean", "sd"), [(0.5, 0.1), (0.0, 0.6), (-0.4, 0.2)])
def test_a_planted_bias_fails(mean, sd):
    found = check("aipw", controls(mean, sd))
    null = EmpiricalNull(mean, sd, 30)
    assert (found.status, found.blocks) == ("fail", True)
    assert found.statistic == pytest.approx(null.expected_absolute_error, abs=0.12)
    assert "largest: " in found.reason
    assert found.reason.endswith("or choose controls that treatment cannot reach")


def test_a_planted_bias_is_found_in_units_of_each_outcome():
    effects = controls(0.5, 0.1)
    scale = {e.outcome: 10.0 for e in effects}
    larger = [effect(e.outcome, 10 * e.estimate, 10 * e.std_error) for e in effects]
    assert check("aipw", larger, scale).statistic == pytest.approx(check("aipw", effects).statistic, rel=1e-9)
    assert " SD on average" in check("aipw", larger, scale).reason


def test_four_controls_say_nothing():
    found = check("aipw", controls(0.5, 0.1, n=4))
    assert (found.status, found.is_gate, found.blocks) == ("not_evaluated", False, False)
    assert found.reason == ("4 negative controls have an estimate; 5 are needed to tell a systematic error from chance")


def test_controls_without_a_standard_error_do_not_count():
    effects = [*controls(0.0, 0.02, n=4), effect("negative_control_9", 0.1, float("nan"))]
    assert check("aipw", effects).status == "not_evaluated"


def test_an_effect_is_calibrated_in_its_own_units():
    null = null_of(controls(0.2, 0.1, n=200))
    calibrated = null.calibrated_effect(effect("outcome_sales", 10.0, 1.0), unit=20.0)
    assert calibrated.estimate == pytest.approx(10.0 - 20.0 * null.mean)
    assert calibrated.std_error == pytest.approx(math.hypot(1.0, 20.0 * null.sd))
    assert calibrated.ci_lower < calibrated.estimate < calibrated.ci_upper
    assert calibrated.se_convention == "influence function, calibrated on 200 negative controls"
    assert calibrated.diagnostics["n_negative_controls"] == 200


@pytest.mark.parametrize(
    ("estimates", "errors", "message"),
    [
        (
            [0.1],
            [0.1],
            "CAUSAL-001 too few negative controls\n  1 estimates, 1 standard errors\n"
            "  fix: give at least two, one standard error for each\n  more: docs/errors.md#causal-001",
        ),
        (
            [0.1, math.nan, 0.2],
            [0.1, 0.1, 0.0],
            "CAUSAL-011 negative controls without an estimate\n"
            "  2 of 3 controls have no finite estimate with a positive standard error\n"
            "  fix: leave them out\n  more: docs/errors.md#causal-011",
        ),
    ],
)
def test_controls_that_are_no_estimates_are_refused(estimates, errors, message):
    with pytest.raises(CausalError) as error:
        empirical_null(estimates, errors)
    assert str(error.value) == message
