"""Referees of `iv` and `panel`: linearmodels on the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from estimators.checks.second_opinion_rows import RefereeRows, read
from estimators.effects.method import Spec
from estimators.effects.panel import FixedEffectsDesign
from estimators.warehouse import Relation

Numbers = Mapping[str, float]


def iv(relation: Relation, spec: Spec, outcomes: Sequence[str]) -> list[Numbers]:
    """IV2SLS or IVLIML with debiased robust, unadjusted or clustered errors. Options: instruments, estimator, cov."""
    instruments = tuple(spec.options["instruments"])
    rows = read(relation, spec, outcomes, (*spec.covariates, *instruments))
    exog = np.column_stack([np.ones(rows.n), rows.of(spec.covariates)])
    return [_instrumented(rows, y, exog, rows.of(instruments)) for y in rows.outcomes.values()]


def _instrumented(rows: RefereeRows, y: np.ndarray, exog: np.ndarray, instruments: np.ndarray) -> Numbers:
    from linearmodels.iv import IV2SLS, IVLIML

    model = IVLIML if rows.spec.options.get("estimator", "2sls") == "liml" else IV2SLS
    kind: dict[str, Any] = {"cov_type": rows.spec.options.get("cov", "robust")}
    if rows.clusters is not None:
        kind = {"cov_type": "clustered", "clusters": rows.clusters}
    found = model(y, exog, rows.treatment, instruments, weights=rows.weights).fit(debiased=True, **kind)
    return {"estimate": float(found.params.iloc[-1]), "std_error": float(found.std_errors.iloc[-1])}


def panel(design: FixedEffectsDesign, outcomes: Sequence[str]) -> list[Numbers]:
    """PanelOLS of the first treatment: its own errors, and the same with fixest's factor (one-way clusters only).

    design: over the rows to recompute from; its columns and options say what the regression is.
    """
    columns, options = design.columns, design.options
    regressors = (*columns.treatments[1:], *columns.covariates)
    spec = Spec(columns.treatments[0], regressors, weights=columns.weights, options=options)
    names = {"unit": columns.unit, "time": columns.time}
    names |= {f"cluster{i}": c for i, c in enumerate(columns.clusters)}
    further = {name: design.relation.name(c) for name, c in names.items()}
    rows = read(design.relation, spec, outcomes, regressors, further)
    return [_within(rows, y, options, design.drops_singletons) for y in rows.outcomes.values()]


def _within(rows: RefereeRows, y: np.ndarray, options: Mapping[str, Any], drops_singletons: bool) -> Numbers:
    import pandas as pd
    from linearmodels.panel import PanelOLS

    codes = {name: np.unique(v, return_inverse=True)[1] for name, v in rows.further.items()}
    index = pd.MultiIndex.from_arrays([codes["unit"], codes["time"]], names=["unit", "time"])
    x = pd.DataFrame(np.column_stack([rows.treatment, rows.matrix]), index=index)
    x.columns = [f"x{i}" for i in range(x.shape[1])]
    if not options["effects"]:
        x["intercept"] = 1.0
    weights = None if rows.weights is None else pd.Series(rows.weights, index=index)
    effects = {"entity_effects": "unit" in options["effects"], "time_effects": "time" in options["effects"]}
    model = PanelOLS(pd.Series(y, index=index), x, weights=weights, singletons=not drops_singletons, **effects)
    clusters = [name for name in codes if name.startswith("cluster")]
    if options["cov"] != "cluster":
        found = model.fit(cov_type=options["cov"])
        return {"estimate": float(found.params.iloc[0]), "std_error": float(found.std_errors.iloc[0])}
    groups = pd.DataFrame({name: codes[name] for name in clusters}, index=index)
    found = model.fit(cov_type="clustered", clusters=groups)
    own = float(found.std_errors.iloc[0])
    numbers = {"estimate": float(found.params.iloc[0]), "std_error_linearmodels": own}
    if options["convention"] == "linearmodels":
        return {**numbers, "std_error": own}
    if len(clusters) > 1:
        return numbers
    plain = {"auto_df": False, "count_effects": False, "group_debias": True, "debiased": False}
    found = model.fit(cov_type="clustered", clusters=groups, **plain)
    factor = _fixest(codes, clusters[0], options["effects"], (int(found.nobs), x.shape[1]))
    return {**numbers, "std_error": float(found.std_errors.iloc[0]) * factor}


def _fixest(codes: Mapping[str, np.ndarray], cluster: str, effects: Sequence[str], shape: tuple[int, int]) -> float:
    """√(n / (n - K)): linearmodels' group factor is (n - 1)/n · G/(G - 1), fixest's (n - 1)/(n - K) · G/(G - 1).

    K counts the regressors and the effects that are not nested within the clusters (all nested together count as one).
    """
    n, k = shape
    levels = {e: len(np.unique(codes[e])) for e in effects}
    nested = [e for e in effects if len(np.unique(codes[e] * (1 + n) + codes[cluster])) == levels[e]]
    total = k + sum(levels.values()) - max(len(levels) - 1, 0)
    counted = total - sum(levels[e] for e in nested) + len(nested)
    return float(np.sqrt(n / (n - counted)))
