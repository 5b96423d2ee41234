"""Two effects with many levels each, taken off in memory: conjugate gradients on the effects of the smaller dimension.

A panel of thousands of units and thousands of periods has neither a small matrix of effects nor few sums. Its columns
are read once; what remains of them without both effects goes back as a relation, so that everything after is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimators.effects.boosting import require_memory
from estimators.effects.panel_rows import PanelRows
from estimators.errors import refuse
from estimators.warehouse import Relation, as_relation

CONVERGED = 1e-14  # of the residual, relative to the right side
MAX_STEPS = 10_000


@dataclass(frozen=True)
class DemeanedRows:
    """rows: with causal_r*, causal_x0, causal_w, causal_unit, causal_time (codes) and the cluster columns."""

    rows: Relation
    n_rows: int
    n_periods: int
    n_components: int
    squares: np.ndarray


def demeaned_in_memory(panel: PanelRows, drop_singletons: bool) -> DemeanedRows:
    """Takes unit and time effects off all columns. Raises CausalError 031 if the rows do not fit into memory."""
    clusters = [c for c in panel.columns.clusters if c not in (panel.columns.unit, panel.columns.time)]
    wide = panel.size + 4 + len(clusters)
    require_memory(panel.n_rows * wide * 8 * 3, f"two effects of many levels on {panel.n_rows:,} rows")
    asked = {"unit": _code("causal_unit"), "time": _code("causal_time")}
    asked |= {f"x{j}": f"causal_x{j}" for j in range(panel.size)}
    asked |= {"w": "causal_w"} if panel.is_weighted else {}
    asked |= {f"cluster{i}": _code(panel.rows.name(c)) for i, c in enumerate(clusters)}
    found = panel.rows.rows(asked)
    if drop_singletons:
        keep = _several(found["unit"], found["time"])
        found = {name: values[keep] for name, values in found.items()}
    unit, time = (np.unique(found[c], return_inverse=True)[1] for c in ("unit", "time"))
    if not len(unit):
        detail = "every row is the only one of its unit or of its period"
        raise refuse("026", "no unit is seen twice", detail, fix="without repeated rows there is no panel")
    x = np.column_stack([found[f"x{j}"] for j in range(panel.size)])
    weight = found.get("w", np.ones(len(unit)))
    mean = weight @ x / weight.sum()
    residuals = without_effects(x - mean, unit, time, weight)
    columns = {"causal_unit": unit, "causal_time": time, "causal_x0": x[:, 0], "causal_w": weight}
    columns |= {f"causal_r{j}": residuals[:, j] for j in range(panel.size)}
    columns |= {c: found[f"cluster{i}"] for i, c in enumerate(clusters)}
    return DemeanedRows(
        rows=_as_rows(columns),
        n_rows=len(unit),
        n_periods=int(time.max()) + 1,
        n_components=_n_components(unit, time),
        squares=weight @ (x - mean) ** 2,
    )


def _code(expression: str) -> str:
    return f"dense_rank() over (order by {expression}) - 1"


def _as_rows(columns: dict[str, np.ndarray]) -> Relation:
    import pandas as pd

    return as_relation(pd.DataFrame(columns))


def _several(unit: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Positions of the rows that remain when rows alone in their unit or period are dropped, over and over."""
    at = np.arange(len(unit))
    while True:
        alone = (np.bincount(unit[at])[unit[at]] == 1) | (np.bincount(time[at])[time[at]] == 1)
        if not alone.any():
            return at
        at = at[~alone]


def without_effects(x: np.ndarray, unit: np.ndarray, time: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Residuals (n, c) of x on the dummies of both codes, weighted: conjugate gradients, preconditioned by level."""
    many, few = (unit, time) if unit.max() >= time.max() else (time, unit)
    n_many, n_few = int(many.max()) + 1, int(few.max()) + 1
    by_many, by_few = np.bincount(many, weight, n_many), np.bincount(few, weight, n_few)

    def centred(values: np.ndarray) -> np.ndarray:
        return values - (np.bincount(many, weight * values, n_many) / by_many)[many]

    def applied(effects: np.ndarray) -> np.ndarray:
        return np.bincount(few, weight * centred(effects[few]), n_few)

    out = np.empty_like(x)
    for j in range(x.shape[1]):
        right = np.bincount(few, weight * centred(x[:, j]), n_few)
        effects = _conjugate_gradients(applied, right, by_few)
        out[:, j] = centred(x[:, j] - effects[few])
    return out


def _conjugate_gradients(applied, right: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Solves A e = right for a positive semidefinite A given as a function (Hestenes and Stiefel 1952)."""
    effects, residual = np.zeros_like(right), right.copy()
    z = residual / diagonal
    direction, size = z.copy(), residual @ z
    enough = CONVERGED**2 * size
    for _ in range(MAX_STEPS):
        if size <= enough:
            break
        image = applied(direction)
        step = size / (direction @ image)
        effects += step * direction
        residual -= step * image
        z = residual / diagonal
        size, last = residual @ z, size
        direction = z + size / last * direction
    return effects


def _n_components(unit: np.ndarray, time: np.ndarray) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_units, n = int(unit.max()) + 1, int(unit.max()) + int(time.max()) + 2
    edges = coo_array((np.ones(len(unit)), (unit, n_units + time)), shape=(n, n))
    return int(connected_components(edges, directed=False)[0])
