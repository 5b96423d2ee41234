"""How an outcome answers to a lever: carry-over, saturation, elasticity. Each is declared in `setup` and called."""

from __future__ import annotations

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.operations import log1p, where
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.labelled import Labelled, Window

Prior = tuple[float, float]  # mean and standard deviation
Start = tuple[float | None, Prior | None]  # init, and the prior at whose mean it starts without one


class Adstock(Labelled):
    """Geometric carry-over: y_t = Σ_l w_l x_{t−l} with w_l ∝ decay^l, l = 0 … max_lag.

    Normalised weights sum to one, so that a lever held constant keeps its value (Jin et al. 2017, eq. 1). Before the
    first label the lever counts as zero.
    lag: time dim, max_lag, whether normalised.  start: init and prior (mean and standard deviation) of the decay.
    """

    def __init__(
        self, dims: Dims, window: Window, lag: tuple[str, int, bool], over: tuple[str, ...], start: Start
    ) -> None:
        super().__init__(dims, window)
        self.time, self.max_lag, self.normalised = lag
        if self.max_lag < 0:
            raise refuse("029", "a carry-over of negative length", f"max_lag {self.max_lag}", fix="max_lag ≥ 0")
        dims.axis(self.time)
        init, prior = start
        self.decay = self.param("decay", *over, lower=0.0, upper=1.0, init=init, prior=prior)

    def forward(self, x: Tensor) -> Tensor:
        axis, size = x.axes.axis(self.time), x.axes.size(self.time)
        blank = [*x.data.shape]
        blank[axis] = self.max_lag
        padded = torch.cat((x.data.new_zeros(blank), x.data), axis)
        decay = self.decay
        total, weight, weights = x, decay, None
        for lag in range(1, self.max_lag + 1):
            total = total + Tensor(padded.narrow(axis, self.max_lag - lag, size), x.axes) * weight
            weights = weight if weights is None else weights + weight
            weight = weight * decay
        return total if weights is None or not self.normalised else total / (1.0 + weights)


class Saturation(Labelled):
    """Diminishing returns of a lever x ≥ 0.

    ``log``: log(1 + x/scale), concave, and its tangent x/scale below 0.  ``hill``: xʰ/(xʰ + scaleʰ), between 0 and 1,
    S-shaped for h > 1.
    within: how many times smaller or larger than `scale` the fitted one may be. History alone may not tell a curve from
    a line or a step, and the scale would else run to infinity or to 0, by last digits.
    priors: mean and standard deviation of the scale, and of the steepness h, each None where there is none.
    """

    def __init__(
        self,
        dims: Dims,
        window: Window,
        kind: str,
        over: tuple[str, ...],
        scale: float,
        within: float | None = None,
        priors: tuple[Prior | None, Prior | None] = (None, None),
    ) -> None:
        super().__init__(dims, window)
        if kind not in ("log", "hill"):
            raise refuse("029", "an unknown saturation", f"{kind!r}; known are 'log' and 'hill'", fix="choose one")
        of_scale, of_steepness = priors
        if kind == "log" and of_steepness is not None:
            raise refuse("029", "a prior of what is not there", "log has no steepness", fix="drop it, or take 'hill'")
        self.kind = kind
        lower, upper = (0.0, None) if within is None else (scale / within, scale * within)
        start = scale if of_scale is None else None
        self.scale = self.param("scale", *over, lower=lower, upper=upper, init=start, prior=of_scale)
        if kind == "hill":
            start = 1.0 if of_steepness is None else None
            self.steepness = self.param("steepness", *over, positive=True, init=start, prior=of_steepness)

    def forward(self, x: Tensor) -> Tensor:
        share = x / self.scale
        if self.kind == "log":  # straight below 0, where an experiment that takes away may ask for it
            is_below = share < 0.0
            return where(is_below, share, log1p(where(is_below, 0.0, share)))  # no maximum: it halves the slope at 0
        power = share**self.steepness
        return power / (power + 1.0)


class Elasticity(Labelled):
    """A constant elasticity: (x/reference)^e for x > 0; e is the change of the outcome in % per 1 % of x."""

    def __init__(
        self, dims: Dims, window: Window, over: tuple[str, ...], reference: float, sign: int, start: Start
    ) -> None:
        super().__init__(dims, window)
        init, prior = start
        if reference <= 0:
            raise refuse(
                "029",
                "an elasticity around a reference that is not positive",
                f"reference {reference:g}",
                fix="a usual value of the input, greater than 0",
            )
        self.reference = reference
        bounds = {"lower": 0.0} if sign > 0 else {"upper": 0.0} if sign < 0 else {}
        self.exponent = self.param("exponent", *over, init=init, prior=prior, **bounds)

    def forward(self, x: Tensor) -> Tensor:
        return (x / self.reference) ** self.exponent
