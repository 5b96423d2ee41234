"""Least squares from sums over blocks of rows, to the digits that the data has.

Columns are centred and scaled before any cross-product is taken, and the solution is refined: each further scan sums
the residuals against the columns and solves for the correction, which gives back the digits that forming the normal
equations costs (Björck 1967; the residuals are those of the rows, not of the sums). A robust covariance comes from the
same scan as the last correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from estimators.errors import refuse
from estimators.warehouse.blocks import Design, Gram, gram, rough_terms
from estimators.warehouse.relation import Relation
from estimators.warehouse.terms import Terms

Covariance = Literal["unadjusted", "HC0", "HC1", "HC2", "HC3"]
MAX_REFINEMENTS = 8
CONVERGED = 1e-10  # of a step, relative to the coefficients: each one shrinks by about the first, so the next is 1e-20
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


_LEVERAGE_POWER = {"HC0": 0, "HC1": 0, "HC2": 1, "HC3": 2}


@dataclass(frozen=True)
class _Problem:
    """terms: of the covariates and the outcome.  regressors: positions among them (p,).  outcome: its position.

    products: Σ z z' of the regressors, standardised (p, p).
    """

    relation: Relation
    terms: Terms
    regressors: np.ndarray
    outcome: int
    products: np.ndarray
    n: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.terms.names[i] for i in self.regressors)


@dataclass(frozen=True)
class _Residuals:
    """At one set of coefficients: Σ z e (p,), Σ e², and Σ z z' e² (p, p), by leverage if so asked."""

    gradient: np.ndarray
    squares: float
    meat: np.ndarray


def least_squares(
    relation: Relation,
    outcome: str,
    covariates: Sequence[str],
    intercept: bool = True,
    covariance: Covariance = "unadjusted",
    levels: Mapping[str, tuple[str, ...]] | None = None,
) -> LeastSquares:
    """Ordinary least squares of `outcome` on `covariates`: numbers and booleans, and text with its `levels` given.

    Scans: one for cross-products, and one for a correction and the covariance (more where digits would be lost).
    Raises CausalError 020 if a column is constant or a combination of the others.
    """
    found, outcome_at = _summed(relation, outcome, covariates, intercept, levels or {})
    regressors = np.array([i for i in range(found.terms.size) if i != outcome_at and (intercept or i > 0)])
    products = found.products[np.ix_(regressors, regressors)]
    problem = _Problem(relation, found.terms, regressors, outcome_at, products, found.n)
    dependent = collinear(products, problem.names)
    if dependent:
        raise refuse("020", "collinear covariates", *dependent, fix="drop them: the others determine them")
    start = np.linalg.solve(products, found.products[regressors, outcome_at])
    beta, residuals = _refined(problem, start, _LEVERAGE_POWER.get(covariance))
    back, shift, unit = _to_original_units(problem, intercept)
    variance = unit**2 * back @ _covariance(problem, residuals, covariance) @ back.T
    return LeastSquares(
        names=problem.names,
        coefficients=unit * back @ beta + shift,
        std_errors=np.sqrt(np.diag(variance)),
        covariance=variance,
        residual_sd=unit * float(np.sqrt(residuals.squares / (found.n - len(regressors)))),
        n_units=found.n,
        se_convention=covariance,
    )


def _summed(
    relation: Relation, outcome: str, covariates: Sequence[str], intercept: bool, levels: Mapping[str, tuple[str, ...]]
) -> tuple[Gram, int]:
    """First scan: products of all columns, and the position of the outcome among them."""
    rough = rough_terms(relation, [*covariates, outcome], levels)
    if not intercept:
        rough = replace(rough, center=np.zeros_like(rough.center), scale=np.hypot(rough.center, rough.scale))
    found = gram(relation, rough, recentres=intercept)
    outcome_at = len(rough.numbers)
    if intercept:
        _require_variation(found, outcome_at)
    return found, outcome_at


def _require_variation(found: Gram, outcome_at: int) -> None:
    terms, numbers = found.terms, slice(1, 1 + len(found.terms.numbers))
    mean = terms.center + found.means[numbers] * terms.scale
    spread = np.sqrt(found.variances[numbers]) * terms.scale
    # Compared with the size of the column: the spread of a constant 0.1 is rounding, not variation.
    flat = ~(spread > 1e-13 * np.maximum(np.abs(mean), 1e-300))
    constant = [c for i, c in enumerate(terms.numbers) if flat[i] and 1 + i != outcome_at]
    constant += [c for c, values in terms.categories if len(values) < 2]
    if constant:
        raise refuse("020", "constant confounder", *sorted(constant), fix="drop it: it cannot differ between the arms")


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
    scale = np.sqrt(np.diag(gram))
    with np.errstate(divide="ignore", invalid="ignore"):  # a column of zeros becomes NaN, which is no own variance
        left = gram / np.outer(scale, scale)  # what the columns so far leave of the later ones
    found = []
    for j, name in enumerate(names):
        own = left[j, j]
        if not own > tolerance:
            found.append(name)
            continue
        shares = left[j + 1 :, j] / own
        left[j + 1 :, j + 1 :] -= np.outer(shares, left[j, j + 1 :])
    return found


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


def _refined(problem: _Problem, beta: np.ndarray, power: int | None) -> tuple[np.ndarray, _Residuals]:
    """Coefficients at which the residuals are orthogonal to the columns, and the sums of the residuals there."""
    last = np.inf
    for _ in range(MAX_REFINEMENTS):
        found = _residual_sums(problem, beta, power)
        step = np.linalg.solve(problem.products, found.gradient)
        size = float(np.linalg.norm(step) / max(np.linalg.norm(beta), 1e-300))
        if size >= last:  # rounding is all that is left
            break
        beta, last = beta + step, size
        if size <= CONVERGED:
            break
    return beta, found


def _residual_sums(problem: _Problem, beta: np.ndarray, power: int | None) -> _Residuals:
    """One scan. power: of 1 - leverage in the weights of the meat, None if no meat is wanted."""
    line = np.zeros(problem.terms.size)
    line[problem.regressors], line[problem.outcome] = -beta, 1.0
    inverse = np.linalg.inv(np.linalg.cholesky(problem.products)) if power else None
    design = Design(problem.terms)
    kernel = partial(_residuals, design, problem.regressors, line, inverse, power)
    asked = design.columns(problem.relation)
    gradient, squares, meat = problem.relation.summed(asked, kernel, n_rows=design.block_rows)
    return _Residuals(gradient, float(squares), meat)


def _residuals(
    design: Design,
    regressors: np.ndarray,
    line: np.ndarray,
    inverse: np.ndarray | None,
    power: int | None,
    columns: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, ...]:
    """gradient, squares and meat (see `_Residuals`) of a block; line: coefficients of every term in the residual."""
    block = design.matrix(columns)
    residual = line @ block
    moments = block * residual
    gradient, squares = moments.sum(axis=1)[regressors], np.array(residual @ residual)
    if power is None:
        return gradient, squares, np.zeros((len(regressors), len(regressors)))
    if inverse is not None:
        leverage = np.square(inverse @ block[regressors]).sum(axis=0)
        moments *= (1.0 - leverage) ** (-power / 2.0)
    return gradient, squares, (moments @ moments.T)[np.ix_(regressors, regressors)]


def _covariance(problem: _Problem, residuals: _Residuals, covariance: Covariance) -> np.ndarray:
    inverse = np.linalg.inv(problem.products)
    degrees = problem.n - len(inverse)
    if covariance == "unadjusted":
        return inverse * residuals.squares / degrees
    factor = problem.n / degrees if covariance == "HC1" else 1.0
    return factor * inverse @ residuals.meat @ inverse


def _to_original_units(problem: _Problem, intercept: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Matrix and shift from coefficients of standardised columns to those of the columns; the outcome's unit."""
    terms, numbers = problem.terms, len(problem.terms.numbers) - 1
    back, shift = np.eye(len(problem.regressors)), np.zeros(len(problem.regressors))
    first = 1 if intercept else 0
    for i in range(numbers):
        back[first + i, first + i] = 1.0 / terms.scale[i]
        if intercept:
            back[0, first + i] = -terms.center[i] / terms.scale[i]
    if intercept:
        shift[0] = terms.center[numbers]
    return back, shift, float(terms.scale[numbers])
