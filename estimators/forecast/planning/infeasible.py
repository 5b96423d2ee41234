"""Which constraints contradict each other, and how much room the others leave.

An empty region is shown to be empty by a linear program, and constraints are dropped one after another as long as it
stays empty: what remains is a smallest set that cannot hold together (Chinneck and Dravnieks 1991, the deletion
filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from estimators.forecast.planning.compiled import Bounds
from estimators.forecast.planning.problem import Outcome
from estimators.forecast.planning.region import Rows

Piece = Bounds | Rows
WIDE = 1e3  # how far beyond the plan an open side is searched
SATISFIED = 1e-6  # of an outcome's scale
AIM = 1e-3  # how far inside the search aims, so that it crosses the boundary instead of creeping up to it
TOLERANCE = 1e-9  # of a bound's size: a violation below it is rounding


@dataclass(frozen=True)
class _Linear:
    """Box and rows of some pieces: ``matrix x ≤ high`` with lower, upper (n,)."""

    lower: np.ndarray
    upper: np.ndarray
    matrix: sparse.csr_matrix
    high: np.ndarray


def conflict(pieces: Sequence[Piece], size: int) -> tuple[str, ...]:
    """The names of a smallest set of constraints that no decision satisfies together; empty if all can be satisfied."""
    names = list(dict.fromkeys(piece.name for piece in pieces))
    if is_satisfiable(pieces, size):
        return ()
    kept = names
    for name in names:
        fewer = [other for other in kept if other != name]
        if not is_satisfiable([piece for piece in pieces if piece.name in fewer], size):
            kept = fewer
    return tuple(kept)


def is_satisfiable(pieces: Sequence[Piece], size: int) -> bool:
    """Whether a decision satisfies them all: bounds first, then one row at a time, then a linear program."""
    linear = _stacked(pieces, size)
    scale = np.maximum(1.0, np.maximum(np.abs(_finite(linear.lower)), np.abs(_finite(linear.upper))))
    if np.any(linear.lower > linear.upper + TOLERANCE * scale):
        return False
    if not len(linear.high):
        return True
    least = _least(linear)
    room = TOLERANCE * np.maximum(1.0, np.abs(linear.high))
    if np.any(least > linear.high + room):
        return False
    if len(linear.high) == 1:
        return True
    return _least_violation(linear) <= TOLERANCE


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, 0.0)


def _stacked(pieces: Sequence[Piece], size: int) -> _Linear:
    lower, upper = np.full(size, -np.inf), np.full(size, np.inf)
    parts, highs = [sparse.csr_matrix((0, size))], [np.empty(0)]
    for piece in pieces:
        if isinstance(piece, Bounds):
            lower, upper = np.maximum(lower, piece.lower.numpy()), np.minimum(upper, piece.upper.numpy())
            continue
        for sign, bound in ((1.0, piece.high), (-1.0, -piece.low)):
            used = np.isfinite(bound)
            parts.append(sign * piece.matrix[used])
            highs.append(bound[used])
    return _Linear(lower, upper, sparse.vstack(parts).tocsr(), np.concatenate(highs))


def _least(linear: _Linear) -> np.ndarray:
    """The least value of every row over the box alone (m,)."""
    positive, negative = linear.matrix.maximum(0), linear.matrix.minimum(0)
    with np.errstate(invalid="ignore"):
        return _product(positive, linear.lower) + _product(negative, linear.upper)


def _product(matrix: sparse.csr_matrix, bound: np.ndarray) -> np.ndarray:
    """matrix · bound where infinite bounds count only if they are used."""
    finite = matrix @ _finite(bound)
    touched = abs(matrix) @ (~np.isfinite(bound)).astype(float)
    return np.where(touched > 0, -np.inf, finite)


def _least_violation(linear: _Linear) -> float:
    """The smallest t with every row within t of its bound's size: a linear program for HiGHS."""
    from scipy.optimize import linprog

    sizes = np.maximum(1.0, np.abs(linear.high))
    columns = sparse.hstack([linear.matrix, -sparse.csr_matrix(sizes[:, None])]).tocsr()
    n = len(linear.lower)
    bounds = np.r_[np.c_[linear.lower, np.maximum(linear.upper, linear.lower)], [[0.0, np.inf]]]
    answer = linprog(np.r_[np.zeros(n), 1.0], A_ub=columns, b_ub=linear.high, bounds=bounds, method="highs")
    return float(answer.fun) if answer.status == 0 else np.inf


def slack_of(pieces: Sequence[Piece], size: int) -> dict[str, float]:
    """How far each constraint's tightest row can be kept from its bound while the others hold, relative to the bound.

    Zero is a constraint that leaves no room: an equality, or one that the others push against.
    """
    return {piece.name: _best_margin(pieces, piece, size) for piece in pieces if isinstance(piece, Rows)}


def _best_margin(pieces: Sequence[Piece], own: Rows, size: int) -> float:
    from scipy.optimize import linprog

    linear = _stacked(pieces, size)
    mine = _stacked([own], size)
    sizes = np.maximum(1.0, np.abs(mine.high))
    matrix = sparse.vstack(
        [
            sparse.hstack([linear.matrix, sparse.csr_matrix((len(linear.high), 1))]),
            sparse.hstack([mine.matrix, sparse.csr_matrix(sizes[:, None])]),
        ]
    ).tocsr()
    bounds = np.r_[np.c_[linear.lower, np.maximum(linear.upper, linear.lower)], [[0.0, 1.0]]]
    answer = linprog(
        np.r_[np.zeros(size), -1.0], A_ub=matrix, b_ub=np.r_[linear.high, mine.high], bounds=bounds, method="highs"
    )
    return float(-answer.fun) if answer.status == 0 else 0.0


def conflict_through_outcomes(
    pieces: Sequence[Piece], outcomes: Sequence[Outcome], size: int, start: torch.Tensor
) -> tuple[str, ...]:
    """The same where constraints run through the DAG, once a search has found no point.

    The violation of the outcomes is minimised over the linear constraints. Where the outcomes are convex by
    composition the minimum is the least there is; otherwise the answer is what a local search could not satisfy.
    """
    kept = [*dict.fromkeys(piece.name for piece in pieces), *(outcome.name for outcome in outcomes)]
    for name in list(kept):
        fewer = [other for other in kept if other != name]
        some = [piece for piece in pieces if piece.name in fewer]
        left = [outcome for outcome in outcomes if outcome.name in fewer]
        if not is_satisfiable(some, size) or (left and nearest(some, left, size, start)[1] > SATISFIED):
            kept = fewer
    return tuple(kept)


def nearest(
    pieces: Sequence[Piece], outcomes: Sequence[Outcome], size: int, start: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """The point of the linear constraints that violates the outcomes least, and its largest relative violation."""
    from estimators.forecast.planning.problem import Problem
    from estimators.forecast.planning.region import Region
    from estimators.forecast.planning.solvers import ascend

    linear = _stacked(pieces, size)
    wide = WIDE * (1.0 + float(start.abs().max()))
    floor = np.where(start.numpy() >= 0, 0.0, -wide)
    lower = torch.from_numpy(np.where(np.isfinite(linear.lower), linear.lower, floor))
    upper = torch.from_numpy(np.where(np.isfinite(linear.upper), linear.upper, wide))
    rows = tuple(piece for piece in pieces if isinstance(piece, Rows))

    def agreement(x: torch.Tensor) -> torch.Tensor:
        return -sum(((o.function(x) / o.scale + AIM).clamp_min(0.0) ** 2).sum() for o in outcomes)

    problem = Problem(agreement, Region(lower, torch.maximum(lower, upper), rows), start=start)
    found = ascend(problem, 0.02, 100, enough=-(AIM**2))
    with torch.no_grad():
        worst = max(float((o.function(found.x) / o.scale).max()) for o in outcomes)
    return found.x, worst
