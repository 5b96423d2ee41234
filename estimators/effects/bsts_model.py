"""The structural time series as one Gaussian vector with a banded covariance: no Kalman loop.

With level α, season s and noise ε (Brodersen et al. 2015, equations 2.1–2.4),

    y_t = α_t + s_t + x_t'β + ε_t,   α_{t+1} = α_t + η_t,   s_b = −Σ_{j<S} s_{b−j} + ω_b   (b: the season's block of t),

differencing at lag ℓ = S·d (d periods per season; ℓ = 1 without a season) leaves moving averages. Let D be the unit
lower triangular matrix that keeps the first ℓ rows and subtracts row t − ℓ from each later row t. Then D(y − Xβ) = A z
with z the independent shocks (start of the level and its steps, start of the season and its steps, noise), A sparse,
and C = Var(A z) = σ_ε² C_ε + σ_η² C_η + σ_ω² C_ω + C₀ has bandwidth ℓ. Likelihood, regression on the controls with the
states integrated out, one-step-ahead errors (the Cholesky factor's, as D is unit triangular) and draws of the states
all come from one banded factorisation. A missing y is an observation of variance 1e6 in units of sd(y)².
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

_MISSING_VARIANCE = 1e6  # in units of var(y): such an observation weighs nothing, and the numbers stay well scaled


@dataclass(frozen=True)
class Structure:
    """What decides the shocks: n_periods, season (periods per cycle, 1 = none), duration, is_missing (n,) of y.

    start_variance: of the level's and the season's first states, in units of var(y), as in R's bsts (1).
    """

    n_periods: int
    season: int = 1
    duration: int = 1
    is_missing: np.ndarray | None = None
    start_variance: float = 1.0

    @property
    def has_season(self) -> bool:
        return self.season > 1

    @property
    def lag(self) -> int:
        return self.season * self.duration if self.has_season else 1

    @property
    def n_blocks(self) -> int:
        """Blocks of the season that have begun by the last period."""
        return (self.n_periods - 1) // self.duration + 1

    @property
    def n_starts(self) -> int:
        """States of the season that are drawn freely: the first block's and those of S − 2 blocks before it."""
        return self.season - 1

    @property
    def n_steps(self) -> int:
        """Random steps of the season: one per block after the first."""
        return self.n_blocks - 1 if self.has_season else 0


class Shocks:
    """The map A from independent shocks to D(y − Xβ), and their variances.

    z: [level (n: its start, then its steps), the season's starts, oldest first, its steps, noise (n)].
    """

    def __init__(self, structure: Structure) -> None:
        from scipy import sparse

        self.structure = structure
        n = structure.n_periods
        parts = [_level(structure), *_season(structure), _noise(structure)]
        self.matrix = sparse.hstack([sparse.csr_matrix(p) for p in parts]).tocsr()
        self.transposed = self.matrix.T.tocsr()
        self.sizes = [p.shape[1] for p in parts]
        self.start = np.zeros(self.matrix.shape[1], dtype=bool)
        self.start[0] = True
        self.start[n : n + structure.n_starts] = True

    @property
    def noise(self) -> slice:
        return slice(self.matrix.shape[1] - self.structure.n_periods, None)

    @property
    def season_steps(self) -> slice:
        first = self.structure.n_periods + self.structure.n_starts
        return slice(first, first + self.structure.n_steps)

    def variances(self, sigma: np.ndarray) -> np.ndarray:
        """Of every shock. sigma: sd of noise, level and, with a season, season."""
        found = np.empty(self.matrix.shape[1])
        found[: self.structure.n_periods] = sigma[1] ** 2
        if self.structure.has_season:
            found[self.season_steps] = sigma[2] ** 2
        found[self.noise] = sigma[0] ** 2
        found[self.start] = self.structure.start_variance
        if self.structure.is_missing is not None:
            found[self.noise][self.structure.is_missing] = _MISSING_VARIANCE
        return found

    def level_at_end(self, z: np.ndarray) -> float:
        return float(z[: self.structure.n_periods].sum())

    def season_at_end(self, z: np.ndarray) -> np.ndarray:
        """The last S − 1 blocks' season, oldest first: unrolled from its shocks."""
        return self._unrolled @ z[self.structure.n_periods : self.season_steps.stop]

    @cached_property
    def _unrolled(self) -> np.ndarray:
        """(S − 1, starts + steps): how the last states follow from the season's shocks."""
        return _blocks(self.structure, self.structure.n_blocks)[-self.structure.n_starts :]


def differenced(values: np.ndarray, lag: int) -> np.ndarray:
    """D applied to the rows of `values`."""
    found = np.array(values, dtype=float, order="F")
    found[lag:] -= values[:-lag]
    return found


def _level(structure: Structure) -> Any:
    from scipy import sparse

    n, lag = structure.n_periods, structure.lag
    return sparse.diags([np.ones(n - k) for k in range(min(lag, n))], [-k for k in range(min(lag, n))], shape=(n, n))


def _noise(structure: Structure) -> Any:
    from scipy import sparse

    n, lag = structure.n_periods, structure.lag
    return sparse.diags([np.ones(n), -np.ones(max(n - lag, 0))], [0, -lag], shape=(n, n))


def _blocks(structure: Structure, n_blocks: int) -> np.ndarray:
    """(S − 2 + n_blocks, starts + steps): the season of each block, those before the first one included."""
    free, width = structure.n_starts, structure.n_starts + structure.n_steps
    states = np.zeros((free - 1 + n_blocks, width))
    for i in range(len(states)):
        states[i, i] = 1.0
        if i >= free:
            states[i] -= states[i - free : i].sum(axis=0)
    return states


def _season(structure: Structure) -> list[Any]:
    """The season's starts and steps, as two matrices; none without a season.

    In the first cycle as they unroll; later s_b − s_{b−S} = ω_b − ω_{b−1}.
    """
    from scipy import sparse

    if not structure.has_season:
        return []
    n, free = structure.n_periods, structure.n_starts
    found = sparse.lil_matrix((n, free + structure.n_steps))
    first = _blocks(structure, min(structure.season, structure.n_blocks))[free - 1 :]
    for t in range(n):
        block = t // structure.duration
        if block < structure.season:
            found[t, :] = first[block]
        else:
            found[t, free + block - 1], found[t, free + block - 2] = 1.0, -1.0
    return [found[:, :free], found[:, free:]]


class Covariance:
    """C as a weighted sum of fixed bands; `factor` of it for given sigma."""

    def __init__(self, shocks: Shocks) -> None:
        n = shocks.structure.n_periods
        self.n, self.width = n, min(shocks.structure.lag, n - 1)
        groups = [np.flatnonzero(g) for g in self._groups(shocks)]
        fixed = shocks.variances(np.zeros(3))
        bands = [self._bands(shocks, g, np.ones(len(g))) for g in groups]
        rest = np.flatnonzero(fixed > 0)
        self.bands = np.array([b.ravel(order="F") for b in bands])
        self.constant = self._bands(shocks, rest, fixed[rest]).ravel(order="F")

    @staticmethod
    def _groups(shocks: Shocks) -> list[np.ndarray]:
        """Which shocks have the variance of noise, level and season."""
        probes = np.eye(3)[: 3 if shocks.structure.has_season else 2]
        without = shocks.variances(np.zeros(3))
        return [shocks.variances(p) != without for p in probes]

    def _bands(self, shocks: Shocks, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
        part = shocks.matrix[:, columns]
        product = (part.multiply(weights) @ part.T).todia() if len(columns) else None
        found = np.zeros((self.width + 1, self.n))
        for k in range(self.width + 1):
            if product is not None:
                found[k, : self.n - k] = product.diagonal(-k)
        return found

    def factor(self, sigma: np.ndarray) -> Factor | None:
        """None where sigma is so small that C is not positive in doubles."""
        values = (sigma * sigma) @ self.bands + self.constant
        return factorised(values.reshape(self.width + 1, self.n, order="F"))


@dataclass(frozen=True)
class Factor:
    """A factorised C. log_determinant: of C.  parts: (d, e) of L diag(d) L' if tridiagonal, else the Cholesky band."""

    log_determinant: float
    parts: tuple[np.ndarray, ...]

    def solve(self, right: np.ndarray) -> np.ndarray:
        """C⁻¹ times the columns of `right` (n,) or (n, k)."""
        from scipy.linalg import lapack

        if len(self.parts) == 2:
            return lapack.dpttrs(*self.parts, right)[0]
        return lapack.dpbtrs(self.parts[0], right, lower=1)[0]

    def products(self, right: np.ndarray) -> np.ndarray:
        """right' C⁻¹ right of columns (n, k): one triangular solve where that is enough."""
        from scipy.linalg import lapack

        if len(self.parts) == 2:
            return right.T @ self.solve(right)
        half = lapack.dtbtrs(self.parts[0], right, uplo="L")[0]
        return half.T @ half

    def squares(self, right: np.ndarray) -> float:
        """right' C⁻¹ right of one vector."""
        from scipy.linalg import lapack

        if len(self.parts) == 2:
            return float(right @ lapack.dpttrs(*self.parts, right)[0])
        half = lapack.dtbtrs(self.parts[0], right[:, None], uplo="L")[0][:, 0]
        return float(half @ half)

    def one_step_ahead(self, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Errors of predicting each period from all before it, and their standard deviations."""
        from scipy.linalg import lapack

        if len(self.parts) == 2:
            d, e = self.parts
            scale = np.sqrt(d)
            band = np.vstack([scale, np.append(e, 0.0) * scale])
        else:
            band, scale = self.parts[0], self.parts[0][0]
        whitened = lapack.dtbtrs(band, right[:, None], uplo="L")[0][:, 0]
        return whitened * scale, scale


def factorised(bands: np.ndarray) -> Factor | None:
    """Factor of the symmetric matrix with lower bands (width + 1, n), or None where it is not positive definite.

    bands: overwritten.
    """
    from scipy.linalg import lapack

    if bands.shape[0] == 2:
        d, e, info = lapack.dpttrf(bands[0], bands[1, :-1])
        return None if info else Factor(float(np.log(d).sum()), (d, e))
    band, info = lapack.dpbtrf(bands, lower=1, overwrite_ab=1)
    return None if info else Factor(2.0 * float(np.log(band[0]).sum()), (band,))
