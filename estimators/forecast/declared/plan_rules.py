"""Rules about the plan of a declared forecast: its decisions, objective and constraints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from estimators.definition_faults import Path, Rules, Violation, did_you_mean

if TYPE_CHECKING:
    from estimators.forecast.declared.definition import Forecast

RULES = Rules()


@RULES.reads("decisions", "inputs")
def _decisions_are_inputs(forecast: Forecast) -> Iterator[Violation]:
    for i, name in enumerate(forecast.decisions):
        if name not in forecast.inputs:
            detail = f"{name} is not among the inputs{did_you_mean(name, forecast.inputs)}"
            yield _plan(("decisions", i), "unknown decision", detail, "decisions are inputs that the plan may set")
        if name in forecast.decisions[:i]:
            yield _plan(("decisions", i), "a decision named twice", f"{name} stands there twice", "keep one of them")


@RULES.reads("decisions", "objective", "constraints", "gate", "robust")
def _a_plan_is_whole(forecast: Forecast) -> Iterator[Violation]:
    if forecast.decisions and forecast.objective is None:
        detail = f"decisions are {', '.join(forecast.decisions)}"
        yield _plan(("decisions",), "decisions without an objective", detail, "add objective: {maximise: [...]}")
    idle = [key for key in ("objective", "constraints", "gate", "robust") if getattr(forecast, key)]
    if idle and not forecast.decisions:
        detail = f"{', '.join(idle)}: nothing is decided"
        yield _plan((idle[0],), "a plan without decisions", detail, "add decisions: [...], or take them out")


@RULES.reads("stability", "training")
def _stability_has_its_draws(forecast: Forecast) -> Iterator[Violation]:
    wanted, drawn = forecast.stability.draws, forecast.training.draws
    if wanted > drawn:
        detail = f"stability asks for {wanted}, the fit makes {drawn}"
        yield _plan(("stability", "draws"), "more draws than there are", detail, f"add training: {{draws: {wanted}}}")


@RULES.reads("objective", "nodes")
def _the_objective_is_made_of_nodes(forecast: Forecast) -> Iterator[Violation]:
    outputs = [name for node in forecast.nodes for name in node.makes]
    for i, name in enumerate(forecast.objective.maximise if forecast.objective else ()):
        if name not in outputs:
            detail = f"objective.maximise names {name}{did_you_mean(name, outputs)}"
            path = ("objective", "maximise", i)
            yield _plan(path, "unknown node", detail, f"nodes: {', '.join(outputs[:12])}")


@RULES.reads("constraints", "nodes", "inputs", "decisions")
def _constraints_know_their_names(forecast: Forecast) -> Iterator[Violation]:
    nodes = [*(name for node in forecast.nodes for name in node.makes), *forecast.inputs]
    for i, constraint, said in _said(forecast):
        for noun, used, known in (
            ("node", constraint.nodes, nodes),
            ("decision", constraint.decisions, list(forecast.decisions)),
        ):
            for name in [n for n in used if n not in known]:
                detail = f"{said} names {name}{did_you_mean(name, known)}"
                fix = f"{noun}s: {', '.join(known[:12]) or 'none'}"
                yield _plan(("constraints", i), f"unknown {noun}", detail, fix)


@RULES.reads("constraints", "nodes", "inputs")
def _constraints_know_their_dims(forecast: Forecast) -> Iterator[Violation]:
    dims = {name: port.dims for name, port in forecast.inputs.items()}
    dims |= {name: port.dims for node in forecast.nodes for name, port in node.makes.items()}
    for i, constraint, said in _said(forecast):
        for name in [n for n in (*constraint.nodes, *constraint.decisions) if n in dims]:
            dim = constraint.along
            if dim is not None and dim not in dims[name]:
                detail = f"{said}: {name} has no dim {dim}{did_you_mean(dim, dims[name])}"
                yield _plan(("constraints", i), "unknown dim", detail, f"dims of {name}: {', '.join(dims[name])}")


@RULES.reads("constraints")
def _constraints_constrain(forecast: Forecast) -> Iterator[Violation]:
    for i, constraint, said in _said(forecast):
        keys, ends = [key for key, _ in constraint.limits], [end for _, end in constraint.limits]
        if keys and all(end is None for end in ends):
            fix = f"give {' or '.join(keys)}"
            yield _plan(("constraints", i), "a constraint without a limit", f"{said} excludes nothing", fix)
        for low, high, label in _pairs(*ends) if keys else ():
            if low > high:
                detail = f"{said}{label}: at least {low:g} and at most {high:g}"
                yield _plan(("constraints", i), "limits that exclude one another", detail, "exchange or correct them")


@RULES.reads("constraints")
def _limits_by_label_have_a_dim(forecast: Forecast) -> Iterator[Violation]:
    for i, constraint, said in _said(forecast):
        by_label = [key for key, end in constraint.limits if isinstance(end, dict)]
        if by_label and constraint.along is None:
            detail = f"{said}: {by_label[0]} has a number by label, and no dim is named"
            yield _plan(("constraints", i), "limits by label without a dim", detail, "add by: <dim>")


def _said(forecast: Forecast) -> Iterator[tuple[int, Any, str]]:
    """Each constraint with its position and what messages call it."""
    return ((i, c, f"constraints[{i + 1}] ({c.type})") for i, c in enumerate(forecast.constraints))


def _pairs(low: Any, high: Any) -> Iterator[tuple[float, float, str]]:
    """Lower and upper limits that meet: one pair, or one by label."""
    labels = [label for end in (low, high) if isinstance(end, dict) for label in end]
    for label in dict.fromkeys(labels):
        ends = [end.get(label) if isinstance(end, dict) else end for end in (low, high)]
        if None not in ends:
            yield ends[0], ends[1], f" of {label}"
    if not labels and low is not None and high is not None:
        yield low, high, ""


def _plan(path: Path, subject: str, detail: str, fix: str) -> Violation:
    return Violation(path, "029", subject, (detail,), fix)
