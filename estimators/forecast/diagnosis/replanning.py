"""The same plan on another model: with a parameter moved, a node scaled, residuals added, a draw, or a refit."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.planning.decisions import Decisions

if TYPE_CHECKING:
    from estimators.forecast.collection import ModelCollection
    from estimators.forecast.planning.plan import Plan


def on_model(plan: Plan, model: ModelCollection, given: Mapping[str, Tensor] | None = None) -> Plan:
    """A copy of the plan whose objective and outcomes come from `model`; the model is copied too.

    given: all inputs over lead-in and horizon, those of the plan by default. Draws of the first fit are left out: they
    say nothing of the other model.
    """
    made = plan.with_constraints(plan.constraints)
    old = plan.decisions
    made.__dict__.pop("shapes", None)
    inputs = old.given if given is None else given
    made.decisions = Decisions(model, inputs, tuple(old.levers), old.time, old.weeks, old.lead)
    made.fitted = _without_draws(plan.fitted, made.decisions.model)
    return made


def _without_draws(fitted: Any, model: ModelCollection) -> Any:
    if is_dataclass(fitted):
        return replace(fitted, model=model, draws=[])
    made = copy.copy(fitted)
    made.model, made.draws = model, []
    return made


def with_state(model: ModelCollection, state: Mapping[str, torch.Tensor]) -> ModelCollection:
    """A copy of the model with the parameters of a draw."""
    made = copy.deepcopy(model)
    made.load_state_dict(dict(state))
    return made


def with_parameter(model: ModelCollection, name: str, share: float) -> ModelCollection:
    """A copy of the model whose parameter, within its bounds, is larger by `share` in every cell."""
    made = copy.deepcopy(model)
    owner, parameter = made.declarations()[name]
    with torch.no_grad():
        raw = owner._parameters[parameter.name]
        raw.copy_(parameter.raw(parameter.value(raw) * (1.0 + share)))
    return made


def with_node(model: ModelCollection, node: str, share: float) -> ModelCollection:
    """A copy of the model one of whose nodes comes out larger by `share`."""
    return _hooked(model, {node: lambda value: value * (1.0 + share)})


def with_residuals(model: ModelCollection, residuals: Mapping[str, Tensor]) -> ModelCollection:
    """A copy of the model that adds these tensors to its nodes, 0 for labels that they lack along any dim."""
    return _hooked(model, {node: _adding(residual) for node, residual in residuals.items()})


def _adding(residual: Tensor) -> Any:
    def add(value: Tensor) -> Tensor:
        return value + _placed(residual, value)

    return add


def _placed(residual: Tensor, like: Tensor) -> Tensor:
    """The residual on the axes of `like`."""
    part = residual.transpose(*like.dims)
    places = []
    for dim in like.dims:
        index = like.axes[dim].positions
        places.append(torch.tensor([index[label] for label in part.axes[dim]], dtype=torch.long))
    data = torch.zeros(like.axes.shape, dtype=part.data.dtype)
    data[torch.meshgrid(*places, indexing="ij")] = part.data
    return Tensor(data, like.axes)


def _hooked(model: ModelCollection, changes: Mapping[str, Any]) -> ModelCollection:
    made = copy.deepcopy(model)
    for node, change in changes.items():
        module = made[made.node(node).module]
        module.register_forward_hook(_changing(node, change))
    return made


def _changing(node: str, change: Any) -> Any:
    def hook(module: torch.nn.Module, inputs: Any, output: Any) -> Any:
        if isinstance(output, Tensor):
            return change(output)
        return {**output, node: change(output[node])}

    return hook


def share_moved(before: torch.Tensor, after: torch.Tensor) -> float:
    """Half of what was moved between cells, over all that was planned: 0 the same plan, 1 nothing in common."""
    total = max(float(before.abs().sum()), float(after.abs().sum()))
    return float((after - before).abs().sum()) / (2.0 * total) if total > 0.0 else 0.0
