"""Referee of `aipw`: scikit-learn's regressions (statsmodels' for probit) on the same folds, and the score by hand.

What is shared with the estimator is its definition: which unit is in which fold, and where propensities are clipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from estimators.checks.second_opinion_rows import RefereeRows, read
from estimators.effects.aipw import Options, bucket_of_unit
from estimators.effects.folds import fold_numbers
from estimators.effects.method import Spec
from estimators.effects.weighting import clip_bounds
from estimators.warehouse import Relation

Numbers = Mapping[str, float]
WORK = 4_000_000  # rows × columns × folds × splits: about a second


def published_splits(relation: Relation, spec: Spec, n_units: int) -> Spec:
    """The spec with as many splits as there is time for: all that were published, or the first."""
    options = Options.of(spec)
    columns = {*spec.covariates, *(options.propensity_covariates or ())}
    work = n_units * (2 + len(columns)) * options.folds * options.n_splits(n_units)
    return spec if work <= WORK else replace(spec, options={**spec.options, "repetitions": 1})


def has_referee(spec: Spec) -> bool:
    return not Options.of(spec).is_boosted


def aipw(relation: Relation, spec: Spec, outcomes: Sequence[str]) -> list[Numbers]:
    """Estimate and standard error of every outcome."""
    options = Options.of(spec)
    extra = [c for c in options.propensity_covariates or () if c not in spec.covariates]
    further = {"bucket": bucket_of_unit(relation, spec, options.folds)}
    rows = read(relation, spec, outcomes, (*spec.covariates, *extra), further)
    found = [_split(rows, options, f"{spec.seed}/folds/{i}") for i in range(options.n_splits(rows.n))]
    out = []
    for outcome in outcomes:
        estimates, errors = (np.array([split[outcome][part] for split in found]) for part in (0, 1))
        middle = float(np.median(estimates))
        error = float(np.sqrt(np.median(errors**2 + (estimates - middle) ** 2)))
        out.append({"estimate": middle, "std_error": error})
    return out


def _split(rows: RefereeRows, options: Options, salt: str) -> dict[str, tuple[float, float]]:
    folds = fold_numbers(rows.further["bucket"], salt, options.folds)
    everyone = np.ones(rows.n, dtype=bool)
    x = rows.of(options.propensity_covariates or rows.spec.covariates)
    share = rows.treatment.mean()
    e = _cross_fitted(rows, options.propensity_model, x, rows.treatment, folds, everyone)
    e = np.clip(e, *clip_bounds(options.clip, float(share), rows.spec.estimand))
    return {outcome: _effect(rows, options, folds, e, y) for outcome, y in rows.outcomes.items()}


def _effect(
    rows: RefereeRows, options: Options, folds: np.ndarray, e: np.ndarray, y: np.ndarray
) -> tuple[float, float]:
    """Robins, Rotnitzky and Zhao 1994 (ATE); Hahn 1998 (ATT); Li, Morgan and Zaslavsky 2018 (ATO)."""
    t, estimand = rows.treatment, rows.spec.estimand
    is_binary = bool(np.isin(y, (0.0, 1.0)).all())
    model = (
        "logistic"
        if options.outcome_model == "logistic" or (options.outcome_model == "auto" and is_binary)
        else "linear"
    )
    x = rows.of(rows.spec.covariates)
    m0 = _cross_fitted(rows, model, x, y, folds, t == 0)
    m1 = m0 if estimand == "ATT" else _cross_fitted(rows, model, x, y, folds, t == 1)
    if estimand == "ATT":
        top, bottom = t * (y - m0) - (1 - t) * e / (1 - e) * (y - m0), t
    elif estimand == "ATE":
        top, bottom = m1 - m0 + t * (y - m1) / e - (1 - t) * (y - m0) / (1 - e), np.ones(rows.n)
    else:
        top, bottom = (t - e) * (y - e * m1 - (1 - e) * m0), (t - e) ** 2
    if rows.weights is not None:
        top, bottom = top * rows.weights, bottom * rows.weights
    effect = top.sum() / bottom.sum()
    influence = top - effect * bottom
    factor = 1.0
    if rows.clusters is not None:
        influence = np.bincount(rows.clusters, influence)
        factor = len(influence) / (len(influence) - 1)
    return float(effect), float(np.sqrt(factor * influence @ influence) / bottom.sum())


def _cross_fitted(
    rows: RefereeRows, model: str, x: np.ndarray, y: np.ndarray, folds: np.ndarray, among: np.ndarray
) -> np.ndarray:
    """Predictions for every row by the model fitted without its fold, on the rows `among`."""
    out = np.empty(rows.n)
    for fold in np.unique(folds):
        test = folds == fold
        train = among & ~test if len(np.unique(folds)) > 1 else among
        weight = None if rows.weights is None else rows.weights[train]
        out[test] = _FITS[model](x[train], y[train], weight, x[test])
    return out


def _linear(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LinearRegression

    if not x.shape[1]:
        return np.full(len(new), np.average(y, weights=weight))
    return LinearRegression().fit(x, y, sample_weight=weight).predict(new)


def _logistic(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    if not x.shape[1]:
        return np.full(len(new), np.average(y, weights=weight))
    found = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1_000)
    return found.fit(x, y, sample_weight=weight).predict_proba(new)[:, 1]


def _probit(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.families.links import Probit
    from statsmodels.genmod.generalized_linear_model import GLM

    x, new = (np.column_stack([np.ones(len(v)), v]) for v in (x, new))
    found = GLM(y, x, family=Binomial(Probit()), var_weights=weight).fit(tol=1e-12, maxiter=200)
    return np.asarray(found.predict(new))


_FITS = {"linear": _linear, "logistic": _logistic, "probit": _probit}
