"""Fixed effects taken off the columns of a panel, exactly, balanced or not, weighted or not.

One dimension (as a rule the units) is absorbed by sums over its groups; the effects of the other one are solved for
(Frisch-Waugh-Lovell; Baltagi 2021, chapter 9; Guimarães and Portugal 2010 iterate instead). In a balanced panel
without weights they are the means by period, and one pass is enough. Where both dimensions have more than
`MAX_LEVELS` levels, the columns are demeaned in memory by conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimators.effects.fixed_effects_groups import MAX_LEVELS, MAX_PIVOT, Grouping, GroupSums
from estimators.effects.fixed_effects_memory import demeaned_in_memory
from estimators.effects.panel_rows import PanelRows, duplicates, levels
from estimators.errors import refuse
from estimators.warehouse import Relation

EFFECTS = ("unit", "time")
WIDEST = 8  # columns of which one pass takes all products; more are multiplied in a second pass over the rows


@dataclass(frozen=True)
class Counts:
    """What is left to count when rows that an effect of their own fits exactly (singletons) are dropped, if they are.

    n_rows, n_units, n_periods.  n_treated, n_always: units with the first treatment on in some of their rows, in all.
    n_singletons: dropped rows.  n_components: disconnected parts of the panel.
    """

    n_rows: int
    n_units: int
    n_periods: int
    n_treated: int
    n_always: int
    n_singletons: int = 0
    n_components: int = 1

    @property
    def n_missing_cells(self) -> int:
        return self.n_units * self.n_periods - self.n_rows


@dataclass(frozen=True)
class Absorbed:
    """A panel without its fixed effects.

    group_effect: the effect that groups absorb (unit, time or nothing).  sums: of a pass with all products, or None.
    residuals: rows with causal_r*, and causal_unit, causal_time, causal_w and the columns of the data.
    squares: Σ w (x - mean)² of every column (c,).  is_staggered: treated units differ in their number of treated rows.
    """

    panel: PanelRows
    effects: tuple[str, ...]
    group_effect: str
    sums: GroupSums | None
    residuals: Relation
    counts: Counts
    squares: np.ndarray
    is_staggered: bool = False


def absorb(panel: PanelRows, effects: Sequence[str], drop_singletons: bool) -> Absorbed:
    """Takes the effects ("unit", "time", both or none) off every column.

    Raises CausalError 026 for duplicates of (unit, time), and for a single period where there are effects.
    """
    if effects and len(panel.periods.keys) == 1:
        detail = f"all {panel.n_rows:,} rows have the same {panel.columns.time}"
        fix = "a panel needs several periods; in one period compare units (difference, cem, aipw)"
        raise refuse("026", "one period", detail, fix=fix)
    n_dropped = 0
    while True:
        grouping, is_solved = _grouping(panel, effects)
        first = None if grouping is None else _first_pass(grouping, is_solved)
        if grouping is None or first is None:
            return _in_memory(panel, tuple(effects), drop_singletons)
        if first.presence == "none":
            _refuse_duplicates(panel)
        elif first.n_duplicated:
            raise duplicates(panel)
        lone = _lone_levels(grouping, first) if is_solved and drop_singletons else ()
        if not len(lone):
            break
        n_dropped += len(lone)
        panel = panel.without(grouping.levels, lone)
    counts = _counts(grouping, first, is_solved, drop_singletons and bool(effects), n_dropped)
    return _absorbed(grouping, first, is_solved, tuple(effects), counts)


def _grouping(panel: PanelRows, effects: Sequence[str]) -> tuple[Grouping | None, bool]:
    """How to group, and whether the effects of the other dimension are to be solved for; None: in memory."""
    periods, mean = panel.periods, panel.periods.mean
    if set(effects) == set(EFFECTS):
        if len(periods.keys) <= MAX_LEVELS:
            return Grouping(panel, "causal_unit", periods, periods.means), True
        n_units = int(panel.rows.aggregate({"n": "count(distinct causal_unit)"})["n"][0])
        if n_units > MAX_LEVELS:
            return None, True
        units = levels(panel, "causal_unit")
        return Grouping(panel, "causal_time", units, units.means), True
    if "unit" in effects and len(periods.keys) <= MAX_LEVELS:  # the periods serve to see duplicates
        return Grouping(panel, "causal_unit", periods, np.tile(mean, (len(periods.keys), 1))), False
    group = {"unit": "causal_unit", "time": "causal_time"}.get(next(iter(effects), ""))
    return Grouping(panel, group, None, mean), False


def _first_pass(grouping: Grouping, is_solved: bool) -> GroupSums | None:
    """Sums around the means by level; with all products where these may be final. None: more than SQL should do."""
    panel, found = grouping.panel, grouping.levels
    may_be_final = not is_solved or (not panel.is_weighted and found.counts.min() == found.counts.max())
    first = grouping.sums(may_be_final and panel.size <= WIDEST, "none" if found is None else "bits")
    if not (is_solved and first.weights_vary):
        return first
    return grouping.sums(False, "weights") if len(found.keys) <= MAX_PIVOT else None


def _refuse_duplicates(panel: PanelRows) -> None:
    """Exact, by grouping; only where the pass over groups could not see which levels they have."""
    pairs = panel.rows.grouped({"n": "count(*)"}, {"causal_unit": "causal_unit", "causal_time": "causal_time"})
    if int(pairs.aggregate({"most": "max(n)"})["most"][0]) > 1:
        raise duplicates(panel)


def _lone_levels(grouping: Grouping, sums: GroupSums) -> np.ndarray:
    """Positions of levels with a single row, once groups of one row are gone."""
    return np.flatnonzero(grouping.levels.counts - sums.single_levels == 1)


def _counts(grouping: Grouping, sums: GroupSums, is_solved: bool, drop_singletons: bool, n_dropped: int) -> Counts:
    panel, single = grouping.panel, sums.n_single if drop_singletons else 0
    other = len(grouping.levels.keys) if grouping.levels is not None else len(panel.periods.keys)
    if is_solved and drop_singletons:
        other = int((grouping.levels.counts - sums.single_levels > 0).sum())
    n_rows, n_dropped = panel.n_rows - single, n_dropped + single
    if grouping.group == "causal_unit":
        n_treated = sums.n_on + (0 if drop_singletons else sums.n_on_single)
        n_always = sums.n_always + (0 if drop_singletons else sums.n_on_single)
        return Counts(n_rows, sums.n_groups - single, other, n_treated, n_always, n_dropped)
    units = unit_counts(panel.rows)
    n_periods = sums.n_groups - single if grouping.group == "causal_time" else len(panel.periods.keys)
    n_units = other if is_solved else units[0]
    return Counts(n_rows, n_units, n_periods, units[1], units[2], n_dropped)


def unit_counts(rows: Relation) -> tuple[int, int, int]:
    """Units; those with the first treatment on in some of their rows; in all of them. One scan."""
    units = rows.grouped(
        {"n": "count(*)", "n_on": "count(case when causal_x0 <> 0 then 1 end)"}, {"causal_unit": "causal_unit"}
    )
    found = units.aggregate(
        {
            "n": "count(*)",
            "some": "count(case when n_on > 0 then 1 end)",
            "always": "count(case when n_on = n then 1 end)",
        }
    )
    return int(found["n"][0]), int(found["some"][0]), int(found["always"][0])


def _absorbed(
    grouping: Grouping, sums: GroupSums, is_solved: bool, effects: tuple[str, ...], counts: Counts
) -> Absorbed:
    panel, squares, is_staggered = grouping.panel, sums.squares.copy(), False
    if is_solved:  # the columns were summed around their means by level
        squares += grouping.levels.weights @ (grouping.levels.means - grouping.levels.mean) ** 2
        is_staggered = grouping.group == "causal_unit" and len(sums.times_on) > 1
        if panel.is_weighted or sums.n_full < sums.n_groups:
            step, n_components = solved(grouping, sums)
            grouping = replace(grouping, shift=grouping.shift + step)
            sums = grouping.sums(True, "none") if panel.size <= WIDEST else sums
            counts = replace(counts, n_components=n_components)
    group_effect = {"causal_unit": "unit", "causal_time": "time"}.get(grouping.group or "", "")
    kept = sums if sums.with_products else None
    residuals = grouping.residual_rows(drop_singletons=counts.n_singletons > 0)
    return Absorbed(panel, effects, group_effect, kept, residuals, counts, squares, is_staggered)


def solved(grouping: Grouping, sums: GroupSums) -> tuple[np.ndarray, int]:
    """What to add to the shifts (m, c), and the number of connected parts of the panel.

    A d = r with A = diag(w_t) - Σ_i w_i w_i'/w_i. and r_t = Σ_i w_it (c_it - c̄_i). Each part leaves one level free,
    that is one zero eigenvalue of A, whose direction is not used.
    """
    weights = grouping.levels.weights
    root = np.sqrt(weights)
    matrix = np.diag(weights) - sums.weight_products
    right = weights[:, None] * (grouping.levels.means - grouping.shift) - sums.weighted_means
    label = _components(sums.weight_products)
    alone = int((grouping.levels.counts == sums.single_levels).sum())  # levels that only singletons have
    values, vectors = np.linalg.eigh(matrix / np.outer(root, root))
    n_free = len(set(label))
    used = vectors[:, n_free:]
    step = used @ ((used.T @ (right / root[:, None])) / values[n_free:, None])
    return step / root[:, None], n_free - alone


def _components(weight_products: np.ndarray) -> list[int]:
    """The connected part that each level belongs to: two levels are joined where some group has both."""
    label = list(range(len(weight_products)))
    for start in range(len(label)):
        reached, front = {start}, [start] if label[start] == start else []
        while front:
            near = set(np.flatnonzero(weight_products[front.pop()] > 0).tolist()) - reached
            reached |= near
            front += near
        for level in reached if len(reached) > 1 else ():
            label[level] = start
    return label


def _in_memory(panel: PanelRows, effects: tuple[str, ...], drop_singletons: bool) -> Absorbed:
    _refuse_duplicates(panel)
    found = demeaned_in_memory(panel, drop_singletons)
    n_units, n_treated, n_always = unit_counts(found.rows)
    counts = Counts(
        found.n_rows, n_units, found.n_periods, n_treated, n_always, panel.n_rows - found.n_rows, found.n_components
    )
    return Absorbed(panel, effects, "", None, found.rows, counts, found.squares)
