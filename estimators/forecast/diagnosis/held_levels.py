"""The model as it would have forecast from an origin: levels that move in time stand still from there on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from estimators.forecast.collection import ModelCollection


@contextmanager
def levels_held(model: ModelCollection, time: str, origin: int) -> Iterator[None]:
    """While it lasts, every local level keeps its value of position `origin − 1` of `time` from `origin` on."""
    changed: list[tuple[torch.nn.Parameter, torch.Tensor]] = []
    for owner, parameter in model.declarations().values():
        if parameter.kind == "level" and parameter.time == time and 0 < origin < parameter.axes.size(time):
            raw = owner._parameters[parameter.name]
            changed.append((raw, raw.detach().clone()))
            _hold(raw, parameter.axes.axis(time), origin)
    try:
        yield
    finally:
        with torch.no_grad():
            for raw, before in changed:
                raw.copy_(before)


def _hold(raw: torch.nn.Parameter, axis: int, origin: int) -> None:
    with torch.no_grad():
        later = raw.narrow(axis, origin, raw.shape[axis] - origin)
        later.copy_(raw.narrow(axis, origin - 1, 1).clone().expand_as(later))
