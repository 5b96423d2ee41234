"""A module of one's own, as a company would write it."""

from __future__ import annotations

from typing import ClassVar

from estimators import forecast as fc


class Calls(fc.Module):
    """Calls to support: a fixed share of the rides."""

    inputs: ClassVar = {"rides": fc.Port("region", "week")}
    outputs: ClassVar = {"support_calls": fc.Port("region", "week")}

    def __init__(self, per_ride: float = 0.1) -> None:
        super().__init__()
        self.per_ride = per_ride

    def forward(self, rides: fc.Tensor) -> fc.Tensor:
        return rides * self.per_ride
