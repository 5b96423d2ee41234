"""The variance of an effect that is a weighted mean of differences within strata.

With b units of the target population in a stratum, δ its difference in means and v = s₁²/n₁ + s₀²/n₀ (Imbens and Rubin
2015, equation 9.15), the effect τ = Σ b δ / W has

    Var(τ) = [Σ b² v + Σ c (δ - τ)² - Σ c v] / W²,   c = b

the first part from the noise within strata, the rest from strata being a sample of those that could have been met;
Σ c v takes out what δ's own noise adds to its spread. Where units carry weights, b is the sum of the target's weights,
c that of their squares, and v the variance of the difference of weighted means.

Least squares on the treatment alone (HC1) counts the differences *between* strata as noise as well, which matching has
removed: where strata predict the outcome its intervals cover too often. An arm with one unit in a stratum has no
variance of its own and takes the average of the others'.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from estimators.warehouse import Relation
from estimators.warehouse.least_squares import symmetric

TARGET_SQUARES = {"ATT": "r1", "ATC": "r0", "ATE": "r1 + r0"}  # c, over the columns of `strata.summed`


def variance_sums(strata: Relation, k: int) -> dict[str, str]:
    """SQL of what `stratified_variance` needs. strata: as `strata.summed` makes them, with column c."""
    sums: dict[str, str] = {}
    factor, matched = "(b * b - c)", "g1 is not null"
    for a in (0, 1):
        sums[f"pool{a}"] = strata.total(f"case when {matched} then n{a} - 1e0 end")
        sums[f"alone{a}"] = strata.total(f"case when n{a} = 1e0 then {factor} * r{a} / (s{a} * s{a}) end")
        for j in range(k):
            for i in range(j + 1):
                squares = _squares(a, i, j)
                sums[f"ss{a}_{i}_{j}"] = strata.total(f"case when {matched} then {squares} * n{a} / r{a} end")
                own = f"{factor} * {squares} * n{a} / ((n{a} - 1e0) * s{a} * s{a})"
                sums[f"own{a}_{i}_{j}"] = strata.total(f"case when {matched} and n{a} > 1e0 then {own} end")
    for j in range(k):
        sums |= {f"spread{i}_{j}": strata.total(f"c * d{i} * d{j} / (b * b)") for i in range(j + 1)}
        sums |= {f"gap{j}": strata.total(f"d{j}"), f"lean{j}": strata.total(f"c * d{j} / b")}
    return sums | {"total_b": strata.total("b"), "total_c": strata.total(f"case when {matched} then c end")}


def stratified_variance(found: Mapping[str, np.ndarray], row: int, k: int) -> np.ndarray:
    """Covariance (k, k) of the effects on k outcomes from the sums of `variance_sums`."""
    w, c = float(found["total_b"][row]), float(found["total_c"][row])
    tau = np.array([found[f"gap{j}"][row] for j in range(k)], dtype=float) / w
    lean = np.outer(tau, np.array([found[f"lean{j}"][row] for j in range(k)], dtype=float))
    total = symmetric(found, "spread", k, row) - lean - lean.T + c * np.outer(tau, tau)
    for a in (0, 1):
        total = total + np.nan_to_num(symmetric(found, f"own{a}_", k, row))
        alone, pool = float(np.nan_to_num(found[f"alone{a}"][row])), float(found[f"pool{a}"][row])
        if alone:
            average = symmetric(found, f"ss{a}_", k, row) / pool if pool > 0 else np.full((k, k), np.nan)
            total = total + alone * average
    return total / w**2


def _squares(a: int, i: int, j: int) -> str:
    """Σ w² (y - m)(y' - m') of one arm of a stratum, m its weighted mean."""
    m, n = f"y{a}_{i} / s{a}", f"y{a}_{j} / s{a}"
    return f"(q{a}_{i}_{j} - {m} * z{a}_{j} - {n} * z{a}_{i} + {m} * {n} * r{a})"
