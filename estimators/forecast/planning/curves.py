"""Objectives that are a sum of one curve per decision, and what solvers ask of such curves.

`LogCurves` and `HillCurves` know their inverses; `ElementwiseCurves` wraps any torch function that treats its elements
apart, which is what a chain of elementwise modules gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

ROOT_STEPS = 60  # Newton needs about six; halving alone ends here at the precision of a float64


class Curves(Protocol):
    """One increasing curve per decision: concave, or convex up to `inflection` and concave beyond it."""

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """The curves (n,) at x (n,)."""

    def slope(self, x: torch.Tensor) -> torch.Tensor: ...

    def curvature(self, x: torch.Tensor) -> torch.Tensor: ...

    def derivatives(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Slopes and curvatures at once."""

    def inflection(self) -> torch.Tensor:
        """Where each curve turns concave (n,); −inf for one that is concave throughout."""

    def inverse_slope(self, price: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        """The x of [lower, upper], on the concave part, at which the slope falls to `price`; all (n,)."""


@dataclass(frozen=True)
class LogCurves:
    """``aᵢ log(1 + xᵢ / sᵢ)``; size a and scale s: (n,), positive."""

    size: torch.Tensor
    scale: torch.Tensor

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return self.size * torch.log1p(x / self.scale)

    def slope(self, x: torch.Tensor) -> torch.Tensor:
        return self.size / (self.scale + x)

    def curvature(self, x: torch.Tensor) -> torch.Tensor:
        return -self.size / (self.scale + x) ** 2

    def derivatives(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.slope(x), self.curvature(x)

    def inflection(self) -> torch.Tensor:
        return torch.full_like(self.size, -float("inf"))

    def inverse_slope(self, price: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        return torch.clamp(self.size / price - self.scale, lower, upper)


@dataclass(frozen=True)
class HillCurves:
    """``aᵢ xᵢ^hᵢ / (xᵢ^hᵢ + kᵢ^hᵢ)`` for x ≥ 0; size a, half k, power h: (n,), positive. S-shaped where h > 1."""

    size: torch.Tensor
    half: torch.Tensor
    power: torch.Tensor

    def value(self, x: torch.Tensor) -> torch.Tensor:
        r = (x / self.half) ** self.power
        return self.size * r / (1.0 + r)

    def slope(self, x: torch.Tensor) -> torch.Tensor:
        z = x / self.half
        r = z**self.power
        return self.size * self.power / self.half * z ** (self.power - 1.0) / (1.0 + r) ** 2

    def curvature(self, x: torch.Tensor) -> torch.Tensor:
        h = self.power
        z = x / self.half
        r = z**h
        bend = (h - 1.0) - (h + 1.0) * r
        return self.size * h / self.half**2 * z ** (h - 2.0) * bend / (1.0 + r) ** 3

    def derivatives(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.slope(x), self.curvature(x)

    def inflection(self) -> torch.Tensor:
        turn = self.half * ((self.power - 1.0).clamp_min(0.0) / (self.power + 1.0)) ** (1.0 / self.power)
        return torch.where(self.power > 1.0, turn, torch.full_like(turn, -float("inf")))

    def inverse_slope(self, price: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        return falling_root(self, price, torch.maximum(lower, self.inflection()), upper)


@dataclass(frozen=True)
class ElementwiseCurves:
    """Any differentiable torch function that maps x (n,) to (n,) element by element.

    turn: where each curve turns concave (n,), or None for curves that are concave throughout.
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    turn: torch.Tensor | None = None

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)

    def slope(self, x: torch.Tensor) -> torch.Tensor:
        point = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.function(point).sum(), point)
        return gradient

    def curvature(self, x: torch.Tensor) -> torch.Tensor:
        return self.derivatives(x)[1]

    def derivatives(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Slopes and curvatures with one pass forward."""
        point = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.function(point).sum(), point, create_graph=True)
        (bend,) = torch.autograd.grad(gradient.sum(), point)
        return gradient.detach(), bend

    def inflection(self) -> torch.Tensor:
        if self.turn is None:
            raise ValueError("the curves are concave throughout: ask for the size of a decision instead")
        return self.turn

    def inverse_slope(self, price: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
        start = lower if self.turn is None else torch.maximum(lower, self.turn)
        return falling_root(self, price, start, upper)


def falling_root(curves: Curves, price: torch.Tensor, lower: torch.Tensor, upper: torch.Tensor) -> torch.Tensor:
    """Where the slopes of curves, falling on [lower, upper], meet `price`: Newton's steps, halving where they leave."""
    lower = torch.minimum(lower, upper)
    at_lower, at_upper = curves.slope(lower), curves.slope(upper)
    is_inside = (at_lower > price) & (at_upper < price)
    x = torch.where(at_upper >= price, upper, lower)
    if not bool(is_inside.any()):
        return x
    x = torch.where(is_inside, 0.5 * (lower + upper), x)
    for _ in range(ROOT_STEPS):
        slope, bend = curves.derivatives(x)
        miss = slope - price
        lower, upper = torch.where(miss > 0, x, lower), torch.where(miss > 0, upper, x)
        step = x - miss / bend
        following = torch.where((step >= lower) & (step <= upper), step, 0.5 * (lower + upper))
        following = torch.where(is_inside, following, x)
        moved = float(((following - x).abs() / (upper.abs() + 1e-300)).max())
        x = following
        if moved <= 1e-9:
            break  # Newton's next step would be at the limit of a float64
    return x
