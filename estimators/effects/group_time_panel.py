"""A panel with staggered treatment: its periods and cohorts, its faults, and one row per unit with a column per period.

The *clock* is the scale on which periods and cohorts are compared: the numbers themselves, or for dates and timestamps
the position of the period (1, 2, ...), a cohort's being that of the first period that does not end before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.group_time_faults import known_columns, not_treated_throughout, require_panel
from estimators.effects.group_time_small import SmallRows, facts_of, small_rows
from estimators.effects.inputs import NUMERIC, require_valid
from estimators.effects.method import PanelSpec
from estimators.errors import CausalError, refuse
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import design_columns
from estimators.warehouse.terms import Terms, describe


@dataclass(frozen=True)
class Panel:
    """rows: the relation with causal_time, causal_cohort (on the clock, null = never) and causal_z* (covariates).

    periods: (T,) on the clock, ascending.  labels: of the periods, as people know them.  cohorts: (C,) on the clock,
    ascending, without the always treated; n_units: (C + 1,) units by cohort, the never treated last.
    n_rows: units times periods as far as there are rows.  varying: which causal_z* change within a unit.
    held: an outcome, and the rows that were read with it on the way.
    """

    rows: Relation
    spec: PanelSpec
    periods: np.ndarray
    labels: tuple[Any, ...]
    cohorts: np.ndarray
    n_units: np.ndarray
    n_always_treated: int
    terms: Terms
    varying: tuple[str, ...]
    n_rows: int
    held: tuple[str, SmallRows] | None = None

    @property
    def is_balanced(self) -> bool:
        """Every unit has a row in every period."""
        return self.n_rows == int(self.n_units.sum()) * len(self.periods)

    @property
    def n_never(self) -> int:
        return int(self.n_units[-1])

    def label(self, value: float) -> Any:
        """A cohort or period of the clock as people know it; None for never."""
        if np.isnan(value):
            return None
        found = np.flatnonzero(self.periods == value)
        return self.labels[found[0]] if len(found) else plain(value)

    def wide(self, outcome: str, before_treatment: bool = False) -> Relation:
        """One row per unit: causal_g, causal_w, causal_c (cluster), y0.. by period, and covariates x{i} or x{i}_{k}.

        before_treatment: outcomes from the cohort's own period on are not read.
        """
        rows, value = self.rows, self.rows.double(self.rows.name(outcome))
        is_read = " and (causal_cohort is null or causal_time < causal_cohort)" if before_treatment else ""
        at = [f"causal_time = {rows.number(t)}" for t in self.periods]
        columns = {"causal_g": "max(causal_cohort)", "causal_w": f"max({self._weight()})"}
        if self.spec.cluster is not None:
            columns["causal_c"] = f"min({rows.name(self.spec.cluster)})"
        columns |= {f"y{k}": f"max(case when {now}{is_read} then {value} end)" for k, now in enumerate(at)}
        for i in range(1, self.terms.size):
            z = f"causal_z{i}"
            if z in self.varying:
                columns |= {f"x{i}_{k}": f"max(case when {now} then {z} end)" for k, now in enumerate(at)}
            else:
                columns[f"x{i}"] = f"max({z})"
        return rows.grouped(columns, {"causal_unit": rows.name(self.spec.unit)})

    def small(self, outcome: str, before_treatment: bool = False) -> dict[str, np.ndarray] | None:
        """What `wide` has, as arrays over units, for a panel that is small enough to hold; None for another."""
        found = self.held[1] if self.held is not None and self.held[0] == outcome else None
        if found is None:
            columns = _long(self.rows, self.spec, self.terms.size, outcome)
            found = small_rows(self.rows, self.rows.columns[self.spec.unit], columns, self.periods, self.n_rows)
        if found is None:
            return None
        n, y = len(self.periods), found.by_period("y", len(self.periods))
        group = found.of_unit("cohort")
        if before_treatment:
            y[self.periods[:, None] >= np.nan_to_num(group, nan=np.inf)] = np.nan
        columns = {"causal_g": group} | {f"y{k}": values for k, values in enumerate(y)}
        columns["causal_w"] = found.of_unit("weight") if self.spec.weights else np.ones(len(group))
        if self.spec.cluster is not None:
            columns["causal_c"] = found.of_unit("cluster")
        for i in range(1, self.terms.size):
            if f"causal_z{i}" in self.varying:
                columns |= {f"x{i}_{k}": x for k, x in enumerate(found.by_period(f"causal_z{i}", n))}
            else:
                columns[f"x{i}"] = found.of_unit(f"causal_z{i}")
        return columns

    def _weight(self) -> str:
        return _weight(self.rows, self.spec)


def _weight(rows: Relation, spec: PanelSpec) -> str:
    return rows.double(rows.name(spec.weights)) if spec.weights else rows.number(1.0)


def _long(rows: Relation, spec: PanelSpec, n_terms: int, outcome: str) -> dict[str, str]:
    """SQL of what `Panel.wide` is made of, by row: unit, time, cohort, weight, cluster, y, causal_z*."""
    columns = {"unit": rows.name(spec.unit), "time": "causal_time", "cohort": "causal_cohort"}
    columns |= {"y": rows.double(rows.name(outcome))}
    columns |= {"weight": _weight(rows, spec)} if spec.weights is not None else {}
    columns |= {"cluster": rows.name(spec.cluster)} if spec.cluster is not None else {}
    return columns | {f"causal_z{i}": f"causal_z{i}" for i in range(1, n_terms)}


def read_panel(
    relation: Relation, spec: PanelSpec, outcomes: Sequence[str], max_levels: int, estimated: str | None = None
) -> Panel:
    """Periods, cohorts and covariates of a panel, after its faults.

    estimated: an outcome that will be estimated at once, so that a small panel is read only once.
    Raises CausalError 001, 003, 010-012, 015, 020, 022-024, 026.
    """
    known_columns(relation, spec)
    anticipation = float(spec.options.get("anticipation", 0))
    periods, labels, rows, n_rows = _with_clock(relation, spec)
    last, first = float(periods[-1]), float(periods[0])
    # at once: the engine binds each relation anew. Cohorts after the last period are never treated.
    late = f"causal_cohort > {rows.number(last + anticipation)}"
    started = "causal_cohort is not null and causal_time >= causal_cohort"
    derived = {
        "causal_treated": f"case when {started} then 1 else 0 end",
        "causal_cohort": f"case when {late} then null else causal_cohort end",
    }
    rows = rows.with_columns(derived)
    small = _sound_rows(relation, rows, spec, outcomes, periods, n_rows) if estimated is not None else None
    levels = {} if small is not None else _levels(rows, spec, outcomes, max_levels)
    is_kept = f"causal_cohort is null or causal_cohort > {rows.number(first + anticipation)}"
    terms = describe(rows, spec.covariates, levels)
    rows = rows.with_columns(design_columns(rows, terms)) if spec.covariates else rows
    if small is None and estimated is not None:
        columns = _long(rows, spec, terms.size, estimated)
        small = small_rows(rows, relation.columns[spec.unit], columns, periods, n_rows)
    in_hand = facts_of(small, first + anticipation) if small is not None else None
    if in_hand is not None:
        found, held = in_hand[0], (estimated, in_hand[1])
    else:
        held = None
        found = require_panel(rows, spec, periods, [f"causal_z{i}" for i in range(1, terms.size)], is_kept)
    return Panel(
        rows=rows.filter(is_kept),
        spec=spec,
        periods=periods,
        labels=labels,
        cohorts=found.cohorts,
        n_units=found.n_units,
        n_always_treated=found.n_always_treated,
        terms=terms,
        varying=found.varying,
        n_rows=found.n_rows,
        held=held,
    )


def _sound_rows(
    relation: Relation, rows: Relation, spec: PanelSpec, outcomes: Sequence[str], periods: np.ndarray, n_rows: int
) -> SmallRows | None:
    """A small panel of one outcome without covariates, if its rows in hand show nothing wrong in them."""
    measured = [c for c in (*outcomes, spec.weights) if c is not None]
    if spec.covariates or len(outcomes) > 1 or any(relation.columns.get(c) not in NUMERIC for c in measured):
        return None
    small = small_rows(rows, relation.columns[spec.unit], _long(rows, spec, 1, outcomes[0]), periods, n_rows)
    return small if small is not None and small.is_sound(periods) else None


def _levels(rows: Relation, spec: PanelSpec, outcomes: Sequence[str], max_levels: int) -> Mapping[str, Sequence[str]]:
    """Levels of the text covariates, after the faults of the columns."""
    try:
        columns = (spec.covariates, spec.cluster, spec.weights)
        return require_valid(rows, "causal_treated", outcomes, *columns, max_levels).levels
    except CausalError as error:
        if error.code == "012":
            not_treated_throughout(rows)
        raise


def _with_clock(relation: Relation, spec: PanelSpec) -> tuple[np.ndarray, tuple[Any, ...], Relation, int]:
    """Periods on the clock, their labels, the rows with causal_time and causal_cohort, and how many they are."""
    time, cohort = relation.name(spec.time), relation.name(spec.cohort)
    is_number = relation.columns[spec.time] == "number"
    raw = relation.double(time) if is_number else relation.seconds(time)
    found = relation.aggregate({"n": "count(*)", "label": f"min({time})"}, by={"t": raw})
    values, n_rows = np.asarray(found["t"], dtype=float), int(found["n"].sum())
    if np.isnan(values).any():
        detail = f"{spec.time} is null in {int(found['n'][np.isnan(values)].sum()):,} rows"
        raise refuse("010", "nulls in the data", detail, fix="drop or fill these rows on purpose")
    if len(values) < 2:
        detail = f"{spec.time} has {len(values)} distinct value{'' if len(values) == 1 else 's'}"
        raise refuse("026", "one period", detail, fix="add periods: a change over time needs two of them")
    if is_number:
        cohort = relation.double(cohort)
        never = "is null" if values[0] <= 0 else "= 0"
        kept = f"case when {cohort} {never} or abs({cohort}) > 1e300 then null else {cohort} end"
        rows = relation.with_columns({"causal_time": raw, "causal_cohort": kept})
        return values, tuple(plain(v) for v in values), rows, n_rows
    labels = tuple(str(np.datetime64(v, "s")).removesuffix("T00:00:00") for v in found["label"])
    position = " ".join(f"when {raw} = {relation.number(s)} then {k + 1}.0" for k, s in enumerate(values))
    begun = relation.seconds(cohort)
    cases = " ".join(f"when {begun} <= {relation.number(s)} then {k + 1}.0" for k, s in enumerate(values))
    clock = {"causal_time": f"case {position} end", "causal_cohort": f"case {cases} end"}
    rows = relation.with_columns({name: relation.double(sql) for name, sql in clock.items()})
    return np.arange(1.0, len(values) + 1.0), labels, rows, n_rows


def plain(value: float) -> int | float:
    """A whole number without its decimal point."""
    return int(value) if float(value).is_integer() else float(value)


def options_of(spec: PanelSpec, allowed: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The options that choose between words, each with its default (the first of those allowed).

    Raises CausalError 001 for a word that is not allowed.
    """
    chosen = {}
    for name, words in allowed.items():
        chosen[name] = spec.options.get(name, words[0])
        if chosen[name] not in words:
            detail = f"{name} is {chosen[name]!r}, wanted {' or '.join(map(repr, words))}"
            raise refuse("001", "unknown option", detail, fix=f"choose one of them for {name}")
    return chosen
