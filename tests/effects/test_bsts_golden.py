"""BSTS against R's CausalImpact (and against the Gibbs sampler of tfp-causalimpact, which agrees with it)."""

from __future__ import annotations

from functools import cache

import pytest

from estimators import bsts
from estimators.results import Effect
from tests.datasets import bsts_arma, bsts_google, bsts_volks, california

ABADIES_DONORS = ["Colorado", "Connecticut", "Montana", "Nevada", "New Hampshire", "Utah"]


@cache
def google() -> Effect:
    return bsts(
        bsts_google(), time="date", outcome="y", controls=["x1", "x2"], intervention="2020-03-02", holds_out=False
    )


@cache
def arma(name: str, lift: float) -> Effect:
    frame = bsts_arma(name)
    frame.loc[70:, "y"] += lift
    return bsts(frame, time="period", outcome="y", controls=["X"], intervention=70, holds_out=False)


@cache
def volks() -> Effect:
    call = {"time": "Date", "outcome": "VolksWagen", "intervention": "2015-09-20", "holds_out": False}
    return bsts(bsts_volks(), controls=["BMW", "Allianz"], **call)


# effect, tolerance, R's posterior sd
REFERENCES = [
    pytest.param(google, 27.0, 2.2, 4.5, id="google"),
    pytest.param(lambda: arma("r", 0.0), 0.89, 0.15, 0.30, id="arma"),
    pytest.param(lambda: arma("fixture", 5.0), 4.89, 0.15, 0.31, id="arma with 5 added"),
    pytest.param(volks, -44.0, 8.4, 5.6, id="Volkswagen"),
]


@pytest.mark.parametrize(("effect", "expected", "tolerance", "sd"), REFERENCES)
def test_the_average_effect_is_that_of_r(effect, expected, tolerance, sd):
    assert effect().estimate == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("effect", "expected", "tolerance", "sd"), REFERENCES)
def test_the_posterior_sd_is_that_of_r(effect, expected, tolerance, sd):
    assert effect().std_error == pytest.approx(sd, rel=0.15)


@pytest.mark.parametrize(("effect", "expected", "tolerance", "sd"), REFERENCES)
def test_the_interval_excludes_no_effect(effect, expected, tolerance, sd):
    found = effect()
    assert found.ci_lower * found.ci_upper > 0.0


@pytest.mark.parametrize(("effect", "expected", "tolerance", "sd"), REFERENCES)
def test_the_chains_agree(effect, expected, tolerance, sd):
    assert max(effect().diagnostics["r_hat"].values()) < 1.02


def test_cumulative_relative_and_tail_area_are_those_of_r():
    found = google().diagnostics
    assert found["cumulative_effect"]["estimate"] == pytest.approx(804, abs=30)
    assert found["relative_effect"]["estimate"] == pytest.approx(0.21, abs=0.01)
    assert found["tail_area_p"] < 0.002


def test_california_with_abadies_donors_agrees_with_the_gibbs_sampler_of_tfp():
    wide = california().pivot(index="Year", columns="State", values="PacksPerCapita").reset_index()
    found = bsts(wide, time="Year", outcome="California", controls=ABADIES_DONORS, intervention=1989, holds_out=False)
    assert -30.0 < found.estimate < -12.0
