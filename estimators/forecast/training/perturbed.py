"""An objective whose data and priors are moved by as much as they are uncertain, for as long as a fit to them takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from estimators.forecast.losses.node_fit import NodeFit
from estimators.forecast.losses.objective import Objective


@contextmanager
def perturbed(objective: Objective, source: torch.Generator) -> Iterator[None]:
    """Observations get noise and a random walk, measured effects their errors, pooled values and priors other means.

    A weight w tempers a term: its noise grows by 1/√w.
    """
    with torch.no_grad():
        weighed = objective.run()[1]
    kept_values = {node: fit.observations for node, fit in objective.fits.items()}
    kept_effects = [agreement.measured for agreement in objective.agreements]
    kept_pools, kept_priors = list(objective.pools), dict(objective.priors)
    for node, fit in objective.fits.items():
        fit.observations = _moved(fit, fit.noise_variance(weighed[node]), source)
    for agreement in objective.agreements:
        error = torch.linalg.solve(agreement.whitener, _normal(agreement.measured.shape, source))
        agreement.measured = agreement.measured + error / max(agreement.weight, 1e-12) ** 0.5
    objective.pools = [
        replace(pool, shift=_normal(pool.raw.shape, source) / max(pool.weight, 1e-12) ** 0.5)
        for pool in objective.pools
    ]
    objective.priors = {
        key: replace(prior, shift=_normal(prior.values().shape, source)) for key, prior in objective.priors.items()
    }
    try:
        yield
    finally:
        for node, seen in kept_values.items():
            objective.fits[node].observations = seen
        for agreement, measured in zip(objective.agreements, kept_effects, strict=True):
            agreement.measured = measured
        objective.pools, objective.priors = kept_pools, kept_priors


def _moved(fit: NodeFit, variance: float, source: torch.Generator):
    seen = fit.observations
    sd = (variance / max(fit.weight, 1e-12)) ** 0.5 * seen.scale
    error = _normal(seen.values.shape, source)
    if fit.ratio:
        error = error + fit.ratio**0.5 * _normal(seen.values.shape, source).cumsum(1)
    return replace(seen, values=torch.where(seen.observed, seen.values + sd * error, 0.0))


def _normal(shape: tuple[int, ...], source: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=source, dtype=torch.float64)
