"""Which node is at fault when a loss is not a number."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from estimators.errors import CausalError, refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.objective import Evaluation


def not_a_number(model: ModelCollection, evaluation: Evaluation, stage: str, step: int) -> CausalError:
    """The error for a loss that is not finite: the first node, in the order of computation, that is not."""
    when = f"in step {step} of the stage {stage}"
    for node, value in evaluation.outputs.items():
        bad = ~torch.isfinite(value.data)
        if bool(bad.any()):
            return _node(model, node, value, bad, when)
    terms = [f"{term} of {name}" for (term, name), value in evaluation.parts.items() if not bool(torch.isfinite(value))]
    return refuse(
        "029",
        "a loss that is not a number",
        f"{', '.join(terms) or 'the total'} {when}; all nodes are finite",
        fix="look at this term: a module's own loss, a prior, or a scale close to zero",
    )


def no_gradient(model: ModelCollection, gradients: Mapping[str, torch.Tensor], stage: str, step: int) -> CausalError:
    """The error for a gradient that is not finite though the loss is: the parameters where it is not."""
    bad = [name for name, gradient in gradients.items() if not bool(torch.isfinite(gradient).all())]
    makers = {module.name: ", ".join(module.outputs) for module in model.order}
    nodes = ", ".join(dict.fromkeys(makers.get(name.split(".")[0], "?") for name in bad))
    return refuse(
        "029",
        f"a gradient that is not a number at node {nodes}",
        f"parameters {', '.join(bad)}, in step {step} of the stage {stage}; the loss itself is finite",
        fix="a square root or power at zero, or a logarithm of a node that reaches zero: keep it away with fc.maximum",
    )


def _node(model: ModelCollection, node: str, value: Tensor, bad: torch.Tensor, when: str) -> CausalError:
    module = model[model.nodes[node].module]
    first = bad.nonzero()[0].tolist()
    cell = ", ".join(f"{dim} {value.axes[dim][i]!s}" for dim, i in zip(value.dims, first, strict=True))
    raw = [name for name, p in module.named_parameters() if not bool(torch.isfinite(p).all())]
    why = f"its parameters {', '.join(raw)} are not finite" if raw else "its inputs and parameters are finite"
    return refuse(
        "029",
        f"a loss that is not a number at node {node}",
        f"{int(bad.sum()):,} of {bad.numel():,} cells, the first is {cell}, {when}",
        f"module {module.name}: {why}",
        fix=f"look at the forward pass of {module.name}: logarithms and roots below zero, divisions by zero, overflow",
    )
