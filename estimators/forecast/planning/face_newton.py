"""Newton's step on the face of the region on which the present plan lies, by conjugate gradients.

Projected gradients find which bounds bind, but the Frank-Wolfe gap falls only as fast as the distance to the optimum,
and that takes hundreds of their steps. On the face (the decisions strictly inside their bounds, the binding rows kept)
a few conjugate gradients solve Newton's equations; each needs one gradient of the model at a neighbouring point
(Nocedal and Wright 2006, algorithms 7.1 and 16.2; Hager and Zhang 2006 for the alternation).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import splu

from estimators.forecast.planning.problem import Problem
from estimators.forecast.planning.region import Region

CONJUGATE_STEPS = 60
NUDGE = 1e-6  # of a decision's size: where differences of gradients are taken


@dataclass(frozen=True)
class Face:
    """The decisions that are free to move and the rows that hold them together.

    onto: D⁻¹(v − Aᵀy) over the free decisions, with the y = (A D⁻¹ Aᵀ)⁻¹ A D⁻¹ v that `prices` returns (m,): the
    preconditioned projection of Gould, Hribar and Nocedal (2001).
    """

    onto: Callable[[torch.Tensor], torch.Tensor]
    prices: Callable[[torch.Tensor], np.ndarray]


def face_at(region: Region, x: torch.Tensor, prices: np.ndarray, metric: torch.Tensor) -> Face:
    """The face of x: what lies strictly inside its bounds is free, rows with a price bind."""
    is_held = (x <= region.lower) | (x >= region.upper)
    inverse = torch.where(is_held, torch.zeros_like(metric), 1.0 / metric)
    binding = np.flatnonzero(prices)
    weighted = region.matrix[binding] @ sparse.diags(inverse.numpy())
    normal = (weighted @ region.matrix[binding].T).tocsc()
    if len(binding) <= 1:
        strength = normal.toarray().sum()
        solve = (lambda v: v / strength) if strength > 0 else np.zeros_like
    else:
        ridge = 1e-14 * max(normal.diagonal().max(initial=0.0), 1e-300)
        solve = splu(normal + ridge * sparse.eye(len(binding), format="csc")).solve

    def found(v: torch.Tensor) -> np.ndarray:
        y = np.zeros(len(prices))
        y[binding] = solve(weighted @ v.numpy())
        return y

    def onto(v: torch.Tensor) -> torch.Tensor:
        return inverse * v - torch.from_numpy(weighted.T @ found(v)[binding])

    return Face(onto, found)


def newton_direction(
    problem: Problem, x: torch.Tensor, gradient: torch.Tensor, face: Face, accuracy: float
) -> torch.Tensor:
    """An approximate solution of H d = −∇f along the face, until the residual has fallen to `accuracy` of the first."""
    step, residual = torch.zeros_like(x), gradient.clone()
    scaled = face.onto(residual)
    heading, energy = scaled.clone(), float(residual @ scaled)
    target = accuracy**2 * energy
    for _ in range(CONJUGATE_STEPS):
        if energy <= target or energy <= 0:
            break
        bent = _minus_hessian(problem, x, gradient, heading)
        curvature = float(heading @ bent)
        if curvature <= 1e-14 * float(heading @ heading):
            return step if bool((step != 0).any()) else heading
        share = energy / curvature
        step += share * heading
        residual -= share * bent
        scaled = face.onto(residual)
        energy, before = float(residual @ scaled), energy
        heading = scaled + (energy / before) * heading
    return step


def _minus_hessian(problem: Problem, x: torch.Tensor, gradient: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
    """−∇²f(x) · along, from one gradient nearby."""
    size = float(along.abs().max())
    nudge = NUDGE * max(float(x.abs().mean()), 1e-8) / size
    _, other = problem.gradient(x + nudge * along)
    return (gradient - other) / nudge
