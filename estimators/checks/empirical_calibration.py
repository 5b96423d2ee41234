"""The empirical null of negative controls: what a method finds where there is nothing to be found.

Each control's estimate is x_i = b_i + noise with b_i ~ N(μ, σ²) the systematic error and the noise's own standard error
s_i. μ and σ by maximum likelihood give calibrated p-values and intervals, and the expected absolute systematic error
(EASE), E|b|. Schuemie, Ryan, DuMouchel, Suchard and Madigan (2014); Schuemie et al. (2018); R package
EmpiricalCalibration. Controls that share units are taken as independent there, and so they are here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from estimators.errors import refuse
from estimators.results import Effect, wald

_STEPS = 400  # between 0 and the largest systematic variance that the controls could have


@dataclass(frozen=True)
class EmpiricalNull:
    """mean, sd: μ and σ of the systematic error, in the units of the controls' estimates (log ratios, or SDs)."""

    mean: float
    sd: float
    n_controls: int

    @property
    def expected_absolute_error(self) -> float:
        """EASE: E|b| = σ √(2/π) exp(-μ²/2σ²) + μ (1 - 2 Φ(-μ/σ))."""
        if self.sd == 0.0:
            return abs(self.mean)
        ratio = self.mean / self.sd
        bell = self.sd * math.sqrt(2.0 / math.pi) * math.exp(-0.5 * ratio**2)
        return bell + self.mean * (1.0 - 2.0 * NormalDist().cdf(-ratio))

    def calibrated(self, estimate: float, std_error: float) -> dict[str, float]:
        """Estimate less μ, with σ added to its standard error: as keywords of `Effect`.

        The systematic error is taken not to depend on the size of the effect, as it must without positive controls.
        """
        return wald(estimate - self.mean, math.hypot(std_error, self.sd))

    def calibrated_effect(self, effect: Effect, unit: float = 1.0) -> Effect:
        """unit: of the controls' estimates in units of this effect, e.g. the outcome's SD if they are in SDs."""
        numbers = self.calibrated(effect.estimate / unit, effect.std_error / unit)
        numbers |= {k: numbers[k] * unit for k in ("estimate", "std_error", "ci_lower", "ci_upper")}
        figures = {"null_mean": self.mean, "null_sd": self.sd, "n_negative_controls": self.n_controls}
        convention = f"{effect.se_convention}, calibrated on {self.n_controls} negative controls"
        return replace(effect, **numbers, se_convention=convention, diagnostics={**effect.diagnostics, **figures})


def empirical_null(estimates: Sequence[float], std_errors: Sequence[float]) -> EmpiricalNull:
    """The systematic error's distribution from negative controls; both arguments (k,), on one scale.

    Raises CausalError 001 for fewer than two controls, 011 for numbers that are not finite or not positive errors.
    """
    x, s = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    if len(x) < 2 or x.shape != s.shape:
        detail = f"{x.size} estimates, {s.size} standard errors"
        raise refuse("001", "too few negative controls", detail, fix="give at least two, one standard error for each")
    wrong = int(np.sum(~(np.isfinite(x) & np.isfinite(s) & (s > 0.0))))
    if wrong:
        detail = f"{wrong} of {len(x)} controls have no finite estimate with a positive standard error"
        raise refuse("011", "negative controls without an estimate", detail, fix="leave them out")
    variance = _most_likely(x, s**2)
    return EmpiricalNull(_mean(x, s**2, variance), math.sqrt(variance), len(x))


def _mean(x: np.ndarray, noise: np.ndarray, variance: float) -> float:
    weights = 1.0 / (variance + noise)
    return float(weights @ x / weights.sum())


def _most_likely(x: np.ndarray, noise: np.ndarray) -> float:
    """σ² at which the likelihood, with μ at its best for that σ², is largest: a grid, then the root of its slope."""
    from scipy.optimize import brentq

    def likelihood(variance: float) -> float:
        total = variance + noise
        return -0.5 * float(np.sum(np.log(total) + (x - _mean(x, noise, variance)) ** 2 / total))

    def slope(variance: float) -> float:
        total = variance + noise
        return float(np.sum((x - _mean(x, noise, variance)) ** 2 / total**2 - 1.0 / total))

    top = float(np.max((x - np.median(x)) ** 2)) + 1e-300
    grid = np.concatenate([[0.0], top * np.geomspace(1e-10, 2.0, _STEPS)])
    best = int(np.argmax([likelihood(v) for v in grid]))
    lower, upper = grid[max(best - 1, 0)], grid[min(best + 1, _STEPS)]
    if slope(lower) <= 0.0:  # falls from the start: no systematic variance beyond the noise
        return float(lower)
    return float(brentq(slope, lower, upper, xtol=1e-15 * top, rtol=1e-14))
