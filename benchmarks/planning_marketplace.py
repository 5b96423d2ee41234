"""B2 as a marketplace of labelled modules: bonus → carry-over → hours, coupon → orders, rides = √(hours · orders)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from estimators import forecast as fc
from estimators.draws import generator
from estimators.forecast.collection import ModelCollection

PANEL = ("region", "week")
HISTORY = 8  # weeks


class Supply(fc.Module):
    """Hours on the road: a bonus carries over four weeks and saturates."""

    inputs = {"bonus": fc.Port(*PANEL, unit="usd")}
    outputs = {"hours": fc.Port(*PANEL, unit="hours")}
    shapes = {("hours", "bonus"): "concave"}
    monotone = {("hours", "bonus"): "increasing"}

    def setup(self) -> None:
        self.base = self.param("base", "region", positive=True)
        self.slope = self.param("slope", "region", positive=True)
        self.carry = self.adstock("week", max_lag=4, init=0.6, normalised=False)

    def forward(self, bonus: fc.Tensor) -> fc.Tensor:
        return self.base + self.slope * fc.log1p(self.carry(bonus) / 2.0)


class Demand(fc.Module):
    """Orders: a coupon saturates."""

    inputs = {"coupon": fc.Port(*PANEL, unit="usd")}
    outputs = {"orders": fc.Port(*PANEL, unit="orders")}
    shapes = {("orders", "coupon"): "concave"}
    monotone = {("orders", "coupon"): "increasing"}

    def setup(self) -> None:
        self.base = self.param("base", "region", positive=True)
        self.slope = self.param("slope", "region", positive=True)

    def forward(self, coupon: fc.Tensor) -> fc.Tensor:
        return self.base + self.slope * fc.log1p(coupon / 1.5)


class Rides(fc.Module):
    """The geometric mean of both sides, which is concave in them together and rises in each."""

    inputs = {"hours": fc.Port(*PANEL, unit="hours"), "orders": fc.Port(*PANEL, unit="orders")}
    outputs = {"rides": fc.Port(*PANEL, unit="rides")}
    jointly = {"rides": "concave"}
    monotone = {("rides", "hours"): "increasing", ("rides", "orders"): "increasing"}

    def forward(self, hours: fc.Tensor, orders: fc.Tensor) -> fc.Tensor:
        return fc.sqrt(hours * orders)


@dataclass(frozen=True)
class Known:
    """What a plan reads of a fitted model, here with parameters that are simply known."""

    model: ModelCollection
    history: dict[str, fc.Tensor]
    time: str = "week"
    draws: list[dict[str, torch.Tensor]] = field(default_factory=list)
    loss: Any = None


def marketplace(n_regions: int, seed: int = 0, weeks: int = HISTORY) -> Known:
    """Regions with slopes of their own, and a short history of decisions between 0 and 5."""
    source = generator(seed, f"marketplace {n_regions}")
    dims = fc.Dims(region=[f"r{i}" for i in range(n_regions)], week=range(weeks))
    model = ModelCollection(Supply(), Demand(), Rides(), dims=dims)
    drawn = {
        f"{module}.{name}": torch.from_numpy(source.uniform(low, high, n_regions)).log()
        for module in ("Supply", "Demand")
        for name, low, high in (("base", 5.0, 10.0), ("slope", 0.5, 3.0))
    }
    model.load_state_dict({**model.state_dict(), **drawn})
    history = {name: fc.tensor(source.uniform(0.0, 5.0, (n_regions, weeks)), dims) for name in ("bonus", "coupon")}
    return Known(model, history)


def budget_plan(n: int, horizon: int = 50, seed: int = 0) -> Any:
    """B2: n decisions over 50 weeks, each between 0 and 5, one budget of 1 per decision."""
    plan = fc.Plan(marketplace(n // 2 // horizon, seed), decide=("bonus", "coupon"), horizon=horizon)
    plan.maximise(fc.total("rides"))
    return plan.subject_to(
        fc.box("bonus", 0.0, 5.0), fc.box("coupon", 0.0, 5.0), fc.support(None), fc.total("bonus", "coupon") <= float(n)
    )
