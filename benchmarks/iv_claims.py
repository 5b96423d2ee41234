"""What is claimed of instrumental variables and least squares, beside linearmodels and pyfixest."""

from __future__ import annotations

from benchmarks import data
from benchmarks.claims import MILLION, Claim, Result, memory, ratio
from benchmarks.iv_data import instrumented
from benchmarks.measure import Measurement, measure


def equal(ours: Measurement, theirs: Measurement) -> Claim:
    """Both compute the same formula: estimate and standard error agree to nine digits."""
    gaps = [abs(ours.answer[k] / theirs.answer[k] - 1.0) for k in ("estimate", "std_error")]
    return Claim(f"same estimate and error as {theirs.what}, to 1e-9", f"{max(gaps):.1e}", max(gaps) <= 1e-9)


def iv_beside_linearmodels(n_rows: int = 10 * MILLION) -> Result:
    """Two-stage least squares with HC1, one instrument and 10 covariates, beside linearmodels' IV2SLS."""
    database = instrumented(n_rows)
    ours = measure("iv", n_rows, "iv_in_warehouse", database)
    peer = measure("linearmodels IV2SLS", n_rows, "iv_linearmodels", data.parquet(database))
    claims = [ratio(ours, peer, at_least=15), memory(ours, peer, at_most=0.125), equal(ours, peer)]
    return Result("iv_linearmodels", "2SLS with HC1 beside linearmodels", [ours, peer], claims)


def ols_beside_pyfixest(n_rows: int = 10 * MILLION) -> Result:
    """Least squares with HC1 and 11 regressors beside pyfixest's feols."""
    database = instrumented(n_rows)
    ours = measure("least squares", n_rows, "ols_in_warehouse", database)
    peer = measure("pyfixest feols", n_rows, "ols_pyfixest", data.parquet(database))
    claims = [ratio(ours, peer, at_least=4), memory(ours, peer, at_most=0.125), equal(ours, peer)]
    return Result("ols_pyfixest", "Least squares with HC1 beside pyfixest", [ours, peer], claims)


USUAL = (iv_beside_linearmodels, ols_beside_pyfixest)
