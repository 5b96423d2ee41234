"""Constraints through the DAG: an augmented Lagrangian over the region of the decisions.

Violations are priced, the priced objective is maximised by projected gradient, and prices follow the violations
(Hestenes 1969; Powell 1969; Nocedal and Wright 2006, algorithm 17.4). Where the objective is concave and every
constraint convex by composition of tags, the Lagrangian at the final prices bounds the optimum, and the certificate is
global; otherwise it is the residual of the first-order conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from estimators.forecast.planning.problem import Outcome, Problem, Solution

ROUNDS = 40
MARGIN = 1e-7  # of a constraint's scale: constraints are tightened by so much, and held to within as much again
GROWTH = 5.0


@dataclass
class _Prices:
    """value: (m,) per constraint, not negative.  strength: of the quadratic penalty."""

    value: dict[str, torch.Tensor]
    strength: float


def solve_constrained(problem: Problem, tol: float) -> Solution:
    """The best plan that satisfies the constraints if one was found."""
    from estimators.forecast.planning.solvers import ascend

    free = ascend(replace(problem, outcomes=(), curves=None), 1e-3, 60)
    x = free.x if problem.start is None else problem.start
    excess = _excess(problem, x)
    prices = _Prices({name: torch.zeros_like(v) for name, v in excess.items()}, _first_strength(problem, free, excess))
    aim, found, steps = 1e-2, free, free.iterations
    worst = np.inf
    for _ in range(ROUNDS):
        part = replace(problem, objective=_augmented(problem, prices), outcomes=(), curves=None, start=x)
        found = ascend(part, max(aim, 0.1 * tol), 200)
        x, steps = found.x, steps + found.iterations
        excess = _excess(problem, x)
        prices.value = {
            o.name: (prices.value[o.name] + prices.strength * excess[o.name]).clamp_min(0.0) for o in problem.outcomes
        }
        now = _worst(excess)
        if now <= MARGIN and aim <= tol and _slackness(excess, prices) <= tol * abs(problem.value(x)):
            break
        if now > 0.25 * worst and now > MARGIN:
            prices.strength *= GROWTH
        worst, aim = now, max(0.1 * aim, 0.1 * tol)
    return _judged(problem, prices, replace(found, x=x, iterations=steps))


def _first_strength(problem: Problem, free: Solution, excess: dict[str, torch.Tensor]) -> float:
    squares = sum(float((v.clamp_min(0.0) ** 2).sum()) for v in excess.values())
    return min(max(10.0 * abs(free.value) / max(squares, 1e-12), 1e-6), 1e6)


def _scaled(outcome: Outcome, x: torch.Tensor) -> torch.Tensor:
    return outcome.function(x) / outcome.scale + MARGIN


def _excess(problem: Problem, x: torch.Tensor) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        return {o.name: _scaled(o, x) for o in problem.outcomes}


def _worst(excess: dict[str, torch.Tensor]) -> float:
    return max((float(v.max()) for v in excess.values()), default=0.0)


def _slackness(excess: dict[str, torch.Tensor], prices: _Prices) -> float:
    return sum(abs(float(prices.value[name] @ v)) for name, v in excess.items())


def _augmented(problem: Problem, prices: _Prices):
    fixed = {name: value.clone() for name, value in prices.value.items()}
    strength = prices.strength

    def objective(x: torch.Tensor) -> torch.Tensor:
        value = problem.objective(x)
        for outcome in problem.outcomes:
            pushed = (fixed[outcome.name] + strength * _scaled(outcome, x)).clamp_min(0.0)
            value = value - (pushed**2 - fixed[outcome.name] ** 2).sum() / (2.0 * strength)
        return value

    return objective


def _judged(problem: Problem, prices: _Prices, found: Solution) -> Solution:
    """The gap of the plain Lagrangian at the final prices: L(z) ≥ f(z) wherever the constraints hold."""
    from estimators.forecast.planning.certificate import frank_wolfe_gap

    def lagrangian(x: torch.Tensor) -> torch.Tensor:
        value = problem.objective(x)
        for outcome in problem.outcomes:
            value = value - (prices.value[outcome.name] * (_scaled(outcome, x) - MARGIN)).sum()
        return value

    level, gradient = replace(problem, objective=lagrangian).gradient(found.x)
    gap, proof = frank_wolfe_gap(gradient, found.x, problem.region, found.prices, is_sorted=True)
    value = problem.value(found.x)
    scale = max(abs(value), 1e-300)
    is_convex = problem.is_concave and all(o.curvature in ("convex", "affine") for o in problem.outcomes)
    excess = _excess(problem, found.x)
    residual = max(gap + _slackness(excess, prices), 0.0) / scale
    scales = {o.name: o.scale for o in problem.outcomes}
    residual = max(residual, _worst(excess) - MARGIN)
    return replace(
        found, value=value, prices=proof, method="augmented Lagrangian", residual=residual,
        bound=level + gap if is_convex else None, bound_from="Frank-Wolfe gap of the Lagrangian" if is_convex else "",
        outcome_prices={name: (v / scales[name]).numpy() for name, v in prices.value.items()},
    )  # fmt: skip
