"""Instrumental variables against Card's (1995) returns to schooling and against linearmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.iv import IV2SLS, IVGMM, IVLIML

from estimators.effects.iv import iv
from estimators.results import Effect
from tests.datasets import card

REGIONS = [f"reg66{i}" for i in range(1, 9)]
COVARIATES = ["exper", "expersq", "black", "south", "smsa", *REGIONS, "smsa66"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return card()


def schooling(frame: pd.DataFrame, instruments: list[str], **options) -> Effect:
    return iv(frame, "educ", "lwage", instruments, COVARIATES, **options)


def peer(model, frame: pd.DataFrame, instruments: list[str], weights: str | None = None, **fit):
    exogenous = frame[COVARIATES].astype(float).assign(intercept=1.0)
    given = {} if weights is None else {"weights": frame[weights]}
    return model(frame["lwage"], exogenous, frame[["educ"]], frame[instruments], **given).fit(debiased=True, **fit)


def test_card_by_one_instrument_has_the_reference_estimate(frame):  # D-IV-1
    assert schooling(frame, ["nearc4"]).estimate == pytest.approx(0.1315037755, rel=1e-7)


@pytest.mark.parametrize(("cov", "std_error"), [("robust", 0.0541436165), ("unadjusted", 0.0549636679)])
def test_card_by_one_instrument_has_the_reference_errors(frame, cov, std_error):
    assert schooling(frame, ["nearc4"], cov=cov).std_error == pytest.approx(std_error, rel=1e-7)


@pytest.mark.parametrize(
    ("figure", "value"),
    [("first_stage_f", 13.255785331), ("wu_hausman", 1.167643197), ("ols", 0.0746932508)],
)
def test_card_by_one_instrument_has_the_reference_tests(frame, figure, value):
    assert schooling(frame, ["nearc4"]).diagnostics[figure] == pytest.approx(value, rel=1e-7)


def test_the_hausman_test_of_card_has_the_reference_p_value(frame):
    assert schooling(frame, ["nearc4"]).diagnostics["wu_hausman_p_value"] == pytest.approx(0.27998, abs=1e-5)


@pytest.mark.parametrize(("cov", "std_error"), [("unadjusted", 0.0034983456), ("robust", 0.0036462478)])
def test_ordinary_least_squares_beside_it_has_the_reference_errors(frame, cov, std_error):
    assert schooling(frame, ["nearc4"], cov=cov).diagnostics["ols_std_error"] == pytest.approx(std_error, rel=1e-7)


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("first_stage_f", 7.893095911),
        ("wu_hausman", 2.925642258),
        ("sargan", 1.248155390),
        ("sargan_p_value", 0.263905),
    ],
)
def test_card_by_two_instruments_has_the_reference_tests(frame, figure, value):  # D-IV-2
    assert schooling(frame, ["nearc2", "nearc4"]).diagnostics[figure] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(("instruments", "value"), [(["nearc4"], 14.2), (["nearc2", "nearc4"], 8.2)])
def test_the_effective_f_of_card_is_the_published_one(frame, instruments, value):
    assert schooling(frame, instruments).diagnostics["effective_f"] == pytest.approx(value, abs=0.05)


def test_card_by_two_instruments_is_too_weak_for_an_estimate(frame):
    effect = schooling(frame, ["nearc2", "nearc4"])
    assert effect.diagnostics["is_weak"]
    assert np.isnan([effect.estimate, effect.std_error]).all()


def test_the_set_of_a_weak_instrument_stands_in_the_place_of_its_interval(frame):
    effect = schooling(frame, ["nearc2", "nearc4"])
    assert effect.diagnostics["anderson_rubin"] == [[effect.ci_lower, effect.ci_upper]]
    assert effect.p_value == effect.diagnostics["anderson_rubin_p_value"]


@pytest.mark.parametrize("cov", ["robust", "unadjusted"])
@pytest.mark.parametrize(("estimator", "model"), [("2sls", IV2SLS), ("liml", IVLIML)])
@pytest.mark.parametrize("instruments", [["nearc4"], ["nearc2", "nearc4"]], ids=len)
def test_estimates_and_errors_agree_with_linearmodels(frame, cov, estimator, model, instruments):
    found = schooling(frame, instruments, cov=cov, estimator=estimator, minimum_effective_f=0)
    wanted = peer(model, frame, instruments, cov_type=cov)
    assert found.estimate == pytest.approx(wanted.params["educ"], rel=1e-9)
    assert found.std_error == pytest.approx(wanted.std_errors["educ"], rel=1e-9)


@pytest.mark.parametrize(("estimator", "model"), [("2sls", IV2SLS), ("liml", IVLIML)])
def test_clustered_errors_agree_with_linearmodels(frame, estimator, model):
    frame = frame.assign(home=(frame["age"] * 100 + frame["KWW"].fillna(0)).astype(int))
    instruments = ["nearc2", "nearc4"]
    found = schooling(frame, instruments, cluster="home", estimator=estimator, minimum_effective_f=0)
    wanted = peer(model, frame, instruments, cov_type="clustered", clusters=frame["home"])
    assert found.se_convention == "CRV1 by home"
    assert found.std_error == pytest.approx(wanted.std_errors["educ"], rel=1e-9)


@pytest.mark.parametrize("cov", ["robust", "unadjusted"])
def test_weighted_estimates_agree_with_linearmodels(frame, cov):
    found = schooling(frame, ["nearc4"], weights="weight", cov=cov, minimum_effective_f=0)
    wanted = peer(IV2SLS, frame, ["nearc4"], weights="weight", cov_type=cov)
    assert found.estimate == pytest.approx(wanted.params["educ"], rel=1e-9)
    assert found.std_error == pytest.approx(wanted.std_errors["educ"], rel=1e-9)


def test_the_tests_of_two_instruments_agree_with_linearmodels(frame):
    found = schooling(frame, ["nearc2", "nearc4"]).diagnostics
    wanted = peer(IV2SLS, frame, ["nearc2", "nearc4"], cov_type="robust")
    assert found["sargan"] == pytest.approx(wanted.sargan.stat, rel=1e-9)
    assert found["wu_hausman"] == pytest.approx(wanted.wu_hausman().stat, rel=1e-9)
    assert found["partial_r2"] == pytest.approx(wanted.first_stage.diagnostics["partial.rsquared"].iloc[0], rel=1e-9)


def test_hansens_j_agrees_with_linearmodels_two_step_gmm(frame):
    exogenous = frame[COVARIATES].astype(float).assign(intercept=1.0)
    instruments = ["nearc2", "nearc4"]
    wanted = IVGMM(frame["lwage"], exogenous, frame[["educ"]], frame[instruments], weight_type="robust").fit()
    assert schooling(frame, instruments).diagnostics["hansen_j"] == pytest.approx(wanted.j_stat.stat, rel=1e-9)


def rejection(frame: pd.DataFrame, effect: float, instruments: list[str], cov: str) -> float:
    """The p-value that statsmodels gives the instruments in a regression of what the effect leaves of the outcome."""
    right = sm.add_constant(frame[[*COVARIATES, *instruments]].astype(float))
    model = sm.OLS(frame["lwage"] - effect * frame["educ"], right)
    fit = model.fit(cov_type="HC1", use_t=False) if cov == "robust" else model.fit()
    return float(fit.wald_test(", ".join(f"{z} = 0" for z in instruments), scalar=True).pvalue)


@pytest.mark.parametrize("cov", ["robust", "unadjusted"])
@pytest.mark.parametrize("instruments", [["nearc4"], ["nearc2", "nearc4"]], ids=len)
def test_the_ends_of_the_anderson_rubin_set_are_where_statsmodels_rejects_at_five_percent(frame, cov, instruments):
    found = schooling(frame, instruments, cov=cov).diagnostics
    ((low, high),) = found["anderson_rubin"]
    assert [rejection(frame, end, instruments, cov) for end in (low, high)] == pytest.approx([0.05, 0.05], rel=1e-6)
    assert found["anderson_rubin_p_value"] == pytest.approx(rejection(frame, 0.0, instruments, cov), rel=1e-6)
