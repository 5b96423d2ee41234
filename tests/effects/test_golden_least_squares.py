"""Least squares through the warehouse against NIST's certified values and against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from estimators.errors import CausalError
from estimators.warehouse import Relation, as_relation
from estimators.warehouse.least_squares import least_squares
from tests.datasets import nist, nsw_experiment, nsw_psid

BACKGROUND = ["age", "education", "black", "hispanic", "married", "nodegree"]


def digits(found: float, certified: str) -> float:
    """The log relative error: how many digits agree."""
    wanted = float(certified)
    error = abs(found - wanted) / abs(wanted) if wanted else abs(found)
    return -math.log10(max(error, 1e-16))


def problem(name: str) -> tuple[Relation, list[str], dict]:
    frame, certified = nist(name)
    relation = as_relation(frame.astype(float))
    if not name.startswith("wampler"):
        return relation, ["x"], certified
    powers = {f"x{k}": " * ".join(["x"] * k) for k in range(1, 6)}
    return relation.with_columns(powers), list(powers), certified


@pytest.mark.parametrize(("name", "least"), [("norris", 9), ("noint1", 9), ("wampler1", 7), ("wampler2", 7)])
def test_coefficients_have_the_digits_that_nist_certifies(name, least):
    relation, columns, certified = problem(name)
    fit = least_squares(relation, "y", columns, intercept=name != "noint1")
    assert min(map(digits, fit.coefficients, certified["coef"])) >= least


@pytest.mark.parametrize("name", ["norris", "noint1"])
def test_standard_errors_have_the_digits_that_nist_certifies(name):
    relation, columns, certified = problem(name)
    fit = least_squares(relation, "y", columns, intercept=name != "noint1")
    assert min(map(digits, fit.std_errors, certified["se"])) >= 9
    assert digits(fit.residual_sd, certified["resid_sd"]) >= 9


def test_the_digits_of_wampler1_are_lost_without_centring_and_refinement():
    frame, certified = nist("wampler1")
    matrix = np.column_stack([frame["x"].astype(float) ** k for k in range(6)])
    naive = np.linalg.inv(matrix.T @ matrix) @ (matrix.T @ frame["y"].to_numpy(float))
    assert min(map(digits, naive, certified["coef"])) < 7


@pytest.mark.parametrize("convention", ["unadjusted", "HC0", "HC1", "HC2", "HC3"])
def test_standard_errors_agree_with_statsmodels(convention):
    frame, columns = nsw_experiment(), ["treat", *BACKGROUND, "re74", "re75"]
    fit = least_squares(as_relation(frame), "re78", columns, covariance=convention)
    peer = sm.OLS(frame["re78"], sm.add_constant(frame[columns])).fit()
    wanted = peer.bse if convention == "unadjusted" else peer.get_robustcov_results(convention).bse
    np.testing.assert_allclose(fit.coefficients, peer.params, rtol=1e-8)
    np.testing.assert_allclose(fit.std_errors, wanted, rtol=1e-8)


@pytest.mark.parametrize(
    ("frame", "outcome", "earnings", "estimate", "std_error", "tolerance"),
    [
        (nsw_experiment, "re78", ["re74", "re75", "u74", "u75"], 1670.708802, 680.200983, 1e-8),
        (nsw_experiment, "re75", ["re74", "u74"], 224.343419, 218.328957, 1e-6),
        (nsw_psid, "re75", ["re74", "u74"], -2757.401967, 589.020313, 1e-4),
    ],
    ids=["D-EXP-1", "D-AA-1", "D-AA-2"],
)
def test_regression_on_the_job_training_data_gives_the_published_effects(
    frame, outcome, earnings, estimate, std_error, tolerance
):
    fit = least_squares(as_relation(frame()), outcome, ["treat", *BACKGROUND, *earnings], covariance="HC1")
    assert fit.effect_of("treat") == pytest.approx((estimate, std_error), rel=tolerance)


def test_text_covariates_enter_as_dummies_of_all_levels_but_the_first():
    frame = nsw_experiment()
    frame["group"] = np.where(frame["black"] == 1, "black", np.where(frame["hispanic"] == 1, "hispanic", "other"))
    levels = {"group": ("black", "hispanic", "other")}
    fit = least_squares(as_relation(frame), "re78", ["treat", "group"], levels=levels)
    peer = least_squares(as_relation(frame), "re78", ["treat", "black", "hispanic"])
    assert fit.names == ("intercept", "treat", "group = hispanic", "group = other")
    assert fit.effect_of("treat") == pytest.approx(peer.effect_of("treat"), rel=1e-12)


def test_a_collinear_column_is_named():
    frame = nsw_experiment().assign(sum_of_both=lambda f: f["age"] + 2 * f["education"])
    with pytest.raises(CausalError, match="CAUSAL-020 collinear covariates\n  sum_of_both\n"):
        least_squares(as_relation(frame), "re78", ["treat", "age", "education", "sum_of_both"])


def test_a_constant_column_is_named():
    with pytest.raises(CausalError, match="CAUSAL-020 constant confounder\n  one\n"):
        least_squares(as_relation(nsw_experiment().assign(one=1.0)), "re78", ["treat", "one"])
