"""The studentised statistic of many assignments at once, each from sums over its treated elements.

Each arm has its own regression of the outcome y on z = (1, x), weighted by ω; the estimate is the gap of the two at the
mean z̄ of everybody: the difference in means, Lin-adjusted (2013) where there are covariates. Its variance is
Σ_a N_a / (N_a - k) · Σ_{i∈a} ω_i² e_i² / (Σ_{i∈a} ω_i)² with the residuals e of the arm's own regression: without
covariates HC2, with them the variance of Li and Ding (2017, 2020). With clusters e is the sum of a cluster's residuals
(Su and Ding 2021), with strata ω = n_s / n_as. Under this studentisation the test is exact for Fisher's sharp null and
asymptotically valid for no effect on average (Wu and Ding 2021; Zhao and Ding 2021), which unstudentised it is not.

A constant effect τ is tested by the same sums: they also hold the observed treatment d, so that those of y - τ d
follow, and each assignment is left with five numbers from which its statistic is known for every τ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SINGULAR = 1e-10  # smallest eigenvalue of an arm's cross-products, relative to the largest


@dataclass(frozen=True)
class ArmSums:
    """Sums over one arm, by assignment (R). n: elements (R,).

    first: Σ ω z (z, y, d)', (R, k, k + 2).  spread: Σ ω² (z, y, d) (z, y, d)', (R, k + 2, k + 2).
    """

    n: np.ndarray
    first: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Assignments:
    """Estimate `effect - τ · unit` and variance `v0 + τ v1 + τ² v2` of each assignment (R,).

    is_defined: both arms determine their regression. It depends on assignment and covariates alone, so that leaving
    the other assignments out is a test conditional on being able to analyse the experiment.
    """

    effect: np.ndarray
    unit: np.ndarray
    v0: np.ndarray
    v1: np.ndarray
    v2: np.ndarray
    is_defined: np.ndarray

    def statistic(self, tau: float = 0.0, studentised: bool = True) -> np.ndarray:
        """Of the null that every effect is `tau`; where it varies in no arm, ±inf, or 0 for no difference at all."""
        gap = self.effect - tau * self.unit
        if not studentised:
            return gap
        variance = self.v0 + tau * (self.v1 + tau * self.v2)
        scale = np.sqrt(np.maximum(variance, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(np.abs(gap) > 0.0, gap / scale, 0.0)

    def only(self, chosen: np.ndarray | slice) -> Assignments:
        fields = (self.effect, self.unit, self.v0, self.v1, self.v2, self.is_defined)
        return Assignments(*(values[chosen] for values in fields))


def assignments(arms: tuple[ArmSums, ArmSums], mean: np.ndarray, studentised: bool) -> Assignments:
    """arms: controls, treated.  mean: z̄ (k,).  studentised: whether the variances have to be defined too."""
    fits = [_arm(arm, mean, studentised) for arm in arms]
    (gap, variance, defined) = (np.stack([fit[i] for fit in fits]) for i in range(3))
    total = variance.sum(axis=0)
    return Assignments(*(gap[1] - gap[0]).T, *total.T, defined.all(axis=0))


def _arm(sums: ArmSums, mean: np.ndarray, studentised: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fitted (y, d) at the mean (R, 2), the variance's coefficients of 1, τ, τ² (R, 3), and whether they exist (R,)."""
    k = len(mean)
    gram = sums.first[:, :, :k]
    values = np.linalg.eigvalsh(gram)
    is_defined = (values[:, 0] > _SINGULAR * values[:, -1]) & (sums.n > (k if studentised else k - 0.5))
    gram = np.where(is_defined[:, None, None], gram, np.eye(k))
    slopes = np.linalg.solve(gram, sums.first[:, :, k:])  # (R, k, 2)
    fitted = np.einsum("k,rkj->rj", mean, slopes)
    lines = np.concatenate([-slopes, np.broadcast_to(np.eye(2), (len(slopes), 2, 2))], axis=1)  # e = (z, y, d) lines
    squares = np.einsum("rij,rik,rkl->rjl", lines, sums.spread, lines, optimize=True)
    total = np.where(is_defined, sums.first[:, 0, 0], 1.0)
    factor = sums.n / np.maximum(sums.n - k, 1.0) / total**2
    terms = np.stack([squares[:, 0, 0], -2.0 * squares[:, 0, 1], squares[:, 1, 1]], axis=1)
    return fitted, terms * factor[:, None], is_defined
