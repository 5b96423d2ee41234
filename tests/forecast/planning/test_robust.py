"""Plans for the worst draws, and plans in regions where nothing was tried."""

from __future__ import annotations

import cvxpy
import numpy as np
import pytest
import torch

from benchmarks.planning_problems import logarithms
from benchmarks.planning_untried import outcome
from estimators.forecast.planning.problem import Problem
from estimators.forecast.planning.robust import solve_worst


def worlds(n=30, k=20):
    problem = logarithms(n)
    source = np.random.default_rng(0)
    sizes = torch.from_numpy(source.uniform(0.2, 2.0, (k, n))) * problem.curves.size
    start = torch.minimum(torch.ones(n, dtype=torch.float64), problem.region.upper)

    def values(x):
        return (sizes * torch.log1p(x / problem.curves.scale)).sum(dim=1)

    return (
        Problem(lambda x: values(x).mean(), problem.region, "concave", "", start=start),
        values,
        sizes,
        problem.curves,
    )


def test_the_worst_share_is_maximised_as_cvxpy_does():
    problem, values, sizes, curves = worlds()
    solution, worst = solve_worst(problem, values, 0.25, 1e-6)
    z, t = cvxpy.Variable(problem.region.size), cvxpy.Variable()
    each = sizes.numpy() @ cvxpy.log(1 + cvxpy.multiply(1 / curves.scale.numpy(), z))
    aim = t - cvxpy.sum(cvxpy.pos(t - each)) / (0.25 * len(sizes))
    rules = [z >= 0, z <= problem.region.upper.numpy(), cvxpy.sum(z) == problem.region.size]
    best = cvxpy.Problem(cvxpy.Maximize(aim), rules).solve("CLARABEL")
    assert worst == pytest.approx(best, rel=1e-4)
    assert solution.bound >= best * (1 - 1e-9)


def test_a_robust_plan_does_better_on_the_worst_draws_than_the_plan_for_the_mean():
    from estimators.forecast.planning.solvers import solve

    problem, values, _, _ = worlds()
    mean = solve(problem)
    _, worst = solve_worst(problem, values, 0.25, 1e-6)
    assert worst > float(torch.sort(values(mean.x)).values[:5].mean()) * (1 + 1e-6)


def test_a_worst_share_of_one_is_the_mean():
    from estimators.forecast.planning.solvers import solve

    problem, values, _, _ = worlds()
    _, worst = solve_worst(problem, values, 1.0, 1e-7)
    assert worst == pytest.approx(solve(problem).value, rel=1e-6)


def test_a_careful_plan_keeps_its_promise_and_a_careless_one_does_not():
    careful, careless = (outcome(0, is_careful) for is_careful in (True, False))
    assert careful.promised == pytest.approx(careful.delivered, rel=0.25)
    assert careless.promised > 2 * careless.delivered
