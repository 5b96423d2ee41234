"""An attempt to refute what the modules' tags say of the objective. To survive it proves nothing; to fail it does."""

from __future__ import annotations

import torch

from estimators.errors import refuse
from estimators.forecast.planning.problem import Problem

TRIALS = 4
ROUNDING = 1e-9


def refute(problem: Problem) -> None:
    """Raises CAUSAL-029 if a point between two plans is worse than their average where the tags say concave.

    Only refutes: a certificate rests on the tags, whose author answers for them.
    """
    if not problem.is_concave:
        return
    lower = problem.region.lower
    upper = torch.where(torch.isfinite(problem.region.upper), problem.region.upper, lower + 1.0)
    if not bool(torch.isfinite(lower).all()):
        return
    random = torch.Generator().manual_seed(0)
    for trial in range(TRIALS):
        one, other = (lower + (upper - lower) * _share(len(lower), trial, random) for _ in range(2))
        values = [problem.value(x) for x in (one, other, 0.5 * (one + other))]
        size = ROUNDING * max(map(abs, values))
        bent = values[2] - 0.5 * (values[0] + values[1])
        if bent < -size or (problem.curvature == "affine" and bent > size):
            raise refuse(
                "029", "a tag that the model refutes",
                f"the objective is said to be {problem.curvature}: {problem.why}",
                f"between two plans worth {values[0]:.6g} and {values[1]:.6g} lies one worth {values[2]:.6g}",
                fix="correct `shapes`, `jointly` or `monotone` of the module that says so",
            )  # fmt: skip


def _share(n: int, trial: int, random: torch.Generator) -> torch.Tensor:
    """Where in the box: all decisions alike in the first trials, each by itself later."""
    size = 1 if trial < TRIALS // 2 else n
    return torch.rand(size, generator=random, dtype=torch.float64).expand(n)
