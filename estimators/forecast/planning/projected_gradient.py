"""Spectral projected gradient with a diagonal metric: the solver for smooth objectives given as a torch function.

Steps have the length of Barzilai and Borwein, a nonmonotone line search along the feasible direction accepts them
(Birgin, Martínez and Raydan 2000), and the metric is the size of the Hessian's rows, so that cells of very different
curvature move together. For a separable objective this is Newton's method with an exact projection. The rows' sizes
come from differences of gradients along random signs (after Bekas, Kokiopoulou and Saad 2007), so that the model needs
no second derivative.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from estimators.forecast.planning.certificate import frank_wolfe_gap
from estimators.forecast.planning.face_newton import face_at, newton_direction
from estimators.forecast.planning.problem import Problem, Solution
from estimators.forecast.planning.restored import restored

Projection = Callable[[torch.Tensor, torch.Tensor, np.ndarray], tuple[torch.Tensor, np.ndarray]]
MEMORY = 8  # values that the nonmonotone line search looks back on
SUFFICIENT = 1e-4
PROBES = 6
FIRST_NEWTON = 4  # projected gradients alone before it
LONGEST_WAIT = 16  # iterations from one Newton's step that gained nothing to the next
REFRESH = 8  # iterations between two estimates of the metric


@dataclass
class _State:
    x: torch.Tensor
    value: float
    gradient: torch.Tensor
    metric: torch.Tensor
    prices: np.ndarray
    length: float = 1.0
    failed: int = 0  # Newton's steps in a row that gained nothing
    next_newton: int = FIRST_NEWTON
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=MEMORY))


def climb(
    problem: Problem,
    projection: Projection,
    start: torch.Tensor,
    tol: float = 1e-6,
    max_iterations: int = 500,
    enough: float = float("inf"),
) -> Solution:
    """Maximises to a Frank-Wolfe gap ≤ tol of the objective, for `max_iterations`, or to a value of `enough`.

    projection: (point, metric, guess of the prices) → the nearest point of the region and the rows' multipliers.  The
    gap is a bound only where the objective is concave; elsewhere it is the residual of the first-order conditions.
    """
    random = torch.Generator().manual_seed(0)
    state = _started(problem, projection, start)
    bound, iteration = np.inf, 0
    for iteration in range(max_iterations):
        if iteration % REFRESH == 0:
            _refresh(state, problem, random, iteration)
        direction = _direction(state, projection)
        gap, _ = frank_wolfe_gap(state.gradient, state.x, problem.region, state.prices)
        bound = min(bound, state.value + gap)
        if gap <= tol * abs(state.value) or state.value >= enough:
            break
        is_moved = _step(state, direction, problem)
        if iteration >= state.next_newton or not is_moved:
            is_moved = _newton_or_wait(state, problem, projection, iteration) or is_moved
        if not is_moved:
            break
    return _finished(problem, state, bound, iteration + 1)


def _started(problem: Problem, projection: Projection, start: torch.Tensor) -> _State:
    ones, none = torch.ones_like(start), np.zeros(problem.region.n_rows)
    x, _ = projection(start, ones, none)
    value, gradient = problem.gradient(x)
    state = _State(x, value, gradient, ones, none)
    state.recent.append(value)
    return state


def _finished(problem: Problem, state: _State, bound: float, iterations: int) -> Solution:
    """The last point with its own gap; the bound is the least of all that were proven on the way."""
    inside = restored(problem.region, state.x)
    if inside is not state.x:
        state.x = inside
        state.value, state.gradient = problem.gradient(inside)
    gap, proof = frank_wolfe_gap(state.gradient, state.x, problem.region, state.prices, is_sorted=True)
    residual = max(gap, 0.0) / max(abs(state.value), 1e-300)
    made = Solution(state.x, state.value, proof, "projected gradient", iterations, residual=residual)
    bound = min(bound, state.value + gap)
    if not problem.is_concave or not np.isfinite(bound):
        return made
    return replace(made, bound=bound, bound_from="Frank-Wolfe gap by weak duality")


def _direction(state: _State, projection: Projection) -> torch.Tensor:
    """From x to the projection of the gradient step; sets the rows' prices by the way."""
    metric = state.metric / state.length
    target, prices = projection(state.x + state.gradient / metric, metric, state.prices)
    state.prices = prices
    return target - state.x


def _step(state: _State, direction: torch.Tensor, problem: Problem) -> bool:
    """Moves along the direction; False where rounding leaves no ascent."""
    rise = float(state.gradient @ direction)
    if rise <= 0:
        return False
    share, floor = 1.0, min(state.recent)
    for _ in range(40):
        x = state.x + share * direction
        value, gradient = problem.gradient(x)
        if value >= floor + SUFFICIENT * share * rise - 1e-15 * abs(floor):
            break
        curve = value - state.value - share * rise
        share *= min(max(-0.5 * share * rise / curve, 0.1), 0.5) if curve < 0 else 0.5
    else:
        return False
    moved, fall = x - state.x, state.gradient - gradient
    bend = float(moved @ fall)
    length = float(moved @ (state.metric * moved)) / bend if bend > 0 else 2.0 * state.length
    state.length = min(max(length, 1e-6), 1e6)
    state.x, state.value, state.gradient = x, value, gradient
    state.recent.append(value)
    return True


def _newton_or_wait(state: _State, problem: Problem, projection: Projection, iteration: int) -> bool:
    """Newton's step. The longer it has gained nothing, the later it is tried again where a trial's four projections are
    dear, which those onto several rows are.
    """
    if _newton_step(state, problem, projection):
        state.failed, state.next_newton = 0, iteration + 1
        return True
    state.failed += 1 if problem.region.n_rows > 1 else 0
    state.next_newton = iteration + min(2**state.failed, LONGEST_WAIT)
    return False


def _newton_step(state: _State, problem: Problem, projection: Projection) -> bool:
    """Newton's step along the present face, halved until it gains; what leaves the region is projected back.

    Near the optimum gains drown in rounding, so that a smaller gap counts as a gain.
    """
    region = problem.region
    gap, _ = frank_wolfe_gap(state.gradient, state.x, region, state.prices)
    face = face_at(region, state.x, state.prices, state.metric)
    direction = newton_direction(problem, state.x, state.gradient, face, accuracy=0.05)
    for share in (1.0, 0.5, 0.25, 0.1):
        x, _ = projection(state.x + share * direction, state.metric, state.prices * 0)
        value, gradient = problem.gradient(x)
        prices = face.prices(gradient)
        is_level = value > state.value - 1e-13 * abs(state.value)
        if value > state.value or (is_level and frank_wolfe_gap(gradient, x, region, prices)[0] < gap):
            state.x, state.value, state.gradient, state.prices, state.length = x, value, gradient, prices, 1.0
            state.recent.clear()
            state.recent.append(value)
            return True
    return False


def _refresh(state: _State, problem: Problem, random: torch.Generator, iteration: int) -> None:
    """A new estimate of the metric, averaged with the earlier ones: probes are noisy where decisions interact."""
    found = row_norms(problem, state.x, state.gradient, random)
    state.metric = found if iteration == 0 else torch.sqrt(0.5 * (found**2 + state.metric**2))
    state.length = 1.0


def row_norms(problem: Problem, x: torch.Tensor, gradient: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """The norm of every row of the Hessian (n,), from differences of gradients along random signs.

    The mean of (H v)ᵢ² over signs v is Σⱼ Hᵢⱼ²: unlike an estimate of the diagonal it is never near zero by noise, and
    where decisions do not interact it is the diagonal.
    """
    lower, upper = problem.region.lower, problem.region.upper
    width = torch.nan_to_num(upper - lower, posinf=0.0)
    size = 1e-5 * float(torch.maximum(x.abs(), width).mean().clamp_min(1e-8))
    total, probes = torch.zeros_like(x), 1 if problem.curves is not None else PROBES
    for _ in range(probes):
        step = size * (torch.randint(0, 2, x.shape, generator=random).to(x.dtype) * 2 - 1)
        step = torch.where((x + step < lower) | (x + step > upper), -step, step)
        _, other = problem.gradient(x + step)
        total += ((gradient - other) / size) ** 2
    found = torch.sqrt(total / probes)
    typical = found[found > 0].median() if bool((found > 0).any()) else torch.ones((), dtype=x.dtype)
    return torch.clamp(found, 1e-4 * typical, 1e6 * typical)
