"""Effects of experiments as the model predicts them, through the whole graph, with gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from estimators.errors import CausalError, Fault
from estimators.forecast.collection import ModelCollection
from estimators.forecast.experiments.split import share_a_cell
from estimators.forecast.experiments.table import Experiment, Experiments
from estimators.forecast.labels.dims import Dims, canonical
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.passes import between, changed_nodes

SAME = 1e-9


@dataclass(frozen=True)
class Prepared:
    """An experiment on the model's axes. changed, read: 0/1 tensors of the cells of the lever and of the outcome."""

    experiment: Experiment
    changed: Tensor
    read: Tensor
    path: tuple[str, ...]

    def change(self, lever: Tensor) -> Tensor:
        """What is added to the lever."""
        delta = self.experiment.delta
        return self.changed * delta if self.experiment.change == "add" else self.changed * lever * delta


class Effects:
    """Predicted effects of a fixed set of experiments.

    Experiments without a common cell share one pass, if that is tried and makes no difference: then nothing in the
    model crosses from the cells of one to those of the other. Raises CAUSAL-029 with every experiment that does not
    fit the model: unknown levers, outcomes or labels, windows without weeks, no path.
    """

    def __init__(
        self, model: ModelCollection, inputs: Mapping[str, Tensor], experiments: Experiments, time: str
    ) -> None:
        faults = [text for row in experiments for text in faults_of(row, model, time)]
        if faults:
            raise CausalError(
                Fault("029", "experiments that do not fit the model", tuple(faults), "correct the table or the graph")
            )
        self.model, self.inputs, self.experiments, self.time = model, inputs, experiments, time
        self.rows = [prepared(row, model, time) for row in experiments]
        self.packs = [[i] for i in range(len(self.rows))]

    def pack(self, base: Mapping[str, Tensor], levels: Mapping[str, Tensor]) -> None:
        """Joins experiments without a common cell into one pass where the effects stay the same."""
        packs: list[list[int]] = []
        for i, row in enumerate(self.rows):
            free = (p for p in packs if not any(share_a_cell(row.experiment, self.rows[j].experiment) for j in p))
            home = next(free, None)
            if home is None:
                packs.append([i])
            else:
                home.append(i)
        if len(packs) == len(self.rows):
            return
        with torch.no_grad():
            alone = self.predicted(base, levels)
            single, self.packs = self.packs, packs
            together = self.predicted(base, levels)
        if not bool(((alone - together).abs() <= SAME * (alone.abs().max() + 1e-300)).all()):
            self.packs = single

    def predicted(self, base: Mapping[str, Tensor], levels: Mapping[str, Tensor]) -> torch.Tensor:
        """The effects (m,), given all nodes without any change and the levels that were added to nodes."""
        effects: list[torch.Tensor | None] = [None] * len(self.rows)
        for pack in self.packs:
            nodes = self._changed_pass([self.rows[i] for i in pack], base, levels)
            for i in pack:
                outcome = self.rows[i].experiment.outcome
                effects[i] = ((nodes[outcome].data - base[outcome].data) * self.rows[i].read.data).sum()
        return torch.stack(effects) if effects else torch.zeros(0, dtype=torch.float64)

    def _changed_pass(
        self, rows: list[Prepared], base: Mapping[str, Tensor], levels: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """One pass with the levers of these experiments changed; what lies on none of their paths is kept."""
        on_path = {name for row in rows for name in row.path}
        inputs = dict(self.inputs)
        held = {name: base[name] for name in self.model.nodes if name not in on_path}
        changes = {name: (lambda made, level=level: made + level) for name, level in levels.items()}
        for row in rows:
            lever = row.experiment.lever
            if lever in self.model.exogenous:
                inputs[lever] = inputs[lever] + row.change(self.inputs[lever])
            elif lever in held:
                held[lever] = held[lever] + row.change(base[lever])
            else:  # the lever is itself moved by another experiment of this pass
                changes[lever] = _then(changes.get(lever), row.change(base[lever]))
        with changed_nodes(self.model, changes):
            return self.model.forward(inputs, intervene=held)


def _then(first, addition: Tensor):
    return lambda made: (made if first is None else first(made)) + addition


def prepared(row: Experiment, model: ModelCollection, time: str) -> Prepared:
    """An experiment on the axes of the model's lever and outcome."""
    lever = model.exogenous[row.lever].dims if row.lever in model.exogenous else model.nodes[row.lever].dims
    changed = _mask(row, model.dims.only(*lever), time, (row.starts, row.ends))
    return Prepared(row, changed, read_cells(row, model, time), between(model, row.lever, row.outcome))


def read_cells(row: Experiment, model: ModelCollection, time: str) -> Tensor:
    """1 in the cells of the outcome that an experiment sums, 0 elsewhere."""
    return _mask(row, model.dims.only(*model.nodes[row.outcome].dims), time, row.reading)


def _mask(row: Experiment, axes: Dims, time: str, window: tuple) -> Tensor:
    mask = Tensor(torch.ones(axes.shape, dtype=torch.float64), axes)
    for dim in axes:
        inside = within(axes[dim], *window) if dim == time else None
        if dim in row.cells:
            chosen = {canonical(label) for label in row.cells[dim]}
            inside = [label in chosen for label in axes[dim]]
        if inside is not None:
            mask = mask * Tensor(torch.tensor(inside, dtype=torch.float64), axes.only(dim))
    return mask


def within(labels: tuple, start: object, end: object) -> list[bool]:
    """Which labels lie in the half-open window; text in ISO form stands for a date where labels are dates."""
    first, last = (like(value, labels) for value in (start, end))
    return [bool(first <= label < last) for label in labels]


def like(value: object, labels: tuple) -> object:
    """A window's end in the form of the labels."""
    value = canonical(value)
    if isinstance(value, str) and labels and not isinstance(labels[0], str):
        import pandas as pd

        return canonical(pd.Timestamp(value))
    return str(value) if labels and isinstance(labels[0], str) else value


def faults_of(row: Experiment, model: ModelCollection, time: str) -> list[str]:
    """Why an experiment does not fit the model, in words; empty if it does."""
    known = {**model.exogenous, **model.nodes}
    if row.lever not in known:
        return [f"{row.label}: no lever {row.lever}; the model has {', '.join(known)}"]
    if row.outcome not in model.nodes:
        return [f"{row.label}: no node {row.outcome}; the model has {', '.join(model.nodes)}"]
    if row.lever != row.outcome and row.outcome not in between(model, row.lever, row.outcome):
        return [f"{row.label}: no path leads from {row.lever} to {row.outcome}"]
    found = [f"{row.label}: {text}" for text in _faults_of_cells(row, model)]
    for window in ((row.starts, row.ends), row.reading):
        found += _faults_of_window(row, model.dims[time], window)
    return list(dict.fromkeys(found))


def _faults_of_cells(row: Experiment, model: ModelCollection) -> list[str]:
    found = []
    for dim, labels in row.cells.items():
        if dim not in model.dims:
            found.append(f"no dim {dim}; the model has {', '.join(model.dims)}")
            continue
        missing = [label for label in labels if canonical(label) not in model.dims[dim].positions]
        if missing:
            found.append(f"{dim} has no {', '.join(map(str, missing[:3]))}{' …' if len(missing) > 3 else ''}")
    return found


def _faults_of_window(row: Experiment, labels: tuple, window: tuple) -> list[str]:
    known = f"known are {labels[0]} to {labels[-1]}"
    try:
        inside = any(within(labels, *window))
        beyond = like(window[0], labels) < labels[0] or _is_beyond(like(window[1], labels), labels)
    except (TypeError, ValueError):
        kinds = f"{type(canonical(window[0])).__name__}, the labels are {type(labels[0]).__name__}"
        return [f"{row.label}: the window is {kinds}"]
    if not inside:
        return [f"{row.label}: no week between {window[0]} and {window[1]}; {known}"]
    return [f"{row.label}: the window {window[0]} to {window[1]} reaches beyond the weeks; {known}"] if beyond else []


def _is_beyond(end: object, labels: tuple) -> bool:
    """Whether a window's end (exclusive) lies more than one step after the last label; text cannot be counted on."""
    if isinstance(end, str) or len(labels) < 2:
        return False
    return end - labels[-1] > (labels[-1] - labels[-2]) * (1.2 if isinstance(end, (int, float)) else 1)
