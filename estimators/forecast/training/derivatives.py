"""How a node answers to an input, to another node or to a parameter."""

from __future__ import annotations

from typing import Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor


def derivative(fitted: Any, node: str, wrt: str) -> Tensor:
    """d(total of the node) / d(each cell of `wrt`), on the dims of `wrt`."""
    model, history = fitted.model, dict(fitted.history)
    model.node(node)
    if wrt in model.exogenous:
        cells = history[wrt].data.detach().clone().requires_grad_()
        history[wrt] = Tensor(cells, history[wrt].axes)
        total = model.forward(history)[node].data.sum()
        return Tensor(_gradient(total, cells), history[wrt].axes)
    if wrt in model.nodes:
        with torch.no_grad():
            value = model.forward(history)[wrt]
        cells = value.data.clone().requires_grad_()
        total = model.forward(history, intervene={wrt: Tensor(cells, value.axes)})[node].data.sum()
        return Tensor(_gradient(total, cells), value.axes)
    return _by_parameter(model, history, node, wrt)


def _by_parameter(model: Any, history: dict[str, Tensor], node: str, wrt: str) -> Tensor:
    keys = [key for key in model.declarations() if key == wrt or key.endswith(f".{wrt}")]
    if len(keys) != 1:
        known = ", ".join((*model.exogenous, *model.nodes, *model.declarations()))
        raise refuse("029", f"no derivative by {wrt}", f"{len(keys)} parameters are called so; known: {known}")
    owner, parameter = model.declarations()[keys[0]]
    raw = owner._parameters[parameter.name]
    total = model.forward(history)[node].data.sum()
    by_raw = _gradient(total, raw)
    leaf = raw.detach().clone().requires_grad_()
    slope = _gradient(parameter.value(leaf).sum(), leaf)
    return Tensor(by_raw / slope, parameter.axes)


def _gradient(total: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    if not total.requires_grad:
        return torch.zeros_like(cells)
    (found,) = torch.autograd.grad(total, cells, allow_unused=True)
    return torch.zeros_like(cells) if found is None else found
