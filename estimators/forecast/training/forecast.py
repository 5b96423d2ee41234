"""Forecasts: a point, and an interval: from draws, stretched as the history asks, or from fits at rolling origins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Index
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.node_fit import NodeFit
from estimators.forecast.losses.passes import changed_nodes
from estimators.forecast.training.future import extended

PATHS = 200  # simulated futures, at least one per draw


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a fitted node by series (series, 1). noise: of observations, with what history confounds
    with levers.  step: of the level from week to week.  level: of the level in the last week.
    """

    noise: torch.Tensor
    step: torch.Tensor
    level: torch.Tensor

    def ahead(self, steps: torch.Tensor) -> torch.Tensor:
        """Standard deviation of an observation so many weeks (h,) after the last one (series, h)."""
        return (self.noise**2 + self.level**2 + self.step**2 * steps).sqrt()


def spread_of(fit: NodeFit, weighed: Any) -> Spread:
    """How far observations of a node lie from the model, from the likelihood of its history."""
    variance = fit.noise_variance(weighed)
    scale = fit.observations.scale
    confounded = fit.confounded(weighed.residual)
    noise = (variance + confounded).sqrt() * scale
    if fit.level is None:
        return Spread(noise, torch.zeros_like(noise), torch.zeros_like(noise))
    step = (variance * fit.ratio) ** 0.5 * scale
    settled = (
        0.5 * fit.ratio * ((1.0 + 4.0 / fit.ratio) ** 0.5 - 1.0)
    )  # filtered variance of a long local level, over σ²
    return Spread(noise, step, (variance * settled) ** 0.5 * scale)


def forecast_frame(fitted: Any, horizon: int | None, inputs: Mapping[str, Tensor] | None, level: float) -> Any:
    """See `Fitted.forecast`."""
    import pandas as pd

    if not 0.0 < level < 1.0:
        raise refuse("029", "a level that is none", f"got {level}", fix="between 0 and 1")
    given, labels = extended(fitted, horizon, inputs)
    point = _ahead(fitted.nodes(given), fitted.time, labels)
    kind, bounds = _bounds(fitted, given, labels, level, point)
    frames = []
    for node, value in point.items():
        lower, upper = bounds(node)
        frame = value.to_frame("point")
        frame.insert(0, "node", node)
        frame["lower"], frame["upper"] = lower.data.reshape(-1).numpy(), upper.data.reshape(-1).numpy()
        frame["interval"] = "none" if bool(torch.isnan(lower.data).all()) else kind(node)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _bounds(fitted: Any, given: dict[str, Tensor], labels: Index, level: float, point: dict[str, Tensor]):
    """Functions from a node to the kind of its interval, and to its lower and upper bound."""
    if fitted.draws and fitted.loss.is_likelihood:
        factors = fitted.stretch(len(labels), level)
        paths = list(futures(fitted, given, labels, factors=factors))
        stacked = {node: torch.stack([path[node].data for path in paths]) for node in point}

        def from_draws(node: str) -> tuple[Tensor, Tensor]:
            tails = torch.tensor([0.5 - level / 2, 0.5 + level / 2], dtype=torch.float64)
            low, high = torch.quantile(stacked[node], tails, dim=0)
            return Tensor(low, point[node].axes), Tensor(high, point[node].axes)

        return lambda node: "calibrated" if node in factors else "model", from_draws
    calibration = fitted.calibration(len(labels))

    def calibrated(node: str) -> tuple[Tensor, Tensor]:
        half = calibration.half_width(node, level, len(labels), point[node])
        return point[node] - half, point[node] + half

    return lambda node: "conformal", calibrated


def futures(
    fitted: Any,
    given: dict[str, Tensor],
    labels: Index,
    with_noise: bool = True,
    count: int = PATHS,
    factors: Mapping[str, torch.Tensor] | None = None,
) -> Iterator[dict[str, Tensor]]:
    """Simulated futures: parameters and levels of a draw, levels that walk on, and the noise of observations on top.

    factors: by node and step, by how much what lies between a draw and its noisy future is stretched.
    """
    source = torch.Generator().manual_seed(fitted.options.seed + 2)
    repeats = max(1, count // len(fitted.draws)) if with_noise else 1
    for state in fitted.draws:
        with fitted.at(state) as model:
            with torch.no_grad():
                still = _ahead(model.forward(given), fitted.time, labels)
            if not with_noise:
                yield still
                continue
            for _ in range(repeats):
                walks = {
                    node: _walk(fitted, node, given, labels, source)
                    for node, fit in fitted.objective.fits.items()
                    if fit.level is not None
                }
                changes = {node: (lambda made, walk=walk: made + walk) for node, walk in walks.items()}
                with torch.no_grad(), changed_nodes(model, changes):
                    made = _ahead(model.forward(given), fitted.time, labels)
                noisy = {node: _noisy(fitted, node, value, source) for node, value in made.items()}
                yield {node: _stretched(value, still[node], fitted, node, factors) for node, value in noisy.items()}


def _stretched(
    noisy: Tensor, still: Tensor, fitted: Any, node: str, factors: Mapping[str, torch.Tensor] | None
) -> Tensor:
    if not factors or node not in factors or fitted.time not in still.axes:
        return noisy
    return still + (noisy - still) * Tensor(factors[node], still.axes.only(fitted.time))


def _walk(fitted: Any, node: str, given: dict[str, Tensor], labels: Index, source: torch.Generator) -> Tensor:
    """What a level adds after its last known week: the sum of its steps; zero over the history."""
    fit, spread = fitted.objective.fits[node], fitted.spreads[node]
    axes = _axes_over(fit, fitted.time, fitted.model.window(given)[fitted.time])
    n_times = axes.size(fitted.time)
    start = axes.position(fitted.time, labels[0])
    steps = torch.randn(len(spread.step), n_times, generator=source, dtype=torch.float64) * spread.step
    known = fitted.model.dims.size(fitted.time)
    steps[:, : max(start, known)] = 0.0  # within the known weeks the drawn level walks already
    return Tensor(steps.cumsum(1).reshape(axes.shape), axes)


def _noisy(fitted: Any, node: str, value: Tensor, source: torch.Generator) -> Tensor:
    fit = fitted.objective.fits.get(node)
    if fit is None:
        return value
    axes = _axes_over(fit, fitted.time, value.axes[fitted.time]) if fitted.time in value.axes else fit.observations.axes
    noise = fitted.spreads[node].noise
    rows = noise * torch.randn(
        len(noise), axes.shape[-1] if fitted.time in axes else 1, generator=source, dtype=torch.float64
    )
    return value + Tensor(rows.reshape(axes.shape), axes)


def _axes_over(fit: NodeFit, time: str, labels: Index):
    return fit.observations.axes.replace(**{time: labels}) if time in fit.observations.axes else fit.observations.axes


def _ahead(nodes: Mapping[str, Tensor], time: str, labels: Index) -> dict[str, Tensor]:
    return {
        node: value.select(**{time: labels}).detach() if time in value.axes else value.detach()
        for node, value in nodes.items()
    }
