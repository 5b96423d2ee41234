"""Rules between the keys of a declared forecast that are not about its plan: names, edges, dims, units, losses.

Each names the keys that it reads and is judged when those are valid. Code 029: the graph itself is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from estimators.definition_faults import Path, Rules, Violation, did_you_mean
from estimators.forecast.declared import plan_rules, prior_rules
from estimators.forecast.declared.nodes import OwnModule, Port

if TYPE_CHECKING:
    from estimators.forecast.declared.definition import Forecast

RULES = Rules()


def broken_rules(forecast: Any, known: Iterable[str]) -> list[Violation]:
    """Violations of all rules that only read the `known` keys: those of `forecast` that are valid by themselves."""
    keys = set(known)
    return [v for rules in (RULES, prior_rules.RULES, plan_rules.RULES) for v in rules.broken(forecast, keys)]


def ports_of(forecast: Forecast) -> dict[str, Port]:
    """Everything that has a value in each cell, by name: inputs and outputs of nodes; the first of a name counts."""
    found: dict[str, Port] = dict(forecast.inputs)
    for node in forecast.nodes:
        for name, port in node.makes.items():
            found.setdefault(name, port)
    return found


@RULES.reads("nodes", "inputs")
def _names_are_distinct(forecast: Forecast) -> Iterator[Violation]:
    seen = dict.fromkeys(forecast.inputs, "an input")
    for i, node in enumerate(forecast.nodes):
        for name in node.makes:
            if name in seen:
                detail = f"{name} is {seen[name]} and an output of node {i + 1}"
                yield _graph(("nodes", i), "two things of one name", detail, "give each its own name")
            seen.setdefault(name, f"an output of node {i + 1}")


@RULES.reads("dims", "time")
def _time_is_a_dim(forecast: Forecast) -> Iterator[Violation]:
    dims, time = forecast.dims, forecast.time
    for i, dim in enumerate(dims):
        if dim in dims[:i]:
            yield _graph(("dims", i), "a dim named twice", f"{dim} stands there twice", "keep one of them")
    if time not in dims:
        detail = f"time is {time}, dims are {', '.join(dims)}{did_you_mean(time, dims)}"
        yield _graph(("time",), "time is no dim", detail, "name the dim along which it forecasts")


@RULES.reads("dims", "inputs", "nodes")
def _dims_are_known(forecast: Forecast) -> Iterator[Violation]:
    for path, name, port in _placed_ports(forecast):
        for dim in port.dims:
            if dim not in forecast.dims:
                detail = f"{name} has dim {dim}{did_you_mean(dim, forecast.dims)}"
                yield _graph((*path, "dims"), "unknown dim", detail, f"dims: {', '.join(forecast.dims)}")


def _placed_ports(forecast: Forecast) -> Iterator[tuple[Path, str, Port]]:
    yield from ((("inputs", name), name, port) for name, port in forecast.inputs.items())
    for i, node in enumerate(forecast.nodes):
        yield ("nodes", i), node.name, node
        if isinstance(node, OwnModule):
            for key, ports in (("inputs", node.inputs), ("outputs", node.outputs)):
                yield from ((("nodes", i, key, name), f"{node.name}.{name}", port) for name, port in ports.items())


@RULES.reads("nodes")
def _nodes_have_enough_inputs(forecast: Forecast) -> Iterator[Violation]:
    for i, node in enumerate(forecast.nodes):
        if len(node.reads) < node.fewest_inputs:
            detail = f"{node.name} is a {node.type} of {len(node.reads)}, {node.fewest_inputs} are needed"
            yield _graph(("nodes", i, "inputs"), "too few inputs", detail, "add what it is made of")


@RULES.reads("nodes")
def _powers_fit_their_factors(forecast: Forecast) -> Iterator[Violation]:
    for i, node in enumerate(forecast.nodes):
        powers = getattr(node, "powers", None)
        if powers is not None and (len(powers) != len(node.inputs) or 0 in powers):
            given = ", ".join(f"{power:g}" for power in powers)
            detail = f"{node.name} has inputs {', '.join(node.inputs)} and powers {given or 'none'}"
            fix = "give each input a number other than 0"
            yield _graph(("nodes", i, "powers"), "powers that do not fit their inputs", detail, fix)


@RULES.reads("nodes", "inputs")
def _inputs_are_there(forecast: Forecast) -> Iterator[Violation]:
    known = ports_of(forecast)
    for i, node in enumerate(forecast.nodes):
        for name, _ in node.reads:
            if name not in known:
                detail = f"{node.name} reads {name}, which is no node and no input{did_you_mean(name, known)}"
                yield _graph(("nodes", i), "missing input", detail, "correct the name, or declare it under inputs")


@RULES.reads("nodes")
def _no_node_waits_for_itself(forecast: Forecast) -> Iterator[Violation]:
    maker = {name: node.name for node in forecast.nodes for name in node.makes}
    reads = {node.name: [maker[name] for name, _ in node.reads if name in maker] for node in forecast.nodes}
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as error:
        cycle = error.args[1]
        place = next(i for i, node in enumerate(forecast.nodes) if node.name == cycle[0])
        fix = "break it: let one of them read the other's earlier periods, as an input of the history"
        yield _graph(("nodes", place), "a cycle in the graph", " → ".join(cycle), fix)


@RULES.reads("nodes", "inputs", "dims")
def _dims_fit(forecast: Forecast) -> Iterator[Violation]:
    """A node may read what has fewer dims than it asks for; only a sum adds up over more."""
    known = ports_of(forecast)
    for i, node in enumerate(forecast.nodes):
        for name, asked in node.asked_dims.items():
            dims = known[name].dims if name in known else ()
            extra = [dim for dim in dims if dim in forecast.dims and dim not in asked]
            if extra:
                detail = f"{node.name} ({', '.join(asked)}) reads {name} ({', '.join(known[name].dims)})"
                fix = f"add a node of type sum that adds up {name} over {', '.join(extra)}"
                yield _graph(("nodes", i), "an input with a dim too many", detail, fix)


@RULES.reads("nodes", "inputs")
def _units_agree(forecast: Forecast) -> Iterator[Violation]:
    known = ports_of(forecast)
    for i, node in enumerate(forecast.nodes):
        for name, expected in node.reads:
            made = known[name].unit if name in known else None
            if made is not None and expected is not None and made != expected:
                detail = f"{name} is in {made}, {node.name} expects {expected}"
                yield _graph(("nodes", i), "units clash", detail, "convert it in a node between the two")


@RULES.reads("nodes", "dims", "time")
def _time_is_where_it_is_needed(forecast: Forecast) -> Iterator[Violation]:
    for i, node in enumerate(forecast.nodes):
        if node.moves_in_time and forecast.time in forecast.dims and forecast.time not in node.dims:
            detail = f"{node.name} has a level, trend, season or carry-over and no dim {forecast.time}"
            yield _graph(("nodes", i), "time is missing", detail, f"add {forecast.time} to its dims, or take them out")


@RULES.reads("nodes")
def _parameters_have_dims_of_their_node(forecast: Forecast) -> Iterator[Violation]:
    for i, node in enumerate(forecast.nodes):
        for name, over, pool in node.parameters:
            for key, dims, allowed in (("over", over, node.dims), ("pool", pool, over)):
                for dim in [d for d in dims if d not in allowed]:
                    known = ", ".join(allowed) or "none"
                    detail = f"{name} of {node.name}: {key} {dim} is not among {known}{did_you_mean(dim, allowed)}"
                    yield _graph(("nodes", i), "a parameter over a dim that is not there", detail, f"correct {key}")


@RULES.reads("nodes", "losses")
def _losses_know_their_nodes(forecast: Forecast) -> Iterator[Violation]:
    maker = {name: node for node in forecast.nodes for name in node.makes}
    for i, loss in enumerate(forecast.losses):
        name = getattr(loss, "node", None)
        if name is not None and name not in maker:
            detail = f"losses[{i + 1}] is about {name}{did_you_mean(name, maker)}"
            yield _graph(("losses", i, "node"), "unknown node", detail, f"nodes: {', '.join(list(maker)[:12])}")
        elif loss.type == "smooth" and maker[name].has_level is False:
            detail = f"{name} has no level: nothing of it moves in time"
            yield _graph(("losses", i, "node"), "nothing to smooth", detail, "add baseline: {level: true}")
    if not any(loss.type == "fit" for loss in forecast.losses):
        detail = f"{len(forecast.losses)} losses, none of type fit: the data would not be looked at"
        yield _graph(("losses",), "nothing to fit", detail, "add {type: fit, node: ...}")


@RULES.reads("losses", "experiments")
def _agreement_needs_experiments(forecast: Forecast) -> Iterator[Violation]:
    for i, loss in enumerate(forecast.losses):
        if loss.type == "agree" and forecast.experiments is None:
            detail = "a loss of type agree has nothing to read"
            fix = "add experiments: {model: ...}, or drop the loss"
            yield _graph(("losses", i), "agreement with no experiments", detail, fix)


def _graph(path: Path, subject: str, detail: str, fix: str) -> Violation:
    return Violation(path, "029", subject, (detail,), fix)
