"""Averages of group-time effects: by event time, cohort, calendar period and overall, with their standard errors.

Each average is a smooth function of the cells and of the cohorts' shares, so its error is its gradient times theirs:
that counts the estimation of the weights (Callaway and Sant'Anna 2021, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.group_time_cells import Cell
from estimators.effects.group_time_panel import Panel
from estimators.effects.group_time_sums import GroupTime


@dataclass(frozen=True)
class Average:
    """One number of the result. gradient: (K + C + 1,) in cells and shares.  value: of event time, cohort or period."""

    kind: str
    value: float
    estimate: float
    gradient: np.ndarray
    n_treated: int
    is_reference: bool = False


class Averages:
    """All averages of one outcome."""

    def __init__(self, panel: Panel, found: GroupTime) -> None:
        self.panel, self.found = panel, found
        self.size = len(found.covariance)

    def cells(self) -> list[Average]:
        """The group-time effects themselves."""
        unit = np.eye(self.size)
        return [
            Average("group_time", np.nan, float(self.found.att[i]), unit[i], self._treated([i]), cell.is_reference)
            for i, cell in enumerate(self.found.cells)
        ]

    def event_times(self) -> list[Average]:
        """By relative period, before treatment too."""
        times = sorted({cell.relative for cell in self.found.cells})
        return [self._weighted("event_time", e, [i for i, c in self._numbered() if c.relative == e]) for e in times]

    def groups(self) -> list[Average]:
        """By cohort: the plain mean of its effects since treatment."""
        found = []
        for cohort in sorted({cell.cohort for cell in self.found.cells}):
            at = [i for i, c in self._numbered() if c.cohort == cohort and c.is_post]
            if at:
                gradient = np.zeros(self.size)
                gradient[at] = 1.0 / len(at)
                estimate = float(np.mean(self.found.att[at]))
                value = float(self.panel.cohorts[cohort])
                found.append(Average("group", value, estimate, gradient, self._treated(at)))
        return found

    def calendar(self) -> list[Average]:
        """By period, over the cohorts treated by then."""
        post = [(i, c.period) for i, c in self._numbered() if c.is_post]
        periods = sorted({period for _, period in post})
        return [
            self._weighted("calendar", float(self.panel.periods[t]), [i for i, period in post if period == t])
            for t in periods
        ]

    def overall(self, kind: str) -> Average:
        """One number: ``simple`` over all cells since treatment, or that of ``group``, ``dynamic``, ``calendar``."""
        post = [i for i, c in self._numbered() if c.is_post]
        if kind == "simple":
            return self._weighted("simple", np.nan, post)
        if kind == "group":
            return self._over_groups(self.groups(), self._treated(post))
        parts = [a for a in self.event_times() if a.value >= 0] if kind == "dynamic" else self.calendar()
        estimate = float(np.mean([a.estimate for a in parts]))
        gradient = np.mean([a.gradient for a in parts], axis=0)
        return Average(kind, np.nan, estimate, gradient, self._treated(post))

    def _over_groups(self, groups: Sequence[Average], n_treated: int) -> Average:
        """Weighted by the shares of the cohorts: θ = Σ p θ_g / Σ p, so dθ/dp_g = (θ_g − θ) / Σ p."""
        at = [int(np.flatnonzero(self.panel.cohorts == a.value)[0]) for a in groups]
        share = self.found.shares[at]
        estimate = float(share @ [a.estimate for a in groups] / share.sum())
        gradient = (share / share.sum()) @ np.array([a.gradient for a in groups])
        for place, average in zip(at, groups, strict=True):
            gradient[len(self.found.cells) + place] += (average.estimate - estimate) / share.sum()
        return Average("group", np.nan, estimate, gradient, n_treated)

    def _weighted(self, kind: str, value: float, at: Sequence[int]) -> Average:
        """Cells weighted by their cohorts' shares: θ = Σ p att / Σ p, so dθ/dp = (att − θ) / Σ p for each cell."""
        cells = self.found.cells
        share = np.array([self.found.shares[cells[i].cohort] for i in at])
        estimate = float(share @ self.found.att[list(at)] / share.sum())
        gradient = np.zeros(self.size)
        for i, own in zip(at, share, strict=True):
            gradient[i] += own / share.sum()
            gradient[len(cells) + cells[i].cohort] += (self.found.att[i] - estimate) / share.sum()
        is_reference = all(cells[i].is_reference for i in at)
        return Average(kind, value, estimate, gradient, self._treated(at), is_reference)

    def _numbered(self) -> list[tuple[int, Cell]]:
        return list(enumerate(self.found.cells))

    def _treated(self, at: Sequence[int]) -> int:
        return int(sum(self.panel.n_units[c] for c in {self.found.cells[i].cohort for i in at}))
