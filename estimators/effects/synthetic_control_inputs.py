"""A panel as a synthetic control needs it: periods × units, complete, split at the intervention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.series_inputs import moment, positions
from estimators.errors import CausalError, Fault, refuse
from estimators.warehouse import Relation

_MOST_CELLS = 20_000_000  # 160 MB of doubles


@dataclass(frozen=True)
class UnitSeries:
    """periods: (t,) as given.  outcomes: (t, units), complete.  units: their names.  is_post: (t,).

    treated: positions of the treated units.
    """

    periods: np.ndarray
    outcomes: np.ndarray
    units: tuple[Any, ...]
    is_post: np.ndarray
    treated: tuple[int, ...]

    @property
    def donors(self) -> tuple[int, ...]:
        return tuple(i for i in range(len(self.units)) if i not in self.treated)


def read_units(relation: Relation, unit: str, time: str, outcome: str, treated: Any, intervention: Any) -> UnitSeries:
    """One row per unit and period; every unit in every period.

    Raises CausalError (001, 003, 010, 011, 023, 026, 027).
    """
    _require_columns(relation, unit, time, outcome)
    name, is_time = relation.name, relation.columns[time] == "time"
    clock = relation.double(relation.seconds(name(time)) if is_time else name(time))
    wanted = {"unit": name(unit), "period": name(time), "clock": clock, "outcome": relation.double(name(outcome))}
    if relation.n_rows() > _MOST_CELLS:
        raise refuse("031", "too many rows for a synthetic control", f"{relation.n_rows():,} rows", fix="aggregate")
    rows = relation.rows(wanted, where=f"{name(unit)} is not null", order_by=f"{name(unit)}, {name(time)}")
    units, index, counts = np.unique(rows["unit"], return_inverse=True, return_counts=True)
    moments, at = np.unique(np.asarray(rows["clock"], dtype=float), return_inverse=True)
    _require_complete(index, at, counts, len(moments), unit, time)
    outcomes = np.empty((len(moments), len(units)))
    outcomes[at, index] = rows["outcome"]
    _require_finite(outcomes, outcome)
    periods = np.empty(len(moments), dtype=rows["period"].dtype)
    periods[at] = rows["period"]
    positions(periods, moments, time)
    is_post = moments >= moment(intervention, is_time)
    if is_post.all() or not is_post.any():
        detail = f"{int((~is_post).sum()):,} periods before the intervention, {int(is_post.sum()):,} after it"
        raise refuse("027", "nothing on one side of the intervention", detail, fix="check intervention and the dates")
    names = tuple(units.tolist())
    return UnitSeries(periods, outcomes, names, is_post, _positions_of(treated, names, unit))


def _positions_of(treated: Any, names: tuple[Any, ...], unit: str) -> tuple[int, ...]:
    wanted = list(treated) if isinstance(treated, list | tuple | set | frozenset | np.ndarray) else [treated]
    unknown = [w for w in wanted if w not in names]
    if unknown or not wanted:
        detail = f"{len(unknown):,} of {len(wanted):,} treated units are no value of {unit}"
        raise refuse("003", "unknown unit", detail, fix="name the treated units as the column has them")
    found = tuple(sorted({names.index(w) for w in wanted}))
    n_donors = len(names) - len(found)
    if n_donors < 2:
        detail = f"{n_donors:,} units were not treated"
        raise refuse("023", "too few donors", detail, fix="a synthetic control needs at least two")
    return found


def _require_columns(relation: Relation, unit: str, time: str, outcome: str) -> None:
    known, faults = relation.columns, []
    allowed = {unit: ("text", "number"), time: ("time", "number"), outcome: ("number", "boolean")}
    for column, kinds in allowed.items():
        if column not in known:
            faults.append(Fault("003", "unknown column", (f"no column {column}",), f"the data has {', '.join(known)}"))
        elif known[column] not in kinds:
            detail = f"{column} is of kind {known[column]}, wanted {' or '.join(kinds)}"
            faults.append(Fault("001", "column of a wrong type", (detail,), f"cast or derive {column} first"))
    if faults:
        raise CausalError(*faults)


def _require_complete(
    index: np.ndarray, at: np.ndarray, counts: np.ndarray, n_periods: int, unit: str, time: str
) -> None:
    cells = len(np.unique(index * np.int64(n_periods) + at))
    if cells < len(index):
        detail = f"{len(index) - cells:,} of {len(index):,} rows repeat a pair of {unit} and {time}"
        raise refuse("026", "several rows of one unit and period", detail, fix="aggregate to one row each first")
    lacking = int((counts < n_periods).sum())
    if lacking:
        detail = f"{lacking:,} of {len(counts):,} units lack some of the {n_periods:,} periods"
        fix = "leave those units out, or complete them at their source; nothing is filled"
        raise refuse("026", "gaps in the panel", detail, fix=fix)


def _require_finite(outcomes: np.ndarray, outcome: str) -> None:
    missing, infinite = int(np.isnan(outcomes).sum()), int(np.isinf(outcomes).sum())
    if missing:
        detail = f"{outcome} {missing:,} of {outcomes.size:,} rows"
        raise refuse("010", "nulls in the data", detail, fix="leave those units out, or complete them at their source")
    if infinite:
        detail = f"{outcome} {infinite:,} of {outcomes.size:,} rows"
        raise refuse("011", "infinite or NaN values", detail, fix="correct them at their source")


def treated_mean(outcomes: np.ndarray, treated: Sequence[int]) -> np.ndarray:
    """Mean path of the treated units (t,)."""
    return outcomes[:, list(treated)].mean(axis=1)
