"""Cross-fitted propensity and outcome regressions, fitted from sums.

Binary regressions are Newton's method on the sums of `Passes.binary`. The fit that leaves fold k out starts from the
fit on all rows: its gradient there is minus fold k's own, so one Newton step on the sums without fold k is almost the
exact optimum, and costs no further scan. Below `EXACT_ROWS` rows the step is iterated to convergence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.passes import BinarySums, Passes
from estimators.effects.predictors import LinearPredictor
from estimators.errors import CausalError, refuse

EXACT_ROWS = 100_000
# Steps are measured as the weighted root mean square change of the linear predictor. Newton is quadratic: after a step
# of 1e-8 the error is at rounding; after one of 0.1 it is about 1e-3, and the last pass' own step squares that again.
EXACT_STEP = 1e-8
START_STEP = 0.1
MAX_STEPS = 20  # a finite optimum takes fewer than ten
MAX_HALVINGS = 30
SINGULAR = 1e-11  # smallest eigenvalue of a scaled matrix, relative to the largest, below which it has no rank


def rough_fit(passes: Passes, target: str, columns: np.ndarray, link: str) -> np.ndarray:
    """Coefficients (p,) near the optimum on all rows of `passes`, to start a fit on more rows from."""
    start = np.zeros(passes.rows.terms.size)
    return _newton(passes, target, columns, link, start, None, None, START_STEP).coefficients


def fit_binary(
    passes: Passes, target: str, columns: np.ndarray, link: str, start: np.ndarray, arm: int | None = None
) -> LinearPredictor:
    """Regression of a binary column on the terms at `columns`, one coefficient vector per left-out fold.

    start: (p,), zero outside `columns`. Raises CausalError 014 when the target is perfectly predicted, 020 when terms
    are collinear.
    """
    exact = passes.rows.n_rows < EXACT_ROWS
    fit = _newton(passes, target, columns, link, start, arm, None, EXACT_STEP if exact else START_STEP)
    if passes.n_folds == 1:
        # At convergence this step is nothing; with few steps on large data it squares the error once more.
        last = 0.0 if fit.growing else _solve(passes, fit.sums.hessian, fit.sums.gradient, columns, None)
        return LinearPredictor((fit.coefficients + last)[None, :], link, fit.step)
    found = np.array([_leave_out(passes, target, columns, link, fit, arm, k, exact) for k in range(passes.n_folds)])
    step = 0.0 if exact else max(_size(b - fit.coefficients, fit.sums.hessian, None) for b in found)
    return LinearPredictor(found, link, step)


def _leave_out(passes, target, columns, link, pooled, arm, fold, exact) -> np.ndarray:
    """Coefficients without `fold`.

    A rare category of which that fold has every unit of one arm has no finite coefficient without it. Such a term is
    left out, as least squares would; one that has none on all rows either stays, and its units are clipped.
    """
    if not exact:
        step = _solve(passes, pooled.sums.hessian, pooled.sums.gradient, columns, fold, drop_dependent=True)
        return pooled.coefficients + step
    start = pooled.coefficients
    for _ in range(len(columns)):
        fit = _newton(passes, target, columns, link, start, arm, fold, EXACT_STEP)
        if not fit.growing or pooled.growing:
            return fit.coefficients
        columns = columns[columns != fit.growing]
        start = np.where(np.isin(np.arange(len(start)), columns), pooled.coefficients, 0.0)
    return start


def fit_linear(passes: Passes, gram: np.ndarray, cross: np.ndarray, columns: np.ndarray) -> LinearPredictor:
    """Least squares per left-out fold from sums by fold. gram: (K, p, p); cross: (K, p).

    Raises CausalError 020 when terms are collinear on all rows. Where they are so only without one fold (a rare
    category of which that fold has every unit), the term is left out of that fold's model.
    """
    pooled = _solve(passes, gram, cross, columns, None)
    if passes.n_folds == 1:
        return LinearPredictor(pooled[None, :])
    folds = range(passes.n_folds)
    return LinearPredictor(np.array([_solve(passes, gram, cross, columns, k, drop_dependent=True) for k in folds]))


@dataclass(frozen=True)
class _Fit:
    """An optimum, the sums there, the size of the last step, and the position of a coefficient without bound (or 0)."""

    coefficients: np.ndarray
    sums: BinarySums
    step: float
    growing: int = 0


def _newton(passes, target, columns, link, start, arm, left_out, tolerance) -> _Fit:
    """Newton with step halving. Raises CausalError 014 when the target is predicted perfectly by all of its rows."""
    beta, size = start, np.inf
    sums = passes.binary(target, beta, link, arm)
    value = _total(sums.log_likelihood, left_out)
    step = np.zeros_like(beta)
    for i in range(MAX_STEPS):
        if size < tolerance:
            return _Fit(beta, sums, size)
        try:
            step = _solve(passes, sums.hessian, sums.gradient, columns, left_out)
        except CausalError:
            if i == 0:
                raise
            break  # the likelihood is flat where a coefficient grows without bound
        for _ in range(MAX_HALVINGS):
            trial = passes.binary(target, beta + step, link, arm)
            trial_value = _total(trial.log_likelihood, left_out)
            if trial_value >= value - 1e-10 * abs(value):
                break
            step = step / 2.0
        size = _size(step, sums.hessian, left_out)
        beta, sums, value = beta + step, trial, trial_value
        if value > -1e-6 * passes.rows.n_rows:
            raise _separated(passes, beta)
    growing = columns[1:][np.argmax(np.abs(step[columns[1:]]))] if len(columns) > 1 else 0
    return _Fit(beta, sums, size, int(growing))


def _size(step: np.ndarray, hessian: np.ndarray, left_out: int | None) -> float:
    total = _total(hessian, left_out)
    return float(np.sqrt(max(step @ total @ step, 0.0) / max(total[0, 0], 1e-300)))


def _total(by_fold: np.ndarray, left_out: int | None) -> np.ndarray:
    total = by_fold.sum(axis=0)
    return total if left_out is None else total - by_fold[left_out]


def _solve(
    passes: Passes,
    matrix: np.ndarray,
    vector: np.ndarray,
    columns: np.ndarray,
    left_out: int | None,
    drop_dependent: bool = False,
) -> np.ndarray:
    """Solution of the normal equations on `columns`, zero elsewhere; (p,)."""
    a = _total(matrix, left_out)[np.ix_(columns, columns)]
    b = _total(vector, left_out)[columns]
    out = np.zeros(matrix.shape[-1])
    out[columns] = solve_scaled(a, b, [passes.rows.terms.names[i] for i in columns], drop_dependent)
    return out


def solve_scaled(a: np.ndarray, b: np.ndarray, names: Sequence[str], drop_dependent: bool = False) -> np.ndarray:
    """Solves the symmetric system ``a x = b`` after scaling its diagonal to one.

    When `a` is singular to working precision: with `drop_dependent` terms that depend on earlier ones get 0, as in R's
    lm; else CausalError 020 names the terms of the smallest eigenvector.
    """
    diagonal = np.sqrt(np.clip(np.diag(a), 0.0, None))
    constant = diagonal == 0.0
    diagonal = np.where(constant, 1.0, diagonal)
    scaled = a / np.outer(diagonal, diagonal)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] >= SINGULAR * values[-1]:
        return (vectors @ ((vectors.T @ (b / diagonal)) / values)) / diagonal
    if drop_dependent:
        keep = _independent(scaled)
        out = np.zeros(len(b))
        out[keep] = solve_scaled(a[np.ix_(keep, keep)], b[keep], [names[i] for i in keep])
        return out
    part = np.abs(vectors[:, 0])
    chosen = constant if constant.any() else part > 1e-3 * part.max()
    raise _collinear([n for n, is_part in zip(names, chosen, strict=True) if is_part and n != "intercept"])


def _independent(scaled: np.ndarray) -> np.ndarray:
    """Positions of the columns that do not depend on earlier ones: Gram-Schmidt on the cross-products."""
    rest, keep = scaled.copy(), []
    for i in range(len(rest)):
        if rest[i, i] > 1e-9:
            keep.append(i)
            rest = rest - np.outer(rest[:, i], rest[i, :]) / rest[i, i]
    return np.array(keep)


def _collinear(names: list[str]) -> Exception:
    return refuse(
        "020",
        "collinear or constant confounders",
        "linearly dependent, in one arm at least: " + ", ".join(names),
        fix="drop one of them, or set `collinear: drop`",
    )


def _separated(passes: Passes, beta: np.ndarray) -> Exception:
    names = passes.rows.terms.names
    strongest = names[1 + int(np.argmax(np.abs(beta[1:])))] if len(names) > 1 else "intercept"
    return refuse(
        "014",
        "no overlap",
        f"the confounders predict the treatment perfectly; {strongest} does most of it",
        fix=f"restrict the cohort, or drop confounder {strongest}",
    )
