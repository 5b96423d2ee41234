"""Matched strata in the warehouse: weights of the estimand, and every sum that an effect and its errors need.

Symbols: in a stratum the arms a = 1 (treated) and 0 (control) have total weights S_a (units, when nobody is weighted).
A unit of arm a weighs g_a times its own weight: ATT g₁ = 1, g₀ = S₁/S₀; ATC g₁ = S₀/S₁, g₀ = 1; ATE g_a = (S₁+S₀)/S_a
(Iacus, King and Porro 2012). W = Σ g_a S_a is the same in both arms, and so is every stratum's share b = g_a S_a of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.stratified_variance import TARGET_SQUARES, stratified_variance, variance_sums
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import products, symmetric

_ARMS = (0, 1)
FACTORS = {
    "ATT": {"g1": "1e0", "g0": "s1 / s0"},
    "ATC": {"g1": "s0 / s1", "g0": "1e0"},
    "ATE": {"g1": "(s1 + s0) / s1", "g0": "(s1 + s0) / s0"},
}


@dataclass(frozen=True)
class StratumSums:
    """Sums over the strata of one level of the segment (or of everybody); k outcomes, shifted; arms (2,).

    n, n_all: matched and all units.  weight: Σ g S.  y: Σ g Σwy (2, k).  g2, g2y, g2yy: Σ g² times Σw², Σw²y, Σw²yy',
    (2,), (2, k), (2, k, k).  bb, bd, dd: Σ b², Σ b d, Σ d d' over strata, with d = g₁Σwy₁ - g₀Σwy₀: (), (k,), (k, k).
    leverage: by power p, Σ g²/(1 - g/W)^p of 1, y and y²: (2, 1), (2, k), (2, k); empty if not asked for.
    stratified: covariance (k, k) of the effects by `stratified_variance`.
    """

    key: Any
    n: np.ndarray
    n_all: np.ndarray
    n_strata: int
    weight: np.ndarray
    y: np.ndarray
    g2: np.ndarray
    g2y: np.ndarray
    g2yy: np.ndarray
    bb: float
    bd: np.ndarray
    dd: np.ndarray
    leverage: Mapping[int, tuple[np.ndarray, np.ndarray, np.ndarray]]
    stratified: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """Weighted mean of each shifted outcome by arm (2, k)."""
        return self.y / self.weight[:, None]

    def robust(self) -> np.ndarray:
        """Covariance (k, k) of the effects by weighted least squares on the treatment: HC0."""
        total = np.zeros(self.dd.shape)
        for a in _ARMS:
            m = self.means[a]
            cross = np.outer(m, self.g2y[a])
            total += (self.g2yy[a] - cross - cross.T + np.outer(m, m) * self.g2[a]) / self.weight[a] ** 2
        return total

    def by_leverage(self, power: int) -> np.ndarray:
        """Variance (k,) with every squared residual divided by (1 - leverage)^power: HC2 for 1, HC3 for 2."""
        c, cy, cyy = self.leverage[power]
        m = self.means
        return ((cyy - 2.0 * m * cy + m**2 * c) / self.weight[:, None] ** 2).sum(axis=0)

    def by_stratum(self) -> np.ndarray:
        """Covariance (k, k) with strata as clusters, without a small-sample factor.

        The score of a stratum is (d - τ b) / W with b = g₁S₁ = g₀S₀ and W = Σ b.
        """
        tau = self.means[1] - self.means[0]
        cross = np.outer(tau, self.bd)
        return (self.dd - cross - cross.T + np.outer(tau, tau) * self.bb) / self.weight[1] ** 2


def counted(rows: Relation, keys: Mapping[str, str], is_weighted: bool) -> Relation:
    """One row per stratum: units n1, n0 and weights s1, s0. rows: with causal_t (0, 1 as doubles) and causal_b."""
    return rows.grouped(_counts(rows, is_weighted), keys)


def with_factors(strata: Relation, estimand: str) -> Relation:
    """Strata with columns g1, g0 beside s1, s0: null where one arm is missing."""
    return strata.with_columns(
        {name: f"case when s1 > 0e0 and s0 > 0e0 then {factor} end" for name, factor in FACTORS[estimand].items()}
    )


def arm_sums(rows: Relation, n_outcomes: int, is_weighted: bool) -> dict[str, str]:
    """Aggregates of one arm of one stratum: units n, weight b, squared weight bb, and of causal_y0, causal_y1, ... with
    the weight y*, with its square z*, products q*.

    Units that weigh 1 are counted, which is exact and cheap, and their y* serve as z* too.
    """
    one = rows.double("count(*)")
    sums = {"n": "count(*)", "b": one, "bb": one}
    if is_weighted:
        sums |= {"b": rows.total("causal_b"), "bb": rows.total("causal_b * causal_b")}
    weight, square = (" * causal_b", "causal_b * causal_b") if is_weighted else ("", "")
    outcomes = [f"causal_y{j}" for j in range(n_outcomes)]
    for j, y in enumerate(outcomes):
        sums[f"y{j}"] = rows.total(f"{y}{weight}")
        if is_weighted:
            sums[f"z{j}"] = rows.total(f"{y} * {square}")
    return sums | products(rows, outcomes, "q", square)


def summed(cells: Relation, keys: Sequence[str], n_outcomes: int, is_weighted: bool, estimand: str) -> Relation:
    """One row per stratum with its factors and sums by arm. cells: of `arm_sums`, by `keys` and causal_arm."""
    sums = {}
    for a in _ARMS:
        names = {f"n{a}": cells.double("n"), f"s{a}": "b", f"r{a}": "bb"}
        names |= {f"y{a}_{j}": f"y{j}" for j in range(n_outcomes)}
        names |= {f"z{a}_{j}": f"{'z' if is_weighted else 'y'}{j}" for j in range(n_outcomes)}
        names |= {f"q{a}_{i}_{j}": f"q{i}_{j}" for j in range(n_outcomes) for i in range(j + 1)}
        sums |= {name: f"sum(case when causal_arm = {a} then {value} else 0e0 end)" for name, value in names.items()}
    strata = with_factors(cells.grouped(sums, {key: key for key in keys}), estimand)
    gaps = {f"d{j}": f"g1 * y1_{j} - g0 * y0_{j}" for j in range(n_outcomes)}
    return strata.with_columns({"b": "g1 * s1", "c": TARGET_SQUARES[estimand], **gaps})


def stratum_sums(
    strata: Relation, n_outcomes: int, segment: str | None = None, weight: np.ndarray | None = None
) -> list[StratumSums]:
    """Sums over `summed` strata, by level of the key column `segment`.

    weight: W by arm (2,), if leverages are wanted: for units that weigh 1 and no segments.
    """
    k = n_outcomes
    gaps = [f"d{j}" for j in range(k)]
    sums = {"n_strata": "count(g1)", "bb": strata.total("b * b"), **products(strata, gaps, "dd")}
    sums |= {f"bd{j}": strata.total(f"b * {d}") for j, d in enumerate(gaps)}
    for a in _ARMS:
        sums |= {f"n{a}": f"sum(case when g1 is not null then n{a} else 0e0 end)", f"all{a}": f"sum(n{a})"}
        sums |= {f"w{a}": strata.total(f"g{a} * s{a}"), f"r{a}": strata.total(f"g{a} * g{a} * r{a}")}
        for j in range(k):
            sums[f"y{a}_{j}"] = strata.total(f"g{a} * y{a}_{j}")
            sums[f"z{a}_{j}"] = strata.total(f"g{a} * g{a} * z{a}_{j}")
            for i in range(j + 1):
                sums[f"q{a}_{i}_{j}"] = strata.total(f"g{a} * g{a} * q{a}_{i}_{j}")
        if weight is not None:
            sums |= _leverage_sums(strata, a, k, float(weight[a]))
    sums |= variance_sums(strata, k)
    found = strata.aggregate(sums, by={segment: segment} if segment else {})
    return [_sums_of(found, row, k, segment, weight is not None) for row in range(len(found["n_strata"]))]


def _counts(rows: Relation, is_weighted: bool) -> dict[str, str]:
    """Sums of zeros and ones are whole numbers, exact in any order; sums of weights need `total`."""
    treated, control = "sum(causal_t)", "sum(1e0 - causal_t)"
    if not is_weighted:
        return {"n1": treated, "n0": control, "s1": treated, "s0": control}
    weights = {"s1": rows.total("causal_t * causal_b"), "s0": rows.total("(1e0 - causal_t) * causal_b")}
    return {"n1": treated, "n0": control, **weights}


def _leverage_sums(strata: Relation, a: int, k: int, weight: float) -> dict[str, str]:
    """A unit's leverage in the weighted regression on the treatment is its share g/W of its arm's weight."""
    sums = {}
    for power in (1, 2):
        factor = f"g{a} * g{a} / power(1e0 - g{a} / {strata.number(weight)}, {power})"
        sums[f"h{power}r{a}"] = strata.total(f"{factor} * r{a}")
        for j in range(k):
            sums[f"h{power}z{a}_{j}"] = strata.total(f"{factor} * z{a}_{j}")
            sums[f"h{power}q{a}_{j}"] = strata.total(f"{factor} * q{a}_{j}_{j}")
    return sums


def _sums_of(found: Mapping[str, np.ndarray], row: int, k: int, segment: str | None, has_leverage: bool) -> StratumSums:
    def arms(prefix: str) -> np.ndarray:
        return np.array([found[f"{prefix}{a}"][row] for a in _ARMS], dtype=float)

    def outcomes(prefix: str) -> np.ndarray:
        return np.array([[found[f"{prefix}{a}_{j}"][row] for j in range(k)] for a in _ARMS], dtype=float)

    leverage = {p: (arms(f"h{p}r")[:, None], outcomes(f"h{p}z"), outcomes(f"h{p}q")) for p in (1, 2) if has_leverage}
    return StratumSums(
        key=found[segment][row] if segment else None,
        n=arms("n").astype(int),
        n_all=arms("all").astype(int),
        n_strata=int(found["n_strata"][row]),
        weight=arms("w"),
        y=outcomes("y"),
        g2=arms("r"),
        g2y=outcomes("z"),
        g2yy=np.array([symmetric(found, f"q{a}_", k, row) for a in _ARMS]),
        bb=float(found["bb"][row]),
        bd=np.array([found[f"bd{j}"][row] for j in range(k)], dtype=float),
        dd=symmetric(found, "dd", k, row),
        leverage=leverage,
        stratified=stratified_variance(found, row, k),
    )
