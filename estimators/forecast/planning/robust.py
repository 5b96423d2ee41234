"""Plans for the worst share of what the data leaves possible.

Maximises the conditional value at risk (Rockafellar and Uryasev 2000): the mean of the worst share `cvar` of the
draws. It is the least mean over all weights of the draws that give none more than 1/(cvar · k), which makes it concave
where every draw is, and any such weights give an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from estimators.errors import refuse
from estimators.forecast.planning.certificate import Certificate, frank_wolfe_gap
from estimators.forecast.planning.problem import Problem, Solution
from estimators.forecast.planning.solvers import solve

if TYPE_CHECKING:
    from estimators.forecast.planning.plan import Plan
    from estimators.forecast.planning.planned import Planned

FEWEST = 8  # draws on each side
SMOOTHINGS = (1e-1, 1e-2, 1e-3, 1e-4)  # of the spread of the draws


def solve_robust(plan: Plan, cvar: float, tol: float) -> Planned:
    """The plan that is best on the worst share of every other draw; the rest are the fresh ones.

    Raises CAUSAL-029 without enough draws and for a share outside (0, 1].
    """
    draws = plan.fitted.draws
    if not 0 < cvar <= 1:
        raise refuse("029", f"a worst share of {cvar:g}", "it is a share of the draws", fix="0 < cvar ≤ 1, such as 0.1")
    if len(draws) < 2 * FEWEST:
        raise refuse(
            "029", "too few draws for a robust plan",
            f"{len(draws)} of {2 * FEWEST}: half choose the plan, half judge it",
            fix="model.fit(..., draws=50)",
        )  # fmt: skip
    compiled = plan.compiled()
    mean = plan.solve(tol)
    if mean.infeasible_because:
        return mean
    chosen, fresh = draws[::2], draws[1::2]
    problem = plan.problem(compiled)

    def values(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([plan.value_at(x, state) for state in chosen])

    solution, worst = solve_worst(replace(problem, start=mean.vector()), values, cvar, tol)
    made = plan.planned(solution, problem, compiled)
    kind = made.certificate.kind
    said = f"mean of the worst {cvar:.0%} of {len(chosen)} draws, {worst:.6g}; {made.certificate.why}"
    return replace(
        made, objective=problem.value(solution.x), certificate=Certificate(kind, made.certificate.value, said),
        fresh=plan.on_draws(solution.x, fresh), record=(*made.record, f"robust: {said}"),
    )  # fmt: skip


def solve_worst(
    problem: Problem, values: Callable[[torch.Tensor], torch.Tensor], share: float, tol: float
) -> tuple[Solution, float]:
    """The plan with the best mean over the worst `share` of values (k,), and that mean.

    Solved with weights that fall off smoothly instead of at once, ever more steeply; a bound comes from the last
    weights.
    """
    with torch.no_grad():
        first = values(problem.start)
    spread = float(first.std().clamp_min(1e-6 * first.abs().mean()))
    x, found, weights = problem.start, None, None
    for smoothing in SMOOTHINGS:
        width = smoothing * spread

        def objective(point: torch.Tensor, width: float = width) -> torch.Tensor:
            return _soft_worst(values(point), share, width)

        found = solve(replace(problem, objective=objective, curves=None, start=x), tol)
        x = found.x
        with torch.no_grad():
            weights = _weights(values(x), share, width)
    worst = float(_exact_worst(values(x).detach(), share))
    return _bounded(problem, found, values, weights, worst), worst


def _bounded(
    problem: Problem,
    found: Solution,
    values: Callable[[torch.Tensor], torch.Tensor],
    weights: torch.Tensor,
    worst: float,
) -> Solution:
    """The gap of the fixed weighted mean, which lies above the worst share's mean everywhere."""
    level, gradient = replace(problem, objective=lambda x: weights @ values(x)).gradient(found.x)
    gap, proof = frank_wolfe_gap(gradient, found.x, problem.region, found.prices, is_sorted=True)
    if not problem.is_concave or problem.outcomes:
        return replace(found, value=worst, bound=None)
    return replace(
        found, value=worst, prices=proof, bound=level + gap, method="projected gradient on the worst draws",
        bound_from="Frank-Wolfe gap of the worst draws' mean",
    )  # fmt: skip


def _threshold(values: torch.Tensor, share: float, width: float) -> float:
    """The t at which the weights sum to one; halving, as they fall with t's distance."""
    low, high = float(values.min()) - 50 * width, float(values.max()) + 50 * width
    for _ in range(100):
        middle = 0.5 * (low + high)
        total = float(torch.sigmoid((middle - values) / width).sum()) / (share * len(values))
        low, high = (low, middle) if total > 1 else (middle, high)
    return 0.5 * (low + high)


def _weights(values: torch.Tensor, share: float, width: float) -> torch.Tensor:
    raw = torch.sigmoid((_threshold(values, share, width) - values) / width)
    return (raw / raw.sum()).clamp(max=1.0 / (share * len(values)))


def _soft_worst(values: torch.Tensor, share: float, width: float) -> torch.Tensor:
    """t − Σ softplus(t − v)/(share k) at its best t: smooth and concave in the values."""
    t = _threshold(values.detach(), share, width)
    beyond = width * torch.nn.functional.softplus((t - values) / width)
    return t - beyond.sum() / (share * len(values))


def _exact_worst(values: torch.Tensor, share: float) -> torch.Tensor:
    count = share * len(values)
    ordered = torch.sort(values).values
    weights = torch.clamp(count - torch.arange(len(values), dtype=values.dtype), 0.0, 1.0)
    return (weights @ ordered) / count
