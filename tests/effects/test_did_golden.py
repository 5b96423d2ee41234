"""Minimum wage and teen employment: the figures of Callaway and Sant'Anna's R package `did`."""

from __future__ import annotations

import pytest

from estimators import did
from tests.datasets import mpdta

COLUMNS = {"unit": "countyreal", "time": "year", "cohort": "first.treat", "outcome": "lemp"}
# Analytic figures: csdid 0.4.3 with bstrap=False; did's documentation prints the same to four digits.
ATT = {
    2004: (-0.01050325, -0.07042316, -0.13725874, -0.10081136),
    2006: (0.00652011, -0.00275082, -0.00459461, -0.04122447),
    2007: (0.03050666, -0.00272589, -0.03108712, -0.02605441),
}
STD_ERRORS = {
    2004: (0.02325104, 0.03098477, 0.03643566, 0.03435923),
    2006: (0.02332681, 0.01955856, 0.01775520, 0.02022918),
    2007: (0.01503356, 0.01639583, 0.01787751, 0.01665544),
}
AVERAGES = {
    "simple": (-0.0399512752, 0.0120340128),
    "dynamic": (-0.0772398215, 0.0199649891),
    "group": (-0.0310182822, 0.0124460593),
}
ADJUSTED = {
    "simple": (-0.0417517721, 0.0115028382),
    "dynamic": (-0.0803539497, 0.0189575572),
    "group": (-0.0328195972, 0.0118981788),
}


@pytest.fixture(scope="module")
def employment():
    return mpdta()


@pytest.fixture(scope="module")
def effect(employment):
    return did(employment, **COLUMNS)


@pytest.mark.parametrize("cohort", ATT)
def test_group_time_effects_equal_those_of_did(effect, cohort):
    cells = effect.effects.query("kind == 'group_time' and cohort == @cohort").sort_values("period")
    assert cells["period"].tolist() == [2004, 2005, 2006, 2007]
    assert cells["estimate"].tolist() == pytest.approx(ATT[cohort], abs=1e-7)
    assert cells["std_error"].tolist() == pytest.approx(STD_ERRORS[cohort], abs=1e-6)


@pytest.mark.parametrize("aggregate", AVERAGES)
def test_averages_equal_those_of_did(employment, aggregate):
    found = did(employment, **COLUMNS, aggregate=aggregate)
    assert (found.estimate, found.std_error) == pytest.approx(AVERAGES[aggregate], abs=1e-7)


def test_the_headline_is_the_average_over_groups(effect):
    assert effect.estimate == pytest.approx(AVERAGES["group"][0], abs=1e-7)


def test_the_test_before_treatment_equals_that_of_did(effect):
    assert effect.diagnostics["pre_test"]["p_value"] == pytest.approx(0.16812, abs=1e-5)


@pytest.mark.parametrize("aggregate", ADJUSTED)
def test_doubly_robust_averages_equal_those_of_did(employment, aggregate):
    found = did(employment, **COLUMNS, covariates=["lpop"], aggregate=aggregate)
    assert (found.estimate, found.std_error) == pytest.approx(ADJUSTED[aggregate], abs=1e-6)


@pytest.mark.parametrize(("method", "simple"), [("reg", -0.0419686125), ("ipw", -0.0417770822)])
def test_regression_and_weighting_equal_those_of_did(employment, method, simple):
    found = did(employment, **COLUMNS, covariates=["lpop"], method=method, aggregate="simple")
    assert found.estimate == pytest.approx(simple, abs=1e-6)


@pytest.mark.parametrize("aggregate", AVERAGES)
def test_bootstrap_standard_errors_are_near_the_analytic_ones(employment, aggregate):
    found = did(employment, **COLUMNS, aggregate=aggregate, bootstrap=1999, seed="a")
    assert found.std_error == pytest.approx(AVERAGES[aggregate][1], rel=0.12)
