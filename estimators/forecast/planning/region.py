"""The set of decisions that a plan may take: a box and named linear rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy import sparse

from estimators.forecast.planning.newton_system import Structure, structure_of


@dataclass(frozen=True)
class Rows:
    """One named linear constraint ``low ≤ matrix @ x ≤ high``, of one row or many.

    matrix: sparse (m, n).  low, high: (m,), infinite where a side is open.
    """

    name: str
    matrix: sparse.csr_matrix
    low: np.ndarray
    high: np.ndarray

    def of(self, x: np.ndarray) -> np.ndarray:
        """The rows' values (m,); a single row is summed in pairs: a million terms in turn lose six digits."""
        if len(self.low) == 1:
            return np.array([np.sum(self.matrix.data * x[self.matrix.indices])])
        return self.matrix @ x

    def excess(self, x: np.ndarray) -> np.ndarray:
        """By how much each row is violated (m,); zero where it holds."""
        value = self.of(x)
        return np.maximum(np.maximum(self.low - value, value - self.high), 0.0)

    def slack(self, x: np.ndarray) -> np.ndarray:
        """How far each row (m,) is from its nearer bound; negative where it is violated."""
        value = self.of(x)
        return np.minimum(value - self.low, self.high - value)


def one_row(name: str, weights: np.ndarray, low: float = -np.inf, high: float = np.inf) -> Rows:
    """``low ≤ weights · x ≤ high``, weights (n,)."""
    matrix = sparse.csr_matrix(np.asarray(weights, dtype=float)[None, :])
    return Rows(name, matrix, np.array([low], dtype=float), np.array([high], dtype=float))


def grouped_rows(
    name: str, group: np.ndarray, high: np.ndarray, weights: np.ndarray | None = None, low: np.ndarray | None = None
) -> Rows:
    """One row per group: the weighted sum of its members. group: (n,) of 0…m−1, −1 for none; high, low: (m,)."""
    members = np.flatnonzero(group >= 0)
    values = np.ones(len(members)) if weights is None else np.asarray(weights, dtype=float)[members]
    matrix = sparse.csr_matrix((values, (group[members], members)), shape=(len(high), len(group)))
    return Rows(name, matrix, np.full(len(high), -np.inf) if low is None else low, np.asarray(high, dtype=float))


def step_rows(name: str, before: np.ndarray, after: np.ndarray, n: int, down: np.ndarray, up: np.ndarray) -> Rows:
    """Absolute ramps: ``−down ≤ x[after] − x[before] ≤ up``; before, after: (m,) positions, down and up: (m,)."""
    m = len(before)
    row = np.arange(m)
    matrix = sparse.csr_matrix((np.r_[-np.ones(m), np.ones(m)], (np.r_[row, row], np.r_[before, after])), shape=(m, n))
    return Rows(name, matrix, -np.broadcast_to(down, m).astype(float), np.broadcast_to(up, m).astype(float))


def share_rows(name: str, before: np.ndarray, after: np.ndarray, n: int, share: float) -> Rows:
    """Relative ramps: ``(1 − share) x[before] ≤ x[after] ≤ (1 + share) x[before]``, two rows a step."""
    m = len(before)
    row = np.arange(m)
    rise = sparse.csr_matrix(
        (np.r_[np.full(m, -1 - share), np.ones(m)], (np.r_[row, row], np.r_[before, after])), (m, n)
    )
    fall = sparse.csr_matrix(
        (np.r_[np.full(m, 1 - share), -np.ones(m)], (np.r_[row, row], np.r_[before, after])), (m, n)
    )
    return Rows(name, sparse.vstack([rise, fall]).tocsr(), np.full(2 * m, -np.inf), np.zeros(2 * m))


@dataclass(frozen=True)
class Region:
    """``lower ≤ x ≤ upper`` and every `rows`. lower, upper: (n,) float64 tensors, which may be infinite.

    box_name: how messages call the box.
    """

    lower: torch.Tensor
    upper: torch.Tensor
    rows: tuple[Rows, ...] = ()
    box_name: str = "box"

    @property
    def size(self) -> int:
        return len(self.lower)

    @cached_property
    def matrix(self) -> sparse.csr_matrix:
        """All rows, one below another (m, n)."""
        if not self.rows:
            return sparse.csr_matrix((0, self.size))
        return sparse.vstack([r.matrix for r in self.rows]).tocsr()

    @cached_property
    def low(self) -> np.ndarray:
        return np.concatenate([r.low for r in self.rows]) if self.rows else np.empty(0)

    @cached_property
    def high(self) -> np.ndarray:
        return np.concatenate([r.high for r in self.rows]) if self.rows else np.empty(0)

    @cached_property
    def turned(self) -> sparse.csr_matrix:
        """The transpose of all rows (n, m)."""
        return self.matrix.T.tocsr()

    @cached_property
    def structure(self) -> Structure:
        """The pattern of all rows, as the linear equations of an interior point use it."""
        return structure_of(self.matrix, self.low == self.high)

    @property
    def n_rows(self) -> int:
        return sum(len(r.low) for r in self.rows)

    def split(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Values (m,) of all rows by the constraint's name."""
        ends = np.cumsum([len(r.low) for r in self.rows])[:-1] if self.rows else []
        return dict(zip([r.name for r in self.rows], np.split(values, ends), strict=True)) if self.rows else {}

    def violations(self, x: torch.Tensor) -> dict[str, float]:
        """The largest violation of each constraint, in its own units; the box under its name."""
        outside = torch.maximum(self.lower - x, x - self.upper).clamp_min(0.0)
        found = {self.box_name: float(outside.max()) if len(x) else 0.0}
        point = x.detach().numpy()
        return found | {r.name: float(r.excess(point).max(initial=0.0)) for r in self.rows}

    def with_rows(self, *rows: Rows) -> Region:
        return Region(self.lower, self.upper, (*self.rows, *rows), self.box_name)

    def with_box(self, lower: torch.Tensor, upper: torch.Tensor) -> Region:
        return Region(lower, upper, self.rows, self.box_name)
