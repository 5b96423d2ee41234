"""AIPW against published numbers: Stata's teffects, Imbens and Xu's replication of LaLonde, the IHDP simulation."""

from __future__ import annotations

import pytest

from estimators import aipw
from tests.datasets import cattaneo2, ihdp, nsw_experiment, nsw_psid

NSW = ["age", "education", "black", "hispanic", "married", "nodegree", "re74", "re75", "u74", "u75"]


@pytest.fixture(scope="module")
def births():
    outcome = ["prenatal1_", "mmarried_", "mage", "fbaby_"]
    propensity = ("mmarried_", "mage", "mage2", "fbaby_", "medu")
    options = {"folds": 1, "propensity_model": "probit", "clip": 0.0, "propensity_covariates": propensity}
    return aipw(cattaneo2(), "mbsmoke_", "bweight", outcome, estimand="ATE", **options)


def test_equals_stata_on_birth_weights(births):
    assert births.estimate == pytest.approx(-230.98920111258, rel=1e-10)
    assert births.control_mean == pytest.approx(3403.3552531738, rel=1e-10)


def test_its_standard_error_is_the_influence_functions_and_says_so(births):
    # Stata stacks the nuisances' equations and gets 26.21; cross-fitted influence functions take them as known.
    assert births.std_error == pytest.approx(25.38303, rel=1e-6)
    assert births.se_convention == "influence function"


def test_a_logistic_propensity_gives_another_number_than_the_probit():
    outcome = ["prenatal1_", "mmarried_", "mage", "fbaby_"]
    found = aipw(cattaneo2(), "mbsmoke_", "bweight", outcome, estimand="ATE", folds=1, clip=0.0)
    assert abs(found.estimate + 230.98920111258) > 0.1


@pytest.mark.parametrize(
    ("estimand", "estimate", "std_error"),
    [("ATT", 4235.414657, 1717.697350), ("ATE", -14809.531678, 6456.393127)],
)
def test_equals_the_replication_of_lalonde_without_overlap(estimand, estimate, std_error):
    found = aipw(nsw_psid(), "treat", "re78", NSW, estimand=estimand, folds=1, clip=0.0)
    assert found.estimate == pytest.approx(estimate, rel=1e-8)
    assert found.std_error == pytest.approx(std_error, rel=1e-8)


def test_the_placebo_on_earlier_earnings_is_the_published_one():
    covariates = ["age", "education", "black", "hispanic", "married", "nodegree", "re74", "u74"]
    found = aipw(nsw_psid(), "treat", "re75", covariates, folds=1, clip=0.0)
    assert found.estimate == pytest.approx(-1991.207251, rel=1e-6)
    assert found.std_error == pytest.approx(1280.434497, rel=1e-6)


def test_overlap_weights_stay_near_the_experiment_where_the_ate_is_lost():
    found = aipw(nsw_psid(), "treat", "re78", NSW, estimand="ATO", folds=1)
    assert abs(found.estimate) < 5_000
    experiment = aipw(nsw_experiment(), "treat", "re78", NSW, estimand="ATE", folds=1)
    assert experiment.estimate == pytest.approx(1_640, abs=200)


def test_covers_the_truth_of_the_ihdp_simulation():
    covered, errors = 0, []
    for seed in range(5):
        frame, truth = ihdp(seed)
        covariates = [c for c in frame.columns if c.startswith("x")]
        found = aipw(frame, "treatment", "outcome", covariates, estimand="ATE", folds=1)
        covered += found.ci_lower <= truth <= found.ci_upper
        errors.append(abs(found.estimate - truth) / found.std_error)
    assert covered >= 4
    assert max(errors) < 4
