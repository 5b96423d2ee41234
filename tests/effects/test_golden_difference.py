"""Differences in means against published figures and, where covariates, weights or clusters enter, statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from estimators.effects.difference import difference, difference_design
from estimators.effects.method import Spec
from estimators.errors import CausalError
from estimators.warehouse import as_relation
from tests.datasets import nsw_experiment, nsw_psid

BACKGROUND = ["age", "education", "black", "hispanic", "married", "nodegree", "re74", "re75"]


@pytest.mark.parametrize(
    ("frame", "outcome", "estimate", "std_error", "tolerance"),
    [
        (nsw_experiment, "re78", 1794.3423818501, 670.9965444673, 1e-8),
        (nsw_experiment, "re75", 265.146299, 305.044284, 1e-6),
        (nsw_psid, "re75", -17531.282355, 360.925470, 1e-6),
        (nsw_psid, "re78", -15204.777421, 657.076312, 1e-6),
    ],
    ids=["D-EXP-1", "D-AA-1", "D-AA-2", "D-AIPW-2"],
)
def test_job_training_gives_the_published_differences(frame, outcome, estimate, std_error, tolerance):
    found = difference(frame(), "treat", outcome)
    assert (found.estimate, found.std_error) == pytest.approx((estimate, std_error), rel=tolerance)


def test_a_pooled_variance_would_give_another_standard_error():
    frame = nsw_experiment()
    pooled = sm.OLS(frame["re78"], sm.add_constant(frame["treat"])).fit().bse["treat"]
    assert pooled != pytest.approx(difference(frame, "treat", "re78").std_error, rel=1e-2)


def lin(frame: pd.DataFrame, outcome: str, weights=None, **cov):
    """Lin's regression by statsmodels: treatment, centred covariates and their products."""
    centred = frame[BACKGROUND] - np.average(frame[BACKGROUND], axis=0, weights=weights)
    products = centred.mul(frame["treat"], axis=0).add_prefix("treat_")
    matrix = sm.add_constant(pd.concat([frame["treat"], centred, products], axis=1))
    fit = sm.WLS(frame[outcome], matrix, weights=1.0 if weights is None else weights).fit(**cov)
    return fit.params["treat"], fit.bse["treat"]


def with_design_columns() -> pd.DataFrame:
    frame = nsw_experiment()
    frame["weight"] = np.random.default_rng(0).uniform(0.5, 2.0, len(frame))
    frame["site"] = np.arange(len(frame)) % 40
    return frame


def test_adjustment_is_lins_regression_with_hc2():
    frame = with_design_columns()
    found = difference(frame, "treat", "re78", BACKGROUND)
    wanted = lin(frame, "re78", cov_type="HC2")
    assert (found.estimate, found.std_error) == pytest.approx(wanted, rel=1e-9)
    assert found.se_convention == "HC2"


def test_adjustment_with_weights_is_lins_weighted_regression():
    frame = with_design_columns()
    found = difference(frame, "treat", "re78", BACKGROUND, weights="weight")
    wanted = lin(frame, "re78", weights=frame["weight"], cov_type="HC2")
    assert (found.estimate, found.std_error) == pytest.approx(wanted, rel=1e-9)


def test_weights_change_the_answer():
    frame = with_design_columns()
    weighted = difference(frame, "treat", "re78", weights="weight").estimate
    assert weighted != pytest.approx(difference(frame, "treat", "re78").estimate, rel=1e-3)


@pytest.mark.parametrize("covariates", [[], BACKGROUND])
def test_clustered_standard_errors_are_those_of_statsmodels(covariates):
    frame = with_design_columns()
    found = difference(frame, "treat", "re78", covariates, cluster="site")
    clusters = {"cov_type": "cluster", "cov_kwds": {"groups": frame["site"]}}
    plain = sm.OLS(frame["re78"], sm.add_constant(frame["treat"])).fit(**clusters)
    wanted = lin(frame, "re78", **clusters) if covariates else (plain.params["treat"], plain.bse["treat"])
    assert (found.estimate, found.std_error) == pytest.approx(wanted, rel=1e-9)
    assert found.se_convention == "CRV1 by site"
    assert found.diagnostics["n_clusters"] == 40


def test_the_estimand_of_an_adjusted_difference_is_where_its_covariates_are_centred():
    frame = nsw_experiment()
    treated, control = frame[frame["treat"] == 1], frame[frame["treat"] == 0]
    regression = sm.OLS(control["re78"], sm.add_constant(control[BACKGROUND])).fit()
    wanted = treated["re78"].mean() - regression.predict(sm.add_constant(treated[BACKGROUND])).mean()
    assert difference(frame, "treat", "re78", BACKGROUND, estimand="ATT").estimate == pytest.approx(wanted, rel=1e-9)
    assert difference(frame, "treat", "re78", BACKGROUND).estimate != pytest.approx(wanted, rel=1e-4)


def test_outcomes_and_segments_come_as_a_frame_with_the_first_outcome_in_front():
    frame = nsw_experiment().assign(group=lambda f: np.where(f["age"] > 25, "old", "young"))
    found = difference(frame, "treat", ["re78", "re75"], segment="group")
    assert found.outcome == "re78"
    assert list(found.effects["outcome"]) == ["re78", "re75"] * 3
    assert list(found.effects["segment"]) == ["", "", "old", "old", "young", "young"]
    alone = difference(frame[frame["group"] == "old"], "treat", "re75")
    row = found.effects.iloc[3]
    assert (row["estimate"], row["std_error"]) == pytest.approx((alone.estimate, alone.std_error), rel=1e-10)


def test_a_segment_without_controls_has_no_estimate_but_its_counts():
    frame = nsw_experiment()
    frame["group"] = np.where(frame["treat"] == 1, "treated only", "mixed")
    frame.loc[frame.index[:20], "group"] = "mixed"
    effects = difference(frame, "treat", "re78", segment="group").effects.set_index("segment")
    assert np.isnan(effects.loc["treated only", "estimate"])
    assert effects.loc["treated only", "n_units"] == 165
    assert effects.loc["mixed", "std_error"] > 0


def test_the_covariance_of_two_outcomes_is_that_of_their_sum():
    frame = nsw_experiment().assign(both=lambda f: f["re75"] + f["re78"])
    design = difference_design(as_relation(frame), Spec("treat", (), "ATE"))
    covariance = design.estimate(["re75", "re78"]).covariance
    total = design.estimate(["both"]).covariance[0, 0]
    assert covariance.sum() == pytest.approx(total, rel=1e-10)


def test_the_design_does_not_adjust_unless_asked():
    spec = Spec("treat", tuple(BACKGROUND), "ATE")
    plain = difference_design(as_relation(nsw_experiment()), spec).estimate(["re78"]).effects[0]
    assert plain.estimate == pytest.approx(1794.3423818501, rel=1e-8)


def test_text_covariates_are_adjusted_for_by_level():
    frame = nsw_experiment()
    frame["race"] = np.where(frame["black"] == 1, "black", np.where(frame["hispanic"] == 1, "hispanic", "white"))
    text = difference(frame, "treat", "re78", ["age", "race"])
    dummies = difference(frame, "treat", "re78", ["age", "black", "hispanic"])
    assert (text.estimate, text.std_error) == pytest.approx((dummies.estimate, dummies.std_error), rel=1e-10)


def test_a_covariate_that_others_determine_is_refused():
    frame = nsw_experiment().assign(twice=lambda f: 2 * f["age"] + 1)
    with pytest.raises(CausalError, match="CAUSAL-020 collinear covariates\n  twice: constant among the controls"):
        difference(frame, "treat", "re78", ["age", "twice"])


def test_one_cluster_in_an_arm_is_refused():
    frame = nsw_experiment().assign(site=lambda f: np.where(f["treat"] == 1, 0, np.arange(len(f)) % 9 + 1))
    with pytest.raises(CausalError, match="CAUSAL-023 one cluster in an arm\n  1 clusters with treated units, 9 with"):
        difference(frame, "treat", "re78", cluster="site")


def test_an_arm_of_one_unit_is_refused():
    frame = nsw_experiment().iloc[184:300]
    with pytest.raises(CausalError, match="CAUSAL-023 an arm of one unit\n  1 treated, 115 controls"):
        difference(frame, "treat", "re78")


@pytest.mark.parametrize("value", [0, 1])
def test_a_constant_treatment_is_refused(value):
    with pytest.raises(CausalError, match="CAUSAL-012 treatment is constant"):
        difference(nsw_experiment().assign(treat=value), "treat", "re78")


def test_a_null_in_an_outcome_is_refused_and_not_dropped():
    frame = nsw_experiment()
    frame.loc[3, "re78"] = np.nan
    with pytest.raises(CausalError, match="CAUSAL-010 nulls in the data\n  re78 1 of 445 rows"):
        difference(frame, "treat", "re78")
