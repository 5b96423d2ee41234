"""The graph that port names spell out: who makes what, in which order, and every fault in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from estimators.errors import Fault
from estimators.forecast.labels.dims import Dims
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.ports import Port

RESERVED = {*dir(torch.nn.Module), "dims", "order", "nodes", "exogenous"}  # torch keeps modules as attributes


class Node(NamedTuple):
    """One output of a module. module: its name.  dims: names.  unit: text or None."""

    module: str
    dims: tuple[str, ...]
    unit: str | None


def nodes_of(modules: Iterable[Module]) -> dict[str, Node]:
    """Every output by name; the first module that makes it counts."""
    found: dict[str, Node] = {}
    for module in modules:
        for name, port in module.outputs.items():
            found.setdefault(name, Node(module.name, port.dims, port.unit))
    return found


def exogenous_of(modules: Iterable[Module]) -> dict[str, Port]:
    """The inputs that no module makes, with the port that first asks for them."""
    modules = list(modules)
    made = nodes_of(modules)
    found: dict[str, Port] = {}
    for module in modules:
        for name, port in module.inputs.items():
            if name not in made and (name not in found or found[name].unit is None):
                found[name] = port
    return found


def in_order(modules: Sequence[Module]) -> list[Module]:
    """The modules so that each comes after those it needs, otherwise in the order given (Kahn 1962).

    The modules of a cycle, and those behind it, are left out.
    """
    made = nodes_of(modules)
    needs = {m.name: {made[i].module for i in m.inputs if i in made} for m in modules}
    ready: list[Module] = []
    waiting = list(modules)
    while waiting:
        done = {module.name for module in ready}
        following = next((module for module in waiting if needs[module.name] <= done), None)
        if following is None:
            break
        ready.append(following)
        waiting.remove(following)
    return ready


def faults(modules: Sequence[Module], dims: Dims, exogenous: Sequence[str] | None = None) -> list[Fault]:
    """Everything that is wrong with the graph, at once."""
    return [
        *_names(modules),
        *_twice(modules),
        *_unknown_dims(modules, dims),
        *_clashes(modules),
        *_missing(modules, exogenous),
        *_cycles(modules),
    ]


def _fault(subject: str, *details: str, fix: str) -> Fault:
    return Fault("029", subject, details, fix)


def _names(modules: Sequence[Module]) -> Iterable[Fault]:
    seen: set[str] = set()
    for module in modules:
        if module.name in seen:
            yield _fault(
                f"two modules are called {module.name}", fix='give one another name: Supply(name="Supply_north")'
            )
        if not module.name.isidentifier() or module.name in RESERVED:
            yield _fault(
                f"a module cannot be called {module.name!r}",
                fix="an identifier (letters, digits, underscores) that is no attribute of a collection",
            )
        seen.add(module.name)
        if not module.outputs:
            yield _fault(f"module {module.name} has no outputs", fix='outputs = {"hours": fc.Port("region", "week")}')


def _twice(modules: Sequence[Module]) -> Iterable[Fault]:
    makers: dict[str, list[str]] = {}
    for module in modules:
        for name in module.outputs:
            makers.setdefault(name, []).append(module.name)
    for name, who in makers.items():
        if len(who) > 1:
            yield _fault(
                f"two modules make {name}", f"{' and '.join(who)}", fix=f"rename the output {name} of one of them"
            )


def _unknown_dims(modules: Sequence[Module], dims: Dims) -> Iterable[Fault]:
    for module in modules:
        for name, port in {**module.inputs, **module.outputs}.items():
            unknown = [dim for dim in port.dims if dim not in dims]
            if unknown:
                yield _fault(
                    f"port {name} of {module.name} has a dim that the collection lacks",
                    f"{', '.join(unknown)} is not among {', '.join(dims)}",
                    fix="correct the port, or add the dim to fc.Dims",
                )


def _clashes(modules: Sequence[Module]) -> Iterable[Fault]:
    said: dict[str, tuple[str, Port]] = {}
    for module in modules:
        for name, port in module.outputs.items():
            said.setdefault(name, (module.name, port))
    for module in modules:
        for name, port in module.inputs.items():
            who, other = said.setdefault(name, (module.name, port))
            if other.unit is None and port.unit is not None:
                said[name] = (module.name, Port(*other.dims, unit=port.unit))
            if port.unit and other.unit and port.unit != other.unit:
                yield _fault(
                    f"units of {name} clash",
                    f"{who} says {other.unit}, {module.name} says {port.unit}",
                    fix="convert in one of the modules, and let both ports say the same unit",
                )
            if set(port.dims) != set(other.dims):
                yield _fault(
                    f"dims of {name} clash",
                    f"{who} says ({', '.join(other.dims)}), {module.name} says ({', '.join(port.dims)})",
                    fix="aggregate or broadcast in one of the modules, and let both ports say the same dims",
                )


def _missing(modules: Sequence[Module], exogenous: Sequence[str] | None) -> Iterable[Fault]:
    if exogenous is None:
        return
    for name in exogenous_of(modules):
        if name not in exogenous:
            users = [module.name for module in modules if name in module.inputs]
            yield _fault(
                f"nobody makes {name}",
                f"{' and '.join(users)} needs it; exogenous inputs are {', '.join(exogenous) or 'none'}",
                fix="correct the name, add the module that makes it, or declare it exogenous",
            )


def _cycles(modules: Sequence[Module]) -> Iterable[Fault]:
    path = cycle(modules)
    if path:
        yield _fault(
            "a cycle in the graph",
            " → ".join(path),
            fix="break it: let one of them read the other's earlier weeks as an exogenous input",
        )


def cycle(modules: Sequence[Module]) -> list[str]:
    """The nodes of one cycle, the first repeated at the end; empty if there is none."""
    sorted_ones = {module.name for module in in_order(modules)}
    stuck = [module for module in modules if module.name not in sorted_ones]
    maker = {name: module for module in stuck for name in module.outputs}
    if not maker:
        return []
    node = next(iter(maker))
    walked: list[str] = []
    while node not in walked:  # every stuck module waits for another stuck one: going upstream must come back
        walked.append(node)
        node = next(name for name in maker[node].inputs if name in maker)
    return [*walked[walked.index(node) :], node][::-1]
