"""Placebo effects of a panel before treatment: leads of the treatment among rows that nobody had treated yet.

An event-study regression with the effects of the study itself, on never treated units and on treated ones before their
treatment, relative to the last period before it. No outcome under treatment is read, so this belongs to the design.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from estimators.effects.fixed_effects import absorb
from estimators.effects.fixed_effects_fit import fit
from estimators.effects.method import PreTrends
from estimators.effects.panel_rows import PanelColumns, panel_rows, time_key
from estimators.errors import refuse
from estimators.warehouse import Relation

MAX_LEADS = 12  # earlier periods share the coefficient of the earliest one


def pre_trends(
    relation: Relation, columns: PanelColumns, cohort: str | None, options: Mapping[str, Any]
) -> tuple[PreTrends, ...]:
    """One per outcome. cohort: column with the first treated period; without it, the first treatment that is on.

    Raises CausalError 026 if no treated unit is seen two periods before its treatment.
    """
    rows, leads = _leads(relation, columns, cohort)
    if not leads:
        detail = "no treated unit is seen two periods before its treatment, beside others"
        raise refuse("026", "no pre-trends", detail, fix="add earlier periods: trends cannot be compared without them")
    names = {lead: f"causal_lead{-lead}" for lead in leads}
    dummies = {name: f"case when causal_relative = {lead} then 1 else 0 end" for lead, name in names.items()}
    own = replace(columns, treatments=tuple(names.values()))
    panel = panel_rows(rows.with_columns(dummies), own, options["max_levels"])
    drops = (options["singletons"] or ("drop" if options["convention"] == "fixest" else "keep")) == "drop"
    found = fit(absorb(panel, options["effects"], drops), options["cov"], options["convention"])
    p, k = panel.p, len(leads)
    return tuple(
        PreTrends(
            outcome,
            tuple(leads),
            found.coefficients[:k, o],
            found.covariance[o * p : o * p + k, o * p : o * p + k],
        )
        for o, outcome in enumerate(columns.outcomes)
    )


def _leads(relation: Relation, columns: PanelColumns, cohort: str | None) -> tuple[Relation, Sequence[int]]:
    """Rows before treatment with causal_relative (null: never treated), and the leads to estimate, ascending."""
    time, unit = relation.name(columns.time), relation.name(columns.unit)
    is_on = f"{time} >= {relation.name(cohort)}" if cohort else f"{relation.name(columns.treatments[0])} <> 0"
    rows = relation.with_columns({"causal_time": time_key(relation, columns.time)})
    periods = list(rows.aggregate({}, by=["causal_time"], where=f"{time} is not null")["causal_time"])
    if not periods:
        raise refuse("023", "no rows", fix="check the cohort: it has no unit to analyse")
    rows = rows.lookup(["causal_time"], {"causal_time": periods, "causal_period": list(range(len(periods)))})
    first = rows.grouped({"causal_first": f"min(case when {is_on} then causal_period end)"}, {columns.unit: unit})
    rows = rows.joined(first, [columns.unit]).filter("causal_first is null or causal_period < causal_first")
    relative = f"greatest(causal_period - causal_first, -{MAX_LEADS})"  # of a null, greatest makes the other argument
    rows = rows.with_columns({"causal_relative": f"case when causal_first is not null then {relative} end"})
    seen = rows.aggregate({"n": "count(*)"}, by=["causal_relative"])["causal_relative"]
    found = [int(r) for r in seen if not np.isnan(r) and r < -1]
    has_never = bool(np.isnan(np.asarray(seen, dtype=float)).any())
    return rows, found if has_never else found[1:]  # without never treated units a second lead is free
