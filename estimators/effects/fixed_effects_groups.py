"""One pass over a panel, grouped by the effect that is absorbed: everything that the other effect and the fit need.

The rows become sums per group in the warehouse; the groups stream by as blocks that are folded with BLAS. With one unit
as the group, x_it less the period's shift d_t and w_it as its weight, a group gives Σw, Σwx and Σwxx', and so the
products around its own mean, Σwxx' - ΣwxΣwx'/Σw: those of the columns without unit effects.

Which periods a unit has comes as bits of one integer (or its weight in each, as columns), because the effects of the
other dimension solve A d = r with A = diag(w_t) - Σ_i w_i w_i'/w_i., where w_i (m,) holds the unit's weights by period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from estimators.effects.panel_rows import Levels, PanelRows
from estimators.warehouse import Relation

WORD = 62  # bits of one integer that are used
MAX_LEVELS = 16 * WORD  # of the effect that is solved for; more of both effects are demeaned in memory
MAX_PIVOT = WORD
GROUP_ROWS = 30_000
BLOCK_VALUES = 4_000_000  # of groups by levels, held at a time

Presence = Literal["none", "bits", "weights"]


@dataclass(frozen=True)
class Grouping:
    """Rows by `group` (a column, or None: all rows are one group), less `shift`: (m, c) by `levels`, or (c,)."""

    panel: PanelRows
    group: str | None
    levels: Levels | None
    shift: np.ndarray

    @property
    def n_words(self) -> int:
        return 0 if self.levels is None else -(-len(self.levels.keys) // WORD)

    def rows(self) -> Relation:
        """With columns causal_c* = x less the shift; with levels also causal_code (position) and causal_bit*."""
        rows, levels = self.panel.rows, self.levels
        if levels is None:
            shifts = [rows.number(s) for s in self.shift]
        else:
            m = len(levels.keys)
            table = {levels.column: list(levels.keys), "causal_code": list(range(m))}
            table |= {f"causal_d{j}": list(self.shift[:, j]) for j in range(self.panel.size)}
            for word in range(self.n_words):
                table[f"causal_bit{word}"] = [1 << (k % WORD) if k // WORD == word else 0 for k in range(m)]
            rows, shifts = rows.lookup([levels.column], table), [f"causal_d{j}" for j in range(self.panel.size)]
        return rows.with_columns({f"causal_c{j}": f"causal_x{j} - {s}" for j, s in enumerate(shifts)})

    def residual_rows(self, drop_singletons: bool = False) -> Relation:
        """Rows with causal_r*: the columns without any of the effects (weighted means by group taken off)."""
        rows, size = self.rows(), self.panel.size
        if self.group is None:
            return rows.with_columns({f"causal_r{j}": f"causal_c{j}" for j in range(size)})
        total = "sum(causal_w)" if self.panel.is_weighted else "count(*)"
        means = {f"causal_m{j}": f"sum({self.panel.weigh(f'causal_c{j}')}) / {total}" for j in range(size)}
        means["causal_n"] = "count(*)"
        joined = rows.joined(rows.grouped(means, {self.group: self.group}), [self.group])
        joined = joined.filter("causal_n > 1") if drop_singletons else joined
        return joined.with_columns({f"causal_r{j}": f"causal_c{j} - causal_m{j}" for j in range(size)})

    def sums(self, with_products: bool, presence: Presence) -> GroupSums:
        """The pass itself. with_products: of all pairs of columns, not only squares."""
        expressions = self._expressions(with_products, presence)
        rows = self.rows().grouped(expressions, {"causal_group": self.group or "0"})
        found = GroupSums(self, with_products, presence)
        n_rows = min(GROUP_ROWS, BLOCK_VALUES // max(found.single_levels.size, 1))
        for block in rows.batches({name: name for name in expressions}, n_rows=n_rows):
            found.add(block)
        if "n" not in expressions:  # rows of groups were counted by their levels
            found.n_duplicated = self.panel.n_rows - found.n_rows
        return found

    def _expressions(self, with_products: bool, presence: Presence) -> dict[str, str]:
        weigh, size = self.panel.weigh, self.panel.size
        is_plain = presence == "bits" and not self.panel.is_weighted  # bits and sums tell all that is counted
        sums = {} if is_plain else {"n": "count(*)"}
        if not (is_plain and self.panel.is_binary) and (presence != "none" or self.levels is None):
            sums |= {"n_on": "count(case when causal_x0 <> 0 then 1 end)"}
        if self.panel.is_weighted:
            sums |= {"w": "sum(causal_w)", "w_min": "min(causal_w)", "w_max": "max(causal_w)"}
        sums |= {f"s{j}": f"sum({weigh(f'causal_c{j}')})" for j in range(size)}
        pairs = all_pairs(size) if with_products else [(j, j) for j in range(size)]
        sums |= {f"p{i}_{j}": f"sum({weigh(f'causal_c{i} * causal_c{j}')})" for i, j in pairs}
        if presence != "none":
            sums |= {f"b{word}": f"bit_or(causal_bit{word})" for word in range(self.n_words)}
        if presence == "weights":
            m = len(self.levels.keys)
            sums |= {f"l{k}": f"sum(case when causal_code = {k} then causal_w else 0e0 end)" for k in range(m)}
        return sums


def all_pairs(size: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(size) for j in range(i, size)]


@dataclass
class GroupSums:
    """What the groups add up to; `add` folds one block of them.

    n_groups, n_rows, n_single, n_duplicated: groups, rows, groups of one row, rows that repeat a (group, level).
    n_full: groups with a row at every level.  n_on, n_always: groups of several rows with the first treatment on in
    some of them, or in all; n_on_single: the same of groups of one row.  times_on: the numbers of rows with it on.
    squares (c,): Σ w c².  products (c, c): Σ w c c' around group means.  moments: Σ over groups of the outer product of
    their own products, for the pairs that scores need (both are 0 without products).  weights_vary: within some group.
    single_levels (m,): rows of groups of one row, by level.
    weight_products (m, m), weighted_means (m, c): Σ w_i w_i'/w_i. and Σ w_i x̄_i'.
    """

    grouping: Grouping
    with_products: bool
    presence: Presence
    n_groups: int = 0
    n_rows: int = 0
    n_single: int = 0
    n_duplicated: int = 0
    n_full: int = 0
    n_on: int = 0
    n_always: int = 0
    n_on_single: int = 0
    weights_vary: bool = False
    times_on: set[int] = field(default_factory=set)
    squares: np.ndarray = field(init=False)
    products: np.ndarray = field(init=False)
    moments: np.ndarray = field(init=False)
    single_levels: np.ndarray = field(init=False)
    weight_products: np.ndarray = field(init=False)
    weighted_means: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        size = self.grouping.panel.size
        m = 0 if self.grouping.levels is None else len(self.grouping.levels.keys)
        self.squares, self.products = np.zeros(size), np.zeros((size, size))
        self.single_levels, self.weight_products = np.zeros(m), np.zeros((m, m))
        self.weighted_means = np.zeros((m, size))
        self._pairs = all_pairs(size)
        self._scored = [k for k, (i, _) in enumerate(self._pairs) if i < self.grouping.panel.p]
        self.moments = np.zeros((len(self._scored),) * 2)

    def add(self, block: Mapping[str, np.ndarray]) -> None:
        size, places = self.grouping.panel.size, self._places(block)
        n = block["n"] if places is None or "n" in block else places.distinct
        weight = np.asarray(block.get("w", n), dtype=float)
        sums = np.column_stack([block[f"s{j}"] for j in range(size)])
        self.n_groups += len(n)
        self.n_rows += int(n.sum())
        self.n_single += int((n == 1).sum())
        if self.with_products:
            self._multiply(block, sums, weight, n)
        else:
            self.squares += [block[f"p{j}_{j}"].sum() for j in range(size)]
        if "n_on" in block:
            self._count(n, block["n_on"])
        elif places is not None:  # a 0/1 treatment's sum, and what was taken off it
            on = np.rint(sums[:, 0] + places.total(self.grouping.shift[:, 0])).astype(np.int64)
            self._count(n, np.maximum(on, 0))  # below 0 only where rows repeat a level, which is refused
        if "w_min" in block:
            self.weights_vary |= bool((block["w_min"] != block["w_max"]).any())
        if places is not None:
            self._place(block, sums, weight, n, places)

    def _places(self, block: Mapping[str, np.ndarray]) -> _Places | None:
        if self.presence == "none":
            return None
        words = np.column_stack([block[f"b{k}"].astype(np.int64) for k in range(self.grouping.n_words)])
        return _Places(words, len(self.single_levels))

    def _count(self, n: np.ndarray, on: np.ndarray) -> None:
        single = n == 1
        self.n_on += int(((on > 0) & ~single).sum())
        self.n_always += int(((on == n) & ~single).sum())
        self.n_on_single += int(((on > 0) & single).sum())
        numbers = np.unique(on) if on.max() > len(on) else np.flatnonzero(np.bincount(on))
        self.times_on |= set(numbers[numbers > 0].tolist())

    def _multiply(self, block: Mapping[str, np.ndarray], sums: np.ndarray, weight: np.ndarray, n: np.ndarray) -> None:
        columns = []
        for i, j in self._pairs:
            raw = block[f"p{i}_{j}"]
            if i == j:
                self.squares[i] += raw.sum()
            columns.append(raw - sums[:, i] * sums[:, j] / weight)
        centred = np.column_stack(columns)
        centred[n == 1] = 0.0
        for (i, j), total in zip(self._pairs, centred.sum(axis=0), strict=True):
            self.products[i, j] += total
            self.products[j, i] = self.products[i, j]
        scored = centred[:, self._scored]
        self.moments += scored.T @ scored

    def _place(
        self, block: Mapping[str, np.ndarray], sums: np.ndarray, weight: np.ndarray, n: np.ndarray, places: _Places
    ) -> None:
        self.n_duplicated += int((n - places.distinct).sum())
        self.n_full += int((places.distinct == places.m).sum())
        if self.presence == "bits" and places.are_full and "w" not in block:  # of a balanced panel nothing is asked
            self.weight_products += len(n) / places.m
            self.weighted_means += (sums / weight[:, None]).sum(axis=0)
            return
        self.single_levels += places.matrix[n == 1].sum(axis=0)
        by_level = places.matrix
        if self.presence == "weights":
            by_level = np.column_stack([block[f"l{k}"] for k in range(places.m)])
        elif "w" in block:
            by_level = by_level * block["w_min"][:, None]
        shares = by_level / weight[:, None]
        self.weight_products += by_level.T @ shares
        self.weighted_means += shares.T @ sums

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ over groups of s s', (pk, pk), with s = Σ w x̃ẽ of outcome after outcome. coefficients: (p, k)."""
        p, k = coefficients.shape
        at = {pair: position for position, pair in enumerate(self._pairs[n] for n in self._scored)}
        lines = np.zeros((p * k, len(self._scored)))
        for outcome in range(k):
            for j in range(p):
                line = lines[outcome * p + j]
                line[at[j, p + outcome]] += 1.0
                for i in range(p):
                    line[at[min(i, j), max(i, j)]] -= coefficients[i, outcome]
        return lines @ self.moments @ lines.T


@dataclass(frozen=True)
class _Places:
    """The levels, of m, that each group of a block has: bit k % 62 of word k // 62. words: (b, n_words)."""

    words: np.ndarray
    m: int

    @cached_property
    def distinct(self) -> np.ndarray:
        """How many they are (b,)."""
        return np.bitwise_count(self.words).sum(axis=1, dtype=np.int64)

    @cached_property
    def are_full(self) -> bool:
        return bool((self.distinct == self.m).all())

    @cached_property
    def matrix(self) -> np.ndarray:
        """0/1 (b, m)."""
        bits = np.unpackbits(np.ascontiguousarray(self.words).view(np.uint8), axis=1, bitorder="little")
        k = np.arange(self.m)
        return bits[:, 64 * (k // WORD) + k % WORD].astype(float)

    def total(self, values: np.ndarray) -> np.ndarray | float:
        """Sum over the levels of each group (b,), or one for all of them. values: (m,)."""
        return float(values.sum()) if self.are_full else self.matrix @ values
