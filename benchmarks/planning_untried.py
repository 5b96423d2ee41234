"""B11: slopes of 500 cells measured with 40 % noise. What does a plan promise, and what does it deliver?

An optimiser seeks out the cells whose slopes came out too high, where nobody ever spent so much. Pooling shrinks the
slopes, the trust region keeps decisions where something was tried, and the promise is read from draws that did not
choose the plan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.planning_marketplace import Known
from estimators import forecast as fc
from estimators.draws import generator
from estimators.forecast.collection import ModelCollection

CELLS = 500
NOISE = 0.4
WEEKS = 12
DRAWS = 40


class Cells(fc.Module):
    """One saturating curve per cell, of a scale that is known and a slope that was measured."""

    inputs = {"spend": fc.Port("cell", "week")}
    outputs = {"rides": fc.Port("cell", "week")}
    shapes = {("rides", "spend"): "concave"}
    monotone = {("rides", "spend"): "increasing"}

    def __init__(self, scale: np.ndarray) -> None:
        super().__init__()
        self.scale = scale

    def setup(self) -> None:
        self.slope = self.param("slope", "cell", positive=True)

    def forward(self, spend: fc.Tensor) -> fc.Tensor:
        return self.slope * fc.log1p(spend / fc.tensor(self.scale, self.dims, ("cell",)))


@dataclass(frozen=True)
class Outcome:
    """Gains over the status quo, as shares: promised on fresh draws, delivered by the truth, and the best there is."""

    promised: float
    delivered: float
    best: float


@dataclass(frozen=True)
class World:
    """slope, measured, scale: (cells,).  history: spend (cells, weeks)."""

    slope: np.ndarray
    measured: np.ndarray
    scale: np.ndarray
    history: np.ndarray


def world(seed: int) -> World:
    """A status quo of one per cell that has varied by half, and slopes that differ by half."""
    source = generator(seed, "untried")
    slope = np.exp(source.normal(0.0, 0.5, CELLS))
    history = source.uniform(0.5, 1.5, (CELLS, WEEKS))
    history[:, -1] = 1.0
    return World(slope, slope * (1 + NOISE * source.normal(size=CELLS)), source.uniform(0.2, 1.0, CELLS), history)


def pooled(measured: np.ndarray) -> tuple[np.ndarray, float]:
    """Means (cells,) and the standard deviation of the slopes given their measurements, pooled by their moments.

    Var(a) = E(m²)/(1 + noise²) − E(m)²; the best linear predictor shrinks to the mean by Var(a)/(Var(a) + noise²
    E(a²)).
    """
    mean, square = measured.mean(), (measured**2).mean() / (1 + NOISE**2)
    spread = max(square - mean**2, 1e-9)
    weight = spread / (spread + NOISE**2 * square)
    return np.maximum(mean + weight * (measured - mean), 0.02), float(np.sqrt((1 - weight) * spread))


def fitted(seen: World, means: np.ndarray, sd: float, seed: int) -> Known:
    """A fitted model with these slopes and draws of them."""
    source = generator(seed, "draws of slopes")
    dims = fc.Dims(cell=range(CELLS), week=range(WEEKS))
    model = ModelCollection(Cells(seen.scale), dims=dims)
    slopes = [np.maximum(means + sd * source.normal(size=CELLS), 0.01) for _ in range(DRAWS)]
    states = [{"Cells.slope": torch.from_numpy(np.log(slope))} for slope in (means, *slopes)]
    model.load_state_dict(states[0])
    return Known(model, {"spend": fc.tensor(seen.history, dims)}, draws=states[1:])


def value(slope: np.ndarray, seen: World, spend: np.ndarray) -> float:
    return float(slope @ np.log1p(spend / seen.scale))


def outcome(seed: int, is_careful: bool = True) -> Outcome:
    """One world: a plan with pooling and trust region, or one that takes measured slopes at their word."""
    seen = world(seed)
    means, sd = pooled(seen.measured) if is_careful else (np.maximum(seen.measured, 0.02), 0.0)
    plan = fc.Plan(fitted(seen, means, sd, seed), decide=("spend",), horizon=1).maximise(fc.total("rides"))
    plan.subject_to(fc.total("spend") <= float(CELLS))
    if not is_careful:
        plan.subject_to(fc.support(None), fc.box("spend", 0.0, 20.0))
    best = plan.solve()
    spend, before = best.vector().numpy(), np.ones(CELLS)
    now = plan.on_draws(torch.ones(CELLS, dtype=torch.float64))
    ideal = _ideal(seen)
    return Outcome(
        best.value_on_fresh_draws / now.mean - 1,
        value(seen.slope, seen, spend) / value(seen.slope, seen, before) - 1,
        value(seen.slope, seen, ideal) / value(seen.slope, seen, before) - 1,
    )


def _ideal(seen: World) -> np.ndarray:
    """What one would spend if the slopes were known."""
    from estimators.forecast.planning.curves import LogCurves
    from estimators.forecast.planning.problem import of_curves
    from estimators.forecast.planning.region import Region, one_row
    from estimators.forecast.planning.solvers import solve

    curves = LogCurves(torch.from_numpy(seen.slope), torch.from_numpy(seen.scale))
    upper = torch.full((CELLS,), 20.0, dtype=torch.float64)
    region = Region(torch.zeros_like(upper), upper, (one_row("budget", np.ones(CELLS), -np.inf, float(CELLS)),))
    return solve(of_curves(curves, region, "concave", "")).x.numpy()
