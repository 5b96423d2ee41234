"""Exact answers over a box with one linear row: the piecewise linear equation behind projection and water-filling.

Both ask for a t with ``Σ wᵢ clip(pᵢ + qᵢ t, lᵢ, uᵢ) = b``, whose left side grows in t and is linear between
breakpoints. Newton's step on that line ends on the exact piece after a few passes (Cominetti, Mascarenhas and Silva
2014, "A Newton's method for the continuous quadratic knapsack problem"); unlike sorting the breakpoints it needs no n
log n, and it starts from the last t when the next question is close.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from estimators.errors import refuse

STEPS = 200  # twice as many halvings as a float64 has bits: the bracket is a point long before


@dataclass(frozen=True)
class Knapsack:
    """``low ≤ weights · x ≤ high`` over ``lower ≤ x ≤ upper``; all vectors (n,) float64."""

    weights: torch.Tensor
    low: float
    high: float
    lower: torch.Tensor
    upper: torch.Tensor

    def least(self) -> float:
        """The least that weights · x can be over the box."""
        return float((self.weights * torch.where(self.weights > 0, self.lower, self.upper)).sum())

    def most(self) -> float:
        return float((self.weights * torch.where(self.weights > 0, self.upper, self.lower)).sum())


def filled(set_: Knapsack, start: torch.Tensor, rate: torch.Tensor, guess: float = 0.0) -> tuple[torch.Tensor, float]:
    """``clip(start + rate · t)`` with the t nearest to zero at which the row holds, and that t.

    rate: (n,), of the sign of the weights.  Raises CAUSAL-029 where no point of the box satisfies the row.
    """
    x = torch.clamp(start, set_.lower, set_.upper)
    total = float((set_.weights * x).sum())
    if set_.low <= total <= set_.high:
        return x, 0.0
    target = set_.low if total < set_.low else set_.high
    return root(set_, start, rate, target, guess)


def root(
    set_: Knapsack, start: torch.Tensor, rate: torch.Tensor, target: float, guess: float = 0.0
) -> tuple[torch.Tensor, float]:
    """The point ``clip(start + rate · t)`` whose weighted sum is `target`, and its t."""
    span = max(abs(set_.least()), abs(set_.most()), 1e-300)
    if not set_.least() - 1e-9 * span <= target <= set_.most() + 1e-9 * span:
        raise refuse(
            "029",
            "no plan satisfies the budget",
            f"the box allows totals from {set_.least():.6g} to {set_.most():.6g}, the budget asks for {target:.6g}",
            fix="widen the box or change the budget",
        )
    t, below, above = guess, -float("inf"), float("inf")
    precision = 4e-16 * max(abs(target), 1e-300)
    x = start
    for _ in range(STEPS):
        y = start + rate * t
        x = torch.clamp(y, set_.lower, set_.upper)
        miss = float((set_.weights * x).sum()) - target
        if abs(miss) <= precision:
            break
        below, above = (t, above) if miss < 0 else (below, t)
        inside = (y > set_.lower) & (y < set_.upper)
        slope = float((set_.weights * rate * inside).sum())
        following = _next(t, miss, slope, (below, above), (set_, start, rate))
        if following == t or not below <= following <= above:
            break
        t = following
    return x, t


def _next(t: float, miss: float, slope: float, bracket: tuple[float, float], line: tuple) -> float:
    """Newton's step where it stays inside the bracket, else a breakpoint or the middle."""
    below, above = bracket
    if slope > 0 and below < (step := t - miss / slope) < above:
        return step
    if below > -float("inf") and above < float("inf"):
        return 0.5 * (below + above)
    set_, start, rate = line
    corner = torch.where((rate > 0) == (miss < 0), set_.upper, set_.lower)
    moves = torch.where((rate != 0) & torch.isfinite(corner), (corner - start) / rate, torch.full_like(rate, t))
    return float(moves.max() if miss < 0 else moves.min())


def project(
    set_: Knapsack, point: torch.Tensor, metric: torch.Tensor | None = None, guess: float = 0.0
) -> tuple[torch.Tensor, float]:
    """The nearest point of the set in the norm ``Σ dᵢ (xᵢ − yᵢ)²``, and the row's multiplier (positive at `high`).

    metric: (n,) positive, ones if absent.  guess: the multiplier of a question close by.
    """
    rate = set_.weights if metric is None else set_.weights / metric
    x, t = filled(set_, point, rate, -guess)
    return x, -t


def best_vertex(set_: Knapsack, gradient: torch.Tensor) -> tuple[torch.Tensor, float]:
    """The z that maximises gradient · z over the set, and the row's multiplier: one sort by value per weight.

    The box must be finite. This is the continuous knapsack problem (Dantzig 1957).
    """
    free = torch.where(gradient > 0, set_.upper, set_.lower)
    total = float((set_.weights * free).sum())
    if set_.low <= total <= set_.high:
        return free, 0.0
    target = set_.low if total < set_.low else set_.high
    price = torch.where(set_.weights != 0, gradient / set_.weights, torch.zeros_like(gradient))
    order = torch.argsort(price, descending=True)
    weights = set_.weights[order]
    used = torch.where(weights != 0, weights.abs() * (set_.upper - set_.lower)[order], torch.zeros_like(weights))
    room = target - set_.least()
    before = torch.cumsum(used, 0) - used
    share = torch.clamp((room - before) / used.clamp_min(1e-300), 0.0, 1.0)
    taken = torch.where(weights > 0, share, 1.0 - share)
    z = free.clone()
    bounds = set_.lower[order] + taken * (set_.upper - set_.lower)[order]
    z[order] = torch.where(weights != 0, bounds, free[order])
    last = int(torch.clamp((before < room).sum() - 1, min=0))
    return z, float(price[order][last])
