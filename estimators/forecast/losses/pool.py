"""The terms that speak of parameters alone: pooling, priors, smoothness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.labelled import Labelled
from estimators.forecast.modules.parameters import Parameter, pool_names

SPREADS = (0.01, 3.0)  # of values around their pool's mean: on the raw scale, or relative to the values if unbounded


@dataclass(frozen=True)
class PoolOf:
    """One pooled parameter. Its mean is the mean of its values, which is where the likelihood is best.

    shift: of the values' own means, in standard deviations, for fits to perturbed priors.
    """

    key: str
    owner: Labelled
    parameter: Parameter
    weight: float
    shift: torch.Tensor | None = None

    @property
    def raw(self) -> torch.Tensor:
        return self.owner._parameters[self.parameter.name]

    @property
    def log_sd(self) -> torch.nn.Parameter:
        return self.owner._parameters[pool_names(self.parameter.name)[1]]

    def mean(self) -> Tensor:
        """By the dims that are not pooled."""
        return Tensor(self.raw, self.parameter.axes).mean(*self.parameter.pool)

    def value(self) -> torch.Tensor:
        apart = Tensor(self.raw, self.parameter.axes) - self.mean()
        log_sd = self.log_sd.detach()
        standard = apart.data / log_sd.exp()
        if self.shift is not None:
            standard = standard - self.shift
        return self.weight * (0.5 * standard**2 + log_sd).sum()

    def refresh(self, gradient: torch.Tensor, curvature: torch.Tensor) -> None:
        """Estimates the spread anew, given what the rest of the loss says of each value (`spread_of`)."""
        with torch.no_grad():
            bounded = self.parameter.lower is not None or self.parameter.upper is not None
            unit = 1.0 if bounded else max(float(self.raw.abs().mean()), 1e-6)
            spread = spread_of(self.raw, gradient, curvature, unit)
            self.log_sd.fill_(math.log(spread))
            self.owner._parameters[pool_names(self.parameter.name)[0]].copy_(self.mean().data)


def spread_of(values: torch.Tensor, gradient: torch.Tensor, curvature: torch.Tensor, unit: float) -> float:
    """The most likely standard deviation of pooled values, of which the rest of the loss knows each with a precision.

    Without the pool a value would be v − g/h, known with variance 1/h; those are Normal around their mean with variance
    sd² + 1/h. A factor sd keeps the estimate from zero (Chung et al. 2013). With all values unknown it stays at `unit`.
    """
    known = curvature > 1e-12 * curvature.max().clamp(min=1e-300)
    if int(known.sum()) < 2:
        return 0.3 * unit
    apart = (values - gradient / curvature.clamp(min=1e-300))[known]
    noise = 1.0 / curvature[known]
    spreads = unit * torch.logspace(math.log10(SPREADS[0]), math.log10(SPREADS[1]), 200, dtype=torch.float64)[:, None]
    variances = spreads**2 + noise
    means = (apart / variances).sum(1, keepdim=True) / (1.0 / variances).sum(1, keepdim=True)
    likelihood = -0.5 * (variances.log() + (apart - means) ** 2 / variances).sum(1) + spreads[:, 0].log()
    return float(spreads[int(likelihood.argmax())])


def pools(model: ModelCollection, names: tuple[str, ...], weight: float) -> list[PoolOf]:
    """The pooled parameters that a term `Pool` speaks of. Raises CAUSAL-029 for names of parameters that are not."""
    found = {key: entry for key, entry in model.declarations().items() if entry[1].pool}
    chosen = {key: entry for key, entry in found.items() if not names or is_named(key, names)}
    unknown = [name for name in names if not any(is_named(key, (name,)) for key in found)]
    if unknown:
        raise refuse("029", "Pool of a parameter that is not pooled", ", ".join(unknown), fix="declare it with pool=")
    return [PoolOf(key, owner, parameter, weight) for key, (owner, parameter) in chosen.items()]


def is_named(key: str, names: tuple[str, ...]) -> bool:
    """Whether a parameter is meant by one of these names, in full or by its last part."""
    return any(key == name or key.endswith(f".{name}") for name in names)


@dataclass(frozen=True)
class PriorOf:
    """−log density of one parameter that was declared with a prior: of its pool's mean, if it is pooled.

    shift: of the prior's mean, in its standard deviations, for fits to perturbed priors.
    """

    owner: Labelled
    parameter: Parameter
    shift: torch.Tensor | None = None

    def values(self) -> torch.Tensor:
        """What the prior speaks of."""
        raw = self.owner._parameters[self.parameter.name]
        if self.parameter.pool:
            raw = Tensor(raw, self.parameter.axes).mean(*self.parameter.pool).data
        return self.parameter.value(raw)

    def __call__(self) -> torch.Tensor:
        mean, sd = self.parameter.prior
        standard = (self.values() - mean) / sd
        return 0.5 * ((standard if self.shift is None else standard - self.shift) ** 2).sum()


def priors(model: ModelCollection) -> dict[str, PriorOf]:
    """Every parameter that was declared with a prior, by name."""
    return {
        key: PriorOf(owner, parameter)
        for key, (owner, parameter) in model.declarations().items()
        if parameter.prior is not None
    }


def smoothness(owner: Labelled, parameter: Parameter, dim: str, scale: float) -> torch.Tensor:
    """½ Σ (steps along a dim / scale)² of a parameter's values."""
    values = Tensor(parameter.value(owner._parameters[parameter.name]), parameter.axes)
    steps = torch.diff(values.data, dim=Dims.axis(parameter.axes, dim))
    return 0.5 * ((steps / scale) ** 2).sum()
