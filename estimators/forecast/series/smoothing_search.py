"""Smoothing parameters by least squares of the one-step errors, for all series of a panel at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from estimators.forecast.series.panel import Panel
from estimators.forecast.series.smoothing import Parameters, Smoothed, States, extrapolate, smooth, start_of

_LEVELS = (0.03, 0.15, 0.4, 0.7, 0.95)
_SHARES = (0.03, 0.2, 0.5)  # of β in α, and of γ in 1 − α
_DAMPINGS = (0.3, 0.8)  # places between the bounds of φ
_DAMPING_RANGE = (0.8, 0.98)  # below it a trend is over in a few periods, above it hardly damped (FPP3, sec. 8.2)
_ROUNDS = 20
_TOLERANCE = 1e-8  # relative decrease of the squared error, of the series that still falls the most
_DELTA = 1e-4  # step of the finite differences, on the logit scale
_EDGE = 9.0  # largest logit: shares between 1e-4 and 1 − 1e-4
_FLAT = 1e-12
_DAMPED = (1e-4, 1e-2, 1.0, 1e2)  # Levenberg and Marquardt's λ, tried side by side


@dataclass(frozen=True)
class Form:
    """Which components a smoothing has. season: 1 for none."""

    has_trend: bool
    is_damped: bool
    season: int

    @property
    def n_free(self) -> int:
        return 1 + self.has_trend + self.is_damped + (self.season > 1)


@dataclass(frozen=True)
class Fitted:
    """Parameters (n_series, 1), the pass over the data with them, and the form and panel that they belong to."""

    form: Form
    panel: Panel
    parameters: Parameters
    smoothed: Smoothed

    def forecast(self, horizon: int) -> np.ndarray:
        """(n_series, horizon), rows as in the panel."""
        return extrapolate(self.smoothed.states, self.parameters, self.panel.lengths, horizon)[:, :, 0]


def fit(panel: Panel, form: Form, start: States | None = None) -> Fitted:
    """A coarse grid over the admissible parameters, then Levenberg-Marquardt from its best point, each series its own.

    0 < α < 1, 0 < β < α, 0 < γ < 1 − α, 0.8 ≤ φ ≤ 0.98: the usual region of Hyndman et al. (2008, sec. 2.5).
    """
    start = start_of(panel, form.season, form.has_trend) if start is None else start
    grid = _grid(form)
    logits = np.log(grid / (1.0 - grid))
    best, error = _best_of(panel, form, start, np.broadcast_to(logits, (panel.n_series, *logits.shape)))
    rows = np.arange(panel.n_series)  # those that still improve; each series stops on its own
    for _ in range(_ROUNDS):
        some, own = panel.rows(rows), start.rows(rows)
        moved, less = _best_of(some, form, own, _candidates(some, form, own, best[rows]))
        still = error[rows] - less > _TOLERANCE * error[rows]
        best[rows], error[rows] = moved, less
        rows = rows[still]
        if len(rows) == 0:
            break
    parameters = _parameters(best[:, None, :], form)
    return Fitted(form, panel, parameters, smooth(panel, start, parameters))


def _grid(form: Form) -> np.ndarray:
    """Points in the unit cube of free parameters, (n_points, n_free)."""
    axes = [_LEVELS]
    if form.has_trend:
        axes.append(_SHARES)
    if form.season > 1:
        axes.append(_SHARES)
    if form.is_damped:
        axes.append(_DAMPINGS)
    return np.array(list(product(*axes)))


def _candidates(panel: Panel, form: Form, start: States, best: np.ndarray) -> np.ndarray:
    """The best point of each series and one step for each λ: (n_series, 1 + n_lambdas, n_free).

    A step solves (J'J + λ diag J'J) Δ = −J'e. J'J and J'e follow from products of the errors at points a little apart:
    (e_k − e_0)'(e_l − e_0)/δ² and (e_k − e_0)'e_0/δ.
    """
    n_free = best.shape[1]
    apart = best[:, None, :] + _DELTA * np.vstack([np.zeros(n_free), np.eye(n_free)])
    products = smooth(panel, start, _parameters(apart, form), keep_products=True).products
    against = products[:, 1:, 0] - products[:, None, 0, 0]
    gradient = against / _DELTA
    curvature = (products[:, 1:, 1:] - products[:, :1, 1:] - against[:, :, None]) / _DELTA**2
    size = _sizes(np.einsum("nkk->nk", curvature))
    values, vectors = np.linalg.eigh(curvature / (size[:, :, None] * size[:, None, :]))
    along = np.einsum("nlk,nl->nk", vectors, gradient / size)
    moves = [np.zeros_like(best)]
    for damped in _DAMPED:
        moves.append(-np.einsum("nlk,nk->nl", vectors, along / (np.maximum(values, 0.0) + damped)) / size)
    return np.clip(best[:, None, :] + np.stack(moves, axis=1), -_EDGE, _EDGE)


def _sizes(diagonal: np.ndarray) -> np.ndarray:
    """Square roots of J'J's diagonal (n_series, n_free), kept away from zero where a parameter does not matter."""
    largest = diagonal.max(axis=1, keepdims=True)
    return np.sqrt(np.maximum(diagonal, np.where(largest > 0, _FLAT * largest, 1.0)))


def _best_of(panel: Panel, form: Form, start: States, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best of each series' points (n_series, k, n_free), the first where they tie, and its squared error."""
    tried = smooth(panel, start, _parameters(points, form)).squared_error
    rows, chosen = np.arange(panel.n_series), np.argmin(tried, axis=1)
    return points[rows, chosen], tried[rows, chosen]


def _parameters(logits: np.ndarray, form: Form) -> Parameters:
    """From logits (n_series, k, n_free) to α, β, γ, φ (n_series, k)."""
    parts = iter(np.moveaxis(1.0 / (1.0 + np.exp(-logits)), -1, 0))
    level = next(parts)
    trend = level * next(parts) if form.has_trend else np.zeros_like(level)
    season = (1.0 - level) * next(parts) if form.season > 1 else np.zeros_like(level)
    low, high = _DAMPING_RANGE
    damping = low + (high - low) * next(parts) if form.is_damped else np.ones_like(level)
    return Parameters(level, trend, season, damping)
