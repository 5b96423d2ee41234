"""Omitted-variable bias of a linear regression: equal to R's sensemakr, from sums alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from estimators.checks.sensitivity_ovb import Regression, regressions, rows
from estimators.errors import CausalError
from estimators.warehouse import as_relation
from tests.datasets import darfur

COVARIATES = ("age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur", "female", "village")


@pytest.fixture(scope="module")
def peace() -> Regression:
    (found,) = regressions(as_relation(darfur()), "directlyharmed", ["peacefactor"], COVARIATES)
    return found


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    generator = np.random.default_rng(4)
    n = 1_500
    frame = pd.DataFrame({"x": generator.normal(900, 50, n), "z": generator.normal(size=n)})
    frame["city"] = generator.choice(["oslo", "rome", "bonn"], n)
    drive = (frame["x"] - 900) / 50 + frame["z"] + (frame["city"] == "rome")
    frame["treatment"] = (generator.random(n) < 1 / (1 + np.exp(-drive))).astype(int)
    frame["y"] = 0.3 * frame["treatment"] + 0.5 * drive + generator.normal(size=n)
    return frame.assign(weight=generator.uniform(0.5, 2.0, n))


# D-SENS-1: sensemakr's own tests on the same data
def test_the_regression_of_the_reference_is_recovered(peace):
    assert (peace.estimate, peace.std_error, peace.degrees) == pytest.approx(
        (0.0973158193, 0.0232565378, 783), rel=1e-8
    )


def test_the_robustness_values_equal_the_reference(peace):
    found = (peace.partial_r2, peace.robustness_value(), peace.robustness_value(alpha=0.05))
    assert found == pytest.approx((0.0218730933, 0.1387763539, 0.0762579655), rel=1e-6)


@pytest.mark.parametrize(
    ("k", "shares", "estimate", "t"),
    [
        (1, (0.00916429, 0.12464092), 0.07522027, 3.438904),
        (2, (0.01832857, 0.24932406), 0.05291517, 2.600246),
        (3, (0.02749286, 0.37405047), 0.03039602, 1.628062),
    ],
)
def test_a_confounder_like_an_observed_one_does_what_the_reference_says(peace, k, shares, estimate, t):
    bound = peace.bound("female", k)
    adjusted, std_error = peace.adjusted(*bound)
    assert bound == pytest.approx(shares, rel=1e-6)
    assert adjusted == pytest.approx(estimate, rel=1e-6)
    assert adjusted / std_error == pytest.approx(t, rel=1e-6)


def test_the_robustness_value_is_the_strength_that_takes_the_estimate_to_zero(peace):
    r = peace.robustness_value()
    assert peace.adjusted(r, r)[0] == pytest.approx(0.0, abs=1e-12)
    half = peace.robustness_value(q=0.5)
    assert peace.adjusted(half, half)[0] == pytest.approx(peace.estimate / 2, rel=1e-9)


def test_at_the_robustness_value_of_the_interval_its_nearer_end_is_zero(peace):
    r = peace.robustness_value(alpha=0.05)
    assert peace.interval(r, r)[0] == pytest.approx(0.0, abs=1e-3 * peace.std_error)


def test_the_multiple_of_a_covariate_is_where_its_bound_takes_the_estimate_to_zero(peace):
    k = peace.multiple("female")
    assert 3 < k < 5
    assert peace.adjusted(*peace.bound("female", k))[0] == pytest.approx(0.0, abs=1e-9)


def test_the_bound_holds_for_a_confounder_that_is_then_left_out(data):
    full = smf.ols("y ~ treatment + x + z + C(city)", data).fit()
    (short,) = regressions(as_relation(data), "treatment", ["y"], ["x", "city"])
    with_z, on_z = full, smf.ols("treatment ~ x + z + C(city)", data).fit()
    r2_outcome = with_z.tvalues["z"] ** 2 / (with_z.tvalues["z"] ** 2 + with_z.df_resid)
    r2_treatment = on_z.tvalues["z"] ** 2 / (on_z.tvalues["z"] ** 2 + on_z.df_resid)
    assert short.adjusted(r2_treatment, r2_outcome)[0] == pytest.approx(full.params["treatment"], rel=1e-9)


@pytest.mark.parametrize("weight", [None, "weight"])
def test_the_shares_equal_those_of_regressions_with_and_without_a_covariate(data, weight):
    (found,) = regressions(as_relation(data), "treatment", ["y"], ["x", "z", "city"], weight)
    w = np.ones(len(data)) if weight is None else data[weight]
    long = smf.wls("y ~ treatment + x + z + C(city)", data, weights=w).fit()
    assert found.estimate == pytest.approx(long.params["treatment"], rel=1e-9)
    assert found.std_error == pytest.approx(long.bse["treatment"], rel=1e-9)
    for column, rest in (("z", "x + C(city)"), ("city", "x + z")):
        short = smf.wls(f"y ~ treatment + {rest}", data, weights=w).fit()
        of_d = [smf.wls(f"treatment ~ {terms}", data, weights=w).fit().ssr for terms in (rest, "x + z + C(city)")]
        expected = (1 - of_d[1] / of_d[0], 1 - long.ssr / short.ssr)
        assert found.shares[column] == pytest.approx(expected, rel=1e-8)


def test_large_constants_cost_no_digits(data):
    columns = ["x", "z"]
    (plain,) = regressions(as_relation(data), "treatment", ["y"], columns)
    shifted = data.assign(x=data["x"] * 1e-3 + 1e6, y=data["y"] + 1e7)
    (far,) = regressions(as_relation(shifted), "treatment", ["y"], columns)
    assert far.shares["x"] == pytest.approx(plain.shares["x"], rel=1e-6)
    assert far.estimate == pytest.approx(plain.estimate, rel=1e-6)


def test_without_covariates_the_treatment_alone_is_described(data):
    (found,) = regressions(as_relation(data), "treatment", ["y"], [])
    assert found.strongest([]) is None
    assert found.estimate == pytest.approx(data.groupby("treatment")["y"].mean().diff().iloc[-1], rel=1e-9)


def test_rows_say_it_in_words(peace):
    found = rows(peace, "difference", ["female"])
    assert {r.kind for r in found} == {"robustness_value", "benchmark", "contour"}
    assert found[0].in_words == (
        "an unobserved confounder that explains 13.9 % of the residual variation of both treatment and outcome brings "
        "the estimate to 0"
    )
    assert [r.name for r in found if r.kind == "benchmark"] == ["female x1", "female x2", "female x3"]
    assert next(r for r in found if r.name == "female x2").in_words == (
        "a confounder twice as strong as female would leave an estimate of 0.05292"
    )


def test_a_constant_covariate_is_refused(data):
    with pytest.raises(CausalError) as caught:
        regressions(as_relation(data.assign(one=1.0)), "treatment", ["y"], ["x", "one"])
    assert str(caught.value) == (
        "CAUSAL-020 constant confounder\n  one\n  fix: drop it: it cannot differ between the arms\n"
        "  more: docs/errors.md#causal-020"
    )
