"""From history and experiments to a plan, through the real fit."""

from __future__ import annotations

import datetime
from functools import cache

import pandas as pd
import pytest
import torch

from estimators import forecast as fc

CELL = ("region", "week")
REGIONS = [f"r{i}" for i in range(6)]
WEEKS = [datetime.date(2025, 1, 6) + datetime.timedelta(weeks=i) for i in range(40)]
DIMS = fc.Dims(region=REGIONS, week=WEEKS)
SLOPES = torch.tensor([2.0, 4.0, 6.0, 8.0, 10.0, 12.0], dtype=torch.float64)


class Supply(fc.Module):
    inputs = {"bonus": fc.Port(*CELL)}
    outputs = {"hours": fc.Port(*CELL)}
    shapes = {("hours", "bonus"): "concave"}
    monotone = {("hours", "bonus"): "increasing"}

    def setup(self):
        self.slope = self.param("slope", "region", pool="region", positive=True, init=5.0)
        self.base = self.param("base", "region", init=40.0)

    def forward(self, bonus):
        return self.base + self.slope * fc.log1p(bonus)


def experiments():
    rows = [
        {"experiment": f"lift {region}", "lever": "bonus", "outcome": "hours", "region": region, "starts": WEEKS[5],
         "ends": WEEKS[9], "delta": 4.0, "effect": float(4 * slope * 0.9), "std_error": 2.0, "source": "randomised",
         "split": "train"}
        for region, slope in zip(REGIONS, SLOPES, strict=True)
    ]  # fmt: skip
    return fc.Experiments.from_table(pd.DataFrame(rows))


@cache
def fitted():
    source = torch.Generator().manual_seed(0)
    bonus = 1.0 + 3.0 * torch.rand(6, 40, generator=source, dtype=torch.float64)
    hours = 40.0 + SLOPES[:, None] * torch.log1p(bonus) + torch.randn(6, 40, generator=source, dtype=torch.float64)
    history = {"bonus": fc.tensor(bonus, DIMS), "hours": fc.tensor(hours, DIMS)}
    model = fc.ModelCollection(Supply(), dims=DIMS)
    return model.fit(history, fc.Fit("hours") + fc.Agree(experiments()) + fc.Pool(), seed=0, draws=20)


def best():
    plan = fc.Plan(fitted(), decide=("bonus",), horizon=4).maximise(fc.total("hours"))
    return plan.subject_to(fc.total("bonus") <= 60.0).solve()


def test_a_fitted_plan_is_certified_and_feasible():
    found = best()
    assert found.certificate.kind == "global"
    assert found.gap <= 1e-6
    assert found.is_feasible


def test_a_fitted_plan_spends_where_slopes_are_steep():
    by_region = best().decisions["bonus"].sum("week").data
    assert float(by_region[5]) > 2 * float(by_region[0])


def test_what_is_promised_on_fresh_draws_is_delivered():
    found = best()
    spend = found.decisions["bonus"].data
    delivered = float((40.0 + SLOPES[:, None] * torch.log1p(spend)).sum())
    assert found.value_on_fresh_draws == pytest.approx(delivered, rel=0.05)


def test_experiments_of_the_loss_stretch_the_trust_region():
    found = best()
    past = fitted().history["bonus"].data[:, 5:9]
    low, high = past.amin(dim=1), past.amax(dim=1) + 4.0
    top = found.plan.tried.upper.view(6, 4)[:, 0]
    assert torch.allclose(top, high + 0.1 * (high - low))


def test_a_fitted_plan_passes_the_gate_and_can_be_made_robust():
    found = best()
    assert found.gate(max_width=0.3).status == "optimised"
    assert found.robust(cvar=0.25).certificate.kind == "global"
