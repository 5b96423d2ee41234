"""A planning problem on one flat vector, and what a solver hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch

from estimators.forecast.planning.curves import Curves
from estimators.forecast.planning.region import Region

Curvature = Literal["affine", "concave", "convex", "unknown"]
Objective = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Outcome:
    """A constraint through the DAG: ``function(x) ≤ 0``, function: (n,) → (m,).

    curvature: of every row, by composition of tags.  scale: what one unit of violation is measured against.
    """

    name: str
    function: Objective
    curvature: Curvature = "unknown"
    scale: float = 1.0
    why: str = ""


@dataclass(frozen=True)
class Problem:
    """Maximise `objective` (n,) → () over `region` and `outcomes`.

    curvature and why: what composition of module tags says of the objective, and in which words; nothing here is ever
    inferred from values.  curves: set where the objective is a sum of one curve per decision.  start: a first guess.
    """

    objective: Objective
    region: Region
    curvature: Curvature = "unknown"
    why: str = ""
    curves: Curves | None = None
    outcomes: tuple[Outcome, ...] = ()
    start: torch.Tensor | None = None

    @property
    def is_concave(self) -> bool:
        return self.curvature in ("concave", "affine")

    def value(self, x: torch.Tensor) -> float:
        with torch.no_grad():
            return float(self.objective(x))

    def gradient(self, x: torch.Tensor) -> tuple[float, torch.Tensor]:
        """The objective and its gradient (n,): one forward and one backward pass."""
        point = x.detach().requires_grad_()
        value = self.objective(point)
        (gradient,) = torch.autograd.grad(value, point)
        return float(value.detach()), gradient


def of_curves(curves: Curves, region: Region, curvature: Curvature, why: str) -> Problem:
    """The problem whose objective is the sum of `curves`."""
    return Problem(lambda x: curves.value(x).sum(), region, curvature, why, curves)


@dataclass(frozen=True)
class Solution:
    """What a solver found. x: (n,).  prices: (m,), one multiplier per row of the region, positive at `high`.

    bound: a proven upper bound of the objective over the region, or None.  bound_from: what proves it, in words.
    outcome_prices: by constraint, (m,).  residual: of the first-order conditions, relative to the objective.
    """

    x: torch.Tensor
    value: float
    prices: np.ndarray
    method: str
    iterations: int
    bound: float | None = None
    bound_from: str = ""
    residual: float = float("inf")
    outcome_prices: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """bound − value, relative to the value's size; never below zero."""
        if self.bound is None:
            return None
        return max(self.bound - self.value, 0.0) / max(abs(self.value), 1e-300)
