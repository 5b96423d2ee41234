"""Training that stops when weeks it does not see are forecast worse and worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from estimators.forecast.losses.objective import Objective
from estimators.forecast.losses.observations import Observations
from estimators.forecast.training.parameters import Flat

EVERY, PATIENCE = 5, 6  # steps between looks, and looks without an improvement


@dataclass
class EarlyStop:
    """hidden: what the fit does not see, by node."""

    hidden: Mapping[str, Observations]
    best: float = float("inf")
    values: torch.Tensor | None = None
    looks_since: int = 0

    @property
    def is_over(self) -> bool:
        return self.looks_since >= PATIENCE

    def look(self, objective: Objective, flat: Flat, step: int) -> bool:
        """Whether it is over; looks at the hidden weeks every few steps."""
        if step % EVERY:
            return False
        with torch.no_grad():
            outputs = objective.run()[0]
        error = 0.0
        for node, seen in self.hidden.items():
            if node in outputs:
                made = seen.rows(outputs[node].broadcast(seen.axes))
                error += float((torch.where(seen.observed, seen.values - made, 0.0) / seen.scale).square().sum())
        if error < self.best:
            self.best, self.values, self.looks_since = error, flat.read(), 0
        else:
            self.looks_since += 1
        return self.is_over

    def restore(self, flat: Flat) -> None:
        """Takes the parameters back to where the hidden weeks were forecast best."""
        if self.values is not None:
            flat.write(self.values)
