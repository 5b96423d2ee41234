"""What a two-way fixed-effects coefficient is made of: the decomposition of Goodman-Bacon (2021, theorem 1).

With treatments that start at different times, the coefficient is a weighted mean of all 2x2 comparisons of two cohorts
around the start of one of them. Those that use units already treated as controls are wrong unless effects are constant
over time; their weight says how much. Needs a balanced panel, no weights and no covariates; computed from the means by
cohort and period, which one pass over the rows gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.effects.fixed_effects import Absorbed, absorb
from estimators.effects.panel_rows import PanelColumns, PanelRows, panel_rows
from estimators.errors import refuse
from estimators.warehouse import as_relation

if TYPE_CHECKING:
    import pandas as pd

NEVER, EARLIER, LATER, ALWAYS = (
    "treated vs never treated",
    "earlier vs later treated",
    "later vs earlier treated",
    "later vs always treated",
)
FORBIDDEN = (LATER, ALWAYS)
_NEVER, _ALWAYS = -1, 0  # cohorts by position of the first treated period


@dataclass(frozen=True)
class Comparison:
    """One 2x2 comparison: `treated` starts treatment, `control` does not change; periods as given, None for never."""

    kind: str
    treated: Any
    control: Any
    weight: float
    estimate: float


@dataclass(frozen=True)
class GoodmanBacon:
    """estimate: the two-way coefficient, which the comparisons' weights (they sum to 1) and estimates reproduce."""

    estimate: float
    comparisons: tuple[Comparison, ...]

    @property
    def by_kind(self) -> dict[str, dict[str, float]]:
        """Total weight, and weighted mean estimate, of each kind of comparison that occurs."""
        found = {}
        for kind in (NEVER, EARLIER, LATER, ALWAYS):
            own = [c for c in self.comparisons if c.kind == kind]
            weight = sum(c.weight for c in own)
            if weight > 0:
                found[kind] = {"weight": weight, "estimate": sum(c.weight * c.estimate for c in own) / weight}
        return found

    @property
    def forbidden_weight(self) -> float:
        """Weight of the comparisons with units that were treated already."""
        return sum(c.weight for c in self.comparisons if c.kind in FORBIDDEN)

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame([vars(c) for c in self.comparisons])


def goodman_bacon(data: Any, unit: str, time: str, treatment: str, outcome: str) -> GoodmanBacon:
    """The decomposition. data: as in `panel`; treatment: 0/1, and 1 from its start on.

    Raises CausalError 026 where the panel has gaps, or the treatment ends, is no 0/1, or never changes on its own.
    """
    columns = PanelColumns(unit, time, (treatment,), (outcome,))
    absorbed = absorb(panel_rows(as_relation(data), columns), ("unit", "time"), drop_singletons=False)
    if absorbed.counts.n_missing_cells:
        cells = absorbed.counts.n_units * absorbed.counts.n_periods
        detail = f"{absorbed.counts.n_missing_cells:,} of {cells:,} combinations of unit and period are missing"
        raise refuse("026", "panel gaps", detail, fix="the decomposition needs a balanced panel; did does not")
    cohorts = _cohorts(absorbed.panel)
    if cohorts is None:
        detail = f"{treatment} is not 0 before a unit's first treated period and 1 from then on"
        raise refuse("026", "treatment that does not stay", detail, fix="the decomposition is for absorbing treatments")
    found = _decomposition(cohorts, absorbed.panel.periods.keys, 0)
    if found is None:
        detail = f"{treatment} starts for all units at once, or for none"
        raise refuse(
            "026", "treatment never changes on its own", detail, fix="some units must not be treated, or later"
        )
    return found


def decomposed(absorbed: Absorbed) -> list[dict[str, Any]]:
    """Diagnostics of each outcome of a two-way regression whose treatment starts at different times, else nothing."""
    panel, n_outcomes = absorbed.panel, len(absorbed.panel.columns.outcomes)
    if set(absorbed.effects) != {"unit", "time"} or not absorbed.is_staggered:
        return [{} for _ in range(n_outcomes)]
    reason = ""
    if panel.p > 1 or panel.is_weighted or absorbed.counts.n_missing_cells:
        reason = "it needs one treatment, no covariates, no weights and no gaps"
    cohorts = None if reason else _cohorts(panel)
    if cohorts is None:
        reason = reason or "the treatment is not 0/1, or ends"
        return [{"goodman_bacon": {"not_evaluated": reason}} for _ in range(n_outcomes)]
    found = [_decomposition(cohorts, panel.periods.keys, o) for o in range(n_outcomes)]
    return [{"goodman_bacon": {**f.by_kind, "forbidden_weight": f.forbidden_weight}} if f else {} for f in found]


@dataclass(frozen=True)
class _Cohorts:
    """first: position of the first treated period (-1: never).  share: of the units.  means: (cohorts, T, k)."""

    first: np.ndarray
    share: np.ndarray
    means: np.ndarray


def _cohorts(panel: PanelRows) -> _Cohorts | None:
    """Means by cohort and period of a balanced panel; None if the treatment is no 0/1 that stays."""
    keys, k = panel.periods.keys, panel.size - 1
    rows = panel.rows.lookup(["causal_time"], {"causal_time": list(keys), "causal_code": list(range(len(keys)))})
    first = "coalesce(min(case when causal_x0 <> 0 then causal_code end), -1)"
    rows = rows.joined(rows.grouped({"causal_first": first}, {"causal_unit": "causal_unit"}), ["causal_unit"])
    shifts = panel.periods.mean[1:]
    means = {f"y{o}": f"avg(causal_x{1 + o} - {rows.number(shifts[o])})" for o in range(k)}
    on = {"n": "count(*)", "lowest": "min(causal_x0)", "highest": "max(causal_x0)"}
    found = rows.aggregate({**on, **means}, by=["causal_first", "causal_code"])
    cohort, code = found["causal_first"], found["causal_code"]
    wanted = ((cohort != _NEVER) & (code >= cohort)).astype(float)
    if (found["lowest"] != wanted).any() or (found["highest"] != wanted).any():
        return None
    shape = (-1, len(keys))
    units = found["n"].reshape(shape)[:, 0]
    values = np.column_stack([found[f"y{o}"] for o in range(k)]).reshape(*shape, k)
    return _Cohorts(cohort.reshape(shape)[:, 0], units / units.sum(), values)


def _decomposition(cohorts: _Cohorts, periods: Sequence[Any], outcome: int) -> GoodmanBacon | None:
    """Equations (7) to (10) of Goodman-Bacon (2021). Weights are those before division by the treatment's variance."""
    y, n_periods = cohorts.means[:, :, outcome], cohorts.means.shape[1]
    found = []
    for a, first in enumerate(cohorts.first):
        if first in (_NEVER, _ALWAYS):
            continue
        for b, other in enumerate(cohorts.first):
            if a == b:
                continue
            start, stop, kind = _window(int(first), int(other), n_periods)
            weight = cohorts.share[a] * cohorts.share[b] * (first - start) * (stop - first) / n_periods**2
            change = y[[a, b], first:stop].mean(axis=1) - y[[a, b], start:first].mean(axis=1)
            found.append((kind, _name(first, periods), _name(other, periods), weight, float(change[0] - change[1])))
    total = sum(weight for *_, weight, _ in found)
    if not total:
        return None
    comparisons = tuple(Comparison(k, t, c, float(w / total), e) for k, t, c, w, e in found)
    return GoodmanBacon(sum(c.weight * c.estimate for c in comparisons), comparisons)


def _window(first: int, other: int, n_periods: int) -> tuple[int, int, str]:
    """The periods in which the other cohort does not change, around the start of the first, and the kind of control."""
    if other == _NEVER:
        return 0, n_periods, NEVER
    if other > first:
        return 0, other, EARLIER
    return other, n_periods, ALWAYS if other == _ALWAYS else LATER


def _name(first: int, periods: Sequence[Any]) -> Any:
    if first == _NEVER:
        return None
    period = periods[int(first)]
    return period.item() if hasattr(period, "item") else period
