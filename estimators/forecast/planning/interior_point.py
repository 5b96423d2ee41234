"""Separable concave objectives over any linear rows, ramps and group budgets among them: a primal-dual interior point.

Mehrotra's predictor and corrector (Nocedal and Wright 2006, chapter 14 and 19) with one slack per row. Some twenty
steps, each linear in the number of decisions where the short rows form a band. It also projects onto such a region,
which is the same question with a quadratic objective.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from estimators.forecast.planning.certificate import linear_bound
from estimators.forecast.planning.newton_system import Solver, Structure, factorised
from estimators.forecast.planning.problem import Problem, Solution
from estimators.forecast.planning.region import Region

STEPS = 80
BACK_OFF = 0.9995  # how much of the way to the nearest bound a step may go
NOTHING = 1e-30
Derivatives = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass
class _Walled:
    """Values between walls, (k,), and the forces of the two walls; a wall at infinity has none."""

    at: np.ndarray
    low: np.ndarray
    high: np.ndarray
    from_low: np.ndarray
    from_high: np.ndarray
    has_low: np.ndarray
    has_high: np.ndarray
    _gaps: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def placed(cls, at: np.ndarray, low: np.ndarray, high: np.ndarray) -> _Walled:
        """Starts inside: away from both walls by a tenth of the room, with forces of one."""
        room = np.where(np.isfinite(high - low), high - low, np.maximum(1.0, np.abs(at)) * 10)
        floor = np.where(np.isfinite(low), low + 0.1 * room, -np.inf)
        ceiling = np.where(np.isfinite(high), high - 0.1 * room, np.inf)
        has_low, has_high = np.isfinite(low), np.isfinite(high)
        return cls(np.clip(at, floor, ceiling), low, high, has_low * 1.0, has_high * 1.0, has_low, has_high)

    def moved_to(self, at: np.ndarray) -> None:
        self.at, self._gaps = at, None

    def gaps(self) -> tuple[np.ndarray, np.ndarray]:
        """The room below and above; never nothing, though a step may round onto a wall."""
        if self._gaps is None:
            below = np.where(self.has_low, np.maximum(self.at - self.low, NOTHING), 1.0)
            above = np.where(self.has_high, np.maximum(self.high - self.at, NOTHING), 1.0)
            self._gaps = below, above
        return self._gaps

    def complementarity(self) -> tuple[float, int]:
        below, above = self.gaps()
        total = float(below @ self.from_low + above @ self.from_high)
        return total, int(self.has_low.sum() + self.has_high.sum())

    def stiffness(self) -> np.ndarray:
        below, above = self.gaps()
        return self.from_low / below + self.from_high / above

    def pull(self, centre: float, bent_low: np.ndarray, bent_high: np.ndarray) -> np.ndarray:
        """What complementarity at `centre` adds to the force balance; bent_*: second-order corrections (k,)."""
        below, above = self.gaps()
        up = np.where(self.has_low, (centre - bent_low) / below, 0.0)
        down = np.where(self.has_high, (centre - bent_high) / above, 0.0)
        return up - down

    def forces(
        self, move: np.ndarray, centre: float, bent_low: np.ndarray, bent_high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The changes of both forces that go with `move`."""
        below, above = self.gaps()
        low = np.where(self.has_low, (centre - bent_low - self.from_low * move) / below - self.from_low, 0.0)
        high = np.where(self.has_high, (centre - bent_high + self.from_high * move) / above - self.from_high, 0.0)
        return low, high

    def room(self, move: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
        """The longest step of the values, and of the forces, that keeps everything positive."""
        below, above = self.gaps()
        value = min(_longest(below, move * self.has_low), _longest(above, -move * self.has_high))
        return value, min(_longest(self.from_low, low), _longest(self.from_high, high))


def _longest(value: np.ndarray, change: np.ndarray) -> float:
    falling = change < 0
    return float(np.min(-value[falling] / change[falling], initial=np.inf))


@dataclass
class _Point:
    x: _Walled
    s: _Walled
    y: np.ndarray


@dataclass(frozen=True)
class _System:
    matrix: sparse.csr_matrix
    turned: sparse.csr_matrix  # its transpose
    is_equality: np.ndarray
    target: np.ndarray
    structure: Structure


def solve_separable(problem: Problem, tol: float = 1e-9) -> Solution:
    """The optimum of a problem whose objective is a sum of concave curves, over its whole region."""
    curves = problem.curves

    def derivatives(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        point = torch.from_numpy(x)
        return curves.slope(point).numpy(), curves.curvature(point).numpy()

    start = None if problem.start is None else problem.start.numpy()
    x, prices, steps = interior_point(derivatives, problem.region, tol, start)
    point = torch.from_numpy(x)
    value, gradient = problem.value(point), curves.slope(point)
    gap = linear_bound(gradient, problem.region, prices) - float(gradient @ point)
    scale = max(abs(value), 1e-300)
    return Solution(
        point, value, prices, "interior point", steps, value + gap, "Frank-Wolfe gap by weak duality", abs(gap) / scale
    )


def interior_point(
    derivatives: Derivatives, region: Region, tol: float, start: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """x (n,), the rows' prices (m,) and the number of steps. derivatives: x → slopes and second derivatives, both (n,).

    Decisions whose bounds meet must be left out by the caller (`planning.solvers` does).
    """
    lower, upper = region.lower.numpy(), region.upper.numpy()
    is_equality = region.low == region.high
    system = _System(region.matrix, region.turned, is_equality, region.low, region.structure)
    point = _started(region, lower, upper, system, start)
    steps, is_done = 0, False
    while not is_done and steps < STEPS:
        steps += 1
        slope, bend = derivatives(point.x.at)
        _advance(point, system, slope, np.minimum(bend, 0.0))
        slope, _ = derivatives(point.x.at)
        is_done = _is_done(point, region, slope, tol)
    return point.x.at, point.y, steps


def _started(region: Region, lower: np.ndarray, upper: np.ndarray, system: _System, start: np.ndarray | None) -> _Point:
    middle = np.where(np.isfinite(upper), 0.5 * (lower + upper), lower + 1.0) if start is None else start
    x = _Walled.placed(middle, lower, upper)
    low = np.where(system.is_equality, -np.inf, region.low)
    high = np.where(system.is_equality, np.inf, region.high)
    s = _Walled.placed(system.matrix @ x.at, low, high)
    s.moved_to(np.where(system.is_equality, system.target, s.at))
    return _Point(x, s, np.zeros(len(low)))


def _is_done(point: _Point, region: Region, slope: np.ndarray, tol: float) -> bool:
    """Feasible, and the Frank-Wolfe gap at the present prices is within `tol` of what the slopes add up to.

    Rounding in the force balance can keep the gap above a very small `tol`; then vanishing complementarity ends it.
    """
    total = point.x.complementarity()[0] + point.s.complementarity()[0]
    scale = max(float(np.abs(slope) @ np.abs(point.x.at)), 1e-300)
    off = np.abs(point.s.at - region.matrix @ point.x.at)
    if total > tol * scale or np.any(off > 1e-11 * np.maximum(1.0, np.abs(point.s.at))):
        return False
    gap = linear_bound(torch.from_numpy(slope), region, point.y) - float(slope @ point.x.at)
    return gap <= tol * scale or total <= 1e-2 * tol * scale


def _advance(point: _Point, system: _System, slope: np.ndarray, bend: np.ndarray) -> None:
    """One predictor and one corrector step with the same factorisation."""
    x, s = point.x, point.s
    stiff_s = np.where(system.is_equality, np.inf, np.maximum(s.stiffness(), 1e-300))
    solver = factorised(system.structure, system.matrix, x.stiffness() - bend + 1e-300, stiff_s)
    zero_x, zero_s = np.zeros_like(x.at), np.zeros_like(s.at)
    total, walls = (a + b for a, b in zip(x.complementarity(), s.complementarity(), strict=True))
    mean = total / max(walls, 1)
    guess = _direction(point, system, slope, solver, 0.0, (zero_x, zero_x, zero_s, zero_s))
    value, force = _lengths(point, guess)
    after = _complementarity_after(point, guess, min(value, 1.0), min(force, 1.0)) / max(walls, 1)
    centre = mean * min(max((after / max(mean, 1e-300)) ** 3, 1e-8), 1.0)
    move_x, x_low, x_high, move_s, s_low, s_high, _ = guess
    bent = (move_x * x_low, -move_x * x_high, move_s * s_low, -move_s * s_high)
    step = _direction(point, system, slope, solver, centre, bent)
    value, force = _lengths(point, step)
    _move(point, step, min(1.0, BACK_OFF * value), min(1.0, BACK_OFF * force))


def _direction(
    point: _Point, system: _System, slope: np.ndarray, solver: Solver, centre: float, bent: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, ...]:
    """Moves of x, its forces, the slacks, their forces, and the prices."""
    x, s = point.x, point.s
    towards_x = slope - system.turned @ point.y + x.pull(centre, bent[0], bent[1])
    stiff = np.where(system.is_equality, 1.0, np.maximum(s.stiffness(), 1e-300))
    towards_s = np.where(system.is_equality, 0.0, (point.y + s.pull(centre, bent[2], bent[3])) / stiff)
    move_x, move_y = solver(towards_x, s.at - system.matrix @ x.at + towards_s)
    move_s = np.where(system.is_equality, 0.0, towards_s + move_y / stiff)
    x_low, x_high = x.forces(move_x, centre, bent[0], bent[1])
    s_low, s_high = s.forces(move_s, centre, bent[2], bent[3])
    return move_x, x_low, x_high, move_s, s_low, s_high, move_y


def _lengths(point: _Point, step: tuple[np.ndarray, ...]) -> tuple[float, float]:
    value_x, force_x = point.x.room(*step[:3])
    value_s, force_s = point.s.room(*step[3:6])
    return min(value_x, value_s), min(force_x, force_s)


def _complementarity_after(point: _Point, step: tuple[np.ndarray, ...], value: float, force: float) -> float:
    total = 0.0
    for walled, (move, low, high) in ((point.x, step[:3]), (point.s, step[3:6])):
        below, above = walled.gaps()
        below, above = below + value * move * walled.has_low, above - value * move * walled.has_high
        total += float(below @ (walled.from_low + force * low) + above @ (walled.from_high + force * high))
    return total


def _move(point: _Point, step: tuple[np.ndarray, ...], value: float, force: float) -> None:
    for walled, (move, low, high) in ((point.x, step[:3]), (point.s, step[3:6])):
        walled.moved_to(walled.at + value * move)
        walled.from_low = walled.from_low + force * low
        walled.from_high = walled.from_high + force * high
    point.y = point.y + force * step[6]
