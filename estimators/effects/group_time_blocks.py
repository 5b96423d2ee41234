"""One row per unit in blocks of arrays: for covariates, gaps in the panel and the multiplier bootstrap.

A block is bounded whatever the number of units. Panels that fit are kept after the first pass; larger ones are read
from the warehouse again in every pass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from estimators.effects.group_time_panel import Panel

_KEPT_BYTES = 2**28
_BLOCK_ROWS = 30_000
_BLOCK_NUMBERS = 8_000_000  # of all cells' influence values in one block


@dataclass(frozen=True)
class Block:
    """y: (n, T) outcomes, NaN where a unit has no row.  group: (n,) position of the cohort, the never treated last.

    weight: (n,).  x: (n, p) with the intercept, or (n, T, p) if a covariate changes over time.
    cluster: (n,) codes that hold across blocks, or None.  keys: (n,) 64 bits that identify unit or cluster, or None.
    """

    y: np.ndarray
    group: np.ndarray
    weight: np.ndarray
    x: np.ndarray
    cluster: np.ndarray | None
    keys: np.ndarray | None

    def covariates(self, period: int) -> np.ndarray:
        """(n, p) as they stood in a period."""
        return self.x if self.x.ndim == 2 else self.x[:, period]


class Blocks:
    """Passes over the units of a panel. `seed` asks for keys of the multiplier bootstrap."""

    def __init__(self, panel: Panel, outcome: str, before_treatment: bool, seed: str | None, n_cells: int) -> None:
        self.panel = panel
        self._n_rows = max(500, min(_BLOCK_ROWS, _BLOCK_NUMBERS // max(n_cells, 1)))
        self._outcome, self._before_treatment = outcome, before_treatment
        self._units = panel.wide(outcome, before_treatment)
        self._columns = self._expressions(seed)
        self._clusters: dict[object, int] = {}
        self._kept: list[Block] | None = None

    @property
    def n_clusters(self) -> int | None:
        return len(self._clusters) if self.panel.spec.cluster is not None else None

    def __iter__(self) -> Iterator[Block]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Block] = []
        n_bytes = 8 * len(self._columns) * int(self.panel.n_units.sum())
        for values in self._read():
            block = self._block(values)
            if n_bytes <= _KEPT_BYTES:
                kept.append(block)
            yield block
        self._kept = kept if n_bytes <= _KEPT_BYTES else None

    def _read(self) -> Iterator[dict[str, np.ndarray]]:
        """Small panels by their rows, unless the bootstrap's keys are wanted; else as the warehouse pivots them."""
        if "low" not in self._columns:
            units = self.panel.small(self._outcome, self._before_treatment)
            if units is not None:
                for start in range(0, len(units["causal_g"]), self._n_rows):
                    yield {n: units[c][start : start + self._n_rows] for n, c in self._columns.items()}
                return
        yield from self._units.batches(self._columns, n_rows=self._n_rows)

    def _expressions(self, seed: str | None) -> dict[str, str]:
        units, panel = self._units, self.panel
        periods = range(len(panel.periods))
        columns = {"g": "causal_g", "w": "causal_w", **{f"y{k}": f"y{k}" for k in periods}}
        for i in range(1, panel.terms.size):
            names = [f"x{i}_{k}" for k in periods] if f"causal_z{i}" in panel.varying else [f"x{i}"]
            columns |= {name: name for name in names}
        if panel.spec.cluster is not None:
            columns["c"] = "causal_c"
        if seed is not None:
            who = "causal_c" if panel.spec.cluster is not None else "causal_unit"
            for part in ("low", "high"):
                salt = units.text("|" + hashlib.sha256(f"{seed}|multiplier bootstrap|{part}".encode()).hexdigest())
                columns[part] = units.bucket(f"(cast({who} as string) || {salt})")
        return columns

    def _block(self, values: dict[str, np.ndarray]) -> Block:
        panel = self.panel
        group = np.asarray(values["g"], dtype=float)
        codes = np.where(np.isnan(group), len(panel.cohorts), np.searchsorted(panel.cohorts, group))
        y = np.stack([np.asarray(values[f"y{k}"], dtype=float) for k in range(len(panel.periods))], axis=1)
        keys = None
        if "low" in values:
            keys = values["low"].astype(np.uint64) | (values["high"].astype(np.uint64) << np.uint64(32))
        cluster = self._codes(values["c"]) if "c" in values else None
        return Block(y, codes, np.asarray(values["w"], dtype=float), self._design(values), cluster, keys)

    def _design(self, values: dict[str, np.ndarray]) -> np.ndarray:
        panel, n = self.panel, len(values["w"])
        if not panel.varying:
            columns = [np.asarray(values[f"x{i}"], dtype=float) for i in range(1, panel.terms.size)]
            return np.stack([np.ones(n), *columns], axis=1)
        out = np.ones((n, len(panel.periods), panel.terms.size))
        for i in range(1, panel.terms.size):
            for k in range(len(panel.periods)):
                out[:, k, i] = values[f"x{i}_{k}" if f"causal_z{i}" in panel.varying else f"x{i}"]
        return out

    def _codes(self, names: np.ndarray) -> np.ndarray:
        known = self._clusters
        found, inverse = np.unique(names, return_inverse=True)
        return np.array([known.setdefault(name, len(known)) for name in found.tolist()])[inverse]


def signs(keys: np.ndarray, n_draws: int) -> np.ndarray:
    """Rademacher multipliers (n, n_draws) that depend on each key alone: bits of SplitMix64 (Steele et al. 2014)."""
    words = -(-n_draws // 64)
    steps = np.arange(1, words + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = keys[:, None] + steps[None, :]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    bits = np.unpackbits(z.view(np.uint8), axis=1)[:, :n_draws]
    return 2.0 * bits - 1.0
