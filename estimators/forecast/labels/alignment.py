"""How two labelled arrays are brought to the same axes: decided once per pair of dims."""

from __future__ import annotations

from typing import NamedTuple

import torch

from estimators.errors import CausalError, refuse
from estimators.forecast.labels.dims import Dims, Index


class View(NamedTuple):
    """How an array is laid out for an operation. order: axes in the order of the result.  shape: with ones put in."""

    order: tuple[int, ...] | None
    shape: tuple[int, ...]

    def of(self, data: torch.Tensor) -> torch.Tensor:
        """The same numbers, seen through this view; nothing is copied."""
        if self.order is not None:
            data = data.permute(self.order)
        return data.reshape(self.shape)


class Alignment(NamedTuple):
    """dims: of the result.  left, right: how to see the operands, None where torch's own broadcasting does it."""

    dims: Dims
    left: View | None
    right: View | None


def alignment(left: Dims, right: Dims) -> Alignment:
    """The dims of an operation: the left operand's, then the right's new ones. Raises CAUSAL-029 if labels clash."""
    return left.remember(("with", id(right)), lambda: (_align(left, right), right))[0]  # holds `right`: ids are reused


def _align(left: Dims, right: Dims) -> Alignment:
    for name in right.names:
        if name in left and left[name] is not right[name] and left[name] != right[name]:
            raise clash(name, left[name], right[name])
    added = tuple(name for name in right.names if name not in left)
    if added:
        dims = Dims.of({**left._indexes, **{name: right[name] for name in added}})
    else:
        dims = left
    return Alignment(dims, _view(left, dims), _view(right, dims))


def _view(part: Dims, whole: Dims) -> View | None:
    """How an array with the dims `part` is seen in the dims `whole`; None if its axes are the last ones, in order."""
    if part.names == whole.names[len(whole.names) - len(part.names) :]:
        return None
    names = tuple(name for name in whole.names if name in part)
    order = None if names == part.names else tuple(part.names.index(name) for name in names)
    shape = tuple(len(part[name]) if name in part else 1 for name in whole.names)
    return View(order, shape)


def clash(name: str, left: Index, right: Index, sides: tuple[str, str] = ("the left", "the right")) -> CausalError:
    """The error for one dim with two sets of labels; sides: what the two are called in the message."""
    only_left, only_right = [x for x in left if x not in right.positions], [x for x in right if x not in left.positions]
    if not only_left and not only_right:
        at = next(i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b)
        how = f"the same in another order: label {at + 1} is {left[at]!s} in {sides[0]}, {right[at]!s} in {sides[1]}"
        fix = f"order one by the other: x.select({name}=y.labels[{name!r}])"
    else:
        lacking = [(side, labels) for side, labels in zip(sides, (only_left, only_right), strict=True) if labels]
        how = "; ".join(f"{len(labels):,} only in {side}, e.g. {labels[0]!s}" for side, labels in lacking)
        fix = f"select the labels that both have, or rename one {name}"
    sizes = f"{sides[0]} has {len(left):,} labels, {sides[1]} has {len(right):,}"
    return refuse("029", f"labels clash in {name}", sizes, how, fix=fix)
