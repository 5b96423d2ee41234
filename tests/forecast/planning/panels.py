"""A marketplace with known parameters for plans: what a fitted model offers, without the fit."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import torch

from estimators import forecast as fc

CELL = ("region", "week")
REGIONS = ["north", "south", "west"]
WEEKS = [datetime.date(2025, 1, 6) + datetime.timedelta(weeks=i) for i in range(60)]
DIMS = fc.Dims(region=REGIONS, week=WEEKS)


class Supply(fc.Module):
    inputs = {"bonus": fc.Port(*CELL, unit="usd")}
    outputs = {"hours": fc.Port(*CELL, unit="hours")}
    shapes = {("hours", "bonus"): "concave"}
    monotone = {("hours", "bonus"): "increasing"}

    def setup(self):
        self.slope = self.param("slope", "region", positive=True, init=torch.tensor([1.0, 2.0, 3.0]))
        self.base = self.local_level("base", *CELL, init=5.0)
        self.carry = self.adstock("week", max_lag=4)

    def forward(self, bonus):
        return self.base + self.slope * fc.log1p(self.carry(bonus) / 10.0)


class Demand(fc.Module):
    inputs = {"coupon": fc.Port(*CELL, unit="usd")}
    outputs = {"orders": fc.Port(*CELL)}
    shapes = {("orders", "coupon"): "concave"}
    monotone = {("orders", "coupon"): "increasing"}

    def setup(self):
        self.slope = self.param("slope", "region", positive=True, init=2.0)

    def forward(self, coupon):
        return self.slope * fc.log1p(coupon / 5.0) + 4.0


class Rides(fc.Module):
    inputs = {"hours": fc.Port(*CELL, unit="hours"), "orders": fc.Port(*CELL)}
    outputs = {"rides": fc.Port(*CELL)}
    jointly = {"rides": "concave"}
    monotone = {("rides", "hours"): "increasing", ("rides", "orders"): "increasing"}

    def forward(self, hours, orders):
        return fc.sqrt(hours * orders)


class Money(fc.Module):
    inputs = {name: fc.Port(*CELL) for name in ("rides", "bonus", "coupon")}
    outputs = {"revenue": fc.Port(*CELL)}
    jointly = {"revenue": "affine"}
    monotone = {("revenue", "rides"): "increasing"}

    def forward(self, rides, bonus, coupon):
        return rides * 4.0 - coupon * 0.1 - bonus * 0.05


@dataclass(frozen=True)
class Known:
    model: Any
    history: dict[str, fc.Tensor]
    time: str = "week"
    draws: list = field(default_factory=list)
    loss: Any = None


def known(*modules, n_draws=0, noise=0.05):
    """A model of these modules, or of the whole marketplace, with decisions between 0 and 10 in its history."""
    model = fc.ModelCollection(*(modules or (Supply(), Demand(), Rides(), Money())), dims=DIMS)
    source = torch.Generator().manual_seed(0)
    history = {
        name: fc.tensor(10.0 * torch.rand(3, 60, generator=source, dtype=torch.float64), DIMS)
        for name in ("bonus", "coupon")
    }
    state = model.state_dict()
    draws = [
        {k: v + noise * torch.randn(v.shape, generator=source, dtype=torch.float64) for k, v in state.items()}
        for _ in range(n_draws)
    ]
    return Known(model, history, draws=draws)


def plan(*constraints, horizon=6, n_draws=0):
    """A plan of both levers for rides, under these constraints."""
    made = fc.Plan(known(n_draws=n_draws), decide=("bonus", "coupon"), horizon=horizon)
    return made.maximise(fc.total("rides")).subject_to(*constraints)
