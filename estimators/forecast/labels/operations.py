"""Elementwise functions of labelled tensors, under the names that torch gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from estimators.errors import refuse
from estimators.forecast.labels.alignment import alignment, clash
from estimators.forecast.labels.dims import Dims, Index
from estimators.forecast.labels.tensor import Number, Tensor, apply


def log1p(x: Tensor) -> Tensor:
    return Tensor(torch.log1p(x.data), x.axes)


def exp(x: Tensor) -> Tensor:
    return Tensor(torch.exp(x.data), x.axes)


def log(x: Tensor) -> Tensor:
    return Tensor(torch.log(x.data), x.axes)


def sqrt(x: Tensor) -> Tensor:
    return Tensor(torch.sqrt(x.data), x.axes)


def sigmoid(x: Tensor) -> Tensor:
    return Tensor(torch.sigmoid(x.data), x.axes)


def tanh(x: Tensor) -> Tensor:
    return Tensor(torch.tanh(x.data), x.axes)


def isnan(x: Tensor) -> Tensor:
    return Tensor(torch.isnan(x.data), x.axes)


def maximum(left: Tensor | Number, right: Tensor | Number) -> Tensor:
    """The larger of two, cell by cell."""
    return _either(torch.maximum, left, right)


def minimum(left: Tensor | Number, right: Tensor | Number) -> Tensor:
    """The smaller of two, cell by cell."""
    return _either(torch.minimum, left, right)


def clip(x: Tensor, lower: Tensor | Number | None = None, upper: Tensor | Number | None = None) -> Tensor:
    """`x` held between two bounds, each a number, a tensor or absent."""
    if lower is not None:
        x = maximum(x, lower)
    return x if upper is None else minimum(x, upper)


def where(condition: Tensor, yes: Tensor | Number, no: Tensor | Number) -> Tensor:
    """`yes` where the condition holds, else `no`; the three broadcast by name, the condition's dims first."""
    axes = condition.axes
    for other in (yes, no):
        if isinstance(other, Tensor):
            axes = alignment(axes, other.axes).dims
    first, second = (x.broadcast(axes).data if isinstance(x, Tensor) else x for x in (yes, no))
    return Tensor(torch.where(condition.broadcast(axes).data, first, second), axes)


def concat(tensors: Sequence[Tensor], dim: str) -> Tensor:
    """Tensors one after the other along a dim: a history and the decisions of the weeks to come.

    All have the dims of the first, with the same labels but in `dim`. Raises CAUSAL-029 otherwise.
    """
    first = tensors[0]
    parts = [first, *(_like(first, other, dim) for other in tensors[1:])]
    axes = first.axes.replace(**{dim: Index(label for part in parts for label in part.axes[dim])})
    return Tensor(torch.cat([part.data for part in parts], first.axes.axis(dim)), axes)


def _like(first: Tensor, other: Tensor, dim: str) -> Tensor:
    if set(other.dims) != set(first.dims):
        raise refuse(
            "029",
            "tensors with other dims in a row",
            f"the first has {', '.join(first.dims)}, another has {', '.join(other.dims)}",
            fix="broadcast them to the same dims first",
        )
    for name in first.dims:
        if name != dim and first.axes[name] != other.axes[name]:
            raise clash(name, first.axes[name], other.axes[name], ("the first", "another"))
    return other.transpose(*first.dims)


def _either(function: Callable[..., torch.Tensor], left: Tensor | Number, right: Tensor | Number) -> Tensor:
    if not isinstance(left, Tensor):
        left, right = right, left  # both functions are symmetric
    if not isinstance(right, Tensor):
        right = Tensor(torch.as_tensor(right, dtype=left.data.dtype), Dims())
    return apply(function, left, right)
