"""Sensitivity of every method in plain words, and bounds over a range of unknown bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from estimators import iv, methods
from estimators.checks import sensitivity_bias, sensitivity_instrument
from estimators.checks.sensitivity import Asked, Found, of_effect, sensitivity
from estimators.checks.sensitivity_ovb import regressions
from estimators.checks.sensitivity_panel import within_units
from estimators.effects.iv import iv_design
from estimators.effects.method import PanelSpec, Spec
from estimators.effects.panel import panel_design
from estimators.results import Effect, wald
from estimators.study_table import study_table
from estimators.warehouse import as_relation
from tests.checks.simulated import simulated, study
from tests.datasets import wage_panel

AIPW = {"name": "aipw", "repetitions": 1}
LIN = {"name": "difference", "adjust": True}


def found_by(method: object, frame: pd.DataFrame | None = None, asked: Asked | None = None) -> Found:
    frame = simulated(1500, confounding=0.5) if frame is None else frame
    table = study_table(frame, study(methods=[method], design="observational"))
    design = methods.design(table, table.study.headline, "push")
    return sensitivity(design, design.estimate(table.outcomes).effects, asked)


def effect(estimate: float, std_error: float) -> Effect:
    figures = {"n_units": 10, "n_treated": 5, "method": "did", "estimand": "ATT", "outcome": "outcome_sales"}
    return Effect(**wald(estimate, std_error), **figures)


@pytest.mark.parametrize(
    ("method", "kinds"),
    [
        (LIN, {"robustness_value", "benchmark", "contour", "e_value", "breakdown_bias"}),
        (AIPW, {"robustness_value", "benchmark", "contour", "e_value", "breakdown_bias"}),
        ("cem", {"rosenbaum", "e_value", "breakdown_bias"}),
    ],
)
def test_every_method_has_its_own_analysis_and_bounds_over_a_range_of_bias(method, kinds):
    found = found_by(method)
    assert {row.kind for row in found.rows} == kinds
    assert {row.outcome for row in found.rows} == {"sales"}
    assert all(row.in_words and "covariate_" not in row.in_words for row in found.rows)
    assert [(c.check_name, c.is_gate, c.outcome) for c in found.checks] == [("sensitivity", False, "sales")]


@pytest.mark.parametrize("method", [LIN, AIPW])
def test_the_check_compares_a_confounder_with_an_observed_one(method):
    (check,) = found_by(method).checks
    assert check.reason.startswith("an unobserved confounder would have to explain ")
    assert " % of the residual variation of both treatment and outcome, " in check.reason
    assert " times as much as age does, " in check.reason or " times as much as visits does, " in check.reason
    assert " to bring the estimate to 0, and " in check.reason
    assert check.status == "pass"


def test_an_effect_that_a_confounder_like_an_observed_one_would_explain_warns():
    frame = simulated(1500, confounding=1.0)
    frame["outcome_sales"] += -0.75 * frame["treatment"] + frame["covariate_age"] / 10
    (check,) = found_by(LIN, frame).checks
    assert check.status == "warn"
    assert check.reason.endswith("; one just like age would be enough")


def test_an_effect_that_is_not_told_from_none_needs_no_confounder():
    frame = simulated(800)
    frame["outcome_sales"] = np.random.default_rng(30).normal(size=800)
    for method in (LIN, "cem", AIPW):
        (check,) = found_by(method, frame).checks
        assert (
            check.reason == "the 95 % interval includes 0: no unobserved confounder is needed to explain the estimate"
        )


def test_matched_units_are_compared_by_their_odds_of_treatment():
    (check,) = found_by("cem").checks
    assert check.statistic > 1.5
    assert check.reason.startswith("two units that match would have to differ by a factor of ")


def test_a_definition_names_the_benchmarks_and_the_biases():
    asked = Asked(benchmarks=("covariate_visits",), biases=(0.5, -0.25))
    for method in (LIN, AIPW):
        rows = found_by(method, asked=asked).rows
        assert {r.name for r in rows if r.kind == "benchmark"} <= {"visits x1", "visits x2", "visits x3"}
        biases = [r.value for r in rows if (r.kind, r.name) == ("breakdown_bias", "range")]
        assert biases == pytest.approx([0.25, 0.5])


def test_the_breakdown_bias_is_the_distance_of_the_interval_from_zero():
    rows = sensitivity_bias.rows(effect(-1.0, 0.25), 2.0)
    assert rows[-1].parameter == pytest.approx((1.0 - 1.959963984540054 * 0.25) / 2.0)
    assert rows[-1].name == "breakdown"


def test_a_range_of_bias_widens_the_interval_by_so_many_standard_deviations():
    row = next(r for r in sensitivity_bias.rows(effect(1.0, 0.25), 2.0) if r.parameter == 0.1)
    published = wald(1.0, 0.25)
    assert (row.ci_lower, row.ci_upper) == pytest.approx((published["ci_lower"] - 0.2, published["ci_upper"] + 0.2))


def test_a_method_without_an_analysis_of_its_own_has_the_bounds():
    found = of_effect(effect(1.0, 0.25), 2.0)
    assert {r.kind for r in found.rows} == {"breakdown_bias"}
    assert found.checks[0].reason == "a bias of 0.255 SD of the outcome (0.51) would make the 95 % interval include 0"


@pytest.fixture(scope="module")
def instrumented() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    n = 2_000
    x, near, far, u = generator.normal(size=(4, n))
    treatment = 0.5 * near + 0.2 * far + 0.3 * x + u + generator.normal(size=n)
    y = treatment + x + u + generator.normal(size=n)
    return pd.DataFrame({"x": x, "near": near, "far": far, "treatment": treatment, "y": y})


@pytest.mark.parametrize("instruments", [("near",), ("near", "far")])
def test_a_direct_effect_of_the_instrument_shifts_the_interval_as_another_outcome_would(instrumented, instruments):
    spec = Spec("treatment", ("x",), "LATE", options={"instruments": instruments})
    direct = sensitivity_instrument.direct_effects(as_relation(instrumented), spec, "y")[0]
    shifted = instrumented.assign(y=instrumented["y"] - 0.1 * instrumented["near"])
    again = iv(shifted, "treatment", "y", list(instruments), ["x"])
    assert direct.interval(0.1, 1.959963984540054) == pytest.approx((again.ci_lower, again.ci_upper), rel=1e-9)


def test_the_instrument_with_the_smallest_breakdown_is_named(instrumented):
    spec = Spec("treatment", ("x",), "LATE", options={"instruments": ("near", "far")})
    design = iv_design(as_relation(instrumented), spec)
    found = sensitivity(design, design.estimate(("y",)).effects)
    assert {r.kind for r in found.rows} == {"plausibly_exogenous", "breakdown_bias"}
    assert found.checks[0].reason.startswith("one SD of near would have to move the outcome by 0.")


def test_a_declared_direct_effect_that_would_be_enough_warns(instrumented):
    spec = Spec("treatment", ("x",), "LATE", options={"instruments": ("near",)})
    design = iv_design(as_relation(instrumented), spec)
    effects = design.estimate(("y",)).effects
    for declared, status in (((-0.01, 0.02), "pass"), ((0.0, 1.0), "warn")):
        found = sensitivity(design, effects, Asked(direct=declared))
        assert found.checks[0].status == status
        row = next(r for r in found.rows if r.name == "near: declared")
        assert (row.ci_lower > 0.0) == (status == "pass")


def test_fixed_effects_are_partialled_out_as_dummies_would_be():
    frame = wage_panel()
    frame = frame[frame["nr"] % 6 == 0]
    spec = PanelSpec("nr", "year", treatment="union", covariates=("married", "expersq"))
    design = panel_design(as_relation(frame), spec)
    (within,) = within_units(design, ("lwage",))
    texts = frame.assign(nr=frame["nr"].astype(str), year=frame["year"].astype(str))
    columns = ["married", "expersq", "nr", "year"]
    (dummies,) = regressions(as_relation(texts), "union", ["lwage"], columns)
    assert (within.estimate, within.std_error) == pytest.approx((dummies.estimate, dummies.std_error), rel=1e-8)
    for covariate in ("married", "expersq"):
        assert within.shares[covariate] == pytest.approx(dummies.shares[covariate], rel=1e-6)


def test_an_effect_without_a_standard_error_has_no_sensitivity():
    table = study_table(simulated(200), study())
    design = methods.design(table, table.study.headline, "push")
    (found,) = design.estimate(table.outcomes).effects
    assert sensitivity(design, [replace(found, std_error=float("nan"))]) == Found()
