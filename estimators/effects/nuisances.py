"""Cross-fitted propensity and outcome regressions, fitted from sums.

Binary regressions are Newton's method on the sums of `Passes.binary`. The fit that leaves fold k out starts from the
fit on all rows: its gradient there is minus fold k's own, so one Newton step on the sums without fold k is almost the
exact optimum, and costs no further scan. Below `EXACT_ROWS` rows the step is iterated to convergence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import expit, log_expit, log_ndtr, ndtr

from estimators.errors import refuse

if TYPE_CHECKING:
    from estimators.effects.passes import Passes

EXACT_ROWS = 100_000
# Steps are measured as the weighted root mean square change of the linear predictor. Newton is quadratic: after a step
# of 1e-8 the error is at rounding; after one of 0.05 it is about 1e-3, and the last pass' own step squares that again.
EXACT_STEP = 1e-8
START_STEP = 0.05
MAX_STEPS = 50


class Predictor(Protocol):
    """A fitted nuisance: for rows of fold k, the prediction of the model that never saw fold k."""

    def predict(self, fold: int, matrix: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class LinearPredictor:
    """A generalised linear model per fold. coefficients: (K, p) over standardised terms; link names the mean."""

    coefficients: np.ndarray
    link: str = "identity"
    last_step: float = 0.0

    def predict(self, fold: int, matrix: np.ndarray) -> np.ndarray:
        eta = matrix @ self.coefficients[fold]
        return {"identity": lambda v: v, "logit": expit, "probit": ndtr}[self.link](eta)


@dataclass(frozen=True)
class Nuisances:
    """What the scores are made of. outcomes: per outcome the control-arm and the treated-arm model (None: not needed).

    bounds: the propensity is clipped into them.  centers: subtracted from each outcome before it was modelled.
    """

    propensity: Predictor
    outcomes: tuple[tuple[Predictor, Predictor | None], ...]
    bounds: tuple[float, float]
    centers: tuple[float, ...]


def binary_terms(eta: np.ndarray, target: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fisher weight, score and log-likelihood of each row at linear predictor `eta` (logit or probit)."""
    if link == "logit":
        mean = expit(eta)
        return mean * (1.0 - mean), target - mean, np.where(target == 1, log_expit(eta), log_expit(-eta))
    sign = 2.0 * target - 1.0
    log_density = -0.5 * eta**2 - 0.5 * np.log(2.0 * np.pi)
    ratio = np.exp(log_density - log_ndtr(sign * eta))  # φ/Φ on the side that was observed
    weight = np.exp(2.0 * log_density - log_ndtr(eta) - log_ndtr(-eta))
    return weight, sign * ratio, log_ndtr(sign * eta)


def fit_binary(
    passes: Passes, target: str, columns: np.ndarray, link: str, start: np.ndarray, arm: int | None = None
) -> LinearPredictor:
    """Regression of a binary column on the terms at `columns`, one coefficient vector per left-out fold.

    start: (p,), zero outside `columns`. Raises CausalError 014 when the target is perfectly predicted, 020 when terms
    are collinear.
    """
    exact = passes.rows.n_rows < EXACT_ROWS
    pooled, sums, step = _newton(passes, target, columns, link, start, arm, None, EXACT_STEP if exact else START_STEP)
    if passes.n_folds == 1:
        pooled = pooled + _solve(passes, sums.hessian, sums.gradient, columns, None)
        return LinearPredictor(pooled[None, :], link, step)
    coefficients = []
    for fold in range(passes.n_folds):
        left_out = pooled + _solve(passes, sums.hessian, sums.gradient, columns, fold)
        if exact:
            left_out, _, _ = _newton(passes, target, columns, link, left_out, arm, fold, EXACT_STEP)
        coefficients.append(left_out)
    found = np.array(coefficients)
    return LinearPredictor(found, link, 0.0 if exact else max(_size(b - pooled, sums.hessian, None) for b in found))


def fit_linear(passes: Passes, gram: np.ndarray, cross: np.ndarray, columns: np.ndarray) -> LinearPredictor:
    """Least squares per left-out fold from sums by fold. gram: (K, p, p); cross: (K, p)."""
    if passes.n_folds == 1:
        return LinearPredictor(_solve(passes, gram, cross, columns, None)[None, :])
    return LinearPredictor(np.array([_solve(passes, gram, cross, columns, k) for k in range(passes.n_folds)]))


def _newton(passes, target, columns, link, start, arm, left_out, tolerance):
    """Newton with step halving; returns the optimum, the sums of the last pass, and the size of the last step.

    The sums are those at the optimum returned, so that the caller can take one more step from it for free.
    """
    beta, last = start, np.inf
    sums = passes.binary(target, beta, link, arm)
    value = _total(sums.log_likelihood, left_out)
    for _ in range(MAX_STEPS):
        step = _solve(passes, sums.hessian, sums.gradient, columns, left_out)
        size = _size(step, sums.hessian, left_out)
        if last < tolerance:
            return beta, sums, size
        for _ in range(30):
            trial = passes.binary(target, beta + step, link, arm)
            trial_value = _total(trial.log_likelihood, left_out)
            if trial_value >= value - 1e-10 * abs(value):
                break
            step = step / 2.0
        beta, sums, value, last = beta + step, trial, trial_value, size
        if value > -1e-6 * passes.rows.n_rows:
            break
    raise _separated(passes, beta)


def _size(step: np.ndarray, hessian: np.ndarray, left_out: int | None) -> float:
    total = _total(hessian, left_out)
    return float(np.sqrt(max(step @ total @ step, 0.0) / max(total[0, 0], 1e-300)))


def _total(by_fold: np.ndarray, left_out: int | None) -> np.ndarray:
    total = by_fold.sum(axis=0)
    return total if left_out is None else total - by_fold[left_out]


def _solve(
    passes: Passes, matrix: np.ndarray, vector: np.ndarray, columns: np.ndarray, left_out: int | None
) -> np.ndarray:
    """Solution of the normal equations on `columns`, zero elsewhere; (p,)."""
    a = _total(matrix, left_out)[np.ix_(columns, columns)]
    b = _total(vector, left_out)[columns]
    out = np.zeros(matrix.shape[-1])
    out[columns] = solve_scaled(a, b, [passes.rows.terms.names[i] for i in columns])
    return out


def solve_scaled(a: np.ndarray, b: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Solves the symmetric system ``a x = b`` after scaling its diagonal to one.

    Raises CausalError 020 naming the terms of the smallest eigenvector when `a` is singular to working precision.
    """
    diagonal = np.sqrt(np.clip(np.diag(a), 0.0, None))
    if np.any(diagonal == 0.0) or not np.all(np.isfinite(a)):
        raise _collinear([n for n, d in zip(names, diagonal, strict=True) if not d > 0.0] or list(names))
    scaled = a / np.outer(diagonal, diagonal)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < 1e-11 * values[-1]:
        part = np.abs(vectors[:, 0])
        raise _collinear([n for n, v in zip(names, part, strict=True) if v > 1e-3 * part.max() and n != "intercept"])
    return (vectors @ ((vectors.T @ (b / diagonal)) / values)) / diagonal


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
