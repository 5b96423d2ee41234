"""Group-time effects of a balanced panel without covariates, exactly, from sums by cohort: no row leaves the warehouse.

Every unit's part in every ATT(g, t) is linear in its changes from period to period, u = w (a'd + b) with a and b the
same for all units of a cohort. So the joint covariance Σ u u' of all cells follows from Σ w² (d, 1)(d, 1)' by cohort;
with clusters, from Σ w d and Σ w by cluster and cohort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.group_time_cells import Cell
from estimators.effects.group_time_panel import Panel
from estimators.warehouse import Relation


@dataclass(frozen=True)
class GroupTime:
    """Effects by cell, the cohorts' shares of the units, and the joint covariance of both.

    att: (K,).  shares: (C + 1,) of the weight.  covariance: (K + C + 1, K + C + 1), cells first.
    n_clusters: None without clusters.  draws: (B, K + C + 1) of the multiplier bootstrap, or None.
    figures: what else is worth saying (propensities, clipped units, pairs left out).
    """

    cells: tuple[Cell, ...]
    att: np.ndarray
    shares: np.ndarray
    covariance: np.ndarray
    n_clusters: int | None = None
    draws: np.ndarray | None = None
    figures: dict[str, float] | None = None


@dataclass(frozen=True)
class _Line:
    """A unit's part in every cell and share, u = w (slope'd + level), by its cohort.

    att: (K,).  slope: (C + 1, K + C + 1, T - 1).  level: (C + 1, K + C + 1).
    """

    att: np.ndarray
    slope: np.ndarray
    level: np.ndarray


@dataclass(frozen=True)
class _Moments:
    """By cohort, of the changes d from period to period. weight: (C + 1,) Σ w.  changes: (C + 1, T - 1) Σ w d.

    squares: (C + 1, T, T) Σ w² (d, 1)(d, 1)'.
    """

    weight: np.ndarray
    changes: np.ndarray
    squares: np.ndarray


def from_sums(panel: Panel, cells: Sequence[Cell], outcome: str, before_treatment: bool = False) -> GroupTime:
    """Cells of one outcome. Scans: one by period for centres, one by unit (and one by cluster where there are any)."""
    has_clusters = panel.spec.cluster is not None
    small = None if has_clusters else panel.small(outcome, before_treatment)
    if small is not None:
        moments = _of_arrays(panel, small)
    else:
        units = _changes(panel, outcome, before_treatment)
        moments = _of_relation(panel, units)
    line = _line(cells, moments.weight, moments.changes)
    shares = moments.weight / moments.weight.sum()
    if has_clusters:
        covariance, n_clusters = _clustered(panel, units, line)
        return GroupTime(tuple(cells), line.att, shares, covariance, n_clusters)
    covariance = np.zeros((len(cells) + len(shares), len(cells) + len(shares)))
    for slope, level, own in zip(line.slope, line.level, moments.squares, strict=True):
        at = np.flatnonzero((level != 0.0) | slope.any(axis=1))  # the cells in which this cohort takes part
        part = np.column_stack([slope[at], level[at]])
        covariance[np.ix_(at, at)] += part @ own @ part.T
    return GroupTime(tuple(cells), line.att, shares, covariance)


def _of_relation(panel: Panel, units: Relation) -> _Moments:
    size, groups = len(panel.periods) - 1, len(panel.cohorts) + 1
    d = [f"d{k}" for k in range(1, size + 1)]
    sums = {"w": units.total("causal_w"), "w2": units.total("causal_w * causal_w")}
    sums |= {f"s{i}": units.total(f"causal_w * {a}") for i, a in enumerate(d)}
    squared = "causal_w * causal_w"
    sums |= {f"q{i}": units.total(f"{squared} * {a}") for i, a in enumerate(d)}
    sums |= {f"q{i}_{j}": units.total(f"{squared} * {a} * {d[j]}") for i, a in enumerate(d) for j in range(i + 1)}
    found = units.aggregate(sums, by={"g": "causal_g"})
    weight, changes = np.zeros(groups), np.zeros((groups, size))
    squares = np.zeros((groups, size + 1, size + 1))
    for row, at in enumerate(_places(panel, found["g"])):
        weight[at] = found["w"][row]
        changes[at] = _known([found[f"s{i}"][row] for i in range(size)])
        squares[at, size, size] = found["w2"][row]
        squares[at, :size, size] = squares[at, size, :size] = _known([found[f"q{i}"][row] for i in range(size)])
        for i in range(size):
            below = _known([found[f"q{i}_{j}"][row] for j in range(i + 1)])
            squares[at, i, : i + 1] = squares[at, : i + 1, i] = below
    return _Moments(weight, changes, squares)


def _of_arrays(panel: Panel, units: dict[str, np.ndarray]) -> _Moments:
    """The same from arrays over units."""
    size, groups = len(panel.periods) - 1, len(panel.cohorts) + 1
    y = np.stack([units[f"y{k}"] for k in range(size + 1)])
    changes = np.diff(y, axis=0)
    n_known = np.maximum((~np.isnan(changes)).sum(axis=1), 1)
    changes = np.nan_to_num(changes - (np.nansum(changes, axis=1) / n_known)[:, None])
    w = np.asarray(units["causal_w"], dtype=float)
    parts = np.vstack([changes, np.ones(len(w))]) * w
    place = _places(panel, units["causal_g"])
    found = [parts[:, place == at] for at in range(groups)]
    totals = np.array([part.sum(axis=1) for part in found])
    return _Moments(totals[:, -1], totals[:, :-1], np.array([part @ part.T for part in found]))


def _changes(panel: Panel, outcome: str, before_treatment: bool) -> Relation:
    """One row per unit with its changes d1.. from period to period, less their mean over all units."""
    rows = panel.rows
    value = rows.double(rows.name(outcome))
    is_read = "causal_cohort is null or causal_time < causal_cohort" if before_treatment else "true"
    means = rows.aggregate({"m": f"avg(case when {is_read} then {value} end)"}, by=["causal_time"])["m"]
    centre = _known(np.diff(np.asarray(means, dtype=float)))
    changes = {f"d{k + 1}": f"y{k + 1} - y{k} - ({rows.number(c)})" for k, c in enumerate(centre)}
    return panel.wide(outcome, before_treatment).with_columns(changes)


def _places(panel: Panel, groups: np.ndarray) -> np.ndarray:
    """Positions of cohorts on the clock, the never treated (NaN) last."""
    values = np.asarray(groups, dtype=float)
    return np.where(np.isnan(values), len(panel.cohorts), np.searchsorted(panel.cohorts, values))


def _known(values: object) -> np.ndarray:
    """Sums over outcomes that were not read are null: no cell uses them."""
    return np.nan_to_num(np.asarray(values, dtype=float))


def _line(cells: Sequence[Cell], weight: np.ndarray, changes: np.ndarray) -> _Line:
    groups, size = changes.shape
    att, k = np.zeros(len(cells)), len(cells)
    slope, level = np.zeros((groups, k + groups, size)), np.zeros((groups, k + groups))
    for i, cell in enumerate(cells):
        low, high = sorted((cell.base, cell.period))
        span = np.zeros(size)
        span[low:high] = 1.0 if cell.period > cell.base else -1.0
        controls = np.array(cell.controls) & (not cell.is_reference)
        n_treated, n_control = weight[cell.cohort], max(weight[controls].sum(), 1e-300)
        treated = span @ changes[cell.cohort] / n_treated
        control = span @ changes[controls].sum(axis=0) / n_control
        att[i] = treated - control
        slope[cell.cohort, i], level[cell.cohort, i] = span / n_treated, -treated / n_treated
        slope[controls, i], level[controls, i] = -span / n_control, control / n_control
    level[np.arange(groups), k + np.arange(groups)] = 1.0 / weight.sum()
    return _Line(att, slope, level)


def _clustered(panel: Panel, units: Relation, line: _Line) -> tuple[np.ndarray, int]:
    """Covariance from each cluster's sum of parts, and the number of clusters."""
    d = [f"d{k + 1}" for k in range(line.slope.shape[2])]
    sums = {"w": units.total("causal_w")} | {a: units.total(f"causal_w * {a}") for a in d}
    found = units.aggregate(sums, by={"c": "causal_c", "g": "causal_g"})
    names, codes = np.unique(found["c"], return_inverse=True)
    totals = np.zeros((len(names), line.level.shape[1]))
    place, changes = _places(panel, found["g"]), np.nan_to_num(np.stack([found[a] for a in d], axis=1))
    for at in range(len(line.level)):
        rows = place == at
        parts = changes[rows] @ line.slope[at].T + np.asarray(found["w"])[rows, None] * line.level[at]
        np.add.at(totals, codes[rows], parts)
    return totals.T @ totals, len(names)
