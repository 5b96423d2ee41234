"""The value of an experiment: known in closed form for two plans, nothing for what cannot change the plan."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from estimators.errors import CausalError
from estimators.forecast.diagnosis.value_of_experiment import value_of_experiments

EVENLY = norm.ppf((np.arange(400) + 0.5) / 400)  # draws of a standard normal without chance


def two_plans(mean: float = 0.5, sd: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Do nothing (0) or act (θ), θ ~ N(mean, sd²); the experiment measures θ."""
    theta = mean + sd * EVENLY
    return np.column_stack([np.zeros_like(theta), theta]), theta[:, None]


def closed_form(mean: float, sd: float, std_error: float) -> float:
    """Raiffa and Schlaifer: E max(0, m) − max(0, mean), where m ~ N(mean, sd⁴/(sd² + s²)) is the posterior mean."""
    spread = sd**2 / math.hypot(sd, std_error)
    expected = mean * norm.cdf(mean / spread) + spread * norm.pdf(mean / spread)
    return expected - max(mean, 0.0)


@pytest.mark.parametrize("std_error", [0.5, 1.0, 2.0, 5.0])
def test_is_the_closed_form_of_two_plans_and_a_normal_prior(std_error):
    values, effects = two_plans()
    found = value_of_experiments(values, effects, [std_error])
    assert found["value"][0] == pytest.approx(closed_form(0.5, 2.0, std_error), rel=0.02)


def test_an_exact_experiment_is_worth_perfect_information():
    values, effects = two_plans()
    found = value_of_experiments(values, effects, [1e-6])
    assert found["value"][0] == pytest.approx(found["perfect_information"][0], rel=1e-9)


def test_an_experiment_whose_result_is_known_beforehand_is_worth_nothing():
    values, effects = two_plans()
    found = value_of_experiments(values, np.full_like(effects, 3.0), [0.1])
    assert found["value"][0] == pytest.approx(0.0, abs=1e-12)


def test_an_experiment_that_cannot_change_the_plan_is_worth_nothing():
    theta = 100.0 + EVENLY
    values = np.column_stack([np.zeros_like(theta), theta])
    assert value_of_experiments(values, theta[:, None], [0.1])["value"][0] == pytest.approx(0.0, abs=1e-9)


def test_the_lever_that_the_plan_hangs_on_comes_first():
    """Two levers with slopes a ~ N(1, 1) and b ~ N(1, 0.01²) compete for one budget: only a is worth measuring."""
    a, b = 1.0 + EVENLY, 1.0 + 0.01 * np.roll(EVENLY, 137)
    values = np.column_stack([a, b])
    found = value_of_experiments(values, np.column_stack([b, a]), [0.3, 0.3], names=["lever b", "lever a"])
    assert found["candidate"].tolist() == ["lever a", "lever b"]
    assert found["share"][0] > 0.8
    assert found["share"][1] < 0.05


def test_a_larger_experiment_is_worth_more_and_its_cost_counts():
    values, effects = two_plans()
    both = np.hstack([effects, effects])
    found = value_of_experiments(values, both, [4.0, 0.5], names=["small", "large"], costs=[0.0, 10.0])
    worth = found.set_index("candidate")
    assert worth.loc["large", "value"] > worth.loc["small", "value"]
    assert found["candidate"].tolist() == ["small", "large"]
    assert worth.loc["large", "net_value"] == pytest.approx(worth.loc["large", "value"] - 10.0)


def test_no_experiment_is_worth_more_than_perfect_information():
    source = np.random.default_rng(3)
    found = value_of_experiments(source.normal(size=(50, 7)), source.normal(size=(50, 9)), source.uniform(0.01, 3, 9))
    assert found["share"].between(0.0, 1.0 + 1e-12).all()


def test_029_all_faults_are_said_at_once():
    with pytest.raises(CausalError) as refused:
        value_of_experiments(np.array([[1.0, np.nan]]), np.array([[1.0, 2.0]]), [0.0, -1.0])
    assert str(refused.value) == (
        "CAUSAL-029 no uncertainty to resolve\n"
        "  1 draws\n"
        "  fix: fit with draws=..., so that the model knows what it does not know\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 standard error that is not positive\n"
        "  candidates 1, 2: zero, negative or not finite\n"
        "  fix: give the error that the design can reach\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 values that are not finite\n"
        "  1 values, effects or costs\n"
        "  fix: correct the draws\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_shapes_that_do_not_match_are_refused():
    with pytest.raises(CausalError, match="experiments and draws do not match"):
        value_of_experiments(np.zeros((5, 2)), np.zeros((4, 2)), [1.0, 1.0])
