"""How strongly the instruments move the treatment.

The effective F of Montiel Olea and Pflueger (2013) is the one that judges strength under heteroskedasticity and
clusters; with one instrument it is the robust F. It has no small-sample factor but, with clusters, G/(G-1); `robust_f`
and the standard errors beside it are HC1 or CRV1. Its critical value is that of their simplified procedure: a test of
size 5 % that the bias of 2SLS exceeds 10 % of the worst case. The classical F of the first stage stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.iv_sums import Products, Scores

BIAS = 0.1  # τ, as a share of the worst case
SIZE = 0.05


@dataclass(frozen=True)
class FirstStage:
    """coefficients, std_errors: per instrument, in units of the treatment per unit of the instrument.

    partial_r2: of the treatment, given the covariates.  f, robust_f, effective_f: see above; f has (K, n - p - K)
    degrees of freedom.  critical_value: of the effective F.  is_binary: there is one instrument, and it is 0/1.
    complier_share: the share of units whose 0/1 treatment it moves (Imbens and Angrist 1994), None for other kinds.
    """

    instruments: tuple[str, ...]
    coefficients: np.ndarray
    std_errors: np.ndarray
    partial_r2: float
    f: float
    robust_f: float
    effective_f: float
    critical_value: float
    n_units: int
    se_convention: str
    is_binary: bool
    complier_share: float | None

    def figures(self) -> dict[str, Any]:
        """JSON-able, for diagnostics."""
        return {
            "instruments": list(self.instruments),
            "first_stage": self.coefficients.tolist(),
            "first_stage_std_errors": self.std_errors.tolist(),
            "partial_r2": self.partial_r2,
            "first_stage_f": self.f,
            "first_stage_robust_f": self.robust_f,
            "effective_f": self.effective_f,
            "effective_f_critical": self.critical_value,
            "complier_share": self.complier_share,
        }


def small_sample(n: int, n_parameters: int, n_clusters: int) -> float:
    """The factor of HC1, n/(n-k), or with clusters of CRV1, G/(G-1) · (n-1)/(n-k)."""
    if n <= n_parameters or n_clusters == 1:
        return float("nan")
    if not n_clusters:
        return n / (n - n_parameters)
    return n_clusters / (n_clusters - 1) * (n - 1) / (n - n_parameters)


def first_stage(
    found: Products, sums: Scores, se_convention: str, is_binary: bool, has_binary_arms: bool
) -> FirstStage:
    """is_binary, has_binary_arms: whether the single instrument and the treatment are 0/1."""
    k, degrees = found.k, found.n - found.p - found.k
    meat = small_sample(found.n, found.p + k, sums.n_clusters) * sums.first_stage
    inverse = np.linalg.inv(found.zz)
    covariance = inverse @ meat @ inverse
    plain = sums.n_clusters / max(sums.n_clusters - 1, 1) if sums.n_clusters else 1.0
    noise = plain * inverse @ sums.first_stage  # similar to W₂ = Q^(-1/2) Σ Q^(-1/2): same trace and eigenvalues
    units = found.treatment_scale / found.instrument_scale
    coefficients = found.pi_d * units
    return FirstStage(
        instruments=tuple(found.instrument_names),
        coefficients=coefficients,
        std_errors=np.sqrt(np.diag(covariance)) * units,
        partial_r2=found.fitted_dd / found.dd,
        f=found.fitted_dd / k / (found.residual_dd / degrees) if degrees > 0 else float("nan"),
        robust_f=float(found.pi_d @ np.linalg.pinv(covariance) @ found.pi_d) / k,
        effective_f=found.fitted_dd / float(np.trace(noise)),
        critical_value=critical_value(noise),
        n_units=found.n,
        se_convention=se_convention,
        is_binary=is_binary,
        complier_share=float(coefficients[0]) if is_binary and has_binary_arms else None,
    )


def critical_value(noise: np.ndarray, bias: float = BIAS) -> float:
    """Of the effective F, by the simplified procedure (Montiel Olea and Pflueger 2013, section 4.3). noise: W₂ (K, K).

    23.1 for one instrument; with more it depends on how unequally precise they are.
    """
    from scipy.special import chndtrix

    values = np.clip(np.linalg.eigvals(noise).real, 0.0, None)
    trace, squares, largest = values.sum(), (values**2).sum(), values.max()
    if not trace > 0.0:
        return float("nan")
    x = 1.0 / bias
    degrees = trace**2 * (1.0 + 2.0 * x) / (squares + 2.0 * x * trace * largest)
    return float(chndtrix(1.0 - SIZE, degrees, x * degrees) / degrees)
