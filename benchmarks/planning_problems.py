"""The planning problems that solvers are judged on, made from a seed; planted optima are known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from estimators.draws import generator
from estimators.forecast.planning.curves import HillCurves, LogCurves
from estimators.forecast.planning.problem import Problem, of_curves
from estimators.forecast.planning.region import Region, one_row, step_rows

WEEKS = 50
CONCAVE = "a sum of concave curves"


@dataclass(frozen=True)
class Planted:
    """A problem and its optimum (n,)."""

    problem: Problem
    optimum: torch.Tensor

    @property
    def best(self) -> float:
        return self.problem.value(self.optimum)


def logarithms(n: int, seed: int = 0) -> Problem:
    """B1: max Σ aᵢ log(1 + xᵢ/sᵢ) with Σ x = n and 0 ≤ x ≤ u."""
    source = generator(seed, f"logarithms {n}")
    size, scale, upper = (_tensor(source.uniform(*ends, n)) for ends in ((1, 10), (0.5, 5), (1, 10)))
    region = Region(torch.zeros_like(upper), upper, (one_row("budget", np.ones(n), n, n),))
    return of_curves(LogCurves(size, scale), region, "concave", CONCAVE)


def ramped(n: int, seed: int = 0, limit: float = 0.2) -> Planted:
    """B3: B1 with |xₜ − xₜ₋₁| ≤ limit within each row of 50 weeks, and the optimum planted through its KKT conditions.

    A path inside the box is drawn whose steps often reach the limit; the steps that do get a positive price, the budget
    gets one, and each size aᵢ is set so that the slope at the path equals the prices it pays.
    """
    source = generator(seed, f"ramped {n}")
    paths = n // WEEKS
    steps = np.clip(source.normal(0.0, limit, (paths, WEEKS)), -limit, limit)
    steps[:, 0] = 0.0
    path = np.cumsum(steps, axis=1)
    path += source.uniform(1.0, 3.0, (paths, 1)) - path.min(axis=1, keepdims=True)
    x = path.ravel()
    after = np.flatnonzero(np.arange(n) % WEEKS > 0)
    rows = step_rows("ramp", after - 1, after, n, limit, limit)
    move = rows.matrix @ x
    is_tight = np.abs(move) >= limit * (1 - 1e-12)
    prices = np.where(is_tight, np.sign(move) * source.uniform(0.0, 0.1, len(move)), 0.0)
    scale = source.uniform(0.5, 5.0, n)
    slope = 1.0 + rows.matrix.T @ prices
    upper = np.full(n, x.max() + 1.0)
    region = Region(_tensor(np.zeros(n)), _tensor(upper), (one_row("budget", np.ones(n), -np.inf, x.sum()), rows))
    return Planted(
        of_curves(LogCurves(_tensor(slope * (scale + x)), _tensor(scale)), region, "concave", CONCAVE), _tensor(x)
    )


def s_curves(n: int, seed: int = 0) -> Problem:
    """B4: max Σ aᵢ xᵢ^h/(xᵢ^h + kᵢ^h) with h of 2 to 4, a budget of 2 n and x ≤ 10: too little for all to be filled."""
    source = generator(seed, f"s-curves {n}")
    size, half, power = (_tensor(source.uniform(*ends, n)) for ends in ((1, 10), (1, 5), (2, 4)))
    upper = torch.full((n,), 10.0, dtype=torch.float64)
    region = Region(torch.zeros_like(upper), upper, (one_row("budget", np.ones(n), -np.inf, 2.0 * n),))
    return of_curves(HillCurves(size, half, power), region, "unknown", "a sum of S-curves")


def coupled(n: int, seed: int = 0) -> Problem:
    """B2 as one torch function: a bonus with carry-over, a coupon, rides = √(supply·demand)."""
    source = generator(seed, f"coupled {n}")
    regions = n // 2 // WEEKS
    base, more = (_tensor(source.uniform(5, 10, (regions, WEEKS))) for _ in range(2))
    supply_slope, demand_slope = (_tensor(source.uniform(0.5, 3.0, (regions, 1))) for _ in range(2))

    def rides(x: torch.Tensor) -> torch.Tensor:
        bonus, coupon = x.view(2, regions, WEEKS)
        carried = bonus
        for lag in range(1, 5):
            carried = carried + 0.6**lag * torch.nn.functional.pad(bonus[:, :-lag], (lag, 0))
        supply = base + supply_slope * torch.log1p(carried / 2.0)
        demand = more + demand_slope * torch.log1p(coupon / 1.5)
        return torch.sqrt(supply * demand).sum()

    upper = torch.full((n,), 5.0, dtype=torch.float64)
    region = Region(torch.zeros_like(upper), upper, (one_row("budget", np.ones(n), -np.inf, float(n)),))
    return Problem(rides, region, "concave", "a geometric mean, rising and concave, of concave curves")


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float64))
