"""Intervals that were tried: how wide they must be so that, at rolling origins, they covered what came.

At each of some origins the last weeks are hidden, the model is trained anew from its starting values, and errors are
divided by the standard deviation that the likelihood gives them. The interval's half width is that standard deviation
times the quantile of these ratios (split conformal prediction: Vovk et al. 2005; Lei et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.training.forecast import Spread

ORIGINS = 4
FEWEST = 20  # errors of a node, below which all origins' errors of all fitted nodes are taken together


def conformal_quantile(ratios: torch.Tensor, level: float) -> float:
    """The ⌈(n + 1) level⌉-th smallest of n ratios; the largest if there are too few for that."""
    ordered = ratios.sort().values
    rank = min(math.ceil((len(ordered) + 1) * level), len(ordered))
    return float(ordered[rank - 1])


@dataclass(frozen=True)
class Calibration:
    """ratios: |error| / standard deviation by fitted node (n,).  spreads: of the final fit, by node.  origins: how many
    were tried, horizon: how many weeks each.
    """

    ratios: Mapping[str, torch.Tensor]
    spreads: Mapping[str, Spread]
    axes: Mapping[str, Any]
    time: str
    origins: int
    horizon: int

    def half_width(self, node: str, level: float, horizon: int, like: Tensor) -> Tensor:
        """Half the interval of a node, on the axes of its forecast; NaN for nodes without a history."""
        if node not in self.spreads:
            return like * math.nan
        ratios = self.ratios[node]
        if len(ratios) < FEWEST:
            ratios = torch.cat(list(self.ratios.values()))
        steps = torch.arange(1, horizon + 1, dtype=torch.float64)
        axes = self.axes[node]
        if self.time not in axes:
            rows = self.spreads[node].noise
        else:
            rows = self.spreads[node].ahead(steps)
            axes = axes.replace(**{self.time: like.axes[self.time]})
        return Tensor((conformal_quantile(ratios, level) * rows).reshape(axes.shape), axes)


def calibrate(fitted: Any, horizon: int, origins: int = ORIGINS) -> Calibration:
    """Trains the model at rolling origins, `horizon` weeks apart; keeps errors over their standard deviations."""
    from estimators.forecast.training.fitted import fit

    n_seen = last_seen(fitted) + 1
    count = min(origins, (n_seen // 2) // horizon)
    if count < 1:
        raise refuse(
            "029", "a history too short for calibrated intervals",
            f"{n_seen} observed labels of {fitted.time}, a horizon of {horizon}: not one origin in the second half",
            fix="ask for a shorter horizon, or use all weights 1 and draws",
        )  # fmt: skip
    ratios: dict[str, list[torch.Tensor]] = {node: [] for node in fitted.objective.fits}
    for number in range(count):
        start = n_seen - (number + 1) * horizon
        model = fitted.model.rebuilt()
        again = fit(
            model, _until(fitted, start), fitted.loss, endogenous=fitted.endogenous, time=fitted.time,
            **(vars(fitted.options) | {"progress": None}),
        )  # fmt: skip
        _collect(fitted, again, start, horizon, ratios)
    joined = {node: torch.cat(parts) for node, parts in ratios.items()}
    axes = {node: own.observations.axes for node, own in fitted.objective.fits.items()}
    return Calibration(joined, fitted.spreads, axes, fitted.time, count, horizon)


def last_seen(fitted: Any) -> int:
    """The position of the last label of time at which any fitted node was observed."""
    fits = fitted.objective.fits.values()
    return max(
        int(torch.nonzero(f.observations.observed.any(0))[-1]) for f in fits if fitted.time in f.observations.axes
    )


def _until(fitted: Any, start: int) -> dict[str, Tensor]:
    """The history with all observed nodes missing from a week on; inputs stay: what was decided is given."""
    history = dict(fitted.history)
    for node in fitted.model.nodes:
        if node in history and fitted.time in history[node].axes:
            value = history[node]
            later = torch.arange(value.axes.size(fitted.time)) >= start
            shape = [-1 if dim == fitted.time else 1 for dim in value.dims]
            history[node] = Tensor(value.data.masked_fill(later.reshape(shape), torch.nan), value.axes)
    return history


def _collect(fitted: Any, again: Any, start: int, horizon: int, ratios: dict[str, list[torch.Tensor]]) -> None:
    made = again.nodes()
    steps = torch.arange(1, horizon + 1, dtype=torch.float64)
    for node, own in fitted.objective.fits.items():
        seen = own.observations
        if fitted.time not in seen.axes:
            continue
        window = slice(start, start + horizon)
        apart = (seen.values - seen.rows(made[node].broadcast(seen.axes)))[:, window].abs()
        ratio = apart / again.spreads[node].ahead(steps)
        ratios[node].append(ratio[seen.observed[:, window]])
