"""A solver that ends a little outside of its region is brought back to the nearest plan inside."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from estimators.forecast.planning.problem import Problem
from estimators.forecast.planning.projected_gradient import climb
from estimators.forecast.planning.region import Region, one_row, step_rows
from estimators.forecast.planning.restored import outside, restored
from estimators.forecast.planning.solvers import projection_onto

N = 40


def region(budget: float = 1e6) -> Region:
    """A box, one budget of a million, and ramps from each decision to the next."""
    steps = np.arange(N - 1)
    ramp = np.full(N - 1, 5e3)
    rows = (one_row("budget", np.ones(N), high=budget), step_rows("ramp", steps, steps + 1, N, ramp, ramp))
    return Region(torch.zeros(N, dtype=torch.float64), torch.full((N,), 5e4, dtype=torch.float64), rows)


def test_a_plan_inside_is_left_as_it_is():
    x = torch.full((N,), 2e4, dtype=torch.float64)
    assert restored(region(), x) is x


@pytest.mark.parametrize("excess", [1e-5, 3e-4, 1e-2])
def test_a_plan_outside_moves_by_what_it_was_outside(excess):
    x = torch.full((N,), 1e6 / N * (1 + excess), dtype=torch.float64)
    found = restored(region(), x)
    assert outside(region(), x) == pytest.approx(excess)
    assert outside(region(), found) <= 1e-7
    assert float((found - x).abs().sum()) == pytest.approx(excess * 1e6, rel=1e-3)


def test_an_empty_region_leaves_the_plan_where_its_violation_is_seen():
    x = torch.full((N,), 2e4, dtype=torch.float64)
    assert restored(region(budget=-1.0), x) is x


def test_projections_that_stop_short_of_the_region_still_end_in_a_plan_inside():
    exact = projection_onto(region())

    def sloppy(point, metric, guess):
        x, prices = exact(point, metric, guess)
        return x * (1 + 3e-4), prices

    worth = torch.linspace(1.0, 2.0, N, dtype=torch.float64)
    problem = Problem(lambda x: (worth * torch.log1p(x)).sum(), region(), curvature="concave")
    start = torch.full((N,), 1e4, dtype=torch.float64)
    found, best = climb(problem, sloppy, start), climb(problem, exact, start)
    assert outside(region(), found.x) <= 1e-7
    assert found.value == pytest.approx(best.value, rel=1e-4)
