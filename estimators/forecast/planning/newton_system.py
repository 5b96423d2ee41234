"""The linear equations of one interior-point step: a diagonal, rows that couple few decisions, and a few long rows.

``(diag(d) + Aˢᵀ Σ Aˢ) p + Aᴸᵀ q = r`` and ``Aᴸ p − W q = t``. The short rows (ramps) are condensed into a banded
matrix, found once by the Cuthill-McKee order, and the long rows (budgets) taken out by their Schur complement; where
that does not fit, the whole quasi-definite system is factorised at once (Vanderbei 1995).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, cho_solve_banded, cholesky_banded
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import splu

SHORT = 8  # a row of up to so many decisions is short
MOST_LONG = 1500  # beyond it the dense Schur complement costs more than the sparse factorisation
WIDEST = 40  # the widest band

Solver = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Structure:
    """Which rows (m,) are short, and where their products lie in the band. order: (n,) decisions by band place.

    short, long: those rows and the others, each with its transpose.
    band_at, pair_row, pair_value: per pair of entries of a short row, the flat place, the row and the product.
    """

    is_short: np.ndarray
    order: np.ndarray
    width: int
    band_at: np.ndarray
    pair_row: np.ndarray
    pair_value: np.ndarray
    short: tuple[sparse.csr_matrix, sparse.csr_matrix]
    long: tuple[sparse.csr_matrix, sparse.csr_matrix]

    @property
    def is_banded(self) -> bool:
        return self.width <= WIDEST and int((~self.is_short).sum()) <= MOST_LONG


def structure_of(matrix: sparse.csr_matrix, is_equality: np.ndarray) -> Structure:
    """Reads the pattern of the rows once, before the first step."""
    n = matrix.shape[1]
    is_short = (np.diff(matrix.indptr) <= SHORT) & ~is_equality
    short = matrix[is_short]
    pattern = (abs(short).T @ abs(short) + sparse.eye(n, format="csr")).tocsr()
    order = np.asarray(reverse_cuthill_mckee(pattern, symmetric_mode=True))
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    rows, first, second, product = _pairs(short)
    low, high = np.minimum(place[first], place[second]), np.maximum(place[first], place[second])
    width = int((high - low).max(initial=0))
    long = matrix[~is_short]
    sides = (short, short.T.tocsr()), (long, long.T.tocsr())
    return Structure(is_short, order, width, (high - low) * n + low, rows, product, *sides)


def _pairs(rows: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Every unordered pair of entries within a row: row, column, column, product of values."""
    counts = np.diff(rows.indptr)
    parts = []
    for count in np.unique(counts[counts > 0]):
        at = np.flatnonzero(counts == count)
        where = rows.indptr[at][:, None] + np.arange(count)
        i, j = np.tril_indices(count)
        parts.append((np.repeat(at, len(i)), rows.indices[where[:, i]].ravel(), rows.indices[where[:, j]].ravel(),
                      (rows.data[where[:, i]] * rows.data[where[:, j]]).ravel()))  # fmt: skip
    if not parts:
        return (np.empty(0, dtype=np.int64),) * 3 + (np.empty(0),)
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def factorised(structure: Structure, matrix: sparse.csr_matrix, diagonal: np.ndarray, row_weight: np.ndarray) -> Solver:
    """Solves for (p, q) given (r, t). diagonal: (n,) positive.  row_weight: (m,) Σ, infinite for an equality.

    q has one entry per row; for short rows it follows from p.
    """
    with np.errstate(divide="ignore"):
        softness = 1.0 / row_weight
    if not structure.is_banded:
        return _whole(matrix, diagonal, softness)
    is_short = structure.is_short
    (short, short_turned), (long, long_turned) = structure.short, structure.long
    inner = _banded(structure, diagonal, row_weight[is_short])
    turned = inner(long_turned.toarray()) if long.shape[0] else np.zeros((matrix.shape[1], 0))
    schur = long @ turned + np.diag(softness[~is_short])
    factor = cho_factor(schur + 1e-15 * np.diag(np.diag(schur))) if len(schur) else None

    def solve(r: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weighted = row_weight[is_short] * t[is_short]
        first = inner(r + short_turned @ weighted)
        q = np.zeros(len(t))
        if factor is not None:
            q[~is_short] = cho_solve(factor, long @ first - t[~is_short])
            first = first - turned @ q[~is_short]
        q[is_short] = row_weight[is_short] * (short @ first) - weighted
        return first, q

    return solve


def _banded(structure: Structure, diagonal: np.ndarray, weight: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    n, width, order = len(diagonal), structure.width, structure.order
    if width == 0 and not len(structure.pair_row):
        return lambda v: (v.T / diagonal).T
    values = structure.pair_value * weight[structure.pair_row]
    band = np.bincount(structure.band_at, values, minlength=(width + 1) * n).reshape(width + 1, n)
    band[0] += diagonal[order]
    factor = cholesky_banded(band, lower=True, overwrite_ab=True, check_finite=False)

    def solve(v: np.ndarray) -> np.ndarray:
        answer = np.empty_like(v)
        answer[order] = cho_solve_banded((factor, True), v[order], check_finite=False)
        return answer

    return solve


def _whole(matrix: sparse.csr_matrix, diagonal: np.ndarray, softness: np.ndarray) -> Solver:
    n = len(diagonal)
    system = sparse.bmat([[sparse.diags(diagonal), matrix.T], [matrix, -sparse.diags(softness + 1e-14)]], format="csc")
    factor = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})

    def solve(r: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        answer = factor.solve(np.r_[r, t])
        return answer[:n], answer[n:]

    return solve
