"""L-BFGS with backtracking (Nocedal and Wright 2006, algorithms 7.4 and 7.5) that steps back from NaN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

MEMORY = 20
RECENT = 5  # steps
SUFFICIENT = 1e-4  # share of the expected descent that a step must bring
SHORTEST = 1e-12


@dataclass
class Memory:
    """Pairs of steps and changes of the gradient, the latest last."""

    steps: list[torch.Tensor] = field(default_factory=list)
    changes: list[torch.Tensor] = field(default_factory=list)

    def add(self, step: torch.Tensor, change: torch.Tensor) -> None:
        if float(step @ change) <= 1e-10 * float(change.norm() * step.norm()):
            return  # not convex along this step: the pair would make the direction point uphill
        self.steps.append(step)
        self.changes.append(change)
        if len(self.steps) > MEMORY:
            del self.steps[0], self.changes[0]

    def direction(self, gradient: torch.Tensor) -> torch.Tensor:
        """Downhill, by the two loops over the memory."""
        towards = -gradient.clone()
        weights = []
        for step, change in zip(reversed(self.steps), reversed(self.changes), strict=True):
            weight = (step @ towards) / (step @ change)
            weights.append(weight)
            towards -= weight * change
        if self.steps:
            towards *= (self.steps[-1] @ self.changes[-1]) / (self.changes[-1] @ self.changes[-1])
        for step, change, weight in zip(self.steps, self.changes, reversed(weights), strict=True):
            towards += (weight - (change @ towards) / (step @ change)) * step
        return towards


def minimise(
    function: Callable[[torch.Tensor], tuple[float, torch.Tensor]],
    start: torch.Tensor,
    steps: int,
    tolerance: float,
    gain: float = 0.0,
    is_over: Callable[[int, float], bool] = lambda step, value: False,
) -> tuple[torch.Tensor, float]:
    """The point (p,) and value where the largest gradient is below the tolerance, the last RECENT steps together gained
    less than `gain`, or nothing descends any more.

    function: value and gradient (p,) at a point; a value that is not a number counts as uphill.  is_over: asked before
    every step, with its number and the value.
    """
    point, memory = start.clone(), Memory()
    value, gradient = function(point)
    values = []
    for step in range(steps):
        if is_over(step, value) or float(gradient.abs().max()) <= tolerance:
            break
        direction = memory.direction(gradient)
        if float(direction @ gradient) >= 0:
            memory, direction = Memory(), -gradient
        length = 1.0 if memory.steps else min(1.0, 1.0 / float(gradient.norm()))
        found = _backtrack(function, point, (value, gradient), direction, length)
        if found is None:
            if not memory.steps:
                break
            memory = Memory()
            continue
        following, new_value, new_gradient = found
        memory.add(following - point, new_gradient - gradient)
        point, value, gradient = following, new_value, new_gradient
        values.append(value)
        if len(values) > RECENT and values[-RECENT - 1] - value <= gain + 1e-13 * abs(value):
            break
    return point, value


def _backtrack(function, point, here, direction, length):
    """The first of ever shorter steps that descends enough, with its value and gradient; None if none does."""
    value, gradient = here
    slope = float(gradient @ direction)
    while length > SHORTEST:
        following = point + length * direction
        new_value, new_gradient = function(following)
        if new_value <= value + SUFFICIENT * length * slope and bool(torch.isfinite(new_gradient).all()):
            return following, new_value, new_gradient
        curve = new_value - value - length * slope
        best = -slope * length**2 / (2 * curve) if curve > 0 and curve < float("inf") else 0.0
        length = min(max(best, 0.1 * length), 0.5 * length)
    return None
