"""What was known at an origin: the history up to the cut, the loss without later experiments; and what then came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimators.forecast.backtests.origins import Origin
from estimators.forecast.experiments.table import Experiments
from estimators.forecast.labels.dims import Index, canonical
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.terms import Agree, Loss, Weighted


@dataclass(frozen=True)
class Window:
    """One origin. past: every tensor of the history up to the cut.  later: the same tensors in the scored periods.

    known, ahead: labels of the time dim before and after the cut.
    """

    origin: Origin
    time: str
    past: dict[str, Tensor]
    later: dict[str, Tensor]
    known: Index
    ahead: Index

    @property
    def last_known(self) -> Any:
        """The last period that anything at this origin has seen."""
        return self.known[-1]


def windows(history: Mapping[str, Tensor], labels: Index, time: str, origins: Sequence[Origin]) -> tuple[Window, ...]:
    """The history cut at each origin. A tensor without the time dim is known at all of them."""
    return tuple(_window(history, labels, time, origin) for origin in origins)


def _window(history: Mapping[str, Tensor], labels: Index, time: str, origin: Origin) -> Window:
    known, ahead = Index(labels[: origin.cut]), Index(labels[origin.test])
    past = {name: _between(tensor, time, known) for name, tensor in history.items()}
    later = {name: _between(tensor, time, ahead) for name, tensor in history.items()}
    return Window(origin, time, past, later, known, ahead)


def _between(tensor: Tensor, time: str, labels: Index) -> Tensor:
    return tensor.select(**{time: labels}) if time in tensor.dims else tensor


def read_before(experiments: Experiments, window: Window) -> Experiments:
    """The experiments whose outcome had been read in full by the origin: later ones were not known then."""
    first_unknown = window.ahead[0]
    return experiments.where(lambda row: canonical(row.reading[1]) <= first_unknown)


def known_loss(loss: Loss, window: Window) -> Loss:
    """The loss as it could be written at the origin. A term whose experiments all came later is left out."""
    terms = []
    for weight, term in loss.terms:
        if isinstance(term, Agree):
            experiments = read_before(term.experiments, window)
            if len(experiments) == 0:
                continue
            term = replace(term, experiments=experiments)
        terms.append(Weighted(weight, term))
    return Loss(tuple(terms))


def series_of(tensor: Tensor, time: str) -> np.ndarray:
    """A node as (n_series, n_periods), series in the order of the labels of its other dims."""
    others = [dim for dim in tensor.dims if dim != time]
    ordered = tensor.transpose(*others, time).data.detach().cpu().numpy()
    return ordered.reshape(-1, ordered.shape[-1])


def cells_of(tensor: Tensor, time: str) -> list[dict[str, Any]]:
    """The labels of each series of `series_of`, in the same order."""
    rows: list[dict[str, Any]] = [{}]
    for dim in tensor.dims:
        if dim != time:
            rows = [{**row, dim: label} for row in rows for label in tensor.labels[dim]]
    return rows
