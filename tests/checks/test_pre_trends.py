"""Pre-trends by equivalence: parallel, diverging and undecided, and what is published in each case."""

from __future__ import annotations

import numpy as np
import pytest

from estimators.checks.pre_trends import judge, judged
from estimators.effects.did import did_design
from estimators.effects.method import PanelSpec, PreTrends
from estimators.warehouse import as_relation
from tests.effects.simulated_panels import staggered

MARGIN = 0.1


def judgement(n_units: int, drift: float, cohorts: tuple[int, ...] = (0, 4), seed: int = 1):
    frame = staggered(seed, n_units=n_units, cohorts=cohorts, drift=drift)
    spec = PanelSpec("unit", "time", "cohort", covariates=("x",), seed="s")
    design = did_design(as_relation(frame), spec, ("y",))
    effect = design.estimate(("y",)).effects[0]
    pre, study = design.pre_trends(("y",))[0], design.event_study("y")
    return effect, judged(effect, pre, study, design.scale("y"), MARGIN, "s")


def test_parallel_trends_pass_and_leave_the_effect_as_it_is():
    effect, found = judgement(6000, drift=0.0)
    assert (found.check.status, found.check.is_gate) == ("pass", True)
    assert found.effect == effect
    assert found.check.bias_bound <= MARGIN


def test_diverging_trends_fail_and_the_honest_interval_takes_the_lead():
    effect, found = judgement(6000, drift=0.5)
    assert found.check.status == "fail"
    assert not found.check.blocks
    assert found.effect.ci_upper - found.effect.ci_lower > effect.ci_upper - effect.ci_lower
    assert found.effect.se_convention.startswith("HonestDiD, relative magnitudes at 1")
    assert np.isnan(found.effect.p_value)


def test_the_honest_interval_holds_the_effect_that_the_drift_hides():
    effect, found = judgement(6000, drift=0.5)
    assert not effect.ci_lower <= 1.0 <= effect.ci_upper
    assert found.effect.ci_lower <= 1.0 + 1e-9


def test_few_units_decide_nothing():
    _, found = judgement(80, drift=0.0)
    assert found.check.status == "not_evaluated"
    assert found.check.reason.startswith("too little power to show parallel trends: 2 coefficients before treatment")


def test_a_study_without_two_periods_before_treatment_is_blocked():
    _, found = judgement(400, drift=0.0, cohorts=(0, 2))
    assert (found.check.status, found.check.blocks, found.sensitivity) == ("not_evaluated", True, None)
    assert found.check.reason == (
        "no period before treatment is left to compare; fix: add two or more periods before treatment; no sensitivity "
        "analysis: no trend to compare with; 0 periods before the reference, 5 after it; fix: use a panel with two "
        "periods before treatment"
    )


@pytest.mark.parametrize("scale", [0.0, float("nan")])
def test_an_outcome_that_does_not_vary_is_not_evaluated(scale):
    found = judge(PreTrends("y", (-2,), np.zeros(1), np.eye(1)), scale, MARGIN, "s")
    assert (found.status, found.reason) == (
        "not_evaluated", "y gives no standard errors before treatment; fix: more units in every cohort"
    )  # fmt: skip


def pre_trends(estimate: float, std_error: float) -> PreTrends:
    return PreTrends("y", (-3, -2), np.array([estimate, 0.0]), std_error**2 * np.eye(2))


@pytest.mark.parametrize(
    ("estimate", "std_error", "status"),
    [
        (0.0, 0.02, "pass"),
        (0.07, 0.035, "not_evaluated"),
        (0.2, 0.02, "fail"),
        (0.05, 0.005, "pass"),
        (0.2, 0.15, "not_evaluated"),
    ],
)
def test_the_rule_is_equivalence_and_not_the_absence_of_significance(estimate, std_error, status):
    assert judge(pre_trends(estimate, std_error), 1.0, MARGIN, "s").status == status


def test_the_margin_is_in_standard_deviations_of_the_outcome():
    assert judge(pre_trends(20.0, 2.0), 1000.0, MARGIN, "s").status == "pass"
