"""The 2x2 comparisons with covariates: doubly robust, regression and weighting (Sant'Anna and Zhao 2020).

Cells that share their units, covariates and controls share one `Model`: its propensity is fitted once, and its sums are
those of all its cells. The notation is the paper's: D is membership of the cohort, e the propensity, Δ the change of
the outcome, X the covariates with an intercept; w_t = w D and w_c = w (1 - D) e / (1 - e).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from estimators.effects.group_time_blocks import Block
from estimators.effects.group_time_cells import Cell

CLIPPED_ABOVE = 1.0 - 1e-6  # as in R's DRDID
TRIMMED_ABOVE = 0.995  # controls with a larger propensity are left out, as in R's DRDID
MAX_STEPS = 50
CONVERGED = 1e-10


@dataclass
class Model:
    """Cells with the same units: cohort, controls, period of the covariates and, in unbalanced panels, the two periods.

    Sums are those of `add_moments`; `solve` turns them into att, and what `influence` needs.
    """

    cells: tuple[tuple[int, Cell], ...]
    method: str
    size: int
    pair: tuple[int, int] | None = None
    gamma: np.ndarray = field(init=False)
    has_converged: bool = field(init=False)
    sums: dict[str, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        first = self.cells[0][1]
        self.cohort, self.earlier = first.cohort, first.earlier
        self.members = np.array(first.controls)
        self.members[self.cohort] = True
        self.periods = np.array([c.period for _, c in self.cells])
        self.bases = np.array([c.base for _, c in self.cells])
        self.gamma, self.has_converged = np.zeros(self.size), self.method == "reg"
        self.n_units, self.n_trimmed, self.highest = np.zeros(2, dtype=int), 0, 0.0
        self.gradient = self.information = None
        self.sums = {}

    def rows(self, block: Block) -> np.ndarray:
        """Positions of the model's units in a block."""
        chosen = self.members[block.group]
        if self.pair is not None:
            chosen &= ~np.isnan(block.y[:, self.pair]).any(axis=1)
        return np.flatnonzero(chosen)

    def read(self, block: Block, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """X (m, p), D (m,), w (m,) and Δ (m, cells)."""
        y = block.y[rows]
        treated = (block.group[rows] == self.cohort).astype(float)
        return block.covariates(self.earlier)[rows], treated, block.weight[rows], y[:, self.periods] - y[:, self.bases]

    def propensity(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(1.0 / (1.0 + np.exp(-np.clip(x @ self.gamma, -700.0, 700.0))), CLIPPED_ABOVE)

    # --- propensity: one Newton step per pass -----------------------------------------------------------------------
    def begin(self) -> None:
        self.n_units = np.zeros(2, dtype=int)
        self.gradient, self.information = np.zeros(self.size), np.zeros((self.size, self.size))

    def add_score(self, block: Block) -> None:
        rows = self.rows(block)
        x = block.covariates(self.earlier)[rows]
        treated, w = (block.group[rows] == self.cohort).astype(float), block.weight[rows]
        e = self.propensity(x)
        self._count(treated)
        self.gradient += x.T @ (w * (treated - e))
        self.information += (x * (w * e * (1.0 - e))[:, None]).T @ x

    def step(self) -> None:
        move = np.linalg.solve(self.information, self.gradient)
        self.gamma = self.gamma + np.clip(move, -5.0, 5.0)
        self.has_converged = bool(np.max(np.abs(move)) < CONVERGED * max(1.0, np.max(np.abs(self.gamma))))

    # --- moments, all in one pass -----------------------------------------------------------------------------------
    def add_moments(self, block: Block) -> None:
        x, d, w, change = self.read(block, self.rows(block))
        w_treated, w_control, control = self._weights(x, d, w)
        e = self.propensity(x)
        self._count(d)
        if len(e) and self.method != "reg":
            self.n_trimmed += int(((e >= TRIMMED_ABOVE) & (d == 0)).sum())
            self.highest = max(self.highest, float(e.max()))
        found = {
            "information": (x * (w * e * (1.0 - e))[:, None]).T @ x,
            "gram": (x * control[:, None]).T @ x,
            "cross": (x * control[:, None]).T @ change,
            "treated_x": w_treated @ x,
            "treated_change": w_treated @ change,
            "control_gram": (x * w_control[:, None]).T @ x,
            "control_cross": (x * w_control[:, None]).T @ change,
        }
        for name, value in found.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def solve(self) -> np.ndarray:
        """ATT of every cell of the model. X carries an intercept, so that sums over units are first elements."""
        s = self.sums
        uses_outcomes, uses_weights = self.method != "ipw", self.method != "reg"
        k = len(self.cells)
        self.beta = np.linalg.solve(s["gram"], s["cross"]) if uses_outcomes else np.zeros((self.size, k))
        self.n_treated, self.eta_control = s["treated_x"][0], np.zeros(k)
        self.eta_treated = (s["treated_change"] - s["treated_x"] @ self.beta) / self.n_treated
        self.outcome_line, self.score_line = np.zeros((self.size, k)), np.zeros((self.size, k))
        if uses_outcomes:
            self.outcome_line -= np.linalg.solve(s["gram"], s["treated_x"])[:, None] / self.n_treated
        if uses_weights:
            left = s["control_cross"] - s["control_gram"] @ self.beta
            control_x = s["control_gram"][0]
            self.n_control = control_x[0]
            self.eta_control = left[0] / self.n_control
            moved = left - np.outer(control_x, self.eta_control)
            self.score_line = np.linalg.solve(s["information"], moved) / self.n_control
            if uses_outcomes:
                self.outcome_line += np.linalg.solve(s["gram"], control_x)[:, None] / self.n_control
        return self.eta_treated - self.eta_control

    def influence(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the model's units in a block, and their parts in the cells' errors (m, cells)."""
        rows = self.rows(block)
        x, d, w, change = self.read(block, rows)
        w_treated, w_control, control = self._weights(x, d, w)
        left = change - x @ self.beta if self.method != "ipw" else change
        parts = (w_treated / self.n_treated)[:, None] * (left - self.eta_treated)
        if self.method != "ipw":
            parts += control[:, None] * left * (x @ self.outcome_line)
        if self.method != "reg":
            parts -= (w_control / self.n_control)[:, None] * (left - self.eta_control)
            parts -= (w * (d - self.propensity(x)))[:, None] * (x @ self.score_line)
        return rows, parts

    def _count(self, d: np.ndarray) -> None:
        self.n_units += (int(d.sum()), int(len(d) - d.sum()))

    def _weights(self, x: np.ndarray, d: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """w_t, w_c (0 for regression), and the weight of the controls in the outcome regression."""
        control = w * (1.0 - d)
        if self.method == "reg":
            return w * d, np.zeros(len(w)), control
        e = self.propensity(x)
        return w * d, np.where(e < TRIMMED_ABOVE, control * e / (1.0 - e), 0.0), control


def models_of(cells: Sequence[Cell], method: str, size: int, varying: bool, is_balanced: bool) -> list[Model]:
    """Cells grouped into models, in the order of the cells."""
    groups: dict[tuple[object, ...], list[tuple[int, Cell]]] = {}
    for at, cell in enumerate(cells):
        if cell.is_reference:
            continue
        pair = None if is_balanced else (cell.earlier, max(cell.period, cell.base))
        key = (cell.cohort, cell.controls, cell.earlier if varying else 0, pair)
        groups.setdefault(key, []).append((at, cell))
    return [Model(tuple(found), method, size, key[3]) for key, found in groups.items()]
