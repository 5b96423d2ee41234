"""A panel that is small enough to hold: its rows are read once and put in their places, one per unit and period.

The warehouse's own way, a maximum by unit for every period, costs a few times as much on panels of this size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from estimators.effects.group_time_faults import PanelFacts
from estimators.warehouse import Relation
from estimators.warehouse.relation import Kind

SMALL = 8_000_000  # numbers: 64 MB


@dataclass(frozen=True)
class SmallRows:
    """The rows of a small panel. code: (n,) of the unit, from 0.  place: (n,) of the period.  some_row: (units,) a row
    of each.  columns: (n,) each: cohort and y, weight, cluster and causal_z* where there are any.
    """

    code: np.ndarray
    place: np.ndarray
    some_row: np.ndarray
    columns: Mapping[str, np.ndarray]

    def of_unit(self, column: str) -> np.ndarray:
        """(units,) of a column that does not change within one."""
        return self.columns[column][self.some_row]

    def by_period(self, column: str, n_periods: int) -> np.ndarray:
        """(periods, units), NaN where a unit has no row."""
        values = np.full((n_periods, len(self.some_row)), np.nan)
        values[self.place, self.code] = self.columns[column]
        return values

    def varies(self, column: str) -> bool:
        """Whether it changes within a unit; nulls are no change."""
        values = self.columns[column]
        own = values[self.some_row][self.code]
        same = values == own
        return not (same.all() if values.dtype.kind != "f" else (same | np.isnan(values) & np.isnan(own)).all())

    def has_repeats(self) -> bool:
        """Whether some unit has two rows in a period."""
        return int(np.bincount(self.place * len(self.some_row) + self.code).max()) > 1

    def is_sound(self, periods: np.ndarray) -> bool:
        """Whether nothing is missing, infinite or a weight of nothing, and treatment varies: what `require_valid` asks.

        False where that takes another look, too (clusters named by text): the warehouse then says what it finds.
        """
        asked = [values for name, values in self.columns.items() if name != "cohort"]
        if not all(values.dtype.kind in "iufb" and np.isfinite(values).all() for values in asked):
            return False
        n_treated = int((periods[self.place] >= self.columns["cohort"]).sum())
        return 0 < n_treated < len(self.code) and bool((self.columns.get("weight", np.ones(1)) > 0).all())

    def of(self, is_kept: np.ndarray) -> SmallRows:
        """The rows of some units. is_kept: (units,)."""
        if is_kept.all():
            return self
        rows = is_kept[self.code]
        code = (np.cumsum(is_kept) - 1)[self.code[rows]]
        columns = {name: values[rows] for name, values in self.columns.items()}
        return SmallRows(code, self.place[rows], _some_row(code, int(is_kept.sum())), columns)


def small_rows(rows: Relation, unit: Kind, columns: Mapping[str, str], periods: np.ndarray, n: int) -> SmallRows | None:
    """The n rows of a panel, if they and `columns` (SQL by name, `unit` and `time` among them) are few enough to hold.

    unit: its kind.

    None for large panels, for units named by text, and where a unit or its cohort is not known by a number.
    """
    if n * len(columns) > SMALL or unit != "number":
        return None
    found = rows.rows(columns)
    units = np.asarray(found["unit"])
    if units.dtype.kind == "f" and np.isnan(units).any():
        return None
    code, n_units = _codes(units)
    kept = {name: values for name, values in found.items() if name not in ("unit", "time")}
    kept["cohort"] = np.asarray(kept["cohort"], dtype=float)
    return SmallRows(code, np.searchsorted(periods, found["time"]), _some_row(code, n_units), kept)


def facts_of(small: SmallRows, first: float) -> tuple[PanelFacts, SmallRows] | None:
    """What `require_panel` finds, and the rows without the always treated (cohorts up to `first`).

    None if anything is wrong with the panel: the warehouse then says what.
    """
    fixed = [name for name in ("cohort", "weight", "cluster") if name in small.columns]
    if small.has_repeats() or any(map(small.varies, fixed)):
        return None
    cohort = small.of_unit("cohort")
    is_kept = ~(cohort <= first)
    kept = small.of(is_kept)
    cohorts, n_units = np.unique(cohort[is_kept & ~np.isnan(cohort)], return_counts=True)
    if not len(cohorts):
        return None
    facts = PanelFacts(
        cohorts=cohorts,
        n_units=np.append(n_units, int(np.isnan(cohort).sum())),
        n_rows=len(kept.code),
        n_always_treated=int((~is_kept).sum()),
        varying=tuple(c for c in kept.columns if c.startswith("causal_z") and kept.varies(c)),
    )
    return facts, kept


def _some_row(code: np.ndarray, n_units: int) -> np.ndarray:
    found = np.empty(n_units, dtype=np.int64)
    found[code] = np.arange(len(code))
    return found


def _codes(units: np.ndarray) -> tuple[np.ndarray, int]:
    """0, 1, ... by unit and how many there are, without sorting where units are numbered closely."""
    if units.dtype.kind == "i":
        low, span = int(units.min()), int(units.max()) - int(units.min()) + 1
        if span <= 8 * len(units):
            is_there = np.zeros(span, dtype=bool)
            is_there[units - low] = True
            position = np.cumsum(is_there)
            return (position - 1)[units - low], int(position[-1])
    names, code = np.unique(units, return_inverse=True)
    return code, len(names)
