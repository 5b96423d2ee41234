"""Each solver finds the optimum that is known, or that another solver finds, and proves it."""

from __future__ import annotations

import dataclasses

import cvxpy
import numpy as np
import pytest
import torch

from benchmarks.planning_problems import coupled, logarithms, ramped, s_curves
from estimators.forecast.planning.certificate import linear_bound, linear_prices
from estimators.forecast.planning.curves import ElementwiseCurves, LogCurves
from estimators.forecast.planning.envelope import solve_s_curves
from estimators.forecast.planning.problem import Problem, of_curves
from estimators.forecast.planning.region import Region, grouped_rows, one_row, step_rows
from estimators.forecast.planning.solvers import ascend, certified, solve


def worst(problem, solution):
    return max(problem.region.violations(solution.x).values())


def clarabel(problem, curves):
    """The optimum by cvxpy and Clarabel, an interior point of its own."""
    region = problem.region
    z = cvxpy.Variable(region.size)
    value = curves.size.numpy() @ cvxpy.log(1 + cvxpy.multiply(1 / curves.scale.numpy(), z))
    rules = [z >= region.lower.numpy(), z <= region.upper.numpy()]
    for rows in region.rows:
        above, below = np.isfinite(rows.high), np.isfinite(rows.low)
        rules += [rows.matrix[above] @ z <= rows.high[above]] if above.any() else []
        rules += [rows.matrix[below] @ z >= rows.low[below]] if below.any() else []
    return cvxpy.Problem(cvxpy.Maximize(value), rules).solve("CLARABEL")


def test_water_filling_is_certified_at_a_hundred_thousand_decisions():
    problem = logarithms(100_000)
    found = solve(problem)
    assert found.gap <= 1e-8
    assert worst(problem, found) <= 1e-9


def test_water_filling_finds_what_clarabel_finds():
    problem = logarithms(300)
    assert solve(problem).value == pytest.approx(clarabel(problem, problem.curves), rel=1e-7)


def test_water_filling_of_opaque_curves_equals_that_of_logarithms():
    problem = logarithms(200)
    opaque = of_curves(ElementwiseCurves(problem.curves.value, torch.full((200,), -1.0)), problem.region, "concave", "")
    assert torch.allclose(solve(opaque).x, solve(problem).x, atol=1e-8)


def test_projected_gradient_finds_the_same_plan_as_water_filling():
    problem = logarithms(2_000)
    found = ascend(problem, 1e-7)
    assert found.gap <= 1e-7
    assert found.value == pytest.approx(solve(problem).value, rel=1e-10)


def test_projected_gradient_certifies_a_coupled_objective():
    problem = coupled(10_000)
    found = solve(problem, 1e-6)
    assert certified(problem, found).kind == "global"
    assert found.gap <= 1e-6
    assert worst(problem, found) <= 1e-9


def test_the_certified_bound_lies_above_better_plans():
    problem = coupled(2_000)
    rough, fine = solve(problem, 1e-2), solve(problem, 1e-8)
    assert rough.value <= fine.value <= rough.bound


@pytest.mark.parametrize("seed", range(3))
def test_interior_point_finds_a_planted_optimum_under_ramps(seed):
    planted = ramped(5_000, seed)
    found = solve(planted.problem)
    assert found.gap <= 1e-6
    assert worst(planted.problem, found) <= 1e-8
    assert found.value == pytest.approx(planted.best, rel=1e-6)
    assert found.bound >= planted.best * (1 - 1e-12)


def groups(n=200, seed=0):
    """Ten groups with budgets of their own, one over all, and ramps."""
    source = np.random.default_rng(seed)
    curves = LogCurves(*(torch.from_numpy(source.uniform(*ends, n)) for ends in ((1, 10), (0.5, 5))))
    region = Region(
        torch.zeros(n, dtype=torch.float64), torch.full((n,), 5.0, dtype=torch.float64),
        (
            one_row("all", np.ones(n), -np.inf, 0.8 * n),
            grouped_rows("by group", np.arange(n) // 20, source.uniform(10, 30, 10)),
            step_rows("ramp", np.arange(n - 1), np.arange(1, n), n, 0.5, 0.5),
        ),
    )  # fmt: skip
    return of_curves(curves, region, "concave", "a sum of concave curves")


def test_interior_point_under_groups_and_ramps_finds_what_clarabel_finds():
    problem = groups()
    found = solve(problem)
    assert found.value == pytest.approx(clarabel(problem, problem.curves), rel=1e-7)
    assert found.gap <= 1e-6
    assert worst(problem, found) <= 1e-8


def test_projected_gradient_over_groups_and_ramps_agrees_with_the_interior_point():
    problem = groups()
    opaque = dataclasses.replace(problem, curves=None)
    found = solve(opaque, 1e-6)
    assert found.gap <= 1e-6
    assert found.value == pytest.approx(solve(problem).value, rel=1e-6)


def test_decisions_without_room_stay_where_they_are():
    problem = groups()
    upper = problem.region.upper.clone()
    upper[:7] = 0.0
    held = dataclasses.replace(problem, region=problem.region.with_box(problem.region.lower, upper))
    found = solve(held)
    assert torch.equal(found.x[:7], torch.zeros(7, dtype=torch.float64))
    assert found.gap <= 1e-6


def test_any_prices_give_a_bound_of_the_linear_gain():
    problem = groups()
    gradient = problem.curves.slope(solve(problem).x)
    best = linear_bound(gradient, problem.region, linear_prices(gradient, problem.region))
    source = np.random.default_rng(0)
    others = [linear_bound(gradient, problem.region, source.normal(0, 1, problem.region.n_rows)) for _ in range(20)]
    assert min(others) >= best * (1 - 1e-9)


def by_dynamic_programming(problem, steps=2_000):
    """The best plan on a grid of the budget: exact but for the grid, which costs value only."""
    budget = float(problem.region.high[0])
    grid = np.linspace(0.0, budget, steps + 1)
    best = np.zeros(steps + 1)
    for i in range(problem.region.size):
        own = np.where(grid <= 10.0, float(problem.curves.size[i]) * _hill(grid, problem.curves, i), -np.inf)
        most = int(np.searchsorted(grid, 10.0, side="right"))
        best = np.max([np.r_[np.full(k, -np.inf), best[: steps + 1 - k]] + own[k] for k in range(most)], axis=0)
    return best.max()


def _hill(x, curves, i):
    power, half = float(curves.power[i]), float(curves.half[i])
    return x**power / (x**power + half**power)


@pytest.mark.parametrize(("n", "seed"), [(3, 0), (5, 1), (8, 2), (12, 3)])
def test_s_curves_equal_dynamic_programming(n, seed):
    problem = s_curves(n, seed)
    found = solve_s_curves(problem, 1e-7)
    truth = by_dynamic_programming(problem)
    assert found.value >= truth * (1 - 1e-9)
    assert found.value == pytest.approx(truth, rel=2e-4)
    assert found.bound >= truth * (1 - 1e-12)


@pytest.mark.parametrize("n", [50, 200])
def test_s_curves_are_within_a_thousandth_of_a_proven_bound(n):
    problem = s_curves(n)
    found = solve(problem)
    assert found.gap <= 1e-3
    assert worst(problem, found) <= 1e-9
    assert certified(problem, found).kind == "bound"


def test_values_never_make_a_certificate_global():
    problem = dataclasses.replace(logarithms(50), curvature="unknown", curves=None)
    found = solve(problem, 1e-6)
    assert found.bound is None
    assert certified(problem, found).kind == "local"


def test_a_plan_that_is_not_at_an_optimum_has_a_large_residual():
    unfinished = dataclasses.replace(coupled(2_000), curvature="unknown")
    found = ascend(unfinished, 1e-9, max_iterations=1)
    assert found.residual > 1e-3
    assert certified(unfinished, found).value == found.residual


def test_the_interior_point_finds_the_same_plan_without_a_band(monkeypatch):
    banded = solve(groups())
    monkeypatch.setattr("estimators.forecast.planning.newton_system.WIDEST", 0)
    whole = solve(groups())
    assert torch.allclose(whole.x, banded.x, atol=1e-5)
    assert whole.gap <= 1e-6


def test_a_region_without_end_gets_no_bound():
    open_box = Region(torch.zeros(3, dtype=torch.float64), torch.full((3,), float("inf"), dtype=torch.float64))
    problem = Problem(lambda x: torch.log1p(x).sum(), open_box, "concave", "logarithms")
    found = ascend(problem, 1e-6, max_iterations=3)
    assert found.bound is None
    assert certified(problem, found).kind in ("local", "none")
