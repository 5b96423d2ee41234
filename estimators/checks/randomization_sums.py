"""Sums over the treated of very many assignments, as products of assignment matrices with a few columns per element.

The columns are rounded to multiples of a power of two small enough that every sum of them is a double without rounding
(n · 2⁻⁵³ of the largest value): sums then depend neither on the order of the rows nor on blocks or threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from estimators.checks.randomization_elements import BLOCK, Elements
from estimators.checks.randomization_law import Drawn, Law, drawn, enumerated
from estimators.checks.randomization_statistic import ArmSums, Assignments, assignments
from estimators.draws import generator

_COLUMNS = 2_048  # elements multiplied at a time
_AT_ONCE = 64  # enumerated assignments
_BITS = 52
_THREADS = 8


def evaluated(
    elements: Elements, n_draws: int, seed: str, studentised: bool
) -> tuple[Assignments, Assignments, np.ndarray]:
    """The observed assignment, the others, and the probabilities of these: all of them if there are few, else draws."""
    law = elements.law
    blocks, chances = assigned_blocks(law, n_draws, seed)
    columns = Columns(elements)
    sums = _summed(columns, blocks, len(chances))
    arms = columns.arms(sums)
    mean = np.zeros(elements.n_terms)
    mean[0] = 1.0
    if not elements.is_weighted and len(law.sizes) == 1:
        totals = arms[0].first[-1, 0, : elements.n_terms] + arms[1].first[-1, 0, : elements.n_terms]
        mean = totals / totals[0]
    found = assignments(arms, mean, studentised)
    return found.only(slice(-1, None)), found.only(slice(0, -1)), chances


def assigned_blocks(law: Law, n_draws: int, seed: str) -> tuple[Drawn, np.ndarray]:
    """Assignments block by block, and the probability of each."""
    if not law.is_small:
        blocks = drawn(law, n_draws, BLOCK, lambda i, r: generator(seed, f"randomization inference|{i}|{r}"))
        return blocks, np.full(n_draws, 1.0 / n_draws)
    matrix, chances = enumerated(law)
    return _cut(matrix), chances


def _cut(matrix: np.ndarray) -> Drawn:
    for start in range(0, matrix.shape[1], BLOCK):
        block = matrix[:, start : start + BLOCK]
        yield [(r, partial(block.__getitem__, slice(r, r + _AT_ONCE))) for r in range(0, len(matrix), _AT_ONCE)]


class Columns:
    """Which columns are summed, in which units, and how sums become those of the two arms.

    Without weights both arms sum the same columns; with them each arm has its own. Of units the products of two values
    serve as `first` and as `spread`, of clusters the products of sums are not the sums of products.
    """

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        self.width = elements.n_terms + 2
        self.spread_pairs = [(i, j) for i in range(self.width) for j in range(i, self.width)]
        self.first_pairs = elements.first_pairs()
        self.has_first = elements.is_clustered or elements.is_weighted
        self.arms_apart = (0, 1) if elements.is_weighted else (1,)
        self.units = self._units()

    def _units(self) -> np.ndarray:
        """The power of two of each column."""
        rows, law = self.elements.rows, self.elements.law
        names = [f"causal_v{j}" for j in range(self.width)]
        names += [f"causal_a{i}_{j}" for i, j in self.first_pairs] if self.elements.is_clustered else []
        found = rows.aggregate({c: f"max(abs({c}))" for c in names})
        largest = np.array([float(found[c][0]) for c in names])
        values, summed = largest[: self.width], largest[self.width :]
        first = summed if self.elements.is_clustered else np.array([values[i] * values[j] for i, j in self.first_pairs])
        spread = np.array([values[i] * values[j] for i, j in self.spread_pairs])
        bounds = []
        for arm in self.arms_apart:
            omega, kappa = self.elements.weights(arm) if self.elements.is_weighted else (np.ones(1), np.ones(1))
            bounds += [first * omega.max()] if self.has_first else []
            bounds.append(spread * (omega**2 * kappa).max())
        bound = np.concatenate(bounds) * law.n
        return np.exp2(np.ceil(np.log2(np.where(bound > 0.0, bound, 1.0))) - _BITS)

    def of(self, block: dict[str, np.ndarray], start: int) -> np.ndarray:
        """The columns of a block that begins at element `start`, in whole units (columns × block)."""
        values = [block[f"causal_v{j}"] for j in range(self.width)]
        spread = np.array([values[i] * values[j] for i, j in self.spread_pairs])
        parts = [spread]
        if self.has_first:
            own = self.elements.is_clustered
            first = [block[f"causal_a{i}_{j}"] if own else values[i] * values[j] for i, j in self.first_pairs]
            parts = [np.array(first), spread]
        if self.elements.is_weighted:
            parts = [p for arm in self.arms_apart for p in self._weighted(parts, arm, start)]
        found = np.concatenate(parts) if len(parts) > 1 else spread
        found /= self.units[:, None]
        return np.rint(found, out=found)

    def _weighted(self, parts: list[np.ndarray], arm: int, start: int) -> Iterator[np.ndarray]:
        law = self.elements.law
        at = np.searchsorted(np.cumsum(law.sizes), start + np.arange(parts[0].shape[1]), side="right")
        omega, kappa = (w[at] for w in self.elements.weights(arm))
        yield parts[0] * omega
        yield parts[1] * (omega**2 * kappa)

    def arms(self, sums: np.ndarray) -> tuple[ArmSums, ArmSums]:
        """sums: of the treated by assignment, then of the observed treated, then of all elements, in whole units."""
        sums = sums * self.units
        treated, everybody = sums[:-1], sums[-1]
        half = sums.shape[1] // len(self.arms_apart)
        law, n = self.elements.law, self.elements.law.n
        n_treated = np.full(len(treated), float(law.treated.sum()))
        if law.share is not None:  # z₀² of units is 1
            n_treated = treated[:, 0].copy()
        control = everybody[:half] - treated[:, :half]
        return self._arm(control, n - n_treated), self._arm(treated[:, -half:], n_treated)

    def _arm(self, sums: np.ndarray, n: np.ndarray) -> ArmSums:
        k = self.elements.n_terms
        spread = _symmetric(sums[:, -len(self.spread_pairs) :], self.spread_pairs, self.width)
        if not self.has_first:
            return ArmSums(n, spread[:, :k], self._inflated(spread))
        first = _symmetric(sums[:, : len(self.first_pairs)], self.first_pairs, self.width)
        return ArmSums(n, first[:, :k], self._inflated(spread))

    def _inflated(self, spread: np.ndarray) -> np.ndarray:
        """Strata that are all alike need no weights, but had their own means taken off all the same."""
        return spread if self.elements.is_weighted else spread * self.elements.weights(1)[1][0]


def _symmetric(sums: np.ndarray, pairs: list[tuple[int, int]], width: int) -> np.ndarray:
    out = np.zeros((len(sums), width, width))
    for column, (i, j) in enumerate(pairs):
        out[:, i, j] = out[:, j, i] = sums[:, column]
    return out


def _summed(columns: Columns, blocks: Drawn, n_assignments: int) -> np.ndarray:
    """Sums over the treated of every assignment, of the observed one, and over all (assignments + 2 × columns)."""
    from threadpoolctl import threadpool_limits

    out = np.zeros((n_assignments + 2, len(columns.units)))
    start = 0
    with threadpool_limits(1), ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS)) as pool:
        for block, draws in zip(columns.elements.blocks(), blocks, strict=True):
            values = columns.of(block, start)
            out[-2] += values @ np.asarray(block["causal_t"], dtype=float)
            out[-1] += values.sum(axis=1)
            for (first, _), sums in zip(draws, pool.map(partial(_product, values), draws), strict=True):
                out[first : first + len(sums)] += sums
            start += values.shape[1]
    return out


def _product(values: np.ndarray, draw: tuple[int, Callable[[], np.ndarray]]) -> np.ndarray:
    """values: (columns × B).  draw: assignments to be made (R × B). Returns the sums (R × columns)."""
    members = draw[1]()
    out = np.zeros((len(members), len(values)))
    for start in range(0, members.shape[1], _COLUMNS):
        chosen = slice(start, start + _COLUMNS)
        out += members[:, chosen].astype(float) @ values[:, chosen].T
    return out
