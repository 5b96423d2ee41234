"""Synthetic control: California's tobacco programme, exact weights, placebos, and what it refuses."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from estimators import synthetic_control
from estimators.effects.synthetic_control_placebo import largest_compatible, placebo_sets, rank_p
from estimators.effects.synthetic_control_weights import simplex_weights
from estimators.errors import CausalError
from estimators.results import Effect
from tests.datasets import california

PANEL = {"unit": "State", "time": "Year", "outcome": "PacksPerCapita", "intervention": 1989}


@cache
def programme(demeaned: bool = False) -> Effect:
    return synthetic_control(california(), treated="California", demeaned=demeaned, **PANEL)


def simulated(seed: int = 0, n_units: int = 25, effect: float = 0.0, shift: float = 0.0) -> pd.DataFrame:
    """Units that share two factors; unit 0 is a mixture of three others, plus `shift`, plus an effect from 30 on."""
    random = np.random.default_rng(seed)
    factors = random.normal(size=(40, 2)).cumsum(axis=0)
    loadings = random.uniform(0, 1, size=(n_units, 2))
    loadings[0] = loadings[1:4].mean(axis=0)
    paths = 10 + factors @ loadings.T + random.normal(size=(40, n_units)) * 0.3
    paths[:, 0] += shift
    paths[30:, 0] += effect
    long = pd.DataFrame(paths).rename_axis("week").reset_index().melt("week", var_name="unit", value_name="sales")
    return long.astype({"unit": int, "week": int})


def found(frame: pd.DataFrame, treated=0, **options) -> Effect:
    return synthetic_control(
        frame, unit="unit", time="week", outcome="sales", treated=treated, intervention=30, **options
    )


def test_california_is_the_reference_on_outcomes_only():
    assert programme().estimate == pytest.approx(-19.513630, rel=1e-6)


def test_california_in_2000_is_the_reference():
    assert programme().series["effect"].iloc[-1] == pytest.approx(-26.596643, rel=1e-6)


def test_the_donors_are_abadies():
    weights = programme().diagnostics["weights"]
    assert set(weights) == {"Colorado", "Connecticut", "Montana", "Nevada", "New Hampshire", "Utah"}
    assert sum(weights.values()) == pytest.approx(1.0)


def test_difference_in_differences_stands_beside_it():
    assert programme().diagnostics["difference_in_differences"] == pytest.approx(-27.349111, rel=1e-6)


def test_no_single_donor_carries_the_result():
    low, high = programme().diagnostics["leave_one_out_range"]
    assert -22.0 < low <= programme().estimate <= high < -17.0


def test_the_rank_among_placebos_is_never_zero():
    assert programme().diagnostics["rmspe_ratio_p"] == pytest.approx(3 / 39)
    assert programme().p_value >= 1 / 39


def test_the_interval_is_the_test_inverted():
    """On its border the p-value passes 5 %: shifting the treated unit by either end makes the other verdict."""
    effect, frame = programme(), california()
    after = (frame["State"] == "California") & (frame["Year"] >= 1989)
    for end, inward in ((effect.ci_lower, 1.0), (effect.ci_upper, -1.0)):
        for step, is_inside in ((0.01, True), (-0.01, False)):
            shifted = frame.assign(PacksPerCapita=frame["PacksPerCapita"] - after * (end + inward * step))
            p = synthetic_control(shifted, treated="California", **PANEL).p_value
            assert (p > 0.05) is is_inside


def test_badly_fitted_placebos_can_be_left_out():
    few = synthetic_control(california(), treated="California", max_pre_rmspe_ratio=2.0, **PANEL)
    assert few.diagnostics["n_placebos"] + few.diagnostics["n_placebos_left_out"] == 38
    assert few.diagnostics["n_placebos_left_out"] > 5
    assert few.estimate == programme().estimate


@pytest.mark.parametrize(("n_periods", "n_donors"), [(30, 8), (20, 20), (40, 30)])
def test_weights_are_the_minimum_that_a_general_solver_finds(n_periods, n_donors):
    random = np.random.default_rng(n_donors)
    donors = random.normal(size=(n_periods, n_donors)).cumsum(axis=0)
    treated = donors[:, :3] @ [0.5, 0.3, 0.2] + random.normal(size=n_periods)
    weights = simplex_weights(treated, donors)

    def squares(w: np.ndarray) -> float:
        return float(((treated - donors @ w) ** 2).sum())

    theirs = minimize(
        squares,
        np.full(n_donors, 1 / n_donors),
        jac=lambda w: -2 * donors.T @ (treated - donors @ w),
        bounds=[(0, 1)] * n_donors,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n_donors)},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 2000},
    )
    assert squares(weights.values) == pytest.approx(theirs.fun, rel=1e-7)
    assert weights.values == pytest.approx(theirs.x, abs=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_weights_fulfil_the_conditions_of_the_optimum(seed):
    """Karush-Kuhn-Tucker: no donor's slope lies below that of those with weight, to 1e-8; also with many donors."""
    random = np.random.default_rng(seed)
    n_periods, n_donors = random.integers(2, 60), random.integers(2, 80)
    donors, treated = random.normal(size=(n_periods, n_donors)) * 1e3, random.normal(size=n_periods) * 1e3
    weights = simplex_weights(treated, donors)
    assert weights.values.min() >= 0.0
    assert weights.values.sum() == pytest.approx(1.0, abs=1e-12)
    points = donors - treated[:, None]
    slopes = points.T @ (points @ weights.values) / (points**2).sum(axis=0).max()
    assert slopes[weights.values > 0].max() - slopes.min() < 1e-8


def test_a_donor_that_is_the_treated_unit_gets_all_weight():
    donors = np.random.default_rng(0).normal(size=(10, 5))
    assert simplex_weights(donors[:, 3], donors).values == pytest.approx(np.eye(5)[3], abs=1e-9)


def test_recovers_a_planted_effect():
    effect = found(simulated(effect=2.0))
    assert effect.estimate == pytest.approx(2.0, abs=0.4)
    assert effect.ci_lower < 2.0 < effect.ci_upper
    assert effect.p_value <= 0.05


def test_a_level_that_no_donor_reaches_needs_the_demeaned_variant():
    frame = simulated(effect=2.0, shift=30.0)
    assert found(frame, demeaned=True).estimate == pytest.approx(2.0, abs=0.4)
    assert abs(found(frame).estimate - 2.0) > 5.0


def test_several_treated_units_are_averaged():
    frame = simulated()
    frame.loc[frame["unit"].isin([0, 5]) & (frame["week"] >= 30), "sales"] += 2.0
    effect = found(frame, treated=[0, 5], n_placebos=60)
    assert effect.n_treated == 2
    assert effect.estimate == pytest.approx(2.0, abs=0.5)
    assert effect.diagnostics["n_placebos"] == 60


def test_with_few_donors_the_interval_is_unbounded():
    effect = found(simulated(n_units=10, effect=5.0))
    assert (effect.ci_lower, effect.ci_upper) == (-np.inf, np.inf)
    assert effect.p_value == pytest.approx(1 / 10)


def test_placebo_sets_are_all_of_them_when_few_and_never_repeat_when_drawn():
    assert len(placebo_sets(range(6), 2, 100, np.random.default_rng(0))) == 15
    drawn = placebo_sets(range(40), 2, 100, np.random.default_rng(0))
    assert len(set(drawn)) == 100
    assert all(len(set(s)) == 2 for s in drawn)


def test_ranks_count_the_observed_one():
    assert rank_p(5.0, np.array([1.0, 2.0, 3.0])) == 0.25
    assert rank_p(2.0, np.array([1.0, 2.0, 3.0])) == 0.75


def test_the_half_width_is_the_largest_statistic_that_is_not_rejected():
    others = np.arange(1.0, 40.0)
    half = float(largest_compatible(others))
    assert rank_p(half, others) > 0.05
    assert rank_p(half + 1e-6, others) <= 0.05


def test_the_same_data_in_another_order_give_the_same_effect():
    frame = california()
    again = synthetic_control(frame.sample(frac=1.0, random_state=2), treated="California", **PANEL)
    assert again.estimate == programme().estimate
    assert again.p_value == programme().p_value


def refused(frame: pd.DataFrame, **options) -> str:
    asked = {"unit": "unit", "time": "week", "outcome": "sales", "treated": 0, "intervention": 30, **options}
    with pytest.raises(CausalError) as error:
        synthetic_control(frame, **asked)
    return str(error.value)


def test_gaps_in_the_panel_are_refused():
    assert refused(simulated().drop(index=[3, 100])) == (
        "CAUSAL-026 gaps in the panel\n"
        "  2 of 25 units lack some of the 40 periods\n"
        "  fix: leave those units out, or complete them at their source; nothing is filled\n"
        "  more: docs/errors.md#causal-026"
    )


def test_duplicates_are_refused():
    frame = simulated()
    assert refused(pd.concat([frame, frame.head(3)])) == (
        "CAUSAL-026 several rows of one unit and period\n"
        "  3 of 1,003 rows repeat a pair of unit and week\n"
        "  fix: aggregate to one row each first\n"
        "  more: docs/errors.md#causal-026"
    )


def test_nulls_are_refused():
    frame = simulated()
    frame.loc[7, "sales"] = None
    assert refused(frame).startswith("CAUSAL-010 nulls in the data\n  sales 1 of 1,000 rows\n")


def test_an_unknown_treated_unit_is_refused():
    assert refused(simulated(), treated=[0, 99]) == (
        "CAUSAL-003 unknown unit\n"
        "  1 of 2 treated units are no value of unit\n"
        "  fix: name the treated units as the column has them\n"
        "  more: docs/errors.md#causal-003"
    )


def test_one_donor_is_too_few():
    assert refused(simulated(n_units=25), treated=list(range(24))).startswith("CAUSAL-023 too few donors\n")


def test_an_intervention_outside_the_panel_is_refused():
    assert refused(simulated(), intervention=99) == (
        "CAUSAL-027 nothing on one side of the intervention\n"
        "  40 periods before the intervention, 0 after it\n"
        "  fix: check intervention and the dates\n"
        "  more: docs/errors.md#causal-027"
    )


def test_one_period_before_is_too_few():
    assert refused(simulated(), intervention=1).startswith("CAUSAL-027 pre-period too short\n")
