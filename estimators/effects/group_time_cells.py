"""Which comparisons a staggered design is made of: one cell per cohort and period, after Callaway and Sant'Anna (2021).

A cell ATT(g, t) sets the change of cohort g from its base period to t beside that of its controls. As in the R package
`did`, the base is the last period before treatment (less anticipation); with a varying base, cells from before that
are compared with the period just before them. Controls are the never treated, or those not treated by the later of the
two periods either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.group_time_panel import Panel
from estimators.errors import refuse


@dataclass(frozen=True)
class Cell:
    """cohort: position in the panel's cohorts.  period, base: positions of the periods compared.

    controls: (C + 1,) which cohorts are the controls, the never treated last.  relative: period less cohort, on the
    clock.  is_post: treatment has begun.  is_reference: period and base are the same, the effect 0 by construction.
    """

    cohort: int
    period: int
    base: int
    controls: tuple[bool, ...]
    relative: float
    is_post: bool
    is_reference: bool

    @property
    def earlier(self) -> int:
        """The period whose covariates count."""
        return min(self.period, self.base)


def cells_of(panel: Panel, control: str, base_period: str, anticipation: float) -> tuple[Cell, ...]:
    """All cells that have controls, in the order of cohort and period.

    Raises CausalError 026 if there is no cell after treatment began, or nobody to compare with.
    """
    if control == "never" and not panel.n_never:
        detail = "every unit is treated at some time"
        raise refuse("026", "no never-treated units", detail, fix="compare with the not yet treated: control='not_yet'")
    found = []
    for cohort in _estimated(panel):
        bases = np.flatnonzero(panel.periods + anticipation < panel.cohorts[cohort])
        for period in range(len(panel.periods)):
            cell = _cell(panel, cohort, period, (int(bases[-1]), base_period == "universal"), (control, anticipation))
            if cell is not None and (cell.is_reference or any(cell.controls)):
                found.append(cell)
    if not any(cell.is_post for cell in found):
        detail = "no cohort has a period after treatment with controls to compare it with"
        raise refuse("026", "no comparison after treatment", detail, fix="add untreated units, or later periods")
    return tuple(found)


def before_treatment(cells: Sequence[Cell], panel: Panel, anticipation: float) -> tuple[Cell, ...]:
    """The cells of which both periods lie before treatment and its anticipation."""
    return tuple(
        c for c in cells if not c.is_reference and panel.periods[c.period] + anticipation < panel.cohorts[c.cohort]
    )


def _estimated(panel: Panel) -> range:
    """The cohorts with cells of their own: without never-treated units the last one serves as comparison only."""
    return range(len(panel.cohorts) - (0 if panel.n_never else 1))


def _cell(panel: Panel, cohort: int, period: int, base: tuple[int, bool], rule: tuple[str, float]) -> Cell | None:
    """base: position of the last period before treatment, and whether it holds for all.  rule: controls, anticipation.

    None for the first period under a varying base, which has nothing before it.
    """
    (last, is_universal), (control, anticipation) = base, rule
    now, began = panel.periods[period], panel.cohorts[cohort]
    at = last if is_universal or now + anticipation >= began else period - 1
    if at < 0:
        return None
    later = max(now, panel.periods[at])
    not_yet = (panel.cohorts > later + anticipation) & (np.arange(len(panel.cohorts)) != cohort)
    others = not_yet if control == "not_yet" else np.zeros(len(panel.cohorts), dtype=bool)
    return Cell(
        cohort=cohort,
        period=period,
        base=at,
        controls=(*others.tolist(), panel.n_never > 0),
        relative=float(now - began),
        is_post=bool(now >= began),
        is_reference=at == period,
    )
