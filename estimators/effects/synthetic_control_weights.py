"""Weights of a synthetic control: the point of the donors' convex hull nearest to the treated series.

Abadie, Diamond and Hainmueller (2010) with outcomes of the pre-period as the only predictors: w ≥ 0, Σ w = 1,
minimal Σ_t (y_t − Σ_j w_j x_tj)². With p_j = x_j − y that is the point of least norm in the hull of the p_j, which
Wolfe's (1976) algorithm finds exactly in finitely many steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TOLERANCE = 1e-10  # of the duality gap, relative to the largest |p_j|²


@dataclass(frozen=True)
class Weights:
    """values: (n donors,), sum 1.  gap: duality gap over the largest squared distance of a donor, 0 at the optimum."""

    values: np.ndarray
    gap: float


def simplex_weights(treated: np.ndarray, donors: np.ndarray) -> Weights:
    """treated: (t,).  donors: (t, n)."""
    points = donors - treated[:, None]
    scale = float((points * points).sum(axis=0).max())
    if scale == 0.0:
        return Weights(np.full(points.shape[1], 1.0 / points.shape[1]), 0.0)
    points = points / np.sqrt(scale)
    weights = _least_norm(points, points.T @ points)
    nearest = points @ weights
    return Weights(weights, max(0.0, float(nearest @ nearest - (nearest @ points).min())))


def _least_norm(points: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Wolfe's algorithm. products: the Gram matrix of `points`, scaled so that its largest diagonal element is 1."""
    n = len(products)
    corral = [int(np.argmin(np.diag(products)))]
    weights = np.zeros(n)
    weights[corral[0]] = 1.0
    for _ in range(20 * n + 100):
        slopes = products @ weights
        nearest = int(np.argmin(slopes))
        if weights @ slopes - slopes[nearest] <= _TOLERANCE or nearest in corral:
            break
        corral.append(nearest)
        corral, weights = _shrunk(points, corral, weights)
    return weights


def _shrunk(points: np.ndarray, corral: list[int], weights: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The point of least norm in the hull of the corral, whose members without weight leave it."""
    while True:
        target = _affine(points[:, corral])
        now = weights[corral]
        if (target > 0.0).all():
            break
        falling = target <= 0.0
        steps = now[falling] / (now[falling] - target[falling])
        now = now + min(1.0, float(steps.min())) * (target - now)
        leaving = set(np.flatnonzero(falling)[steps <= steps.min()].tolist())
        weights = np.zeros(len(weights))
        weights[corral] = np.maximum(now, 0.0)
        corral = [j for i, j in enumerate(corral) if i not in leaving]
        weights[[j for j in range(len(weights)) if j not in corral]] = 0.0
    found = np.zeros(len(weights))
    found[corral] = target
    return corral, found


def _affine(points: np.ndarray) -> np.ndarray:
    """Coefficients, summing to 1, of the point of least norm in the affine hull of the columns."""
    if points.shape[1] == 1:
        return np.ones(1)
    differences = points[:, 1:] - points[:, [0]]
    rest = np.linalg.lstsq(differences, -points[:, 0], rcond=None)[0]
    return np.concatenate([[1.0 - rest.sum()], rest])
