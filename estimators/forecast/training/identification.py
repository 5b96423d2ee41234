"""What the data say about each parameter: nothing (flat), enough, or that training has not arrived (steep)."""

from __future__ import annotations

from typing import Any

from estimators.forecast.losses.objective import Objective
from estimators.forecast.training.loop import Training
from estimators.forecast.training.options import Options
from estimators.forecast.training.parameters import curvature

FLAT_BELOW = 0.02  # log-likelihood that a parameter gains or loses by moving as far as its own size
STEEP_ABOVE = 1.0  # log-likelihood that a step to the bottom would still gain


def identification(objective: Objective, options: Options) -> Any:
    """A frame: node, parameter, n_values, n_flat, n_steep and a status, ``flat`` if most values are."""
    import pandas as pd

    training = Training("identification", objective, options, is_by_house=True)
    flat, count = training.flat, objective.n_observed
    objective.clear_levels()
    gradient = training.gradient() * count
    bent = curvature(flat, training.gradient, options.seed) * count
    objective.write_levels()
    rows = []
    for name, tensor in zip(flat.names, flat.tensors, strict=True):
        size = tensor.detach().abs().clamp(min=1.0)
        curve, slope = flat.part(bent, name), flat.part(gradient, name)
        is_flat = curve.clamp(min=0.0) * size**2 < FLAT_BELOW
        is_steep = ~is_flat & (slope**2 / (2 * curve.clamp(min=1e-300)) > STEEP_ABOVE)
        n_flat, n_steep = int(is_flat.sum()), int(is_steep.sum())
        status = "flat" if 2 * n_flat > tensor.numel() else "steep" if n_steep else "known"
        module = objective.model[name.split(".")[0]]
        rows.append((", ".join(module.outputs), name, tensor.numel(), n_flat, n_steep, status))
    return pd.DataFrame(rows, columns=["node", "parameter", "n_values", "n_flat", "n_steep", "status"])
