"""Modules bound to dims and to each other: one forward pass through the whole graph."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch

from estimators.errors import CausalError, refuse
from estimators.forecast import saved
from estimators.forecast.graph import Node, exogenous_of, faults, in_order, nodes_of
from estimators.forecast.labels.alignment import clash
from estimators.forecast.labels.dims import Dims, Index
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.labelled import Labelled
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.parameters import Parameter, Pooled
from estimators.forecast.modules.ports import Port
from estimators.forecast.modules.response import Adstock
from estimators.forecast.modules.timeline import refuse_skips

Inputs = Mapping[str, Tensor]


class ModelCollection(torch.nn.Module):
    """Binds modules to `dims` and connects them by the names of their ports.

    order: the modules, each after those it needs.  nodes: `Node` (module, dims, unit) by output name.
    times: the dims along which parts of it move: levels, trends, seasons, carry-overs.
    exogenous: `Port` by name of the inputs that no module makes.  Pass `exogenous=` to have any other input that nobody
    makes refused. A parameter is called ``<module>.<name>`` in `named_parameters`.
    Raises CAUSAL-029 with every fault of the graph: a cycle is printed a → b → a, and clashes of units or dims, outputs
    made twice, dims and inputs that are not there are named.
    """

    def __init__(self, *modules: Module, dims: Dims, exogenous: Sequence[str] | None = None) -> None:
        super().__init__()
        found = faults(modules, dims, exogenous)
        if found:
            raise CausalError(*found)
        self.dims = dims
        self.order: tuple[Module, ...] = tuple(in_order(modules))
        self.nodes: dict[str, Node] = nodes_of(self.order)
        self.exogenous: dict[str, Port] = exogenous_of(modules)
        self.times: tuple[str, ...] = ()
        for module in modules:
            module.bind(dims)
            self.add_module(module.name, module)
        moving = {part.time for part in self.modules() if isinstance(part, Adstock)}
        moving |= {parameter.time for _, parameter in self.declarations().values() if parameter.time}
        self.times = tuple(dim for dim in dims if dim in moving)

    def __getitem__(self, module: str) -> Module:
        """A module by name. Raises CAUSAL-029 if there is none."""
        if module not in self._modules:
            raise unknown_name("module", module, self._modules)
        return self._modules[module]

    # --- the forward pass --------------------------------------------------------------------------------------------
    def forward(
        self,
        inputs: Inputs,
        intervene: Inputs | None = None,
        observed: Inputs | None = None,
        labels: Dims | None = None,
    ) -> dict[str, Tensor]:
        """Every node at these exogenous inputs, on their labels: weeks beyond the known ones are forecasts.

        inputs: exogenous tensors; other names, such as observed nodes of a history, are ignored.
        intervene: nodes that are set from outside; what makes them is not asked.
        observed: nodes whose observed values (not NaN) are what downstream modules read, instead of the modelled ones:
        then each module is on its own, as in separate training.
        labels: of the pass, where no input has them, such as the weeks of a model without inputs.
        Carry-over needs the weeks before: pass history and horizon in one tensor (`fc.concat`).
        """
        window = self.window(inputs, labels)
        values = {name: self._bound(name, inputs[name], port.dims, window) for name, port in self.exogenous.items()}
        fixed = {
            name: self._bound(name, value, self.node(name).dims, window) for name, value in (intervene or {}).items()
        }
        results: dict[str, Tensor] = dict(fixed)
        seen = {**values, **fixed}
        for module in self.order:
            if all(name in fixed for name in module.outputs):
                continue
            for name, value in self._run(module, seen, window).items():
                if name not in fixed:
                    results[name] = value
                    seen[name] = self._taught(name, value, observed, window)
        return results

    def window(self, inputs: Inputs, labels: Dims | None = None) -> Dims:
        """The collection's dims with the labels of the inputs. Raises CAUSAL-029 if one is missing or labels clash."""
        _refuse_missing(inputs, self.exogenous)
        return self._window_of([inputs[name].axes for name in self.exogenous], labels)

    def _window_of(self, axes: Sequence[Dims], labels: Dims | None = None) -> Dims:
        found = dict(self.dims._indexes)
        for one in (*axes, labels or Dims()):
            for dim, index in one.items():
                if dim in found and index is not found[dim] and index != found[dim]:
                    found[dim] = index
        return self._on_labels(found)

    def _on_labels(self, labels: dict[str, Index]) -> Dims:
        """The collection's dims with these labels, the same object for the same labels."""
        if all(labels[dim] is self.dims[dim] for dim in labels):
            return self.dims
        key = ("window", *(id(index) for index in labels.values()))
        return self.dims.remember(key, lambda: (self._new_window(labels), labels))[0]

    def _new_window(self, labels: dict[str, Index]) -> Dims:
        for time in self.times:
            if labels[time] is not self.dims[time]:
                refuse_skips(self.dims, time, labels[time])
        return Dims.of(labels)

    def _bound(self, name: str, value: Tensor, dims: tuple[str, ...], window: Dims) -> Tensor:
        """The tensor on the window's own axes, so that later operations compare them by identity."""
        axes = window.only(*dims)
        if value.axes is axes:
            return value
        if set(value.dims) != set(dims):
            raise refuse(
                "029",
                f"{name} has other dims than its port",
                f"({', '.join(value.dims)}) against ({', '.join(dims)})",
                fix="broadcast or aggregate it first",
            )
        for dim in dims:
            if value.axes[dim] is not axes[dim] and value.axes[dim] != axes[dim]:
                raise clash(dim, value.axes[dim], axes[dim], (name, "this forward pass"))
        return Tensor(value.transpose(*dims).data, axes)

    def run(self, module: str, inputs: Inputs) -> dict[str, Tensor]:
        """One module by itself: its outputs at these values of its inputs, whatever makes them in the graph."""
        own = self[module]
        _refuse_missing(inputs, own.inputs)
        window = self._window_of([inputs[name].axes for name in own.inputs])
        seen = {name: self._bound(name, inputs[name], port.dims, window) for name, port in own.inputs.items()}
        return self._run(own, seen, window)

    def _run(self, module: Module, seen: Inputs, window: Dims) -> dict[str, Tensor]:
        module.window.dims = window
        try:
            made = module(**{name: seen[name] for name in module.inputs})
        finally:
            module.window.dims = None
        if isinstance(made, Tensor):
            made = dict.fromkeys(module.outputs, made) if len(module.outputs) == 1 else {}
        if set(made) != set(module.outputs):
            raise refuse(
                "029",
                f"module {module.name} does not return its outputs",
                f"promised {', '.join(module.outputs)}, returned {', '.join(made) or 'one tensor'}",
                fix="return one tensor, or a dict with a tensor per output port",
            )
        return {
            name: _on_port(module.name, name, made[name], window.only(*port.dims))
            for name, port in module.outputs.items()
        }

    def _taught(self, name: str, modelled: Tensor, observed: Inputs | None, window: Dims) -> Tensor:
        if not observed or name not in observed:
            return modelled
        value = self._bound(name, observed[name], self.nodes[name].dims, window).data
        return Tensor(torch.where(torch.isnan(value), modelled.data, value), modelled.axes)

    def check(self, inputs: Inputs) -> None:
        """Raises CAUSAL-029 if an input is missing, has other dims or labels, or holds a missing or infinite value."""
        window = self.window(inputs)
        for name, port in self.exogenous.items():
            value = self._bound(name, inputs[name], port.dims, window)
            empty = (~torch.isfinite(value.data)).nonzero()
            if len(empty):
                cell = ", ".join(
                    f"{d} {value.axes[d][i]!s}" for d, i in zip(value.dims, empty[0].tolist(), strict=True)
                )
                raise refuse(
                    "029",
                    f"missing or infinite values in the input {name}",
                    f"{len(empty):,} of {value.data.numel():,} cells, the first is {cell}",
                    fix="fill them: a decision that was not taken is 0, not missing",
                )

    # --- looking at it -----------------------------------------------------------------------------------------------
    def node(self, name: str) -> Node:
        """A node by name. Raises CAUSAL-029 if no module makes it."""
        if name not in self.nodes:
            raise unknown_name("node", name, self.nodes)
        return self.nodes[name]

    def upstream(self, node: str) -> tuple[str, ...]:
        """Nodes and exogenous inputs that `node` depends on, itself left out, in the order of computation."""
        self.node(node)
        wanted = {node}
        for module in reversed(self.order):
            if wanted & set(module.outputs):
                wanted |= set(module.inputs)
        return tuple(name for name in (*self.exogenous, *self.nodes) if name in wanted and name != node)

    def subgraph(self, nodes: Sequence[str]) -> ModelCollection:
        """The modules that make these nodes, as a collection of its own that shares their parameters.

        What they need from others becomes exogenous: the segment can be trained by itself on observed values.
        """
        names = {self.node(node).module for node in nodes}
        return ModelCollection(*(module for module in self.order if module.name in names), dims=self.dims)

    def declarations(self) -> dict[str, tuple[Labelled, Parameter]]:
        """Owner and declaration of every declared parameter, by its name in `named_parameters`."""
        return {
            f"{module.name}.{path}": (owner, parameter)
            for module in self.order
            for path, owner, parameter in module.declarations()
        }

    def parameter(self, name: str) -> Tensor:
        """A declared parameter within its bounds, on all known labels: ``"Supply.slope"``, or ``"slope"`` if unique."""
        declared = self.declarations()
        matches = [key for key in declared if key == name or key.endswith(f".{name}")]
        if not matches:
            raise unknown_name("parameter", name, declared)
        if len(matches) > 1:
            raise refuse(
                "029", f"several parameters are called {name}", ", ".join(matches), fix=f"name it in full: {matches[0]}"
            )
        owner, parameter = declared[matches[0]]
        return owner.on_labels(parameter.name, self.dims)

    def pooled(self) -> dict[str, Pooled]:
        """Raw values, mean and log standard deviation of every pooled parameter, for the loss `Pool`."""
        return {key: owner.pooled(p.name) for key, (owner, p) in self.declarations().items() if p.pool}

    # --- changing it -------------------------------------------------------------------------------------------------
    def replace(self, module: Module) -> ModelCollection:
        """A new collection with one module exchanged, all other parameters copied bit by bit.

        The module takes the place of the one with its name, or else of the one with its outputs.
        """
        places = [old.name for old in self.order if old.name == module.name] or [
            old.name for old in self.order if set(old.outputs) == set(module.outputs)
        ]
        if not places:
            raise refuse(
                "029",
                f"module {module.name} replaces nothing",
                f"it makes {', '.join(module.outputs)}; modules are {', '.join(self._modules)}",
                fix="give it the name of the module that it replaces",
            )
        return self._anew(lambda old: module if old.name == places[0] else copy.deepcopy(old), self.dims)

    def rebuilt(self, dims: Dims | None = None) -> ModelCollection:
        """The same modules from their starting values, on other dims if given: what a backtest fits at each origin."""
        return self._anew(Module.unbound, self.dims if dims is None else dims)

    def _anew(self, choose: Callable[[Module], Module], dims: Dims) -> ModelCollection:
        return ModelCollection(*(choose(module) for module in self._modules.values()), dims=dims)

    def save(self, path: str | Path) -> None:
        """Writes parameters and labels to a file (numbers and text, no code)."""
        saved.save(self, path)

    def load(self, path: str | Path) -> ModelCollection:
        """Reads what `save` wrote into this collection and returns it. Raises CAUSAL-029 if it does not fit."""
        saved.load(self, path)
        return self

    def fit(self, history: Inputs, loss: Any, **options: Any) -> Any:
        """Fits the parameters; see `estimators.forecast.training.fitted.fit` for the options and the result."""
        from estimators.forecast.training.fitted import fit

        return fit(self, history, loss, **options)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> CausalError:
    """The error for a node, module or input that is not there, with the nearest one that is."""
    known = list(known)
    close = get_close_matches(name, known, n=1)
    shown = ", ".join(known[:8]) + (f" and {len(known) - 8:,} more" if len(known) > 8 else "")
    shown = ", ".join(known[:4]) + (f" and {len(known) - 4:,} more" if len(known) > 4 else "")
    guess = f"; did you mean {close[0]}?" if close else ""
    return refuse("029", f"unknown {kind} {name}", f"there are {shown or 'none'}{guess}", fix="correct the name")


def _refuse_missing(inputs: Inputs, needed: Mapping[str, Port]) -> None:
    missing = [name for name in needed if name not in inputs]
    if missing:
        raise refuse(
            "029",
            "missing inputs",
            f"{', '.join(missing)}; needed are {', '.join(needed)}",
            fix=f"add {missing[0]}, a tensor over {needed[missing[0]]}",
        )


def _on_port(module: str, name: str, value: Tensor, axes: Dims) -> Tensor:
    if value.axes is axes:
        return value
    extra = [dim for dim in value.dims if dim not in axes]
    if extra:
        raise refuse(
            "029",
            f"output {name} of {module} has a dim too many",
            f"{', '.join(extra)} is not in its port ({', '.join(axes)})",
            fix="sum or average over it, or add it to the port",
        )
    return value.broadcast(axes)
