"""Experiments as rows: what was changed where and when, and what was measured to follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

RANDOMISED, OBSERVATIONAL = "randomised", "observational"
TRAIN, HELDOUT = "train", "heldout"


@dataclass(frozen=True)
class Experiment:
    """One measured effect: the sum of `outcome` over `cells` and the reading window, changed minus unchanged.

    cells: labels by dim; a dim that is not named means all of it.  starts, ends: half-open window in which the lever
    was changed.  reads_from, reads_until: half-open window in which the outcome was summed (the same one unless said).
    delta: added to the lever in every cell and period, or with change="scale" the share by which it was multiplied less
    one (-1: the lever is off).  std_error: in units of the effect.  bias_bound: how far an observational effect may be
    off.  control_group, control_std_error: experiments that share a control arm, and the part of `std_error` that is
    the arm's.  split: which side of the held-out split the row is on.
    """

    name: str
    lever: str
    outcome: str
    cells: dict[str, tuple]
    starts: Any
    ends: Any
    delta: float
    effect: float
    std_error: float
    source: str = RANDOMISED
    change: str = "add"
    reads_from: Any = None
    reads_until: Any = None
    bias_bound: float = 0.0
    split: str = TRAIN
    control_group: str | None = None
    control_std_error: float = 0.0
    estimand: str | None = None
    population: str | None = None

    @property
    def is_randomised(self) -> bool:
        return self.source == RANDOMISED

    @property
    def reading(self) -> tuple[Any, Any]:
        """The half-open window in which the outcome was summed."""
        return (
            self.starts if self.reads_from is None else self.reads_from,
            self.ends if self.reads_until is None else self.reads_until,
        )

    @property
    def label(self) -> str:
        """Name and cells, as messages and tables show them."""
        where = ", ".join(f"{dim}={'|'.join(map(str, labels))}" for dim, labels in self.cells.items())
        return f"{self.name} ({where})" if where else self.name


@dataclass(frozen=True)
class Experiments:
    """Measured effects in a fixed order; slices of it are Experiments too."""

    rows: tuple[Experiment, ...] = field(default=())

    @staticmethod
    def from_table(frame: Any, heldout_share: float = 0.3, block: int | None = None) -> Experiments:
        """Reads the table `experiments`: one row per experiment and cell group.

        Columns `experiment, lever, outcome, starts, ends, delta, effect, std_error, source`; cells as one column per
        dim (a label, a list of labels, or null for all) or as one column `cells` (a dict or its JSON text); optional
        `change, reads_from, reads_until, bias_bound, split, control_group, control_std_error, estimand, population`.
        Rows without a split get theirs by hash of region × time block (`heldout_share` of the blocks; `block` in days
        for dates, 91 unless said, and in periods otherwise, 13 unless said). Raises CAUSAL-029 with all faults at once.
        """
        from estimators.forecast.experiments.reading import read
        from estimators.forecast.experiments.split import assigned

        return Experiments(assigned(read(frame), heldout_share, block))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Experiment]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Experiment:
        return self.rows[index]

    def where(self, keep: Any) -> Experiments:
        """The rows for which `keep(row)` holds."""
        return Experiments(tuple(row for row in self.rows if keep(row)))

    @property
    def train(self) -> Experiments:
        return self.where(lambda row: row.split == TRAIN)

    @property
    def heldout(self) -> Experiments:
        return self.where(lambda row: row.split == HELDOUT)

    @property
    def randomised(self) -> Experiments:
        return self.where(lambda row: row.is_randomised)

    @property
    def observational(self) -> Experiments:
        return self.where(lambda row: not row.is_randomised)

    @property
    def levers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.lever for row in self.rows))

    @cached_property
    def effects(self) -> np.ndarray:
        """Measured effects (m,)."""
        return np.array([row.effect for row in self.rows], dtype=float)

    @cached_property
    def covariance(self) -> np.ndarray:
        """Of the measurements (m, m): std_error² plus bias_bound² on the diagonal, shared controls beside it."""
        variances = [row.std_error**2 + (0.0 if row.is_randomised else row.bias_bound**2) for row in self.rows]
        covariance = np.diag(np.array(variances, dtype=float)) if self.rows else np.zeros((0, 0))
        for i, one in enumerate(self.rows):
            for j, other in enumerate(self.rows[:i]):
                if one.control_group is not None and one.control_group == other.control_group:
                    covariance[i, j] = covariance[j, i] = one.control_std_error * other.control_std_error
        return covariance

    def to_frame(self) -> Any:
        """One row per experiment, in order, with the split that was decided."""
        import pandas as pd

        columns = list(Experiment.__dataclass_fields__)
        frame = pd.DataFrame([[getattr(row, name) for name in columns] for row in self.rows], columns=columns)
        return frame.rename(columns={"name": "experiment"})
