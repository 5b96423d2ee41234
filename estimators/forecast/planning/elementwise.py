"""Nodes whose cells are S-curves of the same cells of a lever, so that envelopes can bound what plans are worth.

An author says so with ``s_curves = {("rides", "spend")}``: every cell of rides rises with the same cell of spend
alone, convex up to a point and concave beyond it. As with all tags the claim is the author's; trying can only refute
it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from estimators.errors import refuse
from estimators.forecast.planning.curves import ElementwiseCurves
from estimators.forecast.planning.decisions import Decisions
from estimators.forecast.planning.expressions import Linear
from estimators.forecast.planning.region import Region

HALVINGS = 60


def s_curves_of(decisions: Decisions, objective: Linear, region: Region) -> ElementwiseCurves | None:
    """The objective as one S-curve per decision, if the tags say that it is; None otherwise.

    Raises CAUSAL-029 if trying refutes the tags.
    """
    found = _node_by_lever(decisions, objective)
    if found is None or not bool(torch.isfinite(region.upper).all()):
        return None

    def terms(x: torch.Tensor) -> torch.Tensor:
        values = decisions.outcomes(x)
        parts = []
        for name, lever in decisions.levers.items():
            node, factor = found[name]
            parts.append(factor * decisions.over_horizon(values[node].transpose(*lever.axes.names)).reshape(-1))
        return torch.cat(parts)

    curves = ElementwiseCurves(terms, torch.zeros_like(region.lower))
    _refute(curves, region, ", ".join(node for node, _ in found.values()))
    return ElementwiseCurves(terms, _turns(curves, region))


def _node_by_lever(decisions: Decisions, objective: Linear) -> Mapping[str, tuple[str, float]] | None:
    """By lever, the one node of the objective that is an S-curve of it, and its positive factor."""
    model = decisions.model
    tags = {pair: module for module in model.order for pair in module.s_curves}
    found: dict[str, tuple[str, float]] = {}
    for part in objective.parts:
        levers = [name for (output, name) in tags if output == part.name and name in decisions.levers]
        if len(levers) != 1 or levers[0] in found or part.only or part.factor <= 0:
            return None
        same_dims = part.name in model.nodes and set(model.nodes[part.name].dims) == set(
            decisions.levers[levers[0]].axes
        )
        others = [name for name in model.upstream(part.name) if name in decisions.levers and name != levers[0]]
        if not same_dims or others:
            return None
        found[levers[0]] = (part.name, part.factor)
    return found if set(found) == set(decisions.levers) else None


def _turns(curves: ElementwiseCurves, region: Region) -> torch.Tensor:
    """Where each curve turns from convex to concave within the box, by halving all intervals at once."""
    lower, upper = region.lower.clone(), region.upper.clone()
    for _ in range(HALVINGS):
        middle = 0.5 * (lower + upper)
        is_convex = curves.curvature(middle) > 0
        lower, upper = torch.where(is_convex, middle, lower), torch.where(is_convex, upper, middle)
    return upper


def _refute(curves: ElementwiseCurves, region: Region, nodes: str) -> None:
    """Moves every other decision: the cells of the others must stay, and none may fall."""
    width = region.upper - region.lower
    before = curves.value(region.lower + 0.3 * width)
    moved = torch.arange(len(width)) % 2 == 0
    after = curves.value(region.lower + (0.3 + 0.3 * moved.to(width.dtype)) * width)
    is_apart = torch.allclose(before[~moved], after[~moved], rtol=1e-12, atol=0.0)
    if not is_apart or bool((after < before - 1e-9 * before.abs()).any()):
        what = "cells of it move with other cells" if not is_apart else "it falls where it should rise"
        raise refuse(
            "029",
            "a tag that the model refutes",
            f"{nodes} is said to be an S-curve of one cell each, but {what}",
            fix="correct `s_curves` of the module that says so",
        )
