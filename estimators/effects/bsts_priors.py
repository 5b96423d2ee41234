"""Priors of the structural time series, in units of a standardised outcome: those of R's CausalImpact and bsts.

σ² of each component is inverse gamma (df/2, df·guess²/2), cut off above `limit`. Coefficients have a spike at zero and
a slab N(0, σ_ε² Ω⁻¹), Ω = κ (½ X'X + ½ diag X'X)/n with κ = 0.01 (Zellner's g-prior, averaged with its diagonal).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_INFORMATION = 0.01  # prior.information.weight of R's SpikeSlabPrior: worth a hundredth of one observation
_DIAGONAL = 0.5  # diagonal.shrinkage there
_LEVEL_DF = 32.0  # kLocalLevelPriorSampleSize of CausalImpact
_SEASON_DF, _SEASON_SD = 0.01, 0.01  # AddSeasonal of bsts
_NOISE_LIMIT = 1.2  # bsts accepts no residual sd above 1.2 sd(y)


@dataclass(frozen=True)
class Priors:
    """Of the sd of noise, level and, with a season, season (k,); of the slab (p, p); and of inclusion (one number).

    limit: the largest accepted sd.
    """

    df: np.ndarray
    guess: np.ndarray
    limit: np.ndarray
    slab: np.ndarray
    inclusion: float

    def log_density(self, log_sigma: np.ndarray) -> float:
        """Of log σ, up to a constant: p(σ²) with the Jacobian 2σ²."""
        if (log_sigma > self._log_limit).any():
            return -np.inf
        return float(-self.df @ log_sigma - 0.5 * self._sums @ np.exp(-2.0 * log_sigma))

    @cached_property
    def _log_limit(self) -> np.ndarray:
        return np.log(self.limit)

    @cached_property
    def _sums(self) -> np.ndarray:
        return self.df * self.guess**2


def causal_impact_priors(
    controls: np.ndarray,
    has_season: bool,
    expected_model_size: float,
    expected_r2: float,
    prior_df: float,
    level_sd: float,
) -> Priors:
    """R's defaults. controls: (n, p), standardised. Without controls the noise has bsts's flat prior (df 0.01)."""
    n, p = controls.shape
    df, guess, limit = [prior_df, _LEVEL_DF], [np.sqrt(1.0 - expected_r2), level_sd], [_NOISE_LIMIT, 1.0]
    if p == 0:
        df[0], guess[0] = 0.01, 1.0
    if has_season:
        df, guess, limit = [*df, _SEASON_DF], [*guess, _SEASON_SD], [*limit, 1.0]
    products = controls.T @ controls / n
    slab = _INFORMATION * ((1.0 - _DIAGONAL) * products + _DIAGONAL * np.diag(np.diag(products)))
    inclusion = min(1.0, expected_model_size / max(p, 1))
    return Priors(np.array(df), np.array(guess), np.array(limit), slab, inclusion)
