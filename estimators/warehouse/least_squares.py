"""Least squares from sums in the warehouse, to the digits that the data has.

Columns are centred and scaled before any cross-product is taken, and the solution is refined: each further scan sums
the residuals against the columns and solves for the correction, which gives back the digits that forming the normal
equations costs (Björck 1967; the residuals are those of the rows, not of the sums).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from estimators.errors import refuse
from estimators.warehouse.relation import Relation
from estimators.warehouse.terms import Terms, describe

Covariance = Literal["unadjusted", "HC0", "HC1", "HC2", "HC3"]
MAX_REFINEMENTS = 8
CONVERGED = 1e-15  # of a step, relative to the coefficients
DEPENDENT = 1e-12  # a column is collinear if this share of its variance, or less, is its own


@dataclass(frozen=True)
class LeastSquares:
    """A fitted regression, in the units of the columns.

    names: of the coefficients, ``intercept`` first if there is one.  coefficients, std_errors: (p,).
    covariance: (p, p).  residual_sd: root of RSS / (n - p).  se_convention: how `covariance` was made.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    std_errors: np.ndarray
    covariance: np.ndarray
    residual_sd: float
    n_units: int
    se_convention: str

    def effect_of(self, name: str) -> tuple[float, float]:
        """Coefficient and standard error of one column."""
        at = self.names.index(name)
        return float(self.coefficients[at]), float(self.std_errors[at])


@dataclass(frozen=True)
class _Problem:
    """rows: the relation with columns causal_z* and causal_y, both standardised.  size: number of causal_z*."""

    rows: Relation
    size: int
    n: int

    @property
    def columns(self) -> list[str]:
        return [f"causal_z{i}" for i in range(self.size)]


def least_squares(
    relation: Relation,
    outcome: str,
    covariates: Sequence[str],
    intercept: bool = True,
    covariance: Covariance = "unadjusted",
    levels: Mapping[str, tuple[str, ...]] | None = None,
) -> LeastSquares:
    """Ordinary least squares of `outcome` on `covariates`: numbers and booleans, and text with its `levels` given.

    Scans: one for means, one for cross-products, one per refinement (two or three), one for the covariance.
    Raises CausalError 020 if a column is constant or a combination of the others.
    """
    terms = describe(relation, covariates, levels or {})
    if not intercept:
        terms = replace(terms, center=np.zeros_like(terms.center), scale=np.hypot(terms.center, terms.scale))
    names = terms.names if intercept else terms.names[1:]
    center, scale, n = _scale_of(relation, outcome, intercept)
    problem = _Problem(_standardised(relation, terms, outcome, (center, scale), intercept), len(names), n)
    gram, cross = _cross_products(problem)
    dependent = collinear(gram, names)
    if dependent:
        raise refuse("020", "collinear covariates", *dependent, fix="drop them: the others determine them")
    beta, residual = _refined(problem, gram, np.linalg.solve(gram, cross))
    variance = _covariance(problem, gram, beta, residual, covariance)
    back, shift = _to_original_units(terms, intercept), np.zeros(len(names))
    shift[0] = center
    variance = scale**2 * back @ variance @ back.T
    return LeastSquares(
        names=names,
        coefficients=scale * back @ beta + shift,
        std_errors=np.sqrt(np.diag(variance)),
        covariance=variance,
        residual_sd=scale * float(np.sqrt(residual / (n - len(names)))),
        n_units=n,
        se_convention=covariance,
    )


def design_columns(relation: Relation, terms: Terms, intercept: bool = True) -> dict[str, str]:
    """SQL of the terms' values by column name causal_z0, causal_z1, ...: 1, standardised numbers, dummies."""
    one, zero = relation.number(1.0), relation.number(0.0)
    values = [one] if intercept else []
    values += terms.standardised(relation).values()
    for column, levels in terms.categories:
        values += [
            f"case when {relation.name(column)} = {relation.text(level)} then {one} else {zero} end"
            for level in levels[1:]
        ]
    return {f"causal_z{i}": value for i, value in enumerate(values)}


def collinear(gram: np.ndarray, names: Sequence[str], tolerance: float = DEPENDENT) -> list[str]:
    """Those of `names` that the ones before them determine: Cholesky, column by column. gram: (p, p)."""
    size = len(gram)
    scaled = gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    factor = np.zeros((size, size))
    found = []
    for j in range(size):
        factor[j, :j] = _forward(factor[:j, :j], scaled[j, :j])
        own = scaled[j, j] - factor[j, :j] @ factor[j, :j]
        if own <= tolerance:
            found.append(names[j])
            factor[j, :j] = 0.0
            own = 1.0
        factor[j, j] = np.sqrt(own)
    return found


def _forward(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.linalg.solve(lower, right) if len(right) else right


def symmetric(values: Mapping[str, np.ndarray], prefix: str, size: int, row: int = 0) -> np.ndarray:
    """A symmetric (size × size) matrix from aggregates named prefix{i}_{j}, i <= j, of one result row."""
    out = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            out[i, j] = out[j, i] = values[f"{prefix}{i}_{j}"][row]
    return out


def products(relation: Relation, columns: Sequence[str], prefix: str, weight: str = "") -> dict[str, str]:
    """Aggregates for `symmetric`: sums of all products of two columns, times `weight`."""
    factor = f" * {weight}" if weight else ""
    return {
        f"{prefix}{i}_{j}": relation.total(f"{a} * {b}{factor}")
        for i, a in enumerate(columns)
        for j, b in enumerate(columns)
        if i <= j
    }


def combination(relation: Relation, coefficients: np.ndarray, columns: Sequence[str]) -> str:
    """SQL of a linear combination of columns."""
    return " + ".join(f"{relation.number(b)} * {c}" for b, c in zip(coefficients, columns, strict=True))


def _scale_of(relation: Relation, outcome: str, intercept: bool) -> tuple[float, float, int]:
    value = relation.double(relation.name(outcome))
    found = relation.aggregate({"mean": f"avg({value})", "sd": f"stddev_pop({value})", "n": "count(*)"})
    mean, sd, n = float(found["mean"][0]), float(found["sd"][0]), int(found["n"][0])
    center, scale = (mean, sd) if intercept else (0.0, float(np.hypot(mean, sd)))
    return center, scale or 1.0, n


def _standardised(
    relation: Relation, terms: Terms, outcome: str, units: tuple[float, float], intercept: bool
) -> Relation:
    center, scale = units
    value = relation.double(relation.name(outcome))
    columns = design_columns(relation, terms, intercept)
    columns["causal_y"] = f"({value} - {relation.number(center)}) / {relation.number(scale)}"
    return relation.with_columns(columns)


def _cross_products(problem: _Problem) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = problem.rows, problem.columns
    sums = products(rows, columns, "g")
    sums |= {f"c{i}": rows.total(f"{z} * causal_y") for i, z in enumerate(columns)}
    found = rows.aggregate(sums)
    return symmetric(found, "g", problem.size), np.array([found[f"c{i}"][0] for i in range(problem.size)])


def _refined(problem: _Problem, gram: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients at which the residuals are orthogonal to the columns, and the residual sum of squares there."""
    last = np.inf
    for _ in range(MAX_REFINEMENTS):
        gradient, squares = _residual_sums(problem, beta)
        step = np.linalg.solve(gram, gradient)
        size = float(np.linalg.norm(step) / max(np.linalg.norm(beta), 1e-300))
        if size >= last:  # rounding is all that is left
            return beta, squares
        beta, last = beta + step, size
        if size <= CONVERGED:
            return beta, squares
    return beta, squares


def _residual_sums(problem: _Problem, beta: np.ndarray) -> tuple[np.ndarray, float]:
    rows = _with_residual(problem, beta)
    sums = {f"g{i}": rows.total(f"{z} * causal_r") for i, z in enumerate(problem.columns)}
    found = rows.aggregate({**sums, "squares": rows.total("causal_r * causal_r")})
    return np.array([found[f"g{i}"][0] for i in range(problem.size)]), float(found["squares"][0])


def _with_residual(problem: _Problem, beta: np.ndarray) -> Relation:
    fitted = combination(problem.rows, beta, problem.columns)
    return problem.rows.with_columns({"causal_r": f"causal_y - ({fitted})"})


def leverage(relation: Relation, gram: np.ndarray, columns: Sequence[str]) -> str:
    """SQL of z' gram^-1 z, as the sum of squares of the rows of the inverse Cholesky factor applied to z."""
    inverse = np.linalg.inv(np.linalg.cholesky(gram))
    forms = [combination(relation, inverse[j, : j + 1], columns[: j + 1]) for j in range(len(columns))]
    return " + ".join(f"({form}) * ({form})" for form in forms)


def _covariance(
    problem: _Problem, gram: np.ndarray, beta: np.ndarray, squares: float, covariance: Covariance
) -> np.ndarray:
    inverse = np.linalg.inv(gram)
    degrees = problem.n - problem.size
    if covariance == "unadjusted":
        return inverse * squares / degrees
    power = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}[covariance]
    rows = _with_residual(problem, beta)
    weight = "causal_r * causal_r"
    if power:
        rows = rows.with_columns({"causal_h": leverage(rows, gram, problem.columns)})
        weight += f" / power(1e0 - causal_h, {power})"
    rows = rows.with_columns({"causal_w": weight})
    meat = symmetric(rows.aggregate(products(rows, problem.columns, "m", "causal_w")), "m", problem.size)
    factor = problem.n / degrees if covariance == "HC1" else 1.0
    return factor * inverse @ meat @ inverse


def _to_original_units(terms: Terms, intercept: bool) -> np.ndarray:
    """Matrix from coefficients of standardised columns to those of the columns themselves."""
    size = terms.size if intercept else terms.size - 1
    back = np.eye(size)
    first = 1 if intercept else 0
    for i, (center, scale) in enumerate(zip(terms.center, terms.scale, strict=True)):
        back[first + i, first + i] = 1.0 / scale
        if intercept:
            back[0, first + i] = -center / scale
    return back
