"""A torch tensor whose axes are named and labelled; arithmetic aligns by name and refuses other labels."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.alignment import alignment
from estimators.forecast.labels.dims import Dims, Index, canonical, index_of, unknown_labels

if TYPE_CHECKING:
    import pandas

Number = float | int | bool
REFLECTED = {  # a number of torch on the left of an operator: its own method is asked first
    "add": "__radd__",
    "sub": "__rsub__",
    "mul": "__rmul__",
    "div": "__rtruediv__",
    "pow": "__rpow__",
    "lt": "__gt__",
    "le": "__ge__",
    "gt": "__lt__",
    "ge": "__le__",
    "eq": "__eq__",
    "ne": "__ne__",
}


class Tensor:
    """data: a `torch.Tensor`, one axis per dim.  axes: `Dims`, its dims and their labels.

    The constructor checks nothing: it is called in every operation. Make tensors with `fc.tensor` or `fc.from_frame`.
    """

    __slots__ = ("axes", "data")
    __array_ufunc__ = None  # numpy arrays have no labels: `array * tensor` is refused like `tensor * array`

    def __init__(self, data: torch.Tensor, axes: Dims) -> None:
        self.data = data
        self.axes = axes

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes, in order."""
        return self.axes.names

    @property
    def labels(self) -> Dims:
        """Labels by dim: a mapping."""
        return self.axes

    @property
    def shape(self) -> torch.Size:
        return self.data.shape

    def __repr__(self) -> str:
        return f"Tensor({', '.join(f'{d}: {n}' for d, n in zip(self.dims, self.axes.shape, strict=True))})\n{self.data}"

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What torch calls when one of its functions meets a labelled tensor: it does not know labels."""
        if len(args) == 2 and isinstance(args[0], torch.Tensor) and hasattr(cls, REFLECTED.get(function.__name__, "")):
            return getattr(args[1], REFLECTED[function.__name__])(args[0])
        raise refuse(
            "029",
            f"torch.{function.__name__} of a labelled tensor",
            "functions of torch do not know dims and labels",
            fix=f"fc.{function.__name__} if there is one, x.map(torch.{function.__name__}) if it works by element",
        )

    # --- arithmetic and comparison -----------------------------------------------------------------------------------
    def __add__(self, other: Tensor | Number) -> Tensor:
        return apply(torch.add, self, other)

    def __radd__(self, other: Number) -> Tensor:
        return apply(torch.add, self, other)

    def __sub__(self, other: Tensor | Number) -> Tensor:
        return apply(torch.sub, self, other)

    def __rsub__(self, other: Number) -> Tensor:
        return apply(torch.rsub, self, other)

    def __mul__(self, other: Tensor | Number) -> Tensor:
        return apply(torch.mul, self, other)

    def __rmul__(self, other: Number) -> Tensor:
        return apply(torch.mul, self, other)

    def __truediv__(self, other: Tensor | Number) -> Tensor:
        return apply(torch.div, self, other)

    def __rtruediv__(self, other: Number) -> Tensor:
        return apply(_divided, self, other)

    def __pow__(self, other: Tensor | Number) -> Tensor:
        return apply(torch.pow, self, other)

    def __rpow__(self, other: Number) -> Tensor:
        return apply(_raised, self, other)

    def __neg__(self) -> Tensor:
        return Tensor(-self.data, self.axes)

    def __abs__(self) -> Tensor:
        return Tensor(self.data.abs(), self.axes)

    def __lt__(self, other: Tensor | Number) -> Tensor:
        return apply(operator.lt, self, other)

    def __le__(self, other: Tensor | Number) -> Tensor:
        return apply(operator.le, self, other)

    def __gt__(self, other: Tensor | Number) -> Tensor:
        return apply(operator.gt, self, other)

    def __ge__(self, other: Tensor | Number) -> Tensor:
        return apply(operator.ge, self, other)

    def __eq__(self, other: Tensor | Number) -> Tensor:  # type: ignore[override]
        return apply(operator.eq, self, other)

    def __ne__(self, other: Tensor | Number) -> Tensor:  # type: ignore[override]
        return apply(operator.ne, self, other)

    def __and__(self, other: Tensor | bool) -> Tensor:
        return apply(operator.and_, self, other)

    def __or__(self, other: Tensor | bool) -> Tensor:
        return apply(operator.or_, self, other)

    def __invert__(self) -> Tensor:
        return Tensor(~self.data, self.axes)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.data)  # torch's own error for more than one cell

    def __float__(self) -> float:
        return float(self.data)

    def item(self) -> float:
        """The number of a tensor without dims."""
        return self.data.item()

    def detach(self) -> Tensor:
        """The same numbers, cut off from the gradient."""
        return Tensor(self.data.detach(), self.axes)

    def map(self, function: Callable[[torch.Tensor], torch.Tensor]) -> Tensor:
        """An elementwise torch function applied to the numbers."""
        return Tensor(function(self.data), self.axes)

    # --- reductions: over the dims named, or over all ----------------------------------------------------------------
    def sum(self, *dims: str) -> Tensor:
        return self._reduce(torch.sum, dims)

    def mean(self, *dims: str) -> Tensor:
        return self._reduce(torch.mean, dims)

    def max(self, *dims: str) -> Tensor:
        return self._reduce(torch.amax, dims)

    def min(self, *dims: str) -> Tensor:
        return self._reduce(torch.amin, dims)

    def _reduce(self, function: Callable[..., torch.Tensor], dims: tuple[str, ...]) -> Tensor:
        dims = dims or self.dims
        if not dims:
            return self
        return Tensor(function(self.data, dim=[self.axes.axis(d) for d in dims]), self.axes.without(*dims))

    def cumsum(self, dim: str) -> Tensor:
        """The running sum along a dim."""
        return Tensor(self.data.cumsum(self.axes.axis(dim)), self.axes)

    def shift(self, dim: str, n: int, fill: float = 0.0) -> Tensor:
        """The values `n` labels earlier (n < 0: later) along a dim; `fill` where there is none."""
        after = self.data.ndim - 1 - self.axes.axis(dim)
        n = max(-self.axes.size(dim), min(n, self.axes.size(dim)))
        return Tensor(torch.constant_pad_nd(self.data, [0, 0] * after + [n, -n], fill), self.axes)

    # --- labels ------------------------------------------------------------------------------------------------------
    def select(self, **labels: Any) -> Tensor:
        """By label: one drops its dim, a list keeps these in this order, a slice of labels includes both its ends.

        Raises CAUSAL-029 for a label that is not there.
        """
        result = self
        for dim, wanted in labels.items():
            result = result._select(dim, wanted)
        return result

    def _select(self, dim: str, wanted: Any) -> Tensor:
        axes, axis = self.axes, self.axes.axis(dim)
        if isinstance(wanted, slice):
            first, last = _ends(axes, dim, wanted)
            taken = axes.remember(("slice", dim, first, last), lambda: taking(axes, dim, axes[dim][first:last]))
            return Tensor(self.data.narrow(axis, first, last - first), taken)
        if not is_several(wanted, axes[dim]):
            return Tensor(self.data.select(axis, axes.position(dim, wanted)), axes.without(dim))
        wanted = index_of(wanted)
        if wanted is axes[dim]:
            return self
        taken, positions = axes.remember(("take", dim, wanted), lambda: _take(axes, dim, wanted))
        return Tensor(self.data.index_select(axis, positions), taken)

    def rename(self, **names: str) -> Tensor:
        """The same numbers with dims renamed, ``rename(old="new")``."""
        return Tensor(self.data, self.axes.rename(names))

    def transpose(self, *dims: str) -> Tensor:
        """The same numbers with the axes in this order."""
        if dims == self.dims:
            return self
        axes = self.axes.only(*dims)
        if len(dims) != len(self.dims):
            raise refuse(
                "029",
                "transpose needs every dim once",
                f"got {', '.join(dims)}, the tensor has {', '.join(self.dims)}",
                fix="name all of them; sum or select to have fewer",
            )
        return Tensor(self.data.permute([self.axes.axis(d) for d in dims]), axes)

    def broadcast(self, axes: Dims) -> Tensor:
        """The same numbers repeated over the dims of `axes` that this tensor lacks, its axes in that order."""
        aligned = alignment(axes, self.axes)
        if aligned.dims is not axes:
            extra = [d for d in self.dims if d not in axes]
            raise refuse(
                "029",
                "a dim too many",
                f"{', '.join(extra)} is not among {', '.join(axes.names)}",
                fix="sum, average or select it away first",
            )
        data = aligned.right.of(self.data) if aligned.right else self.data
        return Tensor(data.expand(axes.shape), axes)

    def to_frame(self, name: str = "value") -> pandas.DataFrame:
        """A frame with one row per cell: a column per dim, and the values under `name`."""
        from estimators.forecast.labels.frames import to_frame

        return to_frame(self, name)


def apply(function: Callable[..., torch.Tensor], left: Tensor, right: Tensor | Number) -> Tensor:
    """An elementwise function of two operands that broadcast by name. Raises CAUSAL-029 if labels clash."""
    if not isinstance(right, Tensor):
        return Tensor(function(left.data, _scalar(right)), left.axes)
    if left.axes is right.axes:
        return Tensor(function(left.data, right.data), left.axes)
    axes, left_view, right_view = alignment(left.axes, right.axes)
    first = left.data if left_view is None else left_view.of(left.data)
    second = right.data if right_view is None else right_view.of(right.data)
    return Tensor(function(first, second), axes)


def tensor(data: Any, dims: Dims, names: tuple[str, ...] | None = None, dtype: torch.dtype = torch.float64) -> Tensor:
    """A labelled tensor of an array, a list or a number.

    data: one axis per name, in that order.  dims: where the labels are.  names: the dims of the axes, all by default.
    Booleans stay booleans. Raises CAUSAL-029 if the sizes are not those of the dims.
    """
    axes = dims if names is None else dims.only(*names)
    values = torch.as_tensor(data)
    if values.dtype != torch.bool:
        values = values.to(dtype)
    if tuple(values.shape) != axes.shape:
        wanted = ", ".join(f"{name}: {len(axes[name])}" for name in axes) or "no dims"
        raise refuse(
            "029",
            "an array of another shape",
            f"the array is {' × '.join(map(str, values.shape)) or 'a number'}, its dims are {wanted}",
            fix="order the axes as the names, one value per label",
        )
    return Tensor(values, axes)


def is_several(wanted: Any, index: Index) -> bool:
    """Whether this is a list of labels, and not one label (which may be a text or a tuple)."""
    if isinstance(wanted, Index):
        return True
    if isinstance(wanted, tuple):
        return wanted not in index.positions
    return hasattr(wanted, "__iter__") and not isinstance(wanted, (str, bytes))


def taking(axes: Dims, dim: str, labels: Any) -> Dims:
    """The same dims with some of the labels of one; they are known to be unique."""
    return Dims.of({**axes._indexes, dim: Index(labels)})


def _take(axes: Dims, dim: str, wanted: Index) -> tuple[Dims, torch.Tensor]:
    found = axes[dim].positions
    missing = [label for label in wanted if label not in found]
    if missing:
        raise unknown_labels(dim, missing, axes[dim])
    taken = axes.replace(**{dim: wanted})
    return taken, torch.tensor([found[label] for label in wanted], dtype=torch.long)


def _ends(axes: Dims, dim: str, wanted: slice) -> tuple[int, int]:
    if wanted.step is not None:
        raise refuse("029", f"a slice of {dim} with a step", f"step {wanted.step}", fix="pass the list of labels")
    first = 0 if wanted.start is None else axes.position(dim, wanted.start)
    last = axes.size(dim) if wanted.stop is None else axes.position(dim, wanted.stop) + 1
    return first, max(last, first)


def _scalar(value: Any) -> Any:
    if isinstance(value, (float, int)) or (isinstance(value, torch.Tensor) and value.ndim == 0):
        return value
    shape = getattr(value, "shape", None)
    if shape == ():
        return canonical(value)
    raise refuse(
        "029",
        "an operand without labels",
        f"{type(value).__name__}{f' of shape {tuple(shape)}' if shape is not None else ''} has no dims",
        fix="make it a labelled tensor: fc.tensor(data, dims, names)",
    )


def _divided(denominator: torch.Tensor, numerator: Any) -> torch.Tensor:
    return numerator / denominator


def _raised(exponent: torch.Tensor, base: Any) -> torch.Tensor:
    return base**exponent
