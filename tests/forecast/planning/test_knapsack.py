"""Projection and linear gain over a box with one row are exact."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import torch

from estimators.errors import CausalError
from estimators.forecast.planning.knapsack import Knapsack, best_vertex, project


def drawn(seed, n=40, signed=False):
    source = np.random.default_rng(seed)
    weights = source.uniform(0.5, 2.0, n) * (source.choice([-1, 1], n) if signed else 1)
    lower, upper = np.sort(source.uniform(-1, 2, (2, n)), axis=0)
    least = np.where(weights > 0, lower, upper) @ weights
    most = np.where(weights > 0, upper, lower) @ weights
    target = least + 0.4 * (most - least)
    tensors = map(torch.from_numpy, (weights, lower, upper, source.normal(1, 2, n), source.uniform(0.5, 3, n)))
    return target, *tensors


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("signed", [False, True])
def test_projection_equals_cvxpy(seed, signed):
    target, weights, lower, upper, point, metric = drawn(seed, signed=signed)
    x, _ = project(Knapsack(weights, target, target, lower, upper), point, metric)
    z = cvxpy.Variable(len(point))
    distance = cvxpy.sum(cvxpy.multiply(metric.numpy(), cvxpy.square(z - point.numpy())))
    rules = [weights.numpy() @ z == target, z >= lower.numpy(), z <= upper.numpy()]
    cvxpy.Problem(cvxpy.Minimize(distance), rules).solve("CLARABEL")
    assert np.abs(x.numpy() - z.value).max() < 1e-5


@pytest.mark.parametrize("seed", range(5))
def test_projection_meets_the_budget_to_rounding(seed):
    target, weights, lower, upper, point, _ = drawn(seed, n=10_000)
    x, _ = project(Knapsack(weights, -np.inf, target, lower, upper), point + 5.0)
    assert abs(float((weights * x).sum()) - target) <= 1e-11 * abs(target)


def test_projection_leaves_a_feasible_point_alone():
    target, weights, lower, upper, _, _ = drawn(0)
    inside = 0.9 * lower + 0.1 * upper
    x, price = project(Knapsack(weights, -np.inf, target, lower, upper), inside)
    assert torch.equal(x, inside)
    assert price == 0.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("signed", [False, True])
def test_linear_gain_equals_a_linear_program(seed, signed):
    from scipy.optimize import linprog

    target, weights, lower, upper, gradient, _ = drawn(seed, signed=signed)
    z, _ = best_vertex(Knapsack(weights, -np.inf, target, lower, upper), gradient)
    bounds = np.c_[lower.numpy(), upper.numpy()]
    best = linprog(-gradient.numpy(), A_ub=weights.numpy()[None], b_ub=[target], bounds=bounds)
    assert float(gradient @ z) == pytest.approx(-best.fun, rel=1e-9)
    assert float(weights @ z) <= target + 1e-9


def test_a_budget_outside_the_box_is_refused():
    one = torch.ones(3, dtype=torch.float64)
    with pytest.raises(CausalError) as caught:
        project(Knapsack(one, 10.0, 10.0, 0 * one, one), one)
    assert str(caught.value) == (
        "CAUSAL-029 no plan satisfies the budget\n"
        "  the box allows totals from 0 to 3, the budget asks for 10\n"
        "  fix: widen the box or change the budget\n"
        "  more: docs/errors.md#causal-029"
    )
