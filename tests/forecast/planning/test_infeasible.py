"""Contradictory constraints are named: those that contradict each other, and no others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.planning_conflicts import conflicts
from estimators.forecast.planning.compiled import Bounds
from estimators.forecast.planning.infeasible import conflict, slack_of
from estimators.forecast.planning.region import one_row, step_rows


@pytest.mark.parametrize("i", range(10))
def test_a_planted_conflict_is_named_exactly(i):
    planted = conflicts()[i]
    assert set(planted.plan.solve().infeasible_because) == planted.because


def pieces(n=20):
    zero = torch.zeros(n, dtype=torch.float64)
    return [
        Bounds("box", zero, zero + 5.0),
        one_row("budget", np.ones(n), high=30.0),
        step_rows("ramp", np.arange(n - 1), np.arange(1, n), n, 0.1, 0.1),
    ]


def test_a_region_with_room_has_no_conflict():
    assert conflict(pieces(), 20) == ()


def test_a_conflict_of_ramp_and_two_ends_is_named():
    ends = [one_row("low start", np.eye(20)[0], high=0.5), one_row("high end", np.eye(20)[-1], low=2.5)]
    assert set(conflict([*pieces(), *ends], 20)) == {"ramp", "low start", "high end"}


def test_slack_is_the_room_that_can_be_kept_free():
    found = slack_of([*pieces(), one_row("at least", np.ones(20), low=27.0)], 20)
    assert found["budget"] == pytest.approx(0.1)
    assert found["at least"] == pytest.approx(3.0 / 27.0)


def test_an_equality_has_no_slack():
    assert slack_of([*pieces(), one_row("exactly", np.ones(20), 9.0, 9.0)], 20)["exactly"] == pytest.approx(0.0)
