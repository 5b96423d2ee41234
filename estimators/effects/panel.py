"""Fixed-effects regressions of a panel: unit and period effects, several treatments, clustered standard errors.

The two-way within estimator (Wooldridge 2021), exact for unbalanced and weighted panels; reference implementations are
fixest (pyfixest) and linearmodels' PanelOLS, whose conventions can be chosen by name. With treatments that start at
different times its coefficient mixes comparisons that are right with some that are not: the weights of the
Goodman-Bacon decomposition stand beside it, and `did` is the method to lead with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from estimators.effects.fixed_effects import EFFECTS, Absorbed, absorb
from estimators.effects.fixed_effects_conventions import CONVENTIONS, COVARIANCES, Convention, Covariance, label
from estimators.effects.fixed_effects_fit import FEW_CLUSTERS, WithinFit, fit
from estimators.effects.goodman_bacon import decomposed
from estimators.effects.method import Estimates, PanelDesign, PanelSpec, PreTrends
from estimators.effects.panel_pre_trends import pre_trends
from estimators.effects.panel_rows import PanelColumns, panel_rows, unknown_columns
from estimators.errors import CausalError, refuse
from estimators.results import Check, Effect
from estimators.warehouse import Relation, as_relation

OPTIONS: dict[str, Any] = {
    "effects": EFFECTS,
    "cov": "cluster",
    "convention": "fixest",
    "singletons": None,
    "estimand": "ATT",
    "max_levels": 50,
    "treatments": (),
    "clusters": (),
}
CHOICES = {
    "cov": COVARIANCES,
    "convention": CONVENTIONS,
    "singletons": (None, "drop", "keep"),
}


def panel(  # noqa: PLR0913 - the public signature of DESIGN.md
    data: Any,
    unit: str,
    time: str,
    treatment: str | Sequence[str],
    outcome: str | Sequence[str],
    covariates: Sequence[str] = (),
    effects: Sequence[str] = EFFECTS,
    cluster: str | Sequence[str] | None = None,
    weights: str | None = None,
    cov: Covariance = "cluster",
    convention: Convention = "fixest",
    singletons: str | None = None,
    estimand: str = "ATT",
    max_levels: int = 50,
) -> Effect:
    """Effect of a treatment within units, by least squares with fixed effects.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit and period.  treatment: a column, 0/1 or a dose,
    or several.  outcome: a column, or several.  covariates: numbers, booleans or text (dummies).  effects: of "unit"
    and "time", both, one or none.  cluster: a column or two of them (Cameron, Gelbach and Miller 2011); by `unit`
    unless said otherwise.  cov: cluster, robust (HC1) or unadjusted.  convention: of the small-sample factor, fixest or
    linearmodels.  singletons: rows that an effect of their own fits exactly are dropped ("drop", as pyfixest does and
    the default with fixest) or counted ("keep", as linearmodels does); the coefficients are the same.

    Returns the `Effect` of the first treatment on the first outcome, with the units that count; all of them stand in
    `.effects` as rows of kind ``term``. Raises CausalError (001, 003, 010-012, 020, 022-024, 026, 028, 031).
    """
    treatments = (treatment,) if isinstance(treatment, str) else tuple(treatment)
    outcomes = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    clusters = () if cluster is None else (cluster,) if isinstance(cluster, str) else tuple(cluster)
    options = {"effects": (effects,) if isinstance(effects, str) else tuple(effects), "cov": cov}
    options |= {"convention": convention, "singletons": singletons, "estimand": estimand, "max_levels": max_levels}
    options |= {"treatments": treatments, "clusters": clusters}
    spec = PanelSpec(
        unit, time, treatment=treatments[0], covariates=tuple(covariates), weights=weights, options=options
    )
    found = panel_design(as_relation(data), spec, outcomes).estimate(outcomes).effects
    if len(found) == 1:
        return found[0]
    import pandas as pd

    return replace(found[0], effects=pd.concat([e.effects for e in found], ignore_index=True))


def panel_design(relation: Relation, spec: PanelSpec, outcomes: Sequence[str] = ()) -> FixedEffectsDesign:
    """The design stage. spec: with `treatment`, or with `cohort`, whose units are treated from that period on.

    Options: those of `panel`, and ``treatments`` and ``clusters`` where there are several. Nothing is read before an
    estimate is asked for: which rows count depends on no outcome.  Raises CausalError 001 for an unknown choice.
    """
    options = {**OPTIONS, **spec.options}
    for key, allowed in CHOICES.items():
        if options[key] not in allowed:
            detail = f"{key} is {options[key]}; allowed: {', '.join(str(a) for a in allowed if a)}"
            raise refuse("001", "unknown choice", detail, fix=f"set {key} to one of these")
    if not set(options["effects"]) <= set(EFFECTS) or len(set(options["effects"])) != len(options["effects"]):
        detail = f"effects are {', '.join(map(str, options['effects']))}; allowed: unit, time, both or none"
        raise refuse("001", "unknown effects", detail, fix="name the effects unit and time, not the columns")
    clusters = tuple(options["clusters"]) or (spec.cluster or spec.unit,)
    if len(set(clusters)) != len(clusters) or len(clusters) > 2:
        raise refuse("001", "too many clusters", f"got {', '.join(clusters)}", fix="name one or two different columns")
    treatments = tuple(options["treatments"]) or ((spec.treatment,) if spec.treatment else ())
    if not treatments:
        treatments = ("treatment",)
        relation = _with_treatment(relation, spec)
    faults = unknown_columns(relation, [c for c in (spec.unit, spec.time, spec.cohort, *treatments) if c is not None])
    if faults:
        raise CausalError(*faults)
    columns = PanelColumns(
        spec.unit,
        spec.time,
        treatments,
        tuple(outcomes),
        tuple(spec.covariates),
        clusters if options["cov"] == "cluster" else (),
        spec.weights,
    )
    return FixedEffectsDesign(relation, spec, columns, options)


def _with_treatment(relation: Relation, spec: PanelSpec) -> Relation:
    if spec.cohort is None:
        raise refuse("001", "no treatment", "neither treatment nor cohort is named", fix="name one of them")
    cohort, time = relation.name(spec.cohort), relation.name(spec.time)
    return relation.with_columns({"treatment": f"case when {time} >= {cohort} then 1 else 0 end"})


class FixedEffectsDesign(PanelDesign):
    """A regression whose columns are named and whose options are known; outcomes come later."""

    checks: tuple[Check, ...] = ()

    def __init__(self, relation: Relation, spec: PanelSpec, columns: PanelColumns, options: dict[str, Any]) -> None:
        self.relation, self.spec, self.columns, self.options = relation, spec, columns, options

    @property
    def drops_singletons(self) -> bool:
        chosen = self.options["singletons"] or ("drop" if self.options["convention"] == "fixest" else "keep")
        return chosen == "drop"

    def pre_trends(self, outcomes: Sequence[str]) -> tuple[PreTrends, ...]:
        """Leads of the treatment in rows of units not treated by then; see `panel_pre_trends`."""
        columns = replace(self.columns, outcomes=tuple(outcomes))
        return pre_trends(self.relation, columns, self.spec.cohort, self.options)

    def estimate(self, outcomes: Sequence[str]) -> Estimates:
        columns = replace(self.columns, outcomes=tuple(outcomes))
        absorbed = absorb(
            panel_rows(self.relation, columns, self.options["max_levels"]),
            self.options["effects"],
            self.drops_singletons,
        )
        found = fit(absorbed, self.options["cov"], self.options["convention"])
        common = {**_diagnostics(absorbed, found), "convention": self.options["convention"]}
        bacon = decomposed(absorbed)
        effects = [self._effect(absorbed, found, o, {**common, **bacon[o]}) for o in range(len(outcomes))]
        first = np.arange(len(outcomes)) * found.coefficients.shape[0]
        return Estimates(tuple(effects), found.covariance[np.ix_(first, first)])

    def _effect(self, absorbed: Absorbed, found: WithinFit, outcome: int, figures: dict[str, Any]) -> Effect:
        """The first treatment's effect on one outcome, with a row per treatment where there are several of either."""
        names = absorbed.panel.regressors
        terms = [student(found, j, outcome) for j in range(len(names))]
        coefficients = {
            name: {"estimate": t["estimate"], "std_error": t["std_error"]} for name, t in zip(names, terms, strict=True)
        }
        by_convention = {
            label(self.options["cov"], convention, self.columns.clusters): float(errors[outcome, 0])
            for convention, errors in found.alternatives.items()
        }
        within_r2 = float(found.within_r2[outcome])
        n_treatments = len(self.columns.treatments)
        several = n_treatments > 1 or len(absorbed.panel.columns.outcomes) > 1
        return Effect(
            **terms[0],
            n_units=absorbed.counts.n_units,
            n_treated=absorbed.counts.n_treated,
            method="panel",
            estimand=self.options["estimand"],
            outcome=absorbed.panel.columns.outcomes[outcome],
            se_convention=label(self.options["cov"], self.options["convention"], self.columns.clusters),
            diagnostics={
                "coefficients": coefficients,
                "std_errors": by_convention,
                "within_r2": within_r2,
                **figures,
            },
            effects=_frame(absorbed, terms[:n_treatments], outcome) if several else None,
        )


def student(found: WithinFit, regressor: int, outcome: int) -> dict[str, float]:
    """Estimate, standard error, 95 % interval and p-value by Student's t."""
    from scipy.special import stdtr, stdtrit

    estimate = float(found.coefficients[regressor, outcome])
    std_error = float(found.std_errors[regressor, outcome])
    half = float(stdtrit(found.degrees_of_freedom, 0.975)) * std_error
    p = 2.0 * float(stdtr(found.degrees_of_freedom, -abs(estimate) / std_error)) if std_error > 0 else float("nan")
    return {
        "estimate": estimate,
        "std_error": std_error,
        "ci_lower": estimate - half,
        "ci_upper": estimate + half,
        "p_value": p,
    }


def _frame(absorbed: Absorbed, terms: Sequence[dict[str, float]], outcome: int) -> Any:
    """One row per treatment; `name` is the treatment, followed by the outcome where there are several."""
    import pandas as pd

    columns = absorbed.panel.columns
    own = f" on {columns.outcomes[outcome]}" if len(columns.outcomes) > 1 else ""
    rows = [
        {
            "kind": "term",
            "name": f"{name}{own}",
            "cohort": None,
            "period": None,
            "relative_period": None,
            **{key: term[key] for key in ("estimate", "std_error", "ci_lower", "ci_upper")},
            "band_lower": None,
            "band_upper": None,
            "p_value": term["p_value"],
            "n_treated": absorbed.counts.n_treated if j == 0 else None,
            "outcome": columns.outcomes[outcome],
        }
        for j, (name, term) in enumerate(zip(columns.treatments, terms, strict=True))
    ]
    return pd.DataFrame(rows)


def _diagnostics(absorbed: Absorbed, found: WithinFit) -> dict[str, Any]:
    counts = absorbed.counts
    return {
        "n_rows": counts.n_rows,
        "n_periods": counts.n_periods,
        "n_missing_cells": counts.n_missing_cells,
        "n_singletons": counts.n_singletons,
        "n_components": counts.n_components,
        "n_never_treated": counts.n_units - counts.n_treated,
        "n_always_treated": counts.n_always,
        "n_clusters": dict(found.n_clusters),
        "degrees_of_freedom": found.degrees_of_freedom,
        "warnings": _warnings(absorbed, found),
    }


def _warnings(absorbed: Absorbed, found: WithinFit) -> list[str]:
    counts, said = absorbed.counts, []
    for name, n in found.n_clusters.items():
        if n < FEW_CLUSTERS:
            said.append(f"{n} clusters by {name}, fewer than {FEW_CLUSTERS}: the standard error is unreliable")
    if found.cuts_units:
        said.append(f"clusters by {' and '.join(found.cuts_units)} cut across units: a panel clusters at least by unit")
    if found.is_repaired:
        said.append("the two-way covariance had a negative variance; its negative eigenvalues were set to 0")
    if counts.n_components > 1:
        said.append(f"the panel falls into {counts.n_components:,} parts that share neither units nor periods")
    if absorbed.effects and counts.n_missing_cells:
        cells = counts.n_units * counts.n_periods
        said.append(f"{counts.n_missing_cells:,} of {cells:,} combinations of unit and period are missing")
    return said
