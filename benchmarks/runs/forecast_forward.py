"""One pass forward and back through 20 nodes × 200 regions × 104 weeks: with labels, or the same written in torch."""

from __future__ import annotations

import argparse

import torch

from benchmarks.runs.clock import report, timed
from estimators import forecast as fc

N_NODES, N_REGIONS, N_WEEKS, MAX_LAG, PASSES = 20, 200, 104, 4, 20
CELL = ("region", "week")
DIMS = fc.Dims(region=[f"region {i}" for i in range(N_REGIONS)], week=range(N_WEEKS))


class Answer(fc.Module):
    """One node: a level and the saturated, carried-over node before it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"Answer_{position}")
        self.inputs = {f"node_{position}": fc.Port(*CELL)}
        self.outputs = {f"node_{position + 1}": fc.Port(*CELL)}

    def setup(self) -> None:
        self.slope = self.param("slope", "region", positive=True)
        self.base = self.local_level("base", *CELL, init=1.0)
        self.carry = self.adstock("week", max_lag=MAX_LAG)

    def forward(self, **inputs: fc.Tensor) -> fc.Tensor:
        (x,) = inputs.values()
        return self.base + self.slope * fc.log1p(self.carry(x) / 10.0)


def by_hand(raw: list[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The same nodes in torch alone; raw: slope, level and decay of each node."""
    for slope, base, decay in zip(raw[0::3], raw[1::3], raw[2::3], strict=True):
        rate = torch.sigmoid(decay)
        padded = torch.cat((x.new_zeros(N_REGIONS, MAX_LAG), x), 1)
        total, weights = x, 1.0
        for lag in range(1, MAX_LAG + 1):
            total = total + padded.narrow(1, MAX_LAG - lag, N_WEEKS) * rate**lag
            weights = weights + rate**lag
        x = base + torch.exp(slope)[:, None] * torch.log1p(total / weights / 10.0)
    return x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by-hand", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = fc.ModelCollection(*(Answer(i) for i in range(N_NODES)), dims=DIMS)
    bonus = torch.linspace(0.0, 20.0, N_REGIONS * N_WEEKS, dtype=torch.float64).reshape(N_REGIONS, N_WEEKS)
    inputs = {"node_0": fc.tensor(bonus, DIMS)}
    named = dict(model.named_parameters())
    raw = [named[f"Answer_{i}.{part}"] for i in range(N_NODES) for part in ("slope", "base", "carry.decay")]

    def one_pass() -> float:
        model.zero_grad()
        last = by_hand(raw, bonus) if arguments.by_hand else model(inputs)[f"node_{N_NODES}"].data
        last.sum().backward()
        return float(last.detach().sum())

    total = one_pass()
    seconds = min(timed(one_pass)[1] for _ in range(PASSES))
    report(seconds, total=total, gradient=float(raw[-3].grad.sum()))


if __name__ == "__main__":
    main()
