"""Passes through the graph with changes at nodes: local levels put in where they belong, levers moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from estimators.forecast.collection import ModelCollection
from estimators.forecast.labels.tensor import Tensor

Change = Callable[[Tensor], Tensor]


@contextmanager
def changed_nodes(model: ModelCollection, changes: Mapping[str, Change]) -> Iterator[None]:
    """While it lasts, every module that makes one of these nodes returns `change(node)` in its place."""
    handles = []
    for module in model.order:
        own = {name: changes[name] for name in module.outputs if name in changes}
        if own:
            handles.append(module.register_forward_hook(_hook(own, module.outputs)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(own: dict[str, Change], outputs: Mapping[str, Any]) -> Callable[..., Any]:
    def after(module: Any, arguments: Any, made: Any) -> Any:
        if isinstance(made, Tensor):
            (name,) = outputs
            return own[name](made)
        return {name: own[name](value) if name in own else value for name, value in made.items()}

    return after


def between(model: ModelCollection, start: str, end: str) -> tuple[str, ...]:
    """Nodes on a path from `start` (a node or an exogenous input, left out) to `end` (a node), in order."""
    upstream = {*model.upstream(end), end}
    reached = {start}
    path = []
    for module in model.order:
        if reached & set(module.inputs):
            reached |= set(module.outputs)
            path += [name for name in module.outputs if name in upstream and name != start]
    return tuple(path)
