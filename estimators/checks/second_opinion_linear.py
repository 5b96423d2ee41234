"""Referees of `difference` and `cem`: statsmodels' least squares on the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from estimators.checks.second_opinion_rows import RefereeRows, read
from estimators.effects.coarsening import coarsen
from estimators.effects.inputs import require_valid
from estimators.effects.method import Spec
from estimators.warehouse import Relation

Numbers = Mapping[str, float]


def difference(relation: Relation, spec: Spec, outcomes: Sequence[str]) -> list[Numbers]:
    """OLS on the treatment with HC2 or clustered errors; adjusted, Lin's regression with centred interactions."""
    rows = read(relation, spec, outcomes, spec.covariates if spec.options.get("adjust") else ())
    weight = np.ones(rows.n) if rows.weights is None else rows.weights
    target = {"ATT": rows.treatment, "ATC": 1.0 - rows.treatment}.get(spec.estimand, np.ones(rows.n)) * weight
    centred = rows.matrix - (target @ rows.matrix) / target.sum()
    t = rows.treatment[:, None]
    exog = np.hstack([np.ones((rows.n, 1)), t, centred, t * centred])
    found = [_least_squares(rows, y, exog, weight, "HC2") for y in rows.outcomes.values()]
    return [{"estimate": e, "std_error": s} for e, s in found]


def cem(relation: Relation, spec: Spec, outcomes: Sequence[str]) -> list[Numbers]:
    """WLS on the treatment with HC1 errors, weights from the counts of each stratum as MatchIt makes them.

    The strata are ours: the bins are part of the method's definition.
    """
    asked = {"exact": (), "cutpoints": {}, "bins": "sturges", "max_levels": 50, **spec.options}
    inputs = require_valid(
        relation, spec.treatment, outcomes, spec.covariates, spec.cluster, spec.weights, asked["max_levels"]
    )
    coarsening = coarsen(relation, inputs, spec.covariates, asked["exact"], asked["cutpoints"], asked["bins"])
    keys = {key: f"cast({sql} as string)" for key, sql in coarsening.keys.items()}
    rows = read(relation, spec, outcomes, (), keys)
    weight = _matching_weights(rows)
    exog = np.column_stack([np.ones(rows.n), rows.treatment])
    found = [_least_squares(rows, y, exog, weight, "HC1", clustered=False) for y in rows.outcomes.values()]
    return [{"estimate": e, "std_error_hc1": s} for e, s in found]


def _matching_weights(rows: RefereeRows) -> np.ndarray:
    """Iacus, King and Porro 2012: 1 for the target's units, the ratio of the arms in the stratum for the others."""
    codes = np.zeros(rows.n, dtype=np.int64)
    for values in rows.further.values():
        codes = np.unique(
            codes * (1 + rows.n) + np.unique(values.astype(str), return_inverse=True)[1], return_inverse=True
        )[1]
    own = np.ones(rows.n) if rows.weights is None else rows.weights
    treated, control = (np.bincount(codes, own * (rows.treatment == a))[codes] for a in (1, 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = {
            "ATT": np.where(rows.treatment == 1, 1.0, treated / control),
            "ATC": np.where(rows.treatment == 1, control / treated, 1.0),
            "ATE": (treated + control) / np.where(rows.treatment == 1, treated, control),
        }[rows.spec.estimand]
    return np.where((treated > 0) & (control > 0), factor * own, 0.0)


def _least_squares(
    rows: RefereeRows, y: np.ndarray, exog: np.ndarray, weight: np.ndarray, errors: str, clustered: bool = True
) -> tuple[float, float]:
    """Coefficient and standard error of the second column, over the rows with weight."""
    from statsmodels.regression.linear_model import WLS

    used = weight > 0.0
    kind: dict = {"cov_type": errors}
    if clustered and rows.clusters is not None:
        kind = {"cov_type": "cluster", "cov_kwds": {"groups": rows.clusters[used]}}
    found = WLS(y[used], exog[used], weights=weight[used]).fit(method="qr", **kind)
    return float(found.params[1]), float(found.bse[1])
