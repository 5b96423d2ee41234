"""A node's history as rows: one per series, weeks along the last axis, with the scale of its noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.terms import Fit


@dataclass(frozen=True)
class Observations:
    """What was seen of one node.

    axes: dims of the node, time last.  values: (series, time), zero where nothing was seen.  observed: (series, time)
    booleans.  scale: (series, 1) of the noise, up to a common factor unless `is_known`.  n_excluded: series left out
    because their scale is zero.
    """

    node: str
    axes: Dims
    values: torch.Tensor
    observed: torch.Tensor
    scale: torch.Tensor
    is_known: bool = False
    n_excluded: int = 0

    def rows(self, tensor: Tensor) -> torch.Tensor:
        """A tensor with the node's dims as (series, time)."""
        return tensor.transpose(*self.axes.names).data.reshape(self.values.shape)

    def labelled(self, rows: torch.Tensor, like: Dims) -> Tensor:
        """The inverse of `rows`: a tensor with the dims in the order of `like`."""
        return Tensor(rows.reshape(self.axes.shape), self.axes).transpose(*like.names)

    def without(self, hidden: torch.Tensor) -> Observations:
        """The same with some cells (series, time) hidden."""
        observed = self.observed & ~hidden
        return replace(self, observed=observed, values=torch.where(observed, self.values, 0.0))


def observations(fit: Fit, tensor: Tensor, dims: tuple[str, ...], time: str) -> Observations:
    """The history of a node, for its term of the loss. Raises CAUSAL-029 if nothing of it was seen."""
    order = tuple(d for d in dims if d != time) + ((time,) if time in dims else ())
    if set(order) != set(tensor.dims):
        raise refuse(
            "029",
            f"the history of {fit.node} has other dims than the node",
            f"({', '.join(tensor.dims)}) against ({', '.join(dims)})",
            fix="aggregate the history to the node's dims",
        )
    tensor = tensor.transpose(*order)
    n_times = tensor.axes.size(time) if time in dims else 1
    rows = tensor.data.reshape(prod(tensor.shape) // n_times, n_times).to(torch.float64)
    observed = torch.isfinite(rows)
    if not bool(observed.any()):
        raise refuse("029", f"nothing was observed of {fit.node}", "all cells are missing", fix="take Fit away from it")
    values = torch.where(observed, rows, 0.0)
    scale, used = _scale(fit, values, observed)
    observed = observed & used
    return Observations(
        node=fit.node,
        axes=tensor.axes,
        values=torch.where(observed, values, 0.0),
        observed=observed,
        scale=scale,
        is_known=not isinstance(fit.scale, str),
        n_excluded=int((~used).sum()),
    )


def differences(values: torch.Tensor, observed: torch.Tensor, lag: int) -> tuple[torch.Tensor, torch.Tensor]:
    """|x_t − x_{t−lag}| summed by series (series,) over the pairs that were seen, and how many they are (series,)."""
    lag = min(lag, values.shape[1] - 1)
    if lag < 1:
        return values.abs().sum(1), observed.sum(1)
    both = observed[:, lag:] & observed[:, :-lag]
    apart = torch.where(both, (values[:, lag:] - values[:, :-lag]).abs(), 0.0)
    return apart.sum(1), both.sum(1)


def _scale(fit: Fit, values: torch.Tensor, observed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(series, 1) scales, and which series are used."""
    n_series = len(values)
    every = torch.ones(n_series, 1, dtype=torch.bool)
    if not isinstance(fit.scale, str):
        if not fit.scale > 0:
            raise refuse("029", f"a noise of {fit.node} that is none", f"scale {fit.scale}", fix="a number above 0")
        return torch.full((n_series, 1), float(fit.scale), dtype=torch.float64), every
    total, count = differences(values, observed, fit.season)
    if fit.scale == "sd":
        common = float(total.sum() / count.sum().clamp(min=1))
        return torch.full((n_series, 1), common or 1.0, dtype=torch.float64), every
    if fit.scale != "mase":
        raise refuse("029", f"an unknown scale of {fit.node}", f"{fit.scale!r}", fix="'sd', 'mase' or a number")
    own = (total / count.clamp(min=1))[:, None]
    return torch.where(own > 0, own, 1.0), own > 0
