"""Between levers by label and the flat vector that solvers see, and the model's outcomes at such a vector."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.labels.dims import Dims, canonical
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.planning.expressions import Linear, Part

Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Lever:
    """A decided input. axes: its dims over the horizon.  start, stop: where its cells lie in the flat vector."""

    name: str
    axes: Dims
    start: int
    stop: int

    def cells(self, x: torch.Tensor) -> torch.Tensor:
        """The lever's part of x, in its own shape."""
        return x[self.start : self.stop].view(self.axes.shape)


class Decisions:
    """The levers of a plan, flat, and the model on lead-in and horizon.

    model: a copy without gradients of its parameters.  given: all inputs over lead-in and horizon; those of the levers
    hold the history, and anything over the horizon.  time, weeks: the dim and the labels of the horizon.  lead: how
    many labels before them are passed through the model, so that what was spent then carries over.
    """

    def __init__(
        self, model: ModelCollection, given: Inputs, decide: tuple[str, ...], time: str, weeks: tuple, lead: int
    ) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.given, self.time, self.weeks, self.lead = given, time, weeks, lead
        self.levers: dict[str, Lever] = {}
        start = 0
        for name in decide:
            axes = self._horizon_axes(given[name].axes)
            self.levers[name] = Lever(name, axes, start, start + int(np.prod(axes.shape)))
            start = self.levers[name].stop
        self.size = start

    def _horizon_axes(self, axes: Dims) -> Dims:
        return axes.replace(**{self.time: self.weeks}) if self.time in axes else axes

    # --- labels to numbers and back --------------------------------------------------------------------------------
    def tensors(self, x: torch.Tensor) -> dict[str, Tensor]:
        """x as one labelled tensor per lever over the horizon."""
        return {name: Tensor(lever.cells(x).clone(), lever.axes) for name, lever in self.levers.items()}

    def flat(self, values: Mapping[str, Any]) -> torch.Tensor:
        """Levers by label as one vector. Raises CAUSAL-029 if a lever or a cell is missing."""
        missing = [name for name in self.levers if name not in values]
        if missing:
            raise refuse("029", f"no values for {', '.join(missing)}", f"the plan decides {', '.join(self.levers)}")
        return torch.cat([on_cells(values[name], lever.axes, name).ravel() for name, lever in self.levers.items()])

    # --- the model -------------------------------------------------------------------------------------------------
    def inputs(self, x: torch.Tensor) -> dict[str, Tensor]:
        """All inputs with the levers' horizon taken from x."""
        made = dict(self.given)
        for name, lever in self.levers.items():
            whole = self.given[name]
            if self.time not in whole.axes:
                made[name] = Tensor(lever.cells(x), whole.axes)
                continue
            axis = whole.axes.axis(self.time)
            before = whole.data.narrow(axis, 0, self.lead)
            made[name] = Tensor(torch.cat([before, lever.cells(x)], dim=axis), whole.axes)
        return made

    def outcomes(self, x: torch.Tensor, state: Mapping[str, torch.Tensor] | None = None) -> dict[str, Tensor]:
        """Every input and node over lead-in and horizon, with the parameters of a draw if given."""
        inputs = self.inputs(x)
        if state is None:
            return {**inputs, **self.model(inputs)}
        return {**inputs, **torch.func.functional_call(self.model, dict(state), (inputs,))}

    def over_horizon(self, value: Tensor) -> torch.Tensor:
        """The numbers of a tensor over the horizon alone."""
        if self.time not in value.axes:
            return value.data
        axis = value.axes.axis(self.time)
        return value.data.narrow(axis, self.lead, len(self.weeks))

    def evaluate(
        self, expression: Linear, x: torch.Tensor, state: Mapping[str, torch.Tensor] | None = None
    ) -> torch.Tensor:
        """A sum of totals at x: (m,), one per group, or one number for an expression without groups."""
        values = self.outcomes(x, state)
        return sum(
            (part.factor * self._total(part, values, expression.by) for part in expression.parts), expression.constant
        )

    def _total(self, part: Part, values: Mapping[str, Tensor], by: tuple[str, ...]) -> torch.Tensor:
        value = values[part.name]
        numbers, axes = self.over_horizon(value), self._horizon_axes(value.axes)
        if part.only:
            numbers = numbers * self.mask(part, axes)
        summed = [axis for axis, dim in enumerate(axes.names) if dim not in by]
        kept = [dim for dim in axes.names if dim in by]
        if len(kept) < len(by):
            raise refuse(
                "029", f"{part.name} cannot be grouped by {', '.join(by)}", f"its dims are {', '.join(axes.names)}",
                fix="group by dims that it has",
            )  # fmt: skip
        numbers = numbers.sum(dim=summed) if summed else numbers
        order = [kept.index(dim) for dim in by]
        return numbers.permute(order).reshape(-1) if by else numbers

    def mask(self, part: Part, axes: Dims) -> torch.Tensor:
        """1 for the cells that a part counts, 0 for the others. Raises CAUSAL-029 for labels that are not there."""
        mask = torch.ones(axes.shape, dtype=torch.float64)
        for dim, labels in part.only:
            inside = torch.zeros(axes.size(dim), dtype=torch.float64)
            for label in labels:
                inside[axes.position(dim, label)] = 1.0
            shape = [-1 if name == dim else 1 for name in axes.names]
            mask = mask * inside.view(shape)
        return mask

    def groups(self, lever: Lever, by: tuple[str, ...]) -> np.ndarray:
        """Of every cell of a lever, the number of its group (cells,), in the order of the groups' labels."""
        places = np.indices(lever.axes.shape).reshape(len(lever.axes.shape), -1)
        number = np.zeros(places.shape[1], dtype=np.int64)
        for dim in by:
            number = number * lever.axes.size(dim) + places[lever.axes.axis(dim)]
        return number

    def labels_of(self, names: tuple[str, ...], by: tuple[str, ...]) -> Dims:
        """The labels of the groups, from the first of these inputs or nodes."""
        model = self.model
        dims = model.exogenous[names[0]].dims if names[0] in model.exogenous else model.node(names[0]).dims
        return self._horizon_axes(self.window.only(*dims)).only(*by)

    @property
    def window(self) -> Dims:
        return self.model.window(self.given)


def on_cells(value: Any, axes: Dims, what: str) -> torch.Tensor:
    """A number, a dict by label of the one dim, or a labelled tensor, on every cell of `axes`.

    Raises CAUSAL-029 for labels that are missing and for anything else.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        return torch.full(axes.shape, float(value), dtype=torch.float64)
    if isinstance(value, Mapping) and len(axes) == 1:
        (dim,) = axes.names
        given = {canonical(label): float(number) for label, number in value.items()}
        missing = [label for label in axes[dim] if label not in given]
        if missing:
            raise refuse(
                "029", f"missing labels in the bounds of {what}",
                f"{len(missing):,} of {axes.size(dim):,} labels of {dim}: {', '.join(map(str, missing[:3]))}",
                fix="give every label a bound",
            )  # fmt: skip
        return torch.tensor([given[label] for label in axes[dim]], dtype=torch.float64)
    if isinstance(value, Tensor):
        return value.broadcast(axes).data.to(torch.float64)
    raise refuse(
        "029", f"values of {what} without labels", f"got {type(value).__name__} for cells by {', '.join(axes.names)}",
        fix="a number, a labelled tensor, or a dict by label of one dim",
    )  # fmt: skip


Evaluator = Callable[[torch.Tensor], torch.Tensor]
