"""B2: bonus and coupon under one budget, through the labelled modules as they are, or rewritten for cvxpy."""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.planning_marketplace import budget_plan
from benchmarks.runs.clock import report, timed


def by_clarabel(n: int) -> float:
    """The same marketplace written for cvxpy by hand: its parameters are read from the model."""
    import cvxpy

    plan = budget_plan(n)
    supply, demand = (plan.decisions.model[name] for name in ("Supply", "Demand"))
    horizon, regions = len(plan.decisions.weeks), n // 2 // len(plan.decisions.weeks)
    decay = float(supply.carry.decay.data)
    past = plan.decisions.given["bonus"].data.numpy()[:, : plan.decisions.lead]
    bonus, coupon = cvxpy.Variable((regions, horizon)), cvxpy.Variable((regions, horizon))
    whole = cvxpy.hstack([past, bonus])
    carried = sum(decay**lag * whole[:, past.shape[1] - lag : past.shape[1] - lag + horizon] for lag in range(5))
    hours = _repeated(supply.base, horizon) + cvxpy.multiply(
        _repeated(supply.slope, horizon), cvxpy.log1p(carried / 2.0)
    )
    orders = _repeated(demand.base, horizon) + cvxpy.multiply(
        _repeated(demand.slope, horizon), cvxpy.log1p(coupon / 1.5)
    )
    rides, most_hours, most_orders = (cvxpy.Variable((regions, horizon)) for _ in range(3))
    pairs = cvxpy.vstack([cvxpy.vec(most_hours - most_orders, order="C"), cvxpy.vec(2 * rides, order="C")])
    cone = cvxpy.SOC(cvxpy.vec(most_hours + most_orders, order="C"), pairs)
    box = [bonus >= 0, bonus <= 5, coupon >= 0, coupon <= 5, cvxpy.sum(bonus) + cvxpy.sum(coupon) <= n]
    return cvxpy.Problem(
        cvxpy.Maximize(cvxpy.sum(rides)), [cone, most_hours <= hours, most_orders <= orders, *box]
    ).solve("CLARABEL")


def _repeated(parameter: object, horizon: int) -> np.ndarray:
    return np.repeat(parameter.data.detach().numpy()[:, None], horizon, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("--by", default="ours", choices=["ours", "clarabel"])
    options = parser.parse_args()
    if options.by == "clarabel":
        objective, seconds = timed(lambda: by_clarabel(options.n))
        report(seconds, objective=float(objective))
        return
    plan = budget_plan(options.n)
    best, seconds = timed(lambda: plan.solve(1e-6))
    worst = max(best.violations.values())
    kind = best.certificate.kind
    report(seconds, objective=best.objective, gap=best.gap, kind=kind, violation=worst, iterations=best.iterations)


if __name__ == "__main__":
    main()
