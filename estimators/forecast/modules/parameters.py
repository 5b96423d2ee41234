"""Declared parameters: a raw `torch.nn.Parameter` under its name, read as a labelled tensor within its bounds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from estimators.errors import CausalError, refuse
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.tensor import Tensor, tensor
from estimators.forecast.modules.series import Hinges, Waves


@dataclass(frozen=True)
class Parameter:
    """What a module declared about one parameter.

    name: within its module.  axes: its dims and labels.  lower, upper: bounds, None where there is none.
    prior: mean and standard deviation of the value (of the pool's mean, if it is pooled).
    pool: the dims over which it is partially pooled, on the raw scale.
    kind: ``parameter``, ``level``, ``trend`` or ``seasonality``.  time: the dim along which its value moves.
    basis: the functions of time whose coefficients these are, for a trend or a season.
    """

    name: str
    axes: Dims
    lower: float | None = None
    upper: float | None = None
    prior: tuple[float, float] | None = None
    pool: tuple[str, ...] = ()
    kind: str = "parameter"
    time: str | None = None
    basis: Hinges | Waves | None = None

    def value(self, raw: torch.Tensor) -> torch.Tensor:
        """The raw, unbounded numbers brought within the bounds: exp beyond one bound, a logistic between two."""
        if self.lower is not None and self.upper is not None:
            return self.lower + (self.upper - self.lower) * torch.sigmoid(raw)
        if self.lower is not None:
            return self.lower + torch.exp(raw)
        if self.upper is not None:
            return self.upper - torch.exp(raw)
        return raw

    def raw(self, value: torch.Tensor) -> torch.Tensor:
        """The raw numbers of values within the bounds. Raises CAUSAL-029 for values that are not."""
        below = self.lower is not None and bool((value <= self.lower).any())
        if below or (self.upper is not None and bool((value >= self.upper).any())):
            raise _out_of_bounds(self, value)
        if self.lower is not None and self.upper is not None:
            return torch.logit((value - self.lower) / (self.upper - self.lower))
        if self.lower is not None:
            return torch.log(value - self.lower)
        if self.upper is not None:
            return torch.log(self.upper - value)
        return value

    def start(self, init: Any) -> torch.Tensor:
        """Raw starting values: of `init` if given, else of the prior's mean, else the middle of the bounds."""
        if isinstance(init, Tensor):
            return self.raw(init.broadcast(self.axes).data).clone()
        if init is None:
            init = self.prior[0] if self.prior else self._middle()
        value = torch.as_tensor(init, dtype=torch.float64)
        if value.ndim:
            value = tensor(value, self.axes).data  # refuses an array of another shape
        return self.raw(value.expand(self.axes.shape)).clone()

    def _middle(self) -> float:
        if self.lower is not None and self.upper is not None:
            return (self.lower + self.upper) / 2
        if self.lower is not None:
            return self.lower + 1.0
        return self.upper - 1.0 if self.upper is not None else 0.0


class Pooled(NamedTuple):
    """A partially pooled parameter on its raw scale: raw ~ Normal(mean, exp(log_sd)²), all labelled tensors."""

    raw: Tensor
    mean: Tensor
    log_sd: Tensor


def pool_names(name: str) -> tuple[str, str]:
    """The names of the two parameters of a pool: its mean and the logarithm of its standard deviation."""
    return f"{name}_pool_mean", f"{name}_pool_log_sd"


def pool_parameters(parameter: Parameter, raw: torch.Tensor) -> dict[str, torch.Tensor]:
    """Starting values of a pool: the mean over the pooled dims, one standard deviation of 1 on the raw scale."""
    mean_name, log_sd_name = pool_names(parameter.name)
    mean = Tensor(raw, parameter.axes).mean(*parameter.pool).data.clone()
    return {mean_name: mean, log_sd_name: torch.zeros((), dtype=raw.dtype)}


def checked(parameter: Parameter) -> Parameter:
    """The same parameter. Raises CAUSAL-029 for bounds, priors or pools that contradict themselves."""
    missing = [dim for dim in parameter.pool if dim not in parameter.axes]
    if missing:
        raise refuse(
            "029",
            f"parameter {parameter.name} is pooled over a dim it does not have",
            f"pool {', '.join(missing)}, its dims are {', '.join(parameter.axes) or 'none'}",
            fix="add the dim to the parameter, or pool over one of its dims",
        )
    bounded = parameter.lower is not None and parameter.upper is not None
    if bounded and not parameter.lower < parameter.upper:
        raise refuse(
            "029",
            f"parameter {parameter.name} has no room between its bounds",
            f"lower {parameter.lower:g}, upper {parameter.upper:g}",
            fix="lower < upper",
        )
    if parameter.prior is not None and not (parameter.prior[1] > 0 and math.isfinite(parameter.prior[0])):
        raise refuse(
            "029",
            f"parameter {parameter.name} has a prior without spread",
            f"mean {parameter.prior[0]:g}, standard deviation {parameter.prior[1]:g}",
            fix="prior=(mean, sd) with sd > 0",
        )
    return parameter


def _out_of_bounds(parameter: Parameter, value: torch.Tensor) -> CausalError:
    low = "-inf" if parameter.lower is None else f"{parameter.lower:g}"
    high = "inf" if parameter.upper is None else f"{parameter.upper:g}"
    return refuse(
        "029",
        f"parameter {parameter.name} starts outside its bounds",
        f"values {float(value.min()):g} to {float(value.max()):g}, bounds {low} to {high} (exclusive)",
        fix="give init= or prior= within the bounds",
    )
