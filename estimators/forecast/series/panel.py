"""Series of unequal lengths as one rectangle of numbers, so that one pass over time serves them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_FEWEST_SEASONS = 2


@dataclass(frozen=True)
class Panel:
    """Series aligned at their first value, the longest first, so that those alive at a period are a prefix of the rows.

    values: (n_series, n_periods) float64, zero after a series' end.  lengths: (n_series,) descending.
    order: (n_series,) the row's place in the list that the panel was made from.
    """

    values: np.ndarray
    lengths: np.ndarray
    order: np.ndarray

    @property
    def n_series(self) -> int:
        return len(self.lengths)

    def alive(self) -> np.ndarray:
        """How many series are alive at each period: (n_periods,)."""
        return np.searchsorted(-self.lengths, -np.arange(self.values.shape[1]), side="left")

    def with_values(self, values: np.ndarray) -> Panel:
        return Panel(values, self.lengths, self.order)

    def unsort(self, rows: np.ndarray) -> np.ndarray:
        """Rows of a result in the order of the list that the panel was made from."""
        result = np.empty_like(rows)
        result[self.order] = rows
        return result

    def rows(self, chosen: np.ndarray) -> Panel:
        """Some of the series, by row, in ascending order."""
        lengths = self.lengths[chosen]
        return Panel(self.values[chosen, : lengths.max(initial=0)], lengths, self.order[chosen])

    def is_observed(self) -> np.ndarray:
        """(n_series, n_periods): the period lies before the series' end."""
        return np.arange(self.values.shape[1]) < self.lengths[:, None]


def panel_of(series: Sequence[np.ndarray]) -> Panel:
    """A panel from arrays of any lengths."""
    lengths = np.array([len(one) for one in series])
    order = np.argsort(-lengths, kind="stable")
    values = np.zeros((len(series), lengths.max()))
    for row, place in enumerate(order):
        values[row, : lengths[place]] = series[place]
    return Panel(values, lengths[order], order)


def panels_by_season(series: Sequence[np.ndarray], season: int) -> Iterator[tuple[np.ndarray, Panel, int]]:
    """Series of at least two seasons with their season, then the shorter ones without: which (n_series,), panel, m."""
    is_long = np.array([len(one) >= _FEWEST_SEASONS * season for one in series])
    for rows, m in ((is_long, season), (~is_long, 1)):
        if rows.any():
            yield rows, panel_of([series[row] for row in np.flatnonzero(rows)]), m
