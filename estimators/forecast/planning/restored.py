"""Back into the region, for solvers that end a little outside of it."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse

from estimators.forecast.planning.region import Region

INSIDE = 1e-7  # of a bound's size: what is outside by less is rounding, and a tenth of what a gate lets pass
AT_MOST = 20_000  # decisions of one linear program


def restored(region: Region, x: torch.Tensor) -> torch.Tensor:
    """The nearest decisions (n,) that satisfy the box and every row; x itself where it does, or where none are found.

    Nearest by the sum of the moves, each as a share of the decision's room: one linear program. An interior point that
    projects onto badly scaled rows may stop outside by a ten-thousandth of a budget, which no gate lets pass.
    """
    if region.n_rows == 0 or region.size > AT_MOST or outside(region, x) <= INSIDE:
        return x
    inside = torch.clamp(x, region.lower, region.upper).numpy()
    lower, upper = region.lower.numpy(), region.upper.numpy()
    room = np.where(np.isfinite(upper - lower), np.maximum(upper - lower, 1e-12), np.maximum(1.0, np.abs(inside)))
    moved = _least_moves(region, inside, lower, upper, room)
    if moved is None:
        return x
    found = torch.clamp(torch.from_numpy(inside + moved), region.lower, region.upper)
    return found if outside(region, found) < outside(region, x) else x


def outside(region: Region, x: torch.Tensor) -> float:
    """The largest violation of a row, over the size of its bound (at least 1)."""
    point = x.detach().numpy()
    shares = [0.0]
    for rows in region.rows:
        size = np.maximum(_size(rows.low), _size(rows.high))
        shares.append(float((rows.excess(point) / np.maximum(1.0, size)).max(initial=0.0)))
    return max(shares)


def _size(bound: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(bound), np.abs(bound), 0.0)


def _least_moves(
    region: Region, x: np.ndarray, lower: np.ndarray, upper: np.ndarray, room: np.ndarray
) -> np.ndarray | None:
    """Up minus down, both as shares of the room; rows are divided by their bound: one tolerance fits them all."""
    from scipy.optimize import linprog

    size = np.maximum(1.0, np.maximum(_size(region.low), _size(region.high)))
    matrix = sparse.diags(1.0 / size) @ region.matrix @ sparse.diags(room)
    value = region.matrix @ x
    parts, limits = [], []
    for sign, bound in ((1.0, region.high), (-1.0, region.low)):
        used = np.isfinite(bound)
        parts.append(sign * matrix[used])
        limits.append(sign * (bound - value)[used] / size[used])
    rows = sparse.vstack(parts).tocsr()
    bounds = np.column_stack([np.zeros(2 * len(x)), np.r_[(upper - x) / room, (x - lower) / room]])
    found = linprog(
        np.ones(2 * len(x)),
        A_ub=sparse.hstack([rows, -rows]),
        b_ub=np.concatenate(limits),
        bounds=bounds,
        method="highs",
    )
    return None if found.x is None else (found.x[: len(x)] - found.x[len(x) :]) * room
