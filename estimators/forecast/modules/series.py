"""Fixed functions of time: what a trend and a season multiply their coefficients with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Index


@dataclass(frozen=True)
class Hinges:
    """A line from zero at step 0 with `knots` evenly spaced changes of slope; slopes are per span of the known labels.

    span: steps from the first to the last known label. Beyond it the last slope goes on.
    """

    span: int
    knots: int
    kind: ClassVar[str] = "trend"

    @property
    def terms(self) -> Index:
        return Index(["slope", *(f"change {i + 1}" for i in range(self.knots))])

    def __call__(self, step: torch.Tensor) -> torch.Tensor:
        """(terms, labels) of the functions at these steps."""
        starts = torch.arange(self.knots + 1, dtype=torch.float64) / (self.knots + 1)
        return (step.double() / max(self.span, 1) - starts[:, None]).clamp(min=0.0)


@dataclass(frozen=True)
class Waves:
    """Sines and cosines of the orders 1 … harmonics; period: in labels of the time dim, from the first known one."""

    period: float
    harmonics: int
    kind: ClassVar[str] = "seasonality"

    def __post_init__(self) -> None:
        if not (self.period > 1 and 1 <= self.harmonics <= self.period / 2):
            raise refuse(
                "029",
                "a seasonality whose waves cannot be told apart",
                f"period {self.period:g}, harmonics {self.harmonics}",
                fix="1 ≤ harmonics ≤ period / 2",
            )

    @property
    def terms(self) -> Index:
        return Index(f"{wave} {order}" for order in range(1, self.harmonics + 1) for wave in ("sin", "cos"))

    def __call__(self, step: torch.Tensor) -> torch.Tensor:
        """(terms, labels) of the functions at these steps."""
        order = torch.arange(1, self.harmonics + 1, dtype=torch.float64)
        angle = 2 * math.pi / self.period * order[:, None] * step
        return torch.stack((angle.sin(), angle.cos()), 1).flatten(0, 1)
