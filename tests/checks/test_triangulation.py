"""Methods of one study, and an experiment beside it, are compared like with like."""

from __future__ import annotations

import math

import pytest

from estimators.checks import agreement_with_experiment
from estimators.checks.triangulation import check, heterogeneity
from estimators.results import Effect, wald


def effect(method: str, estimate: float, std_error: float = 1.0, estimand: str = "ATT", population: str = "") -> Effect:
    return Effect(
        **wald(estimate, std_error), n_units=1000, n_treated=500, method=method, estimand=estimand,
        outcome="outcome_sales", population=population,
    )  # fmt: skip


def test_heterogeneity_is_cochrans():
    found = heterogeneity([1.0, 2.0, 4.0], [1.0, 0.5, 1.0])
    pooled = (1.0 + 4 * 2.0 + 4.0) / 6
    q = (1 - pooled) ** 2 + 4 * (2 - pooled) ** 2 + (4 - pooled) ** 2
    assert (found.pooled, found.q, found.degrees) == pytest.approx((pooled, q, 2))
    assert found.p_value == pytest.approx(math.exp(-q / 2))  # chi-square with two degrees of freedom
    assert found.i_squared == pytest.approx((q - 2) / q)


def test_methods_that_agree_pass_and_say_that_they_share_their_rows():
    (found,) = check([effect("aipw", 10.0), effect("cem", 10.5)])
    assert (found.status, found.is_gate) == ("pass", False)
    assert "aipw 10 (SE 1), cem 10.5 (SE 1)" in found.reason
    assert "they share their rows, so their errors move together" in found.reason


def test_methods_that_disagree_warn_and_do_not_block():
    (found,) = check([effect("aipw", 10.0), effect("cem", 15.0)])
    assert (found.status, found.blocks) == ("warn", False)
    assert found.statistic < found.threshold == 0.05
    assert found.reason.startswith("the methods disagree by more than their errors allow: ATT on sales: ")


def test_other_estimands_are_not_compared():
    found = check([effect("aipw", 10.0), effect("iv", 25.0, estimand="LATE")])
    assert {c.status for c in found} == {"not_evaluated"}
    assert found[0].reason == ("no other method estimates ATT on sales: aipw is not comparable with iv (LATE)")


def test_other_populations_are_not_compared():
    matched = effect("cem", 20.0, population="matched 47.6 % of the treated")
    found = check([effect("aipw", 10.0), effect("difference", 10.2), matched])
    assert [c.status for c in found] == ["pass", "not_evaluated"]
    assert "ATT, matched 47.6 % of the treated" in found[1].reason


def test_one_method_alone_has_nothing_to_agree_with():
    assert check([effect("aipw", 10.0)]) == []


def test_estimates_without_an_error_are_left_out():
    assert check([effect("aipw", 10.0), effect("cem", 10.0, math.nan)]) == []


def test_a_study_that_agrees_with_the_experiment_passes():
    found = agreement_with_experiment.check(effect("aipw", 10.0), 11.0, 1.0, "lift test of May")
    assert (found.status, found.is_gate) == ("pass", True)
    assert "(SE 1; lift test of May): difference -1, p = 0.48" in found.reason


def test_a_study_that_contradicts_the_experiment_fails():
    found = agreement_with_experiment.check(
        effect("difference", -15204.8, 657.1), 1794.3, 671.0, "National Supported Work"
    )
    assert (found.status, found.blocks) == ("fail", True)
    assert found.reason.startswith("the study contradicts an experiment: difference finds -15,205 (SE 657.1)")
    assert found.reason.endswith("fix: look for confounding, or say why the experiment's units or times differ")


def test_a_comparison_without_power_is_no_agreement():
    found = agreement_with_experiment.check(effect("aipw", 4235.4, 1717.7), 1794.3, 671.0, "National Supported Work")
    assert (found.status, found.blocks) == ("not_evaluated", True)
    assert found.reason.startswith("too little power: only differences above 5166 would be seen; ")


def test_a_study_without_a_standard_error_is_not_compared():
    found = agreement_with_experiment.check(effect("aipw", 10.0, math.nan), 11.0, 1.0, "lift test")
    assert (found.status, found.reason) == ("not_evaluated", "aipw has no standard error to compare by")
