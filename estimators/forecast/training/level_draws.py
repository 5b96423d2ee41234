"""Local levels drawn from what is known of them once the other parameters are given, exactly."""

from __future__ import annotations

import torch

from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.level_noise import level_covariance
from estimators.forecast.losses.objective import Objective


class LevelSampler:
    """Holds the factor of each level's covariance, which does not depend on the other parameters but through σ²."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.factors = {}
        for node, fit in objective.fits.items():
            if fit.level is not None:
                covariance = level_covariance(fit.observations.observed, fit.ratio, fit.regressors)
                self.factors[node] = torch.linalg.cholesky(covariance)

    def write(self, source: torch.Generator) -> None:
        """Draws every level given the parameters as they are now, and writes it into the model."""
        _, weighed, _ = self.objective.run()
        for node, factor in self.factors.items():
            fit = self.objective.fits[node]
            seen = fit.observations
            sd = (fit.noise_variance(weighed[node]) / max(fit.weight, 1e-12)) ** 0.5 * seen.scale
            normal = torch.randn(seen.values.shape, generator=source, dtype=torch.float64)
            moved = normal @ factor[0].T if len(factor) == 1 else torch.einsum("stu,su->st", factor, normal)
            rows = seen.rows(weighed[node].level) + sd * moved
            fit.level.write(Tensor(rows.reshape(seen.axes.shape), seen.axes))
