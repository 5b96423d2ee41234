"""One row per unit of a panel that is small enough to hold: its rows are read once and put in their places.

The warehouse's own way, a maximum by unit for every period, costs a few times as much on panels of this size.
"""

from __future__ import annotations

import numpy as np

from estimators.effects.group_time_panel import Panel

SMALL = 8_000_000  # numbers: 64 MB


def small_units(panel: Panel, outcome: str, before_treatment: bool) -> dict[str, np.ndarray] | None:
    """Arrays over units, named as the columns of `Panel.wide`; None for large panels and for units named by text."""
    columns = panel.long(outcome)
    if panel.n_rows * len(columns) > SMALL or panel.rows.columns[panel.spec.unit] != "number":
        return None
    rows = panel.rows.rows(columns)
    n = int(panel.n_units.sum())
    code = _codes(rows["unit"], n)
    period = np.searchsorted(panel.periods, rows["time"])
    some_row = np.empty(n, dtype=np.int64)
    some_row[code] = np.arange(len(code))
    found = {"causal_g": np.asarray(rows["cohort"], dtype=float)[some_row]}
    found["causal_w"] = rows["weight"][some_row] if "weight" in rows else np.ones(n)
    if "cluster" in rows:
        found["causal_c"] = rows["cluster"][some_row]
    y = np.full((len(panel.periods), n), np.nan)
    y[period, code] = rows["y"]
    if before_treatment:
        y[panel.periods[:, None] >= np.nan_to_num(found["causal_g"], nan=np.inf)] = np.nan
    found |= {f"y{k}": values for k, values in enumerate(y)}
    for i in range(1, panel.terms.size):
        z = rows[f"causal_z{i}"]
        if f"causal_z{i}" not in panel.varying:
            found[f"x{i}"] = z[some_row]
            continue
        x = np.full((len(panel.periods), n), np.nan)
        x[period, code] = z
        found |= {f"x{i}_{k}": values for k, values in enumerate(x)}
    return found


def _codes(units: np.ndarray, n: int) -> np.ndarray:
    """0, 1, ... by unit, without sorting where rows stand unit by unit or units are numbered closely."""
    is_new = units[1:] != units[:-1]
    if int(is_new.sum()) + 1 == n:
        return np.concatenate([[0], np.cumsum(is_new)])
    if units.dtype.kind == "i":
        low, span = int(units.min()), int(units.max()) - int(units.min()) + 1
        if span <= 8 * len(units):
            is_there = np.zeros(span, dtype=bool)
            is_there[units - low] = True
            return (np.cumsum(is_there) - 1)[units - low]
    return np.unique(units, return_inverse=True)[1]
