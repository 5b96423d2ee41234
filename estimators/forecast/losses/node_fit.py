"""The term `Fit` of one node, ready to be evaluated: observations, the weighing of residuals, the local level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import torch

from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.level_noise import LevelNoise, Spectrum, best_ratio, noise_at, profiled, spectrum
from estimators.forecast.losses.levels import Level
from estimators.forecast.losses.observations import Observations

ENOUGH = 50  # series that say how much a level moves
PRIOR = (2.0, 0.03)  # of the noise's variance: the weight of two cells, at 3 % of the scale


class Weighed(NamedTuple):
    """residual: (series, time) in units of the scale.  quadratic: r'Ar.  level: what the residuals show, or None."""

    residual: torch.Tensor
    quadratic: torch.Tensor
    level: Tensor | None


@dataclass
class NodeFit:
    """observations, weight: of the term.  level: the local level that adds to the node, if it has one.  ratio: variance
    of the level's steps over the noise's.  is_ratio_set: by `Smooth`, not estimated.  variance: of the noise in units
    of the scale, None to take the best one.  regressors: (series, time, k) levers as history has them.
    """

    observations: Observations
    weight: float
    level: Level | None = None
    ratio: float | None = None
    is_ratio_set: bool = False
    variance: float | None = None
    regressors: torch.Tensor | None = None
    spectrum: Spectrum = field(init=False)
    noise: LevelNoise = field(init=False)
    is_refreshed: bool = False

    def __post_init__(self) -> None:
        if self.level is not None and self.ratio is None:
            self.ratio = 1.0
        self.spectrum = spectrum(self.observations.observed, self.level is not None, self.regressors)
        self.noise = noise_at(self.spectrum, self.ratio)

    @property
    def node(self) -> str:
        return self.observations.node

    def residual(self, made: Tensor) -> torch.Tensor:
        """Observed less modelled (series, time) in units of the scale, zero where nothing was observed."""
        seen = self.observations
        rows = seen.rows(made.broadcast(seen.axes) if made.axes is not seen.axes else made)
        return torch.where(seen.observed, seen.values - rows, 0.0) / seen.scale

    def weigh(self, made: Tensor) -> Weighed:
        """The node as the module made it, without its level, weighed against what was observed."""
        residual = self.residual(made)
        quadratic, level = self.noise.weigh(residual)
        if level is None:
            return Weighed(residual, quadratic, None)
        axes = self.observations.axes
        return Weighed(residual, quadratic, Tensor((level * self.observations.scale).reshape(axes.shape), axes))

    def value(self, weighed: Weighed) -> torch.Tensor:
        """The weighted negative log-likelihood, up to a constant."""
        if self.variance is not None:
            return self.weight * 0.5 * (weighed.quadratic / self.variance)
        return self.weight * profiled(weighed.quadratic, self.noise, PRIOR)

    def noise_variance(self, weighed: Weighed) -> float:
        """σ² in units of the squared scale."""
        if self.variance is not None:
            return self.variance
        count, scale = PRIOR
        return (float(weighed.quadratic) + count * scale**2) / max(self.noise.degrees + count, 1.0)

    def confounded(self, residual: torch.Tensor) -> torch.Tensor:
        """Variance over time (series, 1), in units of the squared scale, of what history confounds with levers."""
        if self.regressors is None:
            return torch.zeros(len(residual), 1, dtype=torch.float64)
        seen = self.observations.observed
        explained = self.noise.confounded(residual)
        count = seen.sum(1, keepdim=True).clamp(min=1)
        centred = torch.where(seen, explained - (explained * seen).sum(1, keepdim=True) / count, 0.0)
        return (centred**2).sum(1, keepdim=True) / count

    def refresh(self, weighed: Weighed) -> None:
        """Estimates anew how much the level moves, on some of the series where there are many."""
        if self.level is None or self.is_ratio_set:
            return
        chosen = torch.arange(0, len(weighed.residual), max(1, len(weighed.residual) // ENOUGH))
        of = self.spectrum
        if len(chosen) < len(weighed.residual):
            regressors = None if self.regressors is None else self.regressors[chosen]
            of = spectrum(self.observations.observed[chosen], True, regressors)
        self.ratio = best_ratio(weighed.residual[chosen].detach(), of, self.ratio if self.is_refreshed else None)
        self.is_refreshed = True
        self.noise = noise_at(self.spectrum, self.ratio)


def lever_regressors(history: Mapping[str, Tensor], levers: tuple[str, ...], seen: Observations) -> torch.Tensor | None:
    """Levers as history has them, as (series, time, k) for a node: each as it is, and its logarithm if it has one."""
    columns = []
    for lever in levers:
        value = history[lever]
        extra = [dim for dim in value.dims if dim not in seen.axes]
        value = (value.sum(*extra) if extra else value).broadcast(seen.axes)
        rows = torch.nan_to_num(seen.rows(value))
        columns.append(rows)
        if bool((rows >= 0).all()) and float(rows.mean()) > 0:
            columns.append(torch.log1p(rows / rows.mean()))
    return torch.stack(columns, -1) if columns else None
