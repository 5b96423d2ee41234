"""A small marketplace for the tests: bonus → hours, coupon → demand, rides = √(hours · demand)."""

from __future__ import annotations

import datetime

import torch

from estimators import forecast as fc

WEEKS = [datetime.date(2024, 1, 1) + datetime.timedelta(weeks=i) for i in range(24)]
DIMS = fc.Dims(region=["north", "south", "west"], week=WEEKS[:20])
LONGER = DIMS.extend(week=WEEKS[20:])
CELL = ("region", "week")


class Supply(fc.Module):
    inputs = {"bonus": fc.Port(*CELL, unit="usd")}
    outputs = {"hours": fc.Port(*CELL, unit="hours")}

    def setup(self):
        self.slope = self.param("slope", "region", pool="region", positive=True, init=2.0)
        self.base = self.local_level("base", *CELL, init=20.0)
        self.carry = self.adstock("week", max_lag=4)

    def forward(self, bonus):
        return self.base + self.slope * fc.log1p(self.carry(bonus) / 10.0)


class Demand(fc.Module):
    inputs = {"coupon": fc.Port(*CELL, unit="usd")}
    outputs = {"demand": fc.Port(*CELL)}

    def setup(self):
        self.base = self.param("base", "region", positive=True, init=30.0)
        self.season = self.seasonality("season", *CELL, period=13, harmonics=2)
        self.answer = self.saturation("log", scale=5.0)

    def forward(self, coupon):
        return self.base + self.season + self.answer(coupon)


class Rides(fc.Module):
    inputs = {"hours": fc.Port(*CELL, unit="hours"), "demand": fc.Port(*CELL)}
    outputs = {"rides": fc.Port(*CELL, unit="rides")}

    def forward(self, hours, demand):
        return fc.sqrt(hours * demand)


def marketplace(dims: fc.Dims = DIMS) -> fc.ModelCollection:
    return fc.ModelCollection(Rides(), Supply(), Demand(), dims=dims)


def decisions(dims: fc.Dims = DIMS, seed: int = 0) -> dict[str, fc.Tensor]:
    """Positive bonuses and coupons; those of longer dims begin with those of shorter ones."""
    source = torch.Generator().manual_seed(seed)
    shape = (dims.size("week"), dims.size("region"))
    found = {}
    for name in ("bonus", "coupon"):
        numbers = 1.0 + 9.0 * torch.rand(LONGER.size("week"), 3, generator=source, dtype=torch.float64)
        found[name] = fc.tensor(numbers[: shape[0], : shape[1]].T, dims, CELL)
    return found
