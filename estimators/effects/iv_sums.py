"""Everything that instrumental variables need from the rows, in two scans.

Notation (Davidson and MacKinnon 2004, ch. 8): w the included columns (1 and covariates), z the K instruments, d the
treatment, y an outcome. A tilde is what is left after regression on w, e_v the residual of v on (w, z), and
π_v the coefficients of z in that regression, so that ṽ = π_v'z̃ + e_v. The first scan gives the products of all
columns, from which every coefficient follows; the second those of z̃·e_d, z̃·e_y and the like, from which every
robust or clustered covariance follows. Columns are in standard deviations until results leave this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from estimators.effects.method import Spec
from estimators.errors import refuse
from estimators.warehouse import Relation
from estimators.warehouse.blocks import Gram, column_products, combinations
from estimators.warehouse.least_squares import collinear
from estimators.warehouse.terms import Terms


@dataclass(frozen=True)
class Columns:
    """Which terms are what: positions of w (p), z (K), d and the outcomes (m) among the terms."""

    included: np.ndarray
    instruments: np.ndarray
    treatment: int
    outcomes: np.ndarray


@dataclass(frozen=True)
class Products:
    """Products after regression on w. terms: of all columns.  n: rows.  p: columns of w.

    zz: (K, K).  zd: (K,).  dd: a number.  zy: (K, m).  dy: (m,).  yy: (m, m).
    residual_makers: coefficients (K + 1 + m, all terms) that turn a row into z̃, e_d and e_y.
    """

    terms: Terms
    columns: Columns
    n: int
    p: int
    zz: np.ndarray
    zd: np.ndarray
    dd: float
    zy: np.ndarray
    dy: np.ndarray
    yy: np.ndarray
    residual_makers: np.ndarray

    @property
    def k(self) -> int:
        return len(self.zd)

    @property
    def m(self) -> int:
        return len(self.dy)

    @cached_property
    def pi_d(self) -> np.ndarray:
        """First stage (K,)."""
        return np.linalg.solve(self.zz, self.zd)

    @cached_property
    def pi_y(self) -> np.ndarray:
        """Reduced forms (K, m)."""
        return np.linalg.solve(self.zz, self.zy)

    @property
    def fitted_dd(self) -> float:
        """Σ of the squared first-stage fit, d̃'P d̃."""
        return float(self.zd @ self.pi_d)

    @property
    def fitted_dy(self) -> np.ndarray:
        return self.zy.T @ self.pi_d

    @property
    def fitted_yy(self) -> np.ndarray:
        return self.zy.T @ self.pi_y

    @property
    def residual_dd(self) -> float:
        return self.dd - self.fitted_dd

    @property
    def residual_dy(self) -> np.ndarray:
        return self.dy - self.fitted_dy

    @property
    def residual_yy(self) -> np.ndarray:
        return self.yy - self.fitted_yy

    @property
    def treatment_scale(self) -> float:
        return self._scale(self.columns.treatment)

    @property
    def outcome_scale(self) -> np.ndarray:
        return np.array([self._scale(i) for i in self.columns.outcomes])

    @property
    def instrument_scale(self) -> np.ndarray:
        return np.array([self._scale(i) for i in self.columns.instruments])

    @property
    def instrument_names(self) -> list[str]:
        return [self.terms.names[i] for i in self.columns.instruments]

    def _scale(self, position: int) -> float:
        return float(self.terms.scale[position - 1]) if position <= len(self.terms.numbers) else 1.0


def columns_of(terms: Terms, spec: Spec, outcomes: Sequence[str]) -> Columns:
    """Positions of the columns' terms: those of texts are their dummies."""
    instruments = terms.positions(spec.options["instruments"])[1:]
    return Columns(
        included=terms.positions(spec.covariates),
        instruments=instruments,
        treatment=1 + terms.numbers.index(spec.treatment),
        outcomes=np.array([1 + terms.numbers.index(c) for c in outcomes], dtype=int),
    )


def products(found: Gram, columns: Columns, drops_redundant: bool = False) -> Products:
    """What is left of the products of all columns after regression on w.

    drops_redundant: covariates that the others determine are left out, as within a segment where some are constant.
    Raises CausalError 020 for such covariates otherwise, and 025 for instruments that w or each other determine.
    """
    names = found.terms.names
    included, redundant = _independent(found, columns.included, np.array([], dtype=int))
    if redundant and not drops_redundant:
        raise refuse(
            "020", "collinear covariates", _listed(names, redundant), fix="drop them: the others determine them"
        )
    instruments, redundant = _independent(found, columns.instruments, included)
    if redundant and not (drops_redundant and len(instruments)):
        detail = f"{_listed(names, redundant)}: constant, or determined by the covariates and the other instruments"
        raise refuse("025", "instrument without variation of its own", detail, fix="leave it out of instruments")
    _require_own_variation(found, columns.treatment, included, instruments)
    rest = np.array([*instruments, columns.treatment, *columns.outcomes], dtype=int)
    makers = np.zeros((len(rest), len(names)))
    makers[np.arange(len(rest)), rest] = 1.0
    own = _swept(found.products, makers, included, rest)
    zz, k = own[: len(instruments), : len(instruments)], len(instruments)
    pi = np.linalg.solve(zz, own[:k, k:])
    makers[k:] -= pi.T @ makers[:k]
    return Products(
        terms=found.terms, columns=Columns(included, instruments, columns.treatment, columns.outcomes),
        n=found.n, p=len(included), zz=zz, zd=own[:k, k], dd=float(own[k, k]), zy=own[:k, k + 1 :],
        dy=own[k, k + 1 :], yy=own[k + 1 :, k + 1 :], residual_makers=makers,
    )  # fmt: skip


def _require_own_variation(found: Gram, treatment: int, included: np.ndarray, instruments: np.ndarray) -> None:
    """The treatment must vary given the covariates, and not follow from the instruments."""
    at, name = np.array([treatment]), found.terms.names[treatment]
    if _independent(found, at, included)[1]:
        raise refuse("020", "treatment without variation of its own", f"the covariates determine {name}")
    if _independent(found, at, np.array([*included, *instruments]))[1]:
        detail = f"the instruments and covariates determine {name} exactly"
        fix = "an instrument must move the treatment without being it; without one, declare another method"
        raise refuse("025", "instrument is the treatment", detail, fix=fix)


def _swept(products: np.ndarray, makers: np.ndarray, included: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Products of `rest` after regression on `included`, whose coefficients go into `makers`."""
    block = products[np.ix_(included, included)]
    scale = 1.0 / np.sqrt(np.diag(block))
    slopes = scale[:, None] * np.linalg.solve(
        block * np.outer(scale, scale), scale[:, None] * products[included][:, rest]
    )
    makers[:, included] = -slopes.T
    # Twice applied, the form M'AM is symmetric and loses fewer digits than the Schur complement.
    own = makers @ products @ makers.T
    return (own + own.T) / 2.0


def _independent(found: Gram, wanted: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Those of the terms `wanted` that `given` and the ones before them do not determine, and the others."""
    varies = np.diag(found.products) > 0.0
    at = [i for i in (*given, *wanted) if varies[i]]
    names = [str(i) for i in at]
    dependent = {int(name) for name in collinear(found.products[np.ix_(at, at)], names)}
    dependent |= {int(i) for i in wanted if not varies[i]}
    kept = np.array([i for i in wanted if i not in dependent], dtype=int)
    return kept, [int(i) for i in wanted if i in dependent]


def _listed(names: Sequence[str], positions: Sequence[int]) -> str:
    return ", ".join(names[i] for i in positions)


@dataclass(frozen=True)
class Scores:
    """Products of rows' (or clusters') scores, without small-sample factors.

    first_stage: Σ z̃z̃'e_d² (K, K).  Per outcome: reduced: Σ z̃z̃'e_y² (m, K, K); mixed: Σ z̃z̃'e_d e_y (m, K, K),
    symmetrised; structural: Σ z̃z̃'ε² (m, K, K).
    effects: Σ u u' (m, m) of the estimates' influences u, and their totals (m,), which rounding alone moves from 0.
    ols, hausman: Σ of squared influences (m,) of OLS, and of its gap to 2SLS in Wu's form.
    n_clusters: 0 without clusters.
    """

    first_stage: np.ndarray
    reduced: np.ndarray
    mixed: np.ndarray
    structural: np.ndarray
    effects: np.ndarray
    totals: np.ndarray
    ols: np.ndarray
    hausman: np.ndarray
    n_clusters: int = 0


def scores(relation: Relation, spec: Spec, found: Products, effects: np.ndarray, curvature: np.ndarray) -> Scores:
    """The second scan. effects: the k-class estimates (m,).  curvature: the denominators they were divided by (m,).

    Clusters are summed in the warehouse first.
    """
    names = [f"causal_i{i}" for i in range(found.k)] + ["causal_ed"] + [f"causal_e{j}" for j in range(found.m)]
    rows = combinations(relation, found.terms, dict(zip(names, found.residual_makers, strict=True)))
    columns = _score_columns(rows, found, effects, curvature)
    if spec.weights:
        weight = rows.double(rows.name(spec.weights))
        columns = {name: f"{weight} * ({score})" for name, score in columns.items()}
    rows = rows.with_columns(columns)
    if spec.cluster:
        rows = rows.grouped({c: rows.total(c) for c in columns}, {"causal_cluster": rows.name(spec.cluster)})
    totals, products, n = column_products(rows, list(columns))
    return _unpacked(totals, products, found.k, found.m, n if spec.cluster else 0)


def _score_columns(rows: Relation, found: Products, effects: np.ndarray, curvature: np.ndarray) -> dict[str, str]:
    """SQL of the scores, in the order of `_unpacked`: all outcomes' of one kind side by side."""

    def mixed(values: Sequence[float], columns: Sequence[str]) -> str:
        return " + ".join(f"{rows.number(v)} * {c}" for v, c in zip(values, columns, strict=True))

    k, m = found.k, found.m
    z, treatment = [f"causal_i{i}" for i in range(k)], "causal_ed"
    fit = mixed(found.pi_d, z)
    two_stage, ols = found.fitted_dy / found.fitted_dd, found.dy / found.dd
    out = {f"causal_f{i}": f"{c} * {treatment}" for i, c in enumerate(z)}
    out |= {f"causal_h{j}_{i}": f"{c} * causal_e{j}" for j in range(m) for i, c in enumerate(z)}
    further: dict[str, dict[str, str]] = {"s": {}, "u": {}, "o": {}, "v": {}}
    for j in range(m):
        y = f"causal_e{j}"
        gap = found.pi_y[:, j] - effects[j] * found.pi_d
        residual = mixed([1.0, -effects[j], *gap], [y, treatment, *z])
        of_ols = mixed([1.0, -ols[j], *(found.pi_y[:, j] - ols[j] * found.pi_d)], [y, treatment, *z])
        slope = found.residual_dy[j] / found.residual_dd
        control = mixed([1.0, -slope, *(found.pi_y[:, j] - two_stage[j] * found.pi_d)], [y, treatment, *z])
        further["s"] |= {f"causal_s{j}_{i}": f"{c} * ({residual})" for i, c in enumerate(z)}
        further["u"][f"causal_u{j}"] = f"{rows.number(1.0 / curvature[j])} * ({fit}) * ({residual})"
        further["o"][f"causal_o{j}"] = f"{rows.number(1.0 / found.dd)} * ({fit} + {treatment}) * ({of_ols})"
        pull = f"{rows.number(1.0 / found.residual_dd)} * {treatment} - {rows.number(1.0 / found.fitted_dd)} * ({fit})"
        further["v"][f"causal_v{j}"] = f"({pull}) * ({control})"
    for columns in further.values():
        out |= columns
    return out


def _unpacked(totals: np.ndarray, products: np.ndarray, k: int, m: int, n_clusters: int) -> Scores:
    edges = np.cumsum([0, k, m * k, m * k, m, m, m])
    first, reduced, structural, effects, ols, hausman = (slice(a, b) for a, b in pairwise(edges))

    def blocks(rows: slice, own: bool) -> np.ndarray:
        starts = range(rows.start, rows.stop, k) if k else ()
        return np.array([products[a : a + k, a : a + k] if own else products[first, a : a + k] for a in starts])

    mixed = blocks(reduced, own=False).reshape(m, k, k)
    return Scores(
        first_stage=products[first, first],
        reduced=blocks(reduced, own=True).reshape(m, k, k),
        mixed=(mixed + mixed.transpose(0, 2, 1)) / 2.0,
        structural=blocks(structural, own=True).reshape(m, k, k),
        effects=products[effects, effects],
        totals=totals[effects],
        ols=np.diag(products)[ols],
        hausman=np.diag(products)[hausman],
        n_clusters=n_clusters,
    )
