"""A torch module whose parameters are read as labelled tensors on the labels that are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims, Index
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.parameters import Parameter, Pooled, checked, pool_names, pool_parameters
from estimators.forecast.modules.timeline import steps


class Window:
    """The labels of the forward pass that is going on; one object is shared by a module and its parts."""

    __slots__ = ("dims",)

    def __init__(self, dims: Dims | None = None) -> None:
        self.dims = dims


class Labelled(torch.nn.Module):
    """dims: the known dims and labels.  window: the labels of the current forward pass.

    An attribute that was declared with `param` reads as a `Tensor` within its bounds, on the labels of the window. The
    raw numbers are ordinary parameters of torch: `named_parameters()`, `state_dict()` and optimisers see them.
    """

    def __init__(self, dims: Dims | None = None, window: Window | None = None) -> None:
        super().__init__()
        self.dims = dims
        self.window = window or Window()
        self.declared: dict[str, Parameter] = {}
        self._aliases: dict[str, str] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._refuse_taken(name)
            self._aliases[name] = value.name
        elif isinstance(value, Labelled):
            self._refuse_taken(name)
            super().__setattr__(name, value)
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        alias = self.__dict__.get("_aliases", {}).get(name)
        return super().__getattr__(name) if alias is None else self.read(alias)

    # --- declaring ---------------------------------------------------------------------------------------------------
    def param(
        self,
        name: str,
        *dims: str,
        pool: str | tuple[str, ...] | None = None,
        positive: bool = False,
        lower: float | None = None,
        upper: float | None = None,
        prior: tuple[float, float] | None = None,
        init: Any = None,
    ) -> Parameter:
        """Declares a parameter with one value per label of `dims`; assign it: ``self.slope = self.param("slope")``.

        pool: dims over which the values are drawn together by the loss `Pool`.  positive: the same as ``lower=0``.
        prior: mean and standard deviation of the value.  init: a number, an array or a tensor to start from.
        Raises CAUSAL-029 for unknown dims and for bounds, priors or starting values that contradict one another.
        """
        over = (pool,) if isinstance(pool, str) else tuple(pool or ())
        lower = 0.0 if positive and lower is None else lower
        return self._declare(Parameter(name, self._axes(name, dims), lower, upper, prior, over), init)

    def _axes(self, name: str, dims: tuple[str, ...]) -> Dims:
        if self.dims is None:
            raise refuse("029", f"parameter {name} is declared before its module has dims", fix="declare it in setup()")
        return self.dims.only(*dims)

    def _declare(self, parameter: Parameter, init: Any = None) -> Parameter:
        if parameter.name in self.declared:
            raise refuse("029", f"parameter {parameter.name} is declared twice", fix="give each its own name")
        self._refuse_taken(parameter.name)
        checked(parameter)
        raw = parameter.start(init)
        self.register_parameter(parameter.name, torch.nn.Parameter(raw))
        if parameter.pool:
            for name, value in pool_parameters(parameter, raw).items():
                self.register_parameter(name, torch.nn.Parameter(value))
        self.declared[parameter.name] = parameter
        self._aliases[parameter.name] = parameter.name
        return parameter

    def _refuse_taken(self, name: str) -> None:
        """A parameter must not hide behind an attribute that is there already: reading it would give the other."""
        if name in self.__dict__ or hasattr(type(self), name):
            raise refuse(
                "029",
                f"the name {name} is taken",
                f"every {type(self).__name__} has an attribute or a method {name}, which would hide the parameter",
                fix=f"choose another name, such as {name}_part",
            )

    # --- reading -----------------------------------------------------------------------------------------------------
    def read(self, name: str) -> Tensor:
        """A declared parameter within its bounds, on the labels of the current window (all known ones outside it)."""
        return self.on_labels(name, self.window.dims or self.dims)

    def on_labels(self, name: str, window: Dims) -> Tensor:
        """A declared parameter within its bounds, on these labels."""
        parameter = self.declared[name]
        value = Tensor(parameter.value(self._parameters[name]), parameter.axes)
        for dim in value.dims:
            if dim in window and dim != parameter.time and window[dim] is not value.axes[dim]:
                value = self._selected(value, name, dim, window[dim])
        return value if parameter.time is None else self._in_time(value, parameter, window[parameter.time])

    def _selected(self, value: Tensor, name: str, dim: str, asked: Index) -> Tensor:
        new = [label for label in asked if label not in value.axes[dim].positions]
        if new:
            raise refuse(
                "029",
                f"parameter {name} has no value for every {dim}",
                f"{len(new):,} of {len(asked):,} labels asked for are unknown to it, the first is {new[0]!s}",
                fix=f"pass known labels of {dim}; beyond known weeks only levels, trends and seasons go on",
            )
        return value.select(**{dim: asked})

    def _in_time(self, value: Tensor, parameter: Parameter, asked: Index) -> Tensor:
        """A level, trend or season on the labels asked for; beyond the known ones a level stays where it was last."""
        time, basis = parameter.time, parameter.basis
        if basis is not None:
            others = value.axes.without(f"term of {parameter.name}")
            functions = self.dims.remember(
                ("basis", basis, id(asked)), lambda: (basis(steps(self.dims, time, asked)), asked)
            )[0]
            return Tensor(value.data @ functions, _with(others, time, asked))
        if asked is value.axes[time]:
            return value
        last = value.axes.size(time) - 1
        positions = steps(self.dims, time, asked).clamp(max=last)
        return Tensor(value.data.index_select(value.axes.axis(time), positions), _with(value.axes, time, asked))

    def pooled(self, name: str) -> Pooled:
        """The raw values of a pooled parameter with the mean and log standard deviation of their pool."""
        parameter = self.declared[name]
        mean, log_sd = (self._parameters[part] for part in pool_names(name))
        return Pooled(
            Tensor(self._parameters[name], parameter.axes),
            Tensor(mean, parameter.axes.without(*parameter.pool)),
            Tensor(log_sd, Dims()),
        )

    def declarations(self) -> Iterator[tuple[str, Labelled, Parameter]]:
        """(name from here, owner, declaration) of every declared parameter, those of parts included."""
        for path, part in self.named_modules():
            if isinstance(part, Labelled):
                for name, parameter in part.declared.items():
                    yield (f"{path}.{name}" if path else name), part, parameter


def _with(axes: Dims, dim: str, index: Index) -> Dims:
    """`axes` with this index for `dim`, the same object every time."""
    made = axes.remember(("with index", dim, id(index)), lambda: (Dims.of({**axes._indexes, dim: index}), index))
    return made[0]  # the pair keeps `index` alive, so that its id is not reused
