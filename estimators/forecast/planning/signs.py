"""Signs of what no decision reaches: numbers that are given with the fitted model, so that to look at them is proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch

from estimators.forecast.planning.decisions import Decisions


class Signs:
    """Of an input or node that the plan does not move: 1 if it is nowhere negative, -1 if nowhere positive, else 0.

    Everywhere: over lead-in and horizon, and at the best parameters as on every draw, because a plan is also judged and
    may be made on draws. A value that is not a number has no sign.
    """

    def __init__(self, decisions: Decisions, draws: Sequence[Mapping[str, torch.Tensor]]) -> None:
        self.decisions, self.draws = decisions, draws

    def __call__(self, name: str) -> int:
        low, high = self._ranges[name]
        return 1 if low >= 0 else -1 if high <= 0 else 0

    @cached_property
    def _ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value by name; those of what the decisions move mean nothing, and nobody asks."""
        somewhere = torch.zeros(self.decisions.size, dtype=torch.float64)
        found: dict[str, tuple[float, float]] = {}
        with torch.no_grad():
            for state in (None, *self.draws):
                for name, value in self.decisions.outcomes(somewhere, state).items():
                    both = float(value.data.min()), float(value.data.max())
                    before = found.get(name, both)
                    found[name] = _least(before[0], both[0]), -_least(-before[1], -both[1])
        return found


def _least(one: float, other: float) -> float:
    """The smaller number; not a number if either is none."""
    return one if one != one or one < other else other
