"""How far off simulated futures were in the past: by what factor their noise is to be widened, or narrowed.

What a likelihood says of its noise holds if the noise is what it supposes: shocks that last, or weeks unlike others,
make intervals too narrow. So at many positions of the history the levels are filtered from what was seen until then,
the model is run on with the inputs as they were, and errors are divided by the standard deviation that simulated
futures have there. The conformal quantile of these ratios over the Normal's is the factor (split conformal prediction:
Vovk et al. 2005; Lei et al. 2018). Parameters are those of the whole history: how unsure they are, draws say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.level_noise import level_noise
from estimators.forecast.losses.passes import changed_nodes
from estimators.forecast.training.conformal import FEWEST, conformal_quantile, last_seen

ORIGINS = 12  # at most, half a horizon apart
PATHS = 120  # simulated futures over all origins, which say how far errors may be off
NEIGHBOURS = 2  # steps of the horizon on either side that share their ratios

Factors = dict[str, torch.Tensor]


def stretch(fitted: Any, horizon: int, level: float) -> Factors:
    """By fitted node a factor per step of the horizon (horizon,); nodes with too few errors to judge are left out."""
    ends = _ends(fitted, horizon)
    if not ends:
        return {}
    best = {name: value.detach().clone() for name, value in fitted.model.state_dict().items()}
    residuals = {node: own.residual for node, own in fitted.weighed.items()}
    found: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {node: [] for node in _moving(fitted)}
    source = torch.Generator().manual_seed(fitted.options.seed + 3)
    with fitted.at(best), torch.no_grad():
        for start in ends:
            _filter(fitted, residuals, start)
            made = _window(fitted, {}, start, horizon)
            walks = [_window(fitted, _walks(fitted, start, source), start, horizon) for _ in range(PATHS // len(ends))]
            for node, (errors, seen) in _errors(fitted, made, start, horizon):
                apart = torch.stack([walk[node] - made[node] for walk in walks])
                variance = (apart**2).mean(0) + fitted.spreads[node].noise ** 2
                found[node].append((errors.abs() / variance.sqrt(), seen))
    normal = float(torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2)))
    factors = {}
    for node, parts in found.items():
        ratios, seen = (torch.cat(column) for column in zip(*parts, strict=True))
        if int(seen.sum()) >= FEWEST:
            factors[node] = torch.tensor([_quantile(ratios, seen, step, level) for step in range(horizon)]) / normal
    return factors


def _quantile(ratios: torch.Tensor, seen: torch.Tensor, step: int, level: float) -> float:
    near = slice(max(0, step - NEIGHBOURS), step + NEIGHBOURS + 1)
    own = ratios[:, near][seen[:, near]]
    return conformal_quantile(own if len(own) >= FEWEST else ratios[seen], level)


def _ends(fitted: Any, horizon: int) -> list[int]:
    """Positions of the time dim after which errors are looked at, in the second half of what was observed."""
    if not _moving(fitted):
        return []
    n_seen = last_seen(fitted) + 1
    return list(range(n_seen - horizon, n_seen // 2 - 1, -max(1, horizon // 2)))[:ORIGINS]


def _moving(fitted: Any) -> list[str]:
    return [node for node, own in fitted.objective.fits.items() if fitted.time in own.observations.axes]


def _filter(fitted: Any, residuals: Mapping[str, torch.Tensor], start: int) -> None:
    """Gives every level that is integrated out the values that residuals before position `start` show."""
    for node, own in fitted.objective.fits.items():
        if own.level is None:
            continue
        seen = own.observations
        known = seen.observed & (torch.arange(seen.observed.shape[1]) < start)
        noise = level_noise(known, own.ratio, own.regressors)
        level = noise.weigh(torch.where(known, residuals[node], 0.0))[1] * seen.scale
        level[:, start:] = level[:, start - 1 : start]
        own.level.write(Tensor(level.reshape(seen.axes.shape), seen.axes))


def _walks(fitted: Any, start: int, source: torch.Generator) -> dict[str, Tensor]:
    """By leveled node what its level may do from position `start` on: where it really was, and its steps since."""
    walks = {}
    for node, own in fitted.objective.fits.items():
        if own.level is None:
            continue
        seen, spread = own.observations, fitted.spreads[node]
        steps = torch.randn(seen.values.shape, generator=source, dtype=torch.float64) * spread.step
        steps[:, :start] = 0.0
        first = torch.randn(len(steps), 1, generator=source, dtype=torch.float64) * spread.level
        moved = steps.cumsum(1)
        moved[:, start:] += first
        walks[node] = Tensor(moved.reshape(seen.axes.shape), seen.axes)
    return walks


def _window(fitted: Any, walks: Mapping[str, Tensor], start: int, horizon: int) -> dict[str, torch.Tensor]:
    """Rows (series, horizon) of every fitted node from position `start` on."""
    changes = {node: (lambda made, walk=walk: made + walk) for node, walk in walks.items()}
    with changed_nodes(fitted.model, changes):
        nodes = fitted.model.forward(fitted.history)
    rows = {}
    for node in _moving(fitted):
        seen = fitted.objective.fits[node].observations
        rows[node] = seen.rows(nodes[node].broadcast(seen.axes))[:, start : start + horizon]
    return rows


def _errors(
    fitted: Any, made: Mapping[str, torch.Tensor], start: int, horizon: int
) -> Iterator[tuple[str, tuple[torch.Tensor, torch.Tensor]]]:
    window = slice(start, start + horizon)
    for node, rows in made.items():
        seen = fitted.objective.fits[node].observations
        yield node, (seen.values[:, window] - rows, seen.observed[:, window])
