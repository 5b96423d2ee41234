"""Which controls are in the regression, and their coefficients: stochastic search with the states integrated out.

For an inclusion set γ and noise variance σ², with M = X'C⁻¹X + Ω/σ² and b = X'C⁻¹y (George and McCulloch 1997),

    log p(γ | y, σ²) = ½ log|Ω_γ/σ²| − ½ log|M_γ| + ½ b_γ'M_γ⁻¹b_γ + |γ| log π + (p − |γ|) log(1 − π) + constant.

Sweeping M on γ leaves, for every control, the gain of adding or dropping it as one pivot, so that a pass over all of
them costs little more than reading a diagonal.
"""

from __future__ import annotations

import math

import numpy as np


def sweep(matrix: np.ndarray, k: int) -> None:
    """Goodnight's (1979) sweep of a symmetric `matrix` on pivot k, in place. Sweeping on k again with `unsweep`."""
    _pivot(matrix, k, 1.0)


def unsweep(matrix: np.ndarray, k: int) -> None:
    """Undoes `sweep` on k."""
    _pivot(matrix, k, -1.0)


def _pivot(matrix: np.ndarray, k: int, sign: float) -> None:
    d = matrix[k, k]
    column = matrix[:, k].copy()
    matrix -= column[:, None] * (column / d)
    column *= sign / d
    matrix[:, k] = column
    matrix[k] = column
    matrix[k, k] = -1.0 / d


class SpikeSlab:
    """The state of the search: `included` (p,) and the swept slab that goes with it.

    slab: Ω (p, p).  inclusion: prior probability π of each control.
    """

    def __init__(self, slab: np.ndarray, inclusion: float) -> None:
        self.slab, self.n_controls = slab, len(slab)
        self.always = inclusion >= 1.0
        self.log_odds = math.inf if self.always else math.log(inclusion / (1.0 - inclusion))
        self.included = np.full(self.n_controls, self.always)
        self.swept_slab = slab.copy()

    def draw(
        self, products: np.ndarray, cross: np.ndarray, noise_variance: float, generator: np.random.Generator
    ) -> tuple[np.ndarray, float]:
        """Coefficients (p,), zero where excluded, and β'Ωβ. products: X'C⁻¹X.  cross: X'C⁻¹y."""
        precision = products + self.slab / noise_variance
        if not self.always:
            self._search(precision, cross, noise_variance, generator)
        beta = np.zeros(self.n_controls)
        chosen = np.flatnonzero(self.included)
        normals = generator.standard_normal(self.n_controls)
        if not len(chosen):
            return beta, 0.0
        lower = np.linalg.cholesky(precision[np.ix_(chosen, chosen)])
        half = np.linalg.solve(lower, cross[chosen])
        beta[chosen] = np.linalg.solve(lower.T, half + normals[chosen])
        return beta, float(beta @ self.slab @ beta)

    def _search(
        self, precision: np.ndarray, cross: np.ndarray, noise_variance: float, generator: np.random.Generator
    ) -> None:
        """One pass over all controls in random order."""
        p = self.n_controls
        swept = np.empty((p + 1, p + 1))
        swept[:p, :p], swept[:p, p], swept[p, :p], swept[p, p] = precision, cross, cross, 0.0
        for k in np.flatnonzero(self.included):
            sweep(swept, k)
        order, uniforms = generator.permutation(p).tolist(), generator.random(p).tolist()
        for k in order:
            is_in = bool(self.included[k])
            d, o, r = swept.item(k, k), self.swept_slab.item(k, k), swept.item(k, p)
            if is_in:
                d, o = -1.0 / d, -1.0 / o
                gain = r * r * d
            else:
                gain = r * r / d
            log_odds = self.log_odds + 0.5 * (gain + math.log(o / (noise_variance * d)))
            wanted = uniforms[k] < 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > -700.0 else False
            if wanted != is_in:
                change = unsweep if is_in else sweep
                change(swept, k)
                change(self.swept_slab, k)
                self.included[k] = wanted

    def refresh(self) -> None:
        """Sweeps the slab anew: rounding would gather in it over thousands of changes."""
        self.swept_slab = self.slab.copy()
        for k in np.flatnonzero(self.included):
            sweep(self.swept_slab, k)
