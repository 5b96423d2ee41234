"""Separable concave objectives under one budget: every decision is filled to the same marginal value.

At the optimum the slope of each curve is the budget's price times its weight, or the decision is at an end of its box
(Gross 1956; Boyd and Vandenberghe 2004, example 5.2). For logarithms xᵢ is linear in one over the price, and the
equation is solved on its exact piece; other curves take a safeguarded search for the price.
"""

from __future__ import annotations

import numpy as np
import torch

from estimators.forecast.planning.certificate import frank_wolfe_gap, knapsack
from estimators.forecast.planning.curves import LogCurves
from estimators.forecast.planning.knapsack import Knapsack, root
from estimators.forecast.planning.problem import Problem, Solution

SEARCHES = 300


def fill(problem: Problem) -> Solution:
    """The optimum of a separable concave objective over a box with at most one row of positive weights."""
    set_ = knapsack(problem.region)
    x, price, steps = _filled(problem, set_)
    value = problem.value(x)
    prices = np.full(problem.region.n_rows, price)
    gap, prices = frank_wolfe_gap(problem.curves.slope(x), x, problem.region, prices, is_sorted=True)
    return Solution(
        x,
        value,
        prices,
        "water-filling",
        steps,
        value + gap,
        "Frank-Wolfe gap by one sort",
        abs(gap) / max(abs(value), 1e-300),
    )


def _filled(problem: Problem, set_: Knapsack) -> tuple[torch.Tensor, float, int]:
    curves = problem.curves
    zero = torch.zeros_like(set_.lower)
    x = curves.inverse_slope(zero, set_.lower, set_.upper)
    total = float((set_.weights * x).sum())
    if set_.low <= total <= set_.high:
        return x, 0.0, 1
    target = set_.low if total < set_.low else set_.high
    if isinstance(curves, LogCurves):
        guess = float(target / (curves.size.sum()))
        x, inverse = root(set_, -curves.scale, curves.size / set_.weights, target, guess)
        return x, 1.0 / inverse if inverse else float("inf"), 1
    return _searched(problem, set_, target)


def _searched(problem: Problem, set_: Knapsack, target: float) -> tuple[torch.Tensor, float, int]:
    """The price by halving its bracket; what rounding leaves of the budget goes to the decisions that are free."""
    curves, weights = problem.curves, set_.weights
    steepest = torch.nan_to_num(curves.slope(set_.lower) / weights, posinf=1e300).max()
    below, above = 0.0, float(steepest)
    steps, is_met = 0, False
    while not is_met and steps < SEARCHES:
        steps += 1
        price = 0.5 * (below + above)
        x = curves.inverse_slope(price * weights, set_.lower, set_.upper)
        total = float((weights * x).sum())
        below, above = (price, above) if total > target else (below, price)
        is_met = above - below <= 1e-16 * above or total == target
    return settle(set_, x, target), price, steps


def settle(set_: Knapsack, x: torch.Tensor, target: float) -> torch.Tensor:
    """x with its weighted sum made exactly `target` by the nearest point of the set."""
    moved, _ = root(set_, x, set_.weights, target)
    return moved
