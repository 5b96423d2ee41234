"""Which local levels simply add to a node: those are integrated out of its likelihood in place of being fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from estimators.forecast.collection import ModelCollection
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.labelled import Labelled
from estimators.forecast.modules.parameters import Parameter

SAME = 1e-8


@dataclass(frozen=True)
class Level:
    """A declared local level. key: its name in `named_parameters`.  adds_to: the node it adds to, or None."""

    key: str
    owner: Labelled
    parameter: Parameter
    adds_to: str | None

    @property
    def raw(self) -> torch.nn.Parameter:
        return self.owner._parameters[self.parameter.name]

    def write(self, value: Tensor) -> None:
        """Sets the level's values."""
        with torch.no_grad():
            self.raw.copy_(value.transpose(*self.parameter.axes.names).data)


def find_levels(model: ModelCollection, inputs: Mapping[str, Tensor], nodes: tuple[str, ...]) -> tuple[Level, ...]:
    """Every local level of the model. It adds to one of `nodes` (those with a history) if moving it by any amounts
    moves that node by the same and no other output of its module; which is tried, not declared. One level per node.
    """
    taken: set[str] = set()
    found = []
    for key, (owner, parameter) in model.declarations().items():
        if parameter.kind != "level":
            continue
        node = _adds_to(model, inputs, key, owner, parameter)
        node = node if node in nodes and node not in taken else None
        taken |= {node} if node else set()
        found.append(Level(key, owner, parameter, node))
    return tuple(found)


def _adds_to(
    model: ModelCollection, inputs: Mapping[str, Tensor], key: str, owner: Labelled, parameter: Parameter
) -> str | None:
    outputs = tuple(model[key.split(".")[0]].outputs)
    raw = owner._parameters[parameter.name]
    with torch.no_grad():
        before = model.forward(inputs)
        size = max(float(before[name].data.abs().mean()) for name in outputs) or 1.0
        move = size * torch.rand(raw.shape, generator=torch.Generator().manual_seed(1), dtype=raw.dtype)
        kept = raw.clone()
        raw += move
        after = model.forward(inputs)
        raw.copy_(kept)
    moved = [name for name in outputs if not _is_same(after[name].data, before[name].data, size)]
    if len(moved) != 1 or set(before[moved[0]].dims) != set(parameter.axes.names):
        return None
    node = moved[0]
    expected = before[node] + Tensor(move, parameter.axes)
    return node if _is_same(after[node].data, expected.data, size) else None


def _is_same(one: torch.Tensor, other: torch.Tensor, size: float) -> bool:
    return bool(((one - other).abs() <= SAME * size).all())
