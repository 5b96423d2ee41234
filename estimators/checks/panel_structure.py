"""The structure of a panel (026): one row per unit and period, periods on both sides of treatment, somebody to compare.

All of it from one grouping by unit; the outcome is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.panel_table import COHORT, PERIOD, UNIT
from estimators.results import Check
from estimators.study_table import ARM, StudyTable

NAME = "panel_structure"
FEW_CLUSTERS = 30


@dataclass(frozen=True)
class Structure:
    """Counts of a panel. n_always: units treated from the first period on.  n_clusters: 0 where none are declared."""

    n_rows: int
    n_cells: int
    n_units: int
    n_periods: int
    n_treated: int
    n_always: int
    n_cohorts: int
    n_changing: int
    n_null: int
    n_late: int
    n_early: int
    n_clusters: int
    n_treated_clusters: int

    @property
    def n_never(self) -> int:
        return self.n_units - self.n_treated


def read(table: StudyTable) -> Structure:
    """Two scans: one by unit, one for the number of periods and what the audit columns say."""
    relation = table.relation
    name = relation.name
    has_cohort = COHORT in relation.columns
    first = f"min({name(PERIOD)})"
    units = relation.grouped(
        {
            "n": "count(*)",
            "cells": f"count(distinct {name(PERIOD)})",
            "treated": f"max({name(ARM)})",
            "starts": f"count(distinct {name(COHORT)})" if has_cohort else "1",
            "start": f"min({name(COHORT)})" if has_cohort else "null",
            "first": first,
            "cluster": f"min({name(table.cluster)})" if table.cluster else "null",
        },
        {"unit": name(UNIT)},
    )
    of_units = units.aggregate(
        {
            "n_rows": "sum(n)",
            "n_cells": "sum(cells)",
            "n_units": "count(unit)",
            "n_treated": "sum(treated)",
            "n_cohorts": "count(distinct start)",
            "n_changing": "sum(case when starts > 1 then 1 else 0 end)",
            "n_always": "sum(case when start <= first then 1 else 0 end)",
            "n_clusters": "count(distinct cluster)",
            "n_treated_clusters": "count(distinct case when treated = 1 then cluster end)",
        }
    )
    whole = relation.aggregate(
        {
            "n_periods": f"count(distinct {name(PERIOD)})",
            "n_null": f"sum(case when {name(UNIT)} is null or {name(PERIOD)} is null then 1 else 0 end)",
            **_order(table),
        }
    )
    facts: Mapping[str, Any] = {**of_units, **whole}
    return Structure(**{field: count(facts, field) for field in Structure.__dataclass_fields__})


def _order(table: StudyTable) -> dict[str, str]:
    """Rows whose covariates are not from before both the period and treatment, or whose outcomes are from before it."""
    relation = table.relation
    audit = ("period_starts_at", "treated_at", "latest_covariate_at", "earliest_outcome_at")
    if any(c not in relation.columns for c in audit):
        return {"n_late": "0", "n_early": "0"}
    starts, treated, latest, earliest = (relation.name(c) for c in audit)
    return {
        "n_late": f"sum(case when {latest} >= least({starts}, coalesce({treated}, {starts})) then 1 else 0 end)",
        "n_early": f"sum(case when {earliest} < {starts} then 1 else 0 end)",
    }


def judge(table: StudyTable, found: Structure) -> list[Check]:
    """Structure, gaps, the order of time, clusters, and whether fixed effects lead under staggered adoption."""
    checks = [_structure(table, found), _gaps(found), _time(table, found)]
    if table.cluster:
        checks.append(_clusters(found))
    if table.study.headline.name == "panel" and table.study.treatment_kind == "binary":
        checks.append(_staggered(found))
    return checks


def _structure(table: StudyTable, found: Structure) -> Check:
    faults = {
        "rows without a unit or period": (found.n_null, "drop them in the cohort, or fill them"),
        "duplicates of unit and period": (found.n_rows - found.n_cells, "make the panel one row per unit and period"),
    }
    if table.study.treatment_kind == "binary":
        changing = "treatment begins once per unit: give the first time in the cohort"
        faults["units with several starts of treatment"] = (found.n_changing, changing)
    for subject, (n, fix) in faults.items():
        if n:
            return failed(NAME, Fault("026", subject, (f"{n:,} of {found.n_rows:,} rows",), fix), statistic=float(n))
    detail, fix = _nothing_to_compare(table, found)
    if detail:
        return failed(NAME, Fault("026", "nothing to compare", (detail,), fix))
    text = f"{found.n_units:,} units over {found.n_periods:,} periods, {found.n_treated:,} treated"
    if found.n_cohorts and table.study.treatment_kind == "binary":
        text += f" in {found.n_cohorts} cohort{'s' * (found.n_cohorts > 1)}, {found.n_never:,} never"
    return passed(NAME, text)


def _nothing_to_compare(table: StudyTable, found: Structure) -> tuple[str, str]:
    if found.n_periods < 2:
        return f"{found.n_periods} period", "a panel needs periods before and after: give more of them"
    if found.n_units < 2:
        return f"{found.n_units} unit", "widen the cohort"
    if table.study.treatment_kind == "continuous":
        return "", ""
    if not found.n_treated:
        return f"none of {found.n_units:,} units is treated within the panel", "check treated_at and periods"
    if found.n_treated == found.n_always:
        return "all treated units were treated from the first period on", "begin the panel before treatment"
    if not found.n_never and found.n_cohorts < 2:
        return "all units are treated at the same time", "add units that are never treated, or treated later"
    return "", ""


def _gaps(found: Structure) -> Check:
    missing = found.n_units * found.n_periods - found.n_cells
    share = missing / max(found.n_units * found.n_periods, 1)
    if not missing:
        return passed("panel_gaps", "every unit has a row in every period", is_gate=False, statistic=0.0)
    reason = f"{missing:,} cells of unit and period are missing ({share:.1%}); comparisons use the rows that are there"
    return Check(
        "panel_gaps", "warn" if share > 0.05 else "pass", reason, is_gate=False, statistic=share, threshold=0.05
    )


def _time(table: StudyTable, found: Structure) -> Check:
    if "period_starts_at" not in table.relation.columns:
        return Check(
            "time_order",
            "not_evaluated",
            "the study table has no column period_starts_at; make it with causal.panel_table",
        )
    details = []
    if found.n_late:
        details.append(f"covariates of {found.n_late:,} rows use events at or after the period or treatment began")
    if found.n_early:
        details.append(f"outcomes of {found.n_early:,} rows use events before their period")
    if details:
        fix = "let the panel macro make the windows, and correct event_at in the registry"
        fault = Fault("017", "leak across treatment", tuple(details), fix)
        return failed("time_order", fault, statistic=float(found.n_late + found.n_early))
    return passed("time_order", f"covariates precede period and treatment in {found.n_rows:,} rows", statistic=0.0)


def _clusters(found: Structure) -> Check:
    n, n_treated = found.n_clusters, found.n_treated_clusters
    figures = {"statistic": float(n), "threshold": float(FEW_CLUSTERS)}
    if n < 2 or n_treated < 2:
        detail = f"{n:,} clusters, {n_treated:,} of them with treated units"
        fix = "a standard error needs two treated clusters: use smaller clusters, or randomization inference"
        return failed("sample_size", Fault("023", "too few clusters", (detail,), fix), **figures)
    if n < FEW_CLUSTERS:
        reason = f"{n} clusters: standard error unreliable below {FEW_CLUSTERS}; intervals are likely too short"
        return Check("sample_size", "warn", reason, code="023", **figures)
    return passed("sample_size", f"{found.n_units:,} units in {n:,} clusters", **figures)


def _staggered(found: Structure) -> Check:
    """Fixed effects never lead when treatment starts at different times (METHODS)."""
    figures = {"statistic": float(found.n_cohorts), "threshold": 1.0, "method": "panel"}
    if found.n_cohorts > 1:
        detail = f"treatment begins at {found.n_cohorts} times; units already treated would serve as controls"
        fault = Fault(
            "026", "fixed effects under staggered adoption", (detail,), "lead with did, and keep panel beside it"
        )
        return failed("staggered_adoption", fault, **figures)
    return passed("staggered_adoption", "all treated units start at the same time", **figures)
