"""Faults of a panel: columns that are not there, repeated rows, and what must not change within a unit."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.method import PanelSpec
from estimators.errors import CausalError, Fault, refuse
from estimators.warehouse import Relation


@dataclass(frozen=True)
class PanelFacts:
    """cohorts: (C,) on the clock.  n_units: (C + 1,), the never treated last.  n_rows: without the always treated."""

    cohorts: np.ndarray
    n_units: np.ndarray
    n_rows: int
    n_always_treated: int
    varying: tuple[str, ...]


def known_columns(relation: Relation, spec: PanelSpec) -> None:
    """Raises CausalError 003 for unit, time or cohort columns that do not exist, 001 for kinds that do not compare."""
    if spec.cohort is None:
        raise refuse("003", "no cohort column", fix="name the column with the period in which treatment began")
    faults = []
    for column in (spec.unit, spec.time, spec.cohort):
        if column not in relation.columns:
            close = difflib.get_close_matches(column, list(relation.columns), n=1)
            fix = f"did you mean {close[0]}?" if close else f"the data has {', '.join(relation.columns)}"
            faults.append(Fault("003", "unknown column", (f"no column {column}",), fix))
    if faults:
        raise CausalError(*faults)
    time, cohort = relation.columns[spec.time], relation.columns[spec.cohort]
    if time not in ("number", "time") or time != cohort:
        detail = f"{spec.time} is of kind {time}, {spec.cohort} of kind {cohort}; wanted two numbers or two dates"
        raise refuse("001", "column of a wrong type", detail, fix="cast them to the same kind first")


def not_treated_throughout(rows: Relation) -> None:
    """Raises CausalError 026 if no row is from before treatment. rows: with causal_treated."""
    found = rows.aggregate({"n": "count(*)", "treated": "sum(causal_treated)"})
    if int(found["n"][0]) and int(found["treated"][0]) == int(found["n"][0]):
        detail = f"all {int(found['n'][0]):,} rows are from after treatment began"
        raise refuse("026", "treated throughout", detail, fix="add periods from before treatment, or untreated units")


def require_panel(
    rows: Relation, spec: PanelSpec, periods: np.ndarray, columns: Sequence[str], is_kept: str
) -> PanelFacts:
    """Units by cohort, and which of `columns` change within a unit, in one scan (two if a unit lacks a period).

    rows: with causal_time and causal_cohort.  periods: on the clock.  is_kept: SQL, false for the always treated.
    Raises CausalError 010 for nulls in the unit, 026 for repeated or inconsistent rows and for panels without groups.
    """
    fixed = {"cohort": "coalesce(causal_cohort, -1e308)"}
    fixed |= {"weight": rows.name(spec.weights)} if spec.weights else {}
    fixed |= {"cluster": rows.name(spec.cluster)} if spec.cluster else {}
    fixed |= {f"column{i}": c for i, c in enumerate(columns)}
    is_complete = _is_complete(rows, periods)
    sums = {"n": "count(*)", "complete": is_complete, "causal_cohort": "max(causal_cohort)"}
    sums |= {f"low_{key}": f"min({sql})" for key, sql in fixed.items()}
    sums |= {f"high_{key}": f"max({sql})" for key, sql in fixed.items()}
    units = rows.grouped(sums, {"causal_unit": rows.name(spec.unit)})
    counts = {"units": "count(*)", "rows": "sum(n)", "complete": "sum(complete)"}
    counts["nulls"] = "sum(case when causal_unit is null then 1 else 0 end)"
    counts |= {f"varies_{key}": f"sum(case when low_{key} <> high_{key} then 1 else 0 end)" for key in fixed}
    found = units.aggregate(counts, by={"g": "causal_cohort", "kept": f"case when {is_kept} then 1 else 0 end"})
    total = {key: int(np.nansum(found[key])) for key in counts}
    _refuse_faults(total, spec, rows)
    is_used = found["kept"] == 1
    groups, n_units = np.asarray(found["g"], dtype=float)[is_used], found["units"][is_used]
    is_never = np.isnan(groups)
    facts = PanelFacts(
        cohorts=groups[~is_never],
        n_units=np.append(n_units[~is_never], n_units[is_never].sum()).astype(int),
        n_rows=int(found["rows"][is_used].sum()),
        n_always_treated=int(found["units"][~is_used].sum()),
        varying=tuple(c for i, c in enumerate(columns) if total[f"varies_column{i}"]),
    )
    _refuse_no_groups(facts)
    return facts


def _refuse_faults(total: dict[str, int], spec: PanelSpec, rows: Relation) -> None:
    if total["nulls"]:
        detail = f"{spec.unit} is null for some rows"
        raise refuse("010", "nulls in the data", detail, fix="drop these rows or give them a unit")
    if total["complete"] < total["units"]:
        _refuse_repeated(spec, rows)
    for key, column in (("cohort", spec.cohort), ("weight", spec.weights), ("cluster", spec.cluster)):
        if total.get(f"varies_{key}"):
            detail = f"{column} has more than one value in {total[f'varies_{key}']:,} of {total['units']:,} units"
            fixes = {
                "cohort": "give every row of a unit the period in which its treatment first began",
                "weight": "give every row of a unit the same weight, e.g. that of its first period",
                "cluster": "give every row of a unit the same cluster",
            }
            raise refuse("026", f"{key} changes within a unit", detail, fix=fixes[key])


def _is_complete(rows: Relation, periods: np.ndarray) -> str:
    """SQL, by unit: 1 if it has one row in every period.

    T powers of two sum to 2^T - 1 only if they are the first T, each once: that spares counting distinct periods.
    """
    first, n = float(periods[0]), len(periods)
    if periods[-1] - first >= 50 or np.any(periods != np.floor(periods)):
        return "0"
    total = sum(2.0 ** (t - first) for t in periods)
    power = f"sum(power(2e0, causal_time - ({rows.number(first)})))"
    return f"case when count(*) = {n} and {power} = {rows.number(total)} then 1 else 0 end"


def _refuse_repeated(spec: PanelSpec, rows: Relation) -> None:
    pairs = rows.grouped({"n": "count(*)"}, {"causal_unit": rows.name(spec.unit), "t": "causal_time"}).filter("n > 1")
    found = pairs.aggregate({"repeated": "sum(n - 1)", "pairs": "count(*)", "unit": "min(causal_unit)"})
    if int(found["pairs"][0]):
        named = f"({spec.unit}, {spec.time}), e.g. for unit {found['unit'][0]}"
        detail = f"{int(found['repeated'][0]):,} rows repeat a pair of {named}"
        raise refuse("026", "duplicates of (unit, time)", detail, fix="aggregate to one row per unit and period")


def _refuse_no_groups(facts: PanelFacts) -> None:
    if not len(facts.cohorts):
        detail = f"{facts.n_always_treated:,} units were treated throughout, {int(facts.n_units[-1]):,} never"
        raise refuse("026", "treated throughout", detail, fix="add periods from before the treatment began")
