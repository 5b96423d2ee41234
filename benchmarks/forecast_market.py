"""A simulated marketplace of six sub-models, all of whose nodes are observed with noise: for diagnosis of faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from estimators import forecast as fc

CELL = ("region", "week")
NODES = ("hours", "sessions", "waiting", "rides", "cancelled", "completed")  # one per sub-model, in this order
RESIDUAL_SD = dict(zip(NODES, (6.0, 8.0, 0.25, 4.0, 0.8, 2.0), strict=True))
N_REGIONS, N_HISTORY, N_WINDOW = 4, 104, 8


@dataclass(frozen=True)
class World:
    """One draw of the truth. actual: inputs and nodes over history and window, whose labels are `weeks`."""

    actual: dict[str, fc.Tensor]
    dims: fc.Dims
    weeks: tuple[Any, ...]

    @property
    def window(self) -> tuple[Any, ...]:
        return self.weeks[N_HISTORY:]


class Supply(fc.Module):
    inputs: ClassVar = {"bonus": fc.Port(*CELL)}
    outputs: ClassVar = {"hours": fc.Port(*CELL)}

    def setup(self) -> None:
        self.base = self.param("base", "region")
        self.slope = self.param("slope", "region")

    def forward(self, bonus: fc.Tensor) -> fc.Tensor:
        return self.base + self.slope * fc.log1p(bonus / 10.0)


class Demand(fc.Module):
    inputs: ClassVar = {"coupon": fc.Port(*CELL)}
    outputs: ClassVar = {"sessions": fc.Port(*CELL)}

    def setup(self) -> None:
        self.base = self.param("base", "region")
        self.slope = self.param("slope", "region")

    def forward(self, coupon: fc.Tensor) -> fc.Tensor:
        return self.base + self.slope * fc.log1p(coupon / 5.0)


class Waiting(fc.Module):
    inputs: ClassVar = {"hours": fc.Port(*CELL), "sessions": fc.Port(*CELL)}
    outputs: ClassVar = {"waiting": fc.Port(*CELL)}

    def setup(self) -> None:
        self.base = self.param("base")
        self.slope = self.param("slope")

    def forward(self, hours: fc.Tensor, sessions: fc.Tensor) -> fc.Tensor:
        return self.base + self.slope * sessions / hours


class Rides(fc.Module):
    inputs: ClassVar = {"hours": fc.Port(*CELL), "sessions": fc.Port(*CELL)}
    outputs: ClassVar = {"rides": fc.Port(*CELL)}

    def setup(self) -> None:
        self.efficiency = self.param("efficiency", "region", positive=True)

    def forward(self, hours: fc.Tensor, sessions: fc.Tensor) -> fc.Tensor:
        return self.efficiency * fc.sqrt(hours * sessions)


class Cancellations(fc.Module):
    inputs: ClassVar = {"waiting": fc.Port(*CELL), "rides": fc.Port(*CELL)}
    outputs: ClassVar = {"cancelled": fc.Port(*CELL)}

    def setup(self) -> None:
        self.share = self.param("share")

    def forward(self, waiting: fc.Tensor, rides: fc.Tensor) -> fc.Tensor:
        return self.share * waiting * rides / 10.0


class Completion(fc.Module):
    inputs: ClassVar = {"rides": fc.Port(*CELL), "cancelled": fc.Port(*CELL)}
    outputs: ClassVar = {"completed": fc.Port(*CELL)}

    def setup(self) -> None:
        self.kept = self.param("kept", init=1.0)

    def forward(self, rides: fc.Tensor, cancelled: fc.Tensor) -> fc.Tensor:
        return self.kept * (rides - cancelled)


def modules() -> tuple[fc.Module, ...]:
    """The six sub-models, one per node of `NODES`."""
    return Supply(), Demand(), Waiting(), Rides(), Cancellations(), Completion()


def world(seed: int, window_seed: int = 0, *, fault: str | None = None, regions: int = 4, size: float = 3.0) -> World:
    """104 weeks of history, and 8 weeks after it in which the node `fault` is off by `size` residual sds.

    What is off flows on to the nodes downstream, as it would. The history follows from `seed` alone.
    regions: in how many of the 4 regions the fault is.
    """
    noise = _noise(seed, window_seed)
    if fault is not None:
        noise[fault][:regions, N_HISTORY:] += size
    values = _values(np.random.default_rng(seed), {node: RESIDUAL_SD[node] * noise[node] for node in NODES}, noise)
    weeks = tuple(pd.date_range("2024-01-01", periods=N_HISTORY + N_WINDOW, freq="7D"))
    dims = fc.Dims(region=[f"r{i}" for i in range(N_REGIONS)], week=weeks)
    return World({name: fc.tensor(value, dims) for name, value in values.items()}, dims, tuple(dims["week"]))


def _noise(seed: int, window_seed: int) -> dict[str, np.ndarray]:
    """Standard normal noise of every node, and uniform ranks of the two levers."""
    past, window = np.random.default_rng((seed, 1)), np.random.default_rng((seed, window_seed, 2))
    drawn = {}
    for node in NODES:
        drawn[node] = np.hstack([s.normal(size=(N_REGIONS, n)) for s, n in ((past, N_HISTORY), (window, N_WINDOW))])
    for lever in ("bonus", "coupon"):
        drawn[lever] = np.hstack(
            [s.gamma(2.0, size=(N_REGIONS, n)) for s, n in ((past, N_HISTORY), (window, N_WINDOW))]
        )
    return drawn


def _values(source: np.random.Generator, off: dict[str, np.ndarray], drawn: dict[str, np.ndarray]) -> dict[str, Any]:
    """The truth: what every node is, given how far each is off its own expectation."""
    region = source.uniform(0.7, 1.4, (N_REGIONS, 1))
    bonus, coupon = 10.0 * drawn["bonus"], 4.0 * drawn["coupon"]
    hours = 100.0 * region + 25.0 * np.log1p(bonus / 10.0) + off["hours"]
    sessions = 140.0 * region + 40.0 * np.log1p(coupon / 5.0) + off["sessions"]
    waiting = 1.0 + 3.0 * sessions / hours + off["waiting"]
    rides = 0.8 * np.sqrt(np.clip(hours * sessions, 1.0, None)) + off["rides"]
    cancelled = 0.2 * waiting * rides / 10.0 + off["cancelled"]
    completed = 0.98 * (rides - cancelled) + off["completed"]
    nodes = (hours, sessions, waiting, rides, cancelled, completed)
    return {"bonus": bonus, "coupon": coupon, **dict(zip(NODES, nodes, strict=True))}


def fitted_model(drawn: World) -> fc.ModelCollection:
    """The six sub-models trained on the history of a world, each on its own."""
    past = list(drawn.weeks[:N_HISTORY])
    history = {name: tensor.select(week=past) for name, tensor in drawn.actual.items()}
    model = fc.ModelCollection(*modules(), dims=drawn.dims.replace(week=past))
    loss = sum((fc.Fit(node) for node in NODES[1:]), 1.0 * fc.Fit(NODES[0]))
    model.fit(history, loss, stages=("separate",))
    return model
