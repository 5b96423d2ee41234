"""Rules about the priors of a declared forecast: each needs its parameter, and a mean that the parameter can have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from estimators.definition_faults import Rules, Violation
from estimators.forecast.declared.nodes import WITHIN, Effect, Elasticity

if TYPE_CHECKING:
    from estimators.forecast.declared.definition import Forecast

RULES = Rules()
_SIGNS = {"positive": (0.0, math.inf), "negative": (-math.inf, 0.0), "any": (-math.inf, math.inf)}


@RULES.reads("nodes")
def _priors_have_a_parameter(forecast: Forecast) -> Iterator[Violation]:
    for i, j, node, item in _inputs(forecast):
        for key, is_there, wanted in _needs(item):
            if getattr(item, key) is not None and not is_there:
                detail = f"{key} of {item.input} in {node}: it has no {key.removesuffix('_prior')}"
                path = ("nodes", i, "inputs", j)
                yield Violation(path, "029", "a prior of what is not there", (detail,), f"add {wanted}, or drop {key}")


@RULES.reads("nodes")
def _priors_lie_within_bounds(forecast: Forecast) -> Iterator[Violation]:
    for i, j, node, item in _inputs(forecast):
        for key, (low, high) in _bounds(item).items():
            prior = getattr(item, key)
            if prior is not None and not low < prior[0] < high:
                detail = (
                    f"{key} of {item.input} in {node} has mean {prior[0]:g}, bounds {low:g} to {high:g} (exclusive)"
                )
                path = ("nodes", i, "inputs", j)
                yield Violation(path, "029", "a prior outside of its bounds", (detail,), f"correct {key}: [mean, sd]")


def _inputs(forecast: Forecast) -> Iterator[tuple[int, int, str, Effect | Elasticity]]:
    """Inputs that may have priors, with their places and the name of their node."""
    for i, node in enumerate(forecast.nodes):
        for j, item in enumerate(getattr(node, "inputs", ())):
            if isinstance(item, (Effect, Elasticity)):
                yield i, j, node.name, item


def _needs(item: Effect | Elasticity) -> Iterator[tuple[str, bool, str]]:
    """Of each prior its key, whether its parameter is there, and what would make it."""
    if isinstance(item, Effect):
        yield "decay_prior", item.carry_over > 0, "carry_over: <lags>"
        yield "scale_prior", item.saturation != "none", "saturation: log"
        yield "steepness_prior", item.saturation == "hill", "saturation: hill"


def _bounds(item: Effect | Elasticity) -> dict[str, tuple[float, float]]:
    """Of each prior the bounds of its parameter."""
    of_sign = {"prior": _SIGNS[item.sign]}
    if isinstance(item, Elasticity):
        return of_sign
    stated = "scale" in item.model_fields_set
    of_scale = (item.scale / WITHIN, item.scale * WITHIN) if stated else (0.0, math.inf)
    return {**of_sign, "decay_prior": (0.0, 1.0), "scale_prior": of_scale, "steepness_prior": (0.0, math.inf)}
