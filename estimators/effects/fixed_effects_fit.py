"""Least squares on the columns of a panel without its fixed effects, with the covariance asked for.

The products of one pass over the groups are enough where they have digits to spare: a column of which less than
`FEW_DIGITS` is left, or an almost perfect fit, is computed again from rows with the group means taken off first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.fixed_effects import Absorbed
from estimators.effects.fixed_effects_conventions import Convention, Covariance, Size, small_sample
from estimators.errors import refuse
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import collinear, combination, products, symmetric

FEW_DIGITS = 1e-7  # share of a column's variance that the effects leave
NOTHING_LEFT = 1e-20  # the same once means are taken off the rows: no more than rounding leaves
CLOSE_FIT = 1e-6  # share of the outcome's within variance that is residual
FEW_CLUSTERS = 30


@dataclass(frozen=True)
class WithinFit:
    """coefficients: (p, k) of p regressors on k outcomes.  covariance: (pk, pk), outcome after outcome.

    degrees_of_freedom: of Student's t.  within_r2: (k,).  n_clusters: by name.  is_repaired: a two-way covariance had
    a negative variance and lost its negative eigenvalues (Cameron, Gelbach and Miller 2011).
    cuts_units: clusters that do not hold all rows of a unit.  alternatives: (k, p) standard errors by convention.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    degrees_of_freedom: float
    within_r2: np.ndarray
    n_clusters: Mapping[str, int]
    is_repaired: bool
    cuts_units: tuple[str, ...]
    alternatives: Mapping[Convention, np.ndarray]

    @property
    def std_errors(self) -> np.ndarray:
        """(p, k)."""
        p, k = self.coefficients.shape
        return np.sqrt(np.diag(self.covariance)).reshape(k, p).T


@dataclass(frozen=True)
class _Solution:
    """gram: (p, p).  beta: (p, k).  within, residual: (k, k) products of outcomes without effects, and of residuals."""

    gram: np.ndarray
    beta: np.ndarray
    within: np.ndarray
    residual: np.ndarray

    @property
    def bread(self) -> np.ndarray:
        root = np.sqrt(np.diag(self.gram))
        return np.linalg.inv(self.gram / np.outer(root, root)) / np.outer(root, root)


def fit(absorbed: Absorbed, cov: Covariance, convention: Convention) -> WithinFit:
    """Raises CausalError 020, 026 or 028 for what the effects determine, and 023 for a single cluster."""
    clusters = _keys(absorbed) if cov == "cluster" else {}
    is_fast = cov == "unadjusted" or list(clusters.values()) == [f"causal_{absorbed.group_effect}"]
    if absorbed.sums is not None and is_fast:
        found = _with_digits(absorbed)
        if found is not None:
            meat = absorbed.sums.scores(found.beta)
            levels = {"unit": absorbed.counts.n_units, "time": absorbed.counts.n_periods}
            n_clusters = dict.fromkeys(clusters, levels.get(absorbed.group_effect, 0))
            return _finished(absorbed, found, meat, n_clusters, cov, convention)
    gram = symmetric(absorbed.residuals.aggregate(_row_products(absorbed)), "g", absorbed.panel.size)
    _require_variation(gram, absorbed)
    found = _solved(gram, absorbed.panel.p)
    found, meat, n_clusters = _by_rows(absorbed, found, clusters, cov)
    return _finished(absorbed, found, meat, n_clusters, cov, convention)


def _keys(absorbed: Absorbed) -> dict[str, str]:
    """SQL of every cluster column by its name."""
    columns = absorbed.panel.columns
    own = {columns.unit: "causal_unit", columns.time: "causal_time"}
    return {c: own.get(c, absorbed.panel.rows.name(c)) for c in columns.clusters}


def _row_products(absorbed: Absorbed) -> dict[str, str]:
    columns = [f"causal_r{j}" for j in range(absorbed.panel.size)]
    return products(absorbed.residuals, columns, "g", "causal_w" if absorbed.panel.is_weighted else "")


def _solved(products: np.ndarray, p: int) -> _Solution:
    """Least squares from the products (c, c) of p regressors and the outcomes."""
    gram, cross, within = products[:p, :p], products[:p, p:], products[p:, p:]
    root = np.sqrt(np.diag(gram))
    beta = np.linalg.solve(gram / np.outer(root, root), cross / root[:, None]) / root[:, None]
    return _Solution(gram, beta, within, within - cross.T @ beta)


def _with_digits(absorbed: Absorbed) -> _Solution | None:
    """From the products by group; None where these may have lost the digits that matter."""
    products, p = absorbed.sums.products, absorbed.panel.p
    has_digits = (np.diag(products) >= FEW_DIGITS * absorbed.squares).all() and (np.diag(products) > 0).all()
    if not has_digits or collinear(products[:p, :p], absorbed.panel.regressors):
        return None
    found = _solved(products, p)
    return found if (np.diag(found.residual) >= CLOSE_FIT * np.diag(found.within)).all() else None


def _require_variation(gram: np.ndarray, absorbed: Absorbed) -> None:
    panel, p = absorbed.panel, absorbed.panel.p
    left = np.diag(gram) > np.maximum(NOTHING_LEFT * absorbed.squares, 1e-300)
    effects = " and ".join({"unit": panel.columns.unit, "time": panel.columns.time}[e] for e in absorbed.effects)
    by = f"the effects of {effects}" if effects else "the intercept"
    for j in range(len(panel.columns.treatments)):
        if not left[j]:
            raise _absorbed_treatment(absorbed, j, by)
    gone = [name for j, name in enumerate(panel.regressors) if not left[j]]
    if gone:
        detail = f"{', '.join(gone)}: {by} leave nothing of it"
        fix = "drop them: the effects adjust for everything that they could"
        raise refuse("020", "covariates determined by the fixed effects", detail, fix=fix)
    dependent = collinear(gram[:p, :p], panel.regressors)
    if dependent:
        detail = f"{', '.join(dependent)}: determined by the columns before, given {by}"
        raise refuse("020", "collinear covariates", detail, fix="drop them: the others determine them")
    flat = [c for j, c in enumerate(panel.columns.outcomes) if not left[p + j]]
    if flat:
        detail = f"{', '.join(flat)}: {by} leave nothing of it"
        raise refuse("028", "outcome without variation", detail, fix="check the outcome, or use fewer effects")


def _absorbed_treatment(absorbed: Absorbed, j: int, by: str) -> Exception:
    panel, counts = absorbed.panel, absorbed.counts
    name = panel.columns.treatments[j]
    if absorbed.squares[j] <= 1e-13 * max(panel.n_on[j], 1):
        detail = f"{name} has one value in all {panel.n_rows:,} rows: no unit is seen without it"
        return refuse("026", "treated throughout", detail, fix="add periods before the treatment, or untreated units")
    detail = f"{name}: {by} leave nothing of it"
    facts = f"{counts.n_treated:,} of {counts.n_units:,} units are treated, {counts.n_always:,} of them in all periods"
    fix = "some units must change treatment, and not all of them in the same period"
    return refuse("026", "treatment never changes on its own", detail, facts, fix=fix)


def _by_rows(
    absorbed: Absorbed, found: _Solution, clusters: Mapping[str, str], cov: Covariance
) -> tuple[_Solution, np.ndarray, dict[str, int]]:
    """Sums over the rows' own residuals: they correct the coefficients by what rounding cost, and give the meat."""
    p, k = found.beta.shape
    rows = _with_scores(absorbed, found.beta)
    parts = [f"causal_u{j}" for j in range(p * k)]
    residuals = [f"causal_e{j}" for j in range(k)]
    sums = {f"t{j}": rows.total(part) for j, part in enumerate(parts)}
    sums |= products(rows, residuals, "e", "causal_w" if absorbed.panel.is_weighted else "")
    needs_rows = cov == "robust" or set(clusters.values()) == {"causal_unit", "causal_time"}
    sums |= products(rows, parts, "v") if needs_rows else {}
    facts = rows.aggregate(sums)
    totals = np.array([facts[f"t{j}"][0] for j in range(p * k)]).reshape(k, p).T
    beta = found.beta + found.bread @ totals
    found = _Solution(found.gram, beta, found.within, symmetric(facts, "e", k))
    meat, n_clusters = np.zeros((p * k, p * k)), {}
    for name, key in clusters.items():
        n_clusters[name], own = _cluster_products(rows, {"causal_g": key}, parts)
        meat += own
    if cov == "robust":
        meat = symmetric(facts, "v", p * k)
    elif len(clusters) == 2:
        both = {f"causal_g{i}": key for i, key in enumerate(clusters.values())}
        meat -= symmetric(facts, "v", p * k) if needs_rows else _cluster_products(rows, both, parts)[1]
    return found, meat, n_clusters


def _with_scores(absorbed: Absorbed, beta: np.ndarray) -> Relation:
    """Rows with causal_e* (residuals by outcome) and causal_u* (w x̃ ẽ: outcome after outcome)."""
    (p, k), panel = beta.shape, absorbed.panel
    columns = [f"causal_r{j}" for j in range(p)]
    errors = {
        f"causal_e{o}": f"causal_r{p + o} - ({combination(absorbed.residuals, beta[:, o], columns)})" for o in range(k)
    }
    scores = {f"causal_u{o * p + j}": panel.weigh(f"causal_r{j} * causal_e{o}") for o in range(k) for j in range(p)}
    return absorbed.residuals.with_columns(errors).with_columns(scores)


def _cluster_products(rows: Relation, keys: Mapping[str, str], parts: Sequence[str]) -> tuple[int, np.ndarray]:
    """Number of clusters, and Σ over them of the outer product of their sums of `parts`."""
    n, found = 0, np.zeros((len(parts), len(parts)))
    sums = rows.grouped({part: f"sum({part})" for part in parts}, keys)
    for block in sums.batches({part: part for part in parts}):
        values = np.column_stack([block[part] for part in parts])
        n += len(values)
        found += values.T @ values
    return n, found


def _finished(
    absorbed: Absorbed,
    found: _Solution,
    meat: np.ndarray,
    n_clusters: dict[str, int],
    cov: Covariance,
    convention: Convention,
) -> WithinFit:
    nested, cuts = _nesting(absorbed) if cov == "cluster" else ((), ())
    for name, n in n_clusters.items():
        if n < 2:
            raise refuse(
                "023", "one cluster", f"{name} has {n} cluster", fix="no standard error exists; use finer ones"
            )
    levels = {"unit": absorbed.counts.n_units, "time": absorbed.counts.n_periods}
    size = Size(
        n_rows=absorbed.counts.n_rows,
        n_regressors=absorbed.panel.p,
        levels={e: levels[e] for e in absorbed.effects},
        nested=nested,
        n_clusters=min(n_clusters.values(), default=0),
    )
    k = found.beta.shape[1]
    bread = np.kron(np.eye(k), found.bread)
    plain = np.kron(found.residual, found.bread) if cov == "unadjusted" else bread @ meat @ bread
    plain, is_repaired = _repaired(plain)
    factor, degrees = small_sample(size, cov, convention)
    alternatives: dict[Any, np.ndarray] = {}
    if not absorbed.counts.n_singletons:  # the packages count these differently
        for other in ("fixest", "linearmodels"):
            scale = small_sample(size, cov, other)[0]
            alternatives[other] = np.sqrt(scale * np.diag(plain)).reshape(k, -1)
    within_r2 = 1.0 - np.diag(found.residual) / np.diag(found.within)
    return WithinFit(found.beta, factor * plain, degrees, within_r2, n_clusters, is_repaired, cuts, alternatives)


def _repaired(covariance: np.ndarray) -> tuple[np.ndarray, bool]:
    if (np.diag(covariance) > 0).all():
        return covariance, False
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.maximum(values, 0.0)) @ vectors.T, True


def _nesting(absorbed: Absorbed) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Effects nested within a cluster, and clusters that cut across units (all of them, if no other keeps a unit)."""
    keys, rows = _keys(absorbed), absorbed.panel.rows
    within = {e: _is_within(rows, f"causal_{e}", list(keys.values())) for e in {*absorbed.effects, "unit"}}
    nested = tuple(e for e in absorbed.effects if within[e])
    return nested, () if within["unit"] else tuple(keys)


def _is_within(rows: Relation, level: str, clusters: Sequence[str]) -> bool:
    """Whether all rows of each level share one cluster, in some way of clustering."""
    if level in clusters:
        return True
    others = [key for key in clusters if key not in ("causal_unit", "causal_time")]  # no panel has one per the other
    if not others:
        return False
    ends = {f"{end}{i}": f"{end}({key})" for i, key in enumerate(others) for end in ("min", "max")}
    counts = {f"n{i}": f"count(case when min{i} <> max{i} then 1 end)" for i in range(len(others))}
    found = rows.grouped(ends, {"level": level}).aggregate(counts)
    return any(int(count[0]) == 0 for count in found.values())
