"""The solver that fits a problem's structure, and the certificate that its answer deserves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from estimators.forecast.planning.certificate import Certificate, knapsack, linear_prices
from estimators.forecast.planning.curves import Curves
from estimators.forecast.planning.envelope import solve_s_curves
from estimators.forecast.planning.interior_point import interior_point, solve_separable
from estimators.forecast.planning.knapsack import project
from estimators.forecast.planning.problem import Problem, Solution
from estimators.forecast.planning.projected_gradient import Projection, climb
from estimators.forecast.planning.region import Region
from estimators.forecast.planning.waterfilling import fill

LP_AT_MOST = 20_000  # decisions up to which HiGHS is asked for better prices when the solver's leave a gap


def solve(problem: Problem, tol: float = 1e-6) -> Solution:
    """The best plan that the solver for this structure finds. Raises CAUSAL-029 if the region is empty.

    One budget and known curves: water-filling, or envelopes where they are S-shaped. Known concave curves under any
    rows: an interior point. Constraints through the DAG: an augmented Lagrangian. Anything else: projected gradient.
    """
    if problem.outcomes:
        from estimators.forecast.planning.augmented_lagrangian import solve_constrained

        return solve_constrained(problem, tol)
    if problem.curves is not None and problem.is_concave:
        return fill(problem) if _is_one_budget(problem.region) else _without_fixed(problem, solve_separable, tol)
    if problem.curves is not None:
        return _over_s_curves(problem, max(tol, 1e-4))
    return ascend(problem, tol)


def _over_s_curves(problem: Problem, tol: float) -> Solution:
    """Envelopes under one budget. Under more rows each budget alone bounds the plan, which is climbed from there."""
    region = problem.region
    if _is_one_budget(region) and not np.isfinite(region.low).any():
        return solve_s_curves(problem, tol)
    alone = [replace(problem, region=part) for part in _budgets(region) if _is_one_budget(part)]
    relaxed = [solve_s_curves(part, tol) for part in alone]
    climbed = [ascend(replace(problem, curves=None, start=found.x), tol) for found in relaxed]
    if not climbed:
        return ascend(replace(problem, curves=None), tol)
    best = max(climbed, key=lambda found: found.value)
    bound = min(found.bound for found in relaxed)
    return replace(best, bound=max(bound, best.value), bound_from="dual of the concave envelope, other rows left out")


def _budgets(region: Region) -> list[Region]:
    """The box with none of the rows, and with each row of constraints that have one."""
    single = [rows for rows in region.rows if len(rows.low) == 1]
    return [replace(region, rows=()), *(replace(region, rows=(rows,)) for rows in single)]


def ascend(problem: Problem, tol: float, max_iterations: int = 500, enough: float = float("inf")) -> Solution:
    """Projected gradient from the problem's start, or from the middle of the box, until a value that is `enough`."""
    region = problem.region
    start = problem.start
    if start is None:
        start = torch.where(torch.isfinite(region.upper), 0.5 * (region.lower + region.upper), region.lower + 1.0)
    found = climb(problem, projection_onto(region), start, tol, max_iterations, enough)
    if region.n_rows > 1 and region.size <= LP_AT_MOST and found.residual > tol and found.value < enough:
        return _with_lp_prices(problem, found)
    return found


def _with_lp_prices(problem: Problem, found: Solution) -> Solution:
    """The same plan with the Frank-Wolfe gap of one linear program, where that is smaller."""
    from estimators.forecast.planning.certificate import linear_bound

    value, gradient = problem.gradient(found.x)
    prices = linear_prices(gradient, problem.region)
    gap = linear_bound(gradient, problem.region, prices) - float(gradient @ found.x)
    if gap >= found.residual * abs(value):
        return found
    bound = value + gap if problem.is_concave else None
    proof = "Frank-Wolfe gap by one linear program" if problem.is_concave else ""
    return replace(
        found, prices=prices, bound=bound, bound_from=proof, residual=max(gap, 0.0) / max(abs(value), 1e-300)
    )


def _is_one_budget(region: Region) -> bool:
    """At most one row, with positive weights on every decision, in a finite box."""
    if region.n_rows == 0:
        return bool(torch.isfinite(region.upper).all())
    return (
        region.n_rows == 1
        and region.matrix.nnz == region.size
        and bool(np.all(region.matrix.data > 0))
        and bool(torch.isfinite(region.upper).all())
    )


def projection_onto(region: Region) -> Projection:
    """The nearest point of a region in a diagonal metric, exactly for one row and by an interior point for more."""
    if region.n_rows <= 1:
        set_ = knapsack(region)

        def onto_one(point: torch.Tensor, metric: torch.Tensor, guess: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
            x, price = project(set_, point, metric, float(guess[0]) if len(guess) else 0.0)
            return x, np.full(region.n_rows, price)

        return onto_one

    def onto_many(point: torch.Tensor, metric: torch.Tensor, guess: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        x = torch.clamp(point, region.lower, region.upper)
        if max(region.violations(x).values()) == 0.0:
            return x, np.zeros(region.n_rows)
        if bool((region.upper - region.lower <= 0).any()):
            return _project_free(region, point, metric)
        return _projected(region, point, metric)

    return onto_many


def _projected(region: Region, point: torch.Tensor, metric: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    target, weight = point.numpy(), metric.numpy()
    x, prices, _ = interior_point(lambda x: (weight * (target - x), -weight), region, 1e-10)
    return torch.from_numpy(x), prices


def _project_free(region: Region, point: torch.Tensor, metric: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    smaller, is_free = free_part(region)
    x = region.lower.clone()
    x[is_free], prices = _projected(smaller, point[is_free], metric[is_free])
    return x, prices


def free_part(region: Region) -> tuple[Region, torch.Tensor]:
    """The region of the decisions whose bounds leave room, the others held at their bounds; and which they are (n,)."""
    is_free = region.upper > region.lower
    columns = np.flatnonzero(is_free.numpy())
    held = np.where(is_free.numpy(), 0.0, region.lower.numpy())
    rows = tuple(
        replace(r, matrix=r.matrix[:, columns], low=r.low - r.matrix @ held, high=r.high - r.matrix @ held)
        for r in region.rows
    )
    return Region(region.lower[is_free], region.upper[is_free], rows, region.box_name), is_free


class _PartOfCurves:
    """Curves of the free decisions, the others held."""

    def __init__(self, curves: Curves, is_free: torch.Tensor, held: torch.Tensor) -> None:
        self.curves, self.is_free, self.held = curves, is_free, held

    def __getattr__(self, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
        asked = getattr(self.curves, name)

        def answer(x: torch.Tensor) -> torch.Tensor:
            whole = self.held.clone()
            whole[self.is_free] = x
            return asked(whole)[self.is_free]

        return answer


def _without_fixed(problem: Problem, solver: Callable[[Problem, float], Solution], tol: float) -> Solution:
    """Solves for the decisions that may move: an interior point needs room between bounds."""
    region = problem.region
    if bool((region.upper > region.lower).all()):
        return solver(problem, min(tol, 1e-9))
    smaller, is_free = free_part(region)
    held = region.lower.clone()
    curves = _PartOfCurves(problem.curves, is_free, held)
    constant = float(problem.curves.value(held)[~is_free].sum())
    part = replace(
        problem, region=smaller, curves=curves, objective=lambda x: curves.value(x).sum() + constant, start=None
    )
    found = solver(part, min(tol, 1e-9))
    held[is_free] = found.x
    return replace(found, x=held)


def certified(problem: Problem, solution: Solution) -> Certificate:
    """The kind of certificate, from the structure of the problem alone, with the figure that the solver reached."""
    unproven = [o for o in problem.outcomes if o.curvature not in ("convex", "affine")]
    if solution.bound is not None and problem.is_concave and not unproven:
        return Certificate("global", solution.gap, f"{problem.why}; {solution.bound_from}")
    if solution.bound is not None:
        return Certificate("bound", solution.gap, solution.bound_from)
    if not np.isfinite(solution.residual):
        return Certificate("none", None, "no bound and no first-order conditions: is every decision bounded?")
    reasons = [] if problem.is_concave or not problem.why else [problem.why]
    reasons += [f"{o.name} is {o.curvature}, not convex, by tags: {o.why}" for o in unproven]
    said = "residual of the first-order conditions; nothing is known of plans far away"
    return Certificate("local", solution.residual, "; ".join([*reasons, said]))
