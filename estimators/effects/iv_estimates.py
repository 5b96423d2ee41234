"""Estimates, standard errors and tests of instrumental variables, from the sums of the two scans.

Everything here is small linear algebra in standardised columns; see `iv_sums` for the notation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.anderson_rubin import AndersonRubin, ReducedForm, classical_set, robust_set
from estimators.effects.first_stage import small_sample
from estimators.effects.iv_sums import Products, Scores

NAN = float("nan")


@dataclass(frozen=True)
class KClass:
    """The k-class estimates of m outcomes. kappa: 1 for 2SLS, LIML's smallest root otherwise.  curvature: see below.

    estimates = (d̃'ỹ - κ e_d'e_y) / curvature, with curvature = d̃'d̃ - κ e_d'e_d.
    """

    kappa: np.ndarray
    estimates: np.ndarray
    curvature: np.ndarray


def k_class(found: Products, estimator: str) -> KClass:
    """2SLS, or LIML (Anderson and Rubin 1949): κ is the smallest root of |[ỹ d̃]'[ỹ d̃] - κ [e_y e_d]'[e_y e_d]|."""
    kappa = np.ones(found.m)
    if estimator == "liml" and found.k > 1:
        kappa = np.array([_smallest_root(found, j) for j in range(found.m)])
    # Written as 2SLS plus what κ adds, so that nothing cancels: for a weak instrument the fit is a small difference.
    curvature = found.fitted_dd + (1.0 - kappa) * found.residual_dd
    return KClass(kappa, (found.fitted_dy + (1.0 - kappa) * found.residual_dy) / curvature, curvature)


def _smallest_root(found: Products, j: int) -> float:
    residual = np.array([[found.residual_yy[j, j], found.residual_dy[j]], [found.residual_dy[j], found.residual_dd]])
    fitted = np.array([[found.fitted_yy[j, j], found.fitted_dy[j]], [found.fitted_dy[j], found.fitted_dd]])
    factor = np.linalg.inv(np.linalg.cholesky(residual))
    return 1.0 + float(np.linalg.eigvalsh(factor @ fitted @ factor.T)[0])


def residual_squares(found: Products, effects: np.ndarray) -> np.ndarray:
    """ε'ε (m,) of ỹ - b d̃ at the effects b."""
    yy = np.diag(found.yy)
    return yy - 2.0 * effects * found.dy + effects**2 * found.dd


def covariance(found: Products, sums: Scores, fit: KClass, is_robust: bool) -> np.ndarray:
    """Of the estimates (m, m), with its small-sample factor: HC1, CRV1, or σ² from n - p - 1 degrees of freedom."""
    if is_robust:
        return small_sample(found.n, found.p + 1, sums.n_clusters) * sums.effects
    gap = np.column_stack([-fit.estimates, np.eye(found.m)])
    joint = np.block([[np.array([[found.dd]]), found.dy[None, :]], [found.dy[:, None], found.yy]])
    degrees = found.n - found.p - 1
    scale = np.sqrt(np.outer(fit.curvature, fit.curvature))
    return gap @ joint @ gap.T / degrees / scale if degrees > 0 else np.full((found.m, found.m), NAN)


def anderson_rubin(found: Products, sums: Scores, j: int, is_robust: bool) -> AndersonRubin:
    """The confidence set of outcome j, in standardised units."""
    degrees = found.n - found.p - found.k
    if not is_robust:
        fitted = np.array([found.fitted_dd, found.fitted_dy[j], found.fitted_yy[j, j]])
        residual = np.array([found.residual_dd, found.residual_dy[j], found.residual_yy[j, j]])
        return classical_set(fitted, residual, found.k, degrees)
    factor = small_sample(found.n, found.p + found.k, sums.n_clusters)
    moments = np.stack([found.zd, found.zy[:, j]])
    return robust_set(ReducedForm(moments, factor * np.stack([sums.first_stage, sums.mixed[j], sums.reduced[j]])))


def ols(found: Products, sums: Scores, j: int, is_robust: bool) -> tuple[float, float]:
    """Ordinary least squares beside it: coefficient and standard error, by the same convention."""
    estimate = float(found.dy[j] / found.dd)
    if is_robust:
        return estimate, math.sqrt(small_sample(found.n, found.p + 1, sums.n_clusters) * sums.ols[j])
    degrees = found.n - found.p - 1
    squares = float(residual_squares(found, found.dy / found.dd)[j])
    return estimate, math.sqrt(squares / degrees / found.dd)


def tests(found: Products, sums: Scores, j: int) -> dict[str, Any]:
    """Wu-Hausman, and with more instruments than one Sargan's and Hansen's tests, of outcome j."""
    from scipy.special import chdtrc, fdtrc

    degrees = found.n - found.p - 2
    gap = found.residual_dy[j] / found.residual_dd - found.fitted_dy[j] / found.fitted_dd
    ssr = found.residual_yy[j, j] - found.residual_dy[j] ** 2 / found.residual_dd
    ssr += found.fitted_yy[j, j] - found.fitted_dy[j] ** 2 / found.fitted_dd
    wu = gap**2 / (1.0 / found.residual_dd + 1.0 / found.fitted_dd) / (ssr / degrees)
    robust = gap**2 / (small_sample(found.n, found.p + 2, sums.n_clusters) * sums.hausman[j])
    out = {
        "wu_hausman": float(wu),
        "wu_hausman_p_value": float(fdtrc(1, degrees, wu)),
        "wu_hausman_robust": float(robust),
        "wu_hausman_robust_p_value": float(chdtrc(1, robust)),
    }
    return out | (_over_identification(found, sums, j) if found.k > 1 else {})


def _over_identification(found: Products, sums: Scores, j: int) -> dict[str, float]:
    """Sargan (1958): n times the share of ε'ε that z explains.  Hansen (1982): J of the two-step GMM estimate."""
    from scipy.special import chdtrc

    effect = found.fitted_dy[j] / found.fitted_dd
    left = found.zy[:, j] - effect * found.zd
    squares = residual_squares(found, found.fitted_dy / found.fitted_dd)[j]
    sargan = found.n * float(left @ np.linalg.solve(found.zz, left)) / squares
    weight = np.linalg.pinv(sums.structural[j], hermitian=True)
    second = (found.zd @ weight @ found.zy[:, j]) / (found.zd @ weight @ found.zd)
    left = found.zy[:, j] - second * found.zd
    hansen = float(left @ weight @ left)
    degrees = found.k - 1
    return {
        "sargan": float(sargan),
        "sargan_p_value": float(chdtrc(degrees, sargan)),
        "hansen_j": hansen,
        "hansen_j_p_value": float(chdtrc(degrees, hansen)),
    }


def reduced_form(found: Products, sums: Scores, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of z for outcome j (K,) and their robust standard errors, in units of the columns."""
    inverse = np.linalg.inv(found.zz)
    variance = small_sample(found.n, found.p + found.k, sums.n_clusters) * inverse @ sums.reduced[j] @ inverse
    units = found.outcome_scale[j] / found.instrument_scale
    return found.pi_y[:, j] * units, np.sqrt(np.diag(variance)) * units
