"""S-curves in the DAG: the plan is bounded by envelopes, and false tags are refuted."""

from __future__ import annotations

import pytest
import torch

from estimators import forecast as fc
from tests.forecast.planning.panels import CELL, known
from tests.forecast.refusals import refusal


class Trips(fc.Module):
    inputs = {"bonus": fc.Port(*CELL)}
    outputs = {"trips": fc.Port(*CELL)}
    s_curves = {("trips", "bonus")}

    def setup(self):
        self.size = self.param("size", "region", positive=True, init=torch.tensor([2.0, 5.0, 9.0]))

    def forward(self, bonus):
        cubed = (bonus / 4.0) ** 3
        return self.size * cubed / (cubed + 1.0)


def plan(module, *constraints):
    made = fc.Plan(known(module), decide=("bonus",), horizon=2).maximise(fc.total("trips"))
    return made.subject_to(fc.total("bonus") <= 20.0, *constraints)


def test_a_plan_over_s_curves_carries_a_bound():
    best = plan(Trips()).solve()
    assert best.certificate.kind == "bound"
    assert best.gap <= 1e-3
    assert best.is_feasible


def test_the_bound_lies_above_every_plan_on_a_grid():
    made = plan(Trips())
    best = made.solve()
    ticks = torch.linspace(0.0, 10.0, 11, dtype=torch.float64)
    grid = torch.cartesian_prod(*[ticks] * 3).repeat_interleave(2, dim=1)
    affordable = grid[grid.sum(dim=1) <= 20.0]
    values = [float(made.value_at(x)) for x in affordable[::7]]
    assert max(values) <= best.objective * (1 + best.gap) + 1e-9


def test_more_rows_keep_a_bound_from_the_budget_alone():
    best = plan(Trips(), fc.ramp("bonus", "week", absolute=1.0, from_history=False)).solve()
    assert best.certificate.kind == "bound"
    assert best.certificate.why == "dual of the concave envelope, other rows left out"
    assert best.is_feasible


def test_without_the_tag_the_certificate_is_local():
    class Plain(Trips):
        s_curves = set()

    assert plan(Plain()).solve().certificate.kind == "local"


@pytest.mark.parametrize("way", ["falls", "spreads"])
def test_a_false_tag_is_refuted(way):
    class Wrong(Trips):
        def forward(self, bonus):
            return self.size * (20.0 - bonus) if way == "falls" else self.size * bonus.cumsum("week")

    why = {"falls": "it falls where it should rise", "spreads": "cells of it move with other cells"}[way]
    assert refusal(plan(Wrong()).solve) == (
        f"a tag that the model refutes\n  trips is said to be an S-curve of one cell each, but {why}\n"
        "  fix: correct `s_curves` of the module that says so"
    )
