"""S-curves under one budget: the best plan, and a proven bound of how much better any plan could be.

A curve that is convex up to its inflection and concave beyond it lies below its concave envelope: a line from the
lower end to the point of tangency, then the curve. The problem of the envelopes is separable and concave, its dual at
any price is an upper bound, and its optimum leaves at most one decision on a line (Shapley and Folkman; Udell and Boyd
2013, "Maximizing a sum of sigmoids"). Splitting that decision's interval and bounding both parts anew (branch and
bound) closes what is left of the gap.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from estimators.forecast.planning.certificate import knapsack
from estimators.forecast.planning.curves import Curves, ElementwiseCurves
from estimators.forecast.planning.knapsack import Knapsack
from estimators.forecast.planning.problem import Problem, Solution
from estimators.forecast.planning.waterfilling import settle

HALVINGS = 45
SPLITS = 4000
SPLITS_THROUGH_MODEL = 6  # where every look at a curve is a pass through the model
PRICES = 200


@dataclass(frozen=True)
class Envelope:
    """lower, upper: the curves' intervals.  touch: where line and curve meet.  rise, floor: of the line; all (n,)."""

    lower: torch.Tensor
    upper: torch.Tensor
    touch: torch.Tensor
    rise: torch.Tensor
    floor: torch.Tensor


@dataclass(frozen=True)
class Relaxed:
    """The dual of one box: its bound and price, a feasible plan near it, and where the envelopes' plan is on a line.

    split: that decision and its value, or None where the envelopes' plan is a plan of the curves.
    """

    bound: float
    price: float
    x: torch.Tensor
    value: float
    split: tuple[int, float] | None


def envelope_of(curves: Curves, lower: torch.Tensor, upper: torch.Tensor) -> Envelope:
    """The concave envelope of each curve on its own interval; all intervals are searched at once by halving.

    The line from the lower end to t lies above the curve up to the t at which the slope has fallen to the line's.
    """
    floor = curves.value(lower)
    left, right = torch.maximum(lower, torch.minimum(curves.inflection(), upper)), upper.clone()
    for _ in range(HALVINGS):
        middle = 0.5 * (left + right)
        is_above = curves.slope(middle) * (middle - lower) > curves.value(middle) - floor
        left, right = torch.where(is_above, middle, left), torch.where(is_above, right, middle)
    is_bent = curves.inflection() > lower
    touch = torch.where(is_bent, right, lower)
    run = (touch - lower).clamp_min(1e-300)
    rise = torch.where(touch > lower, (curves.value(touch) - floor) / run, curves.slope(lower))
    return Envelope(lower, upper, touch, rise, floor)


def relaxed(curves: Curves, set_: Knapsack, envelope: Envelope) -> Relaxed:
    """The least dual value over the budget's price, which bounds every plan in the intervals, and a plan."""
    inner = Knapsack(set_.weights, set_.low, set_.high, envelope.lower, envelope.upper)
    cheap, price = _prices(curves, inner, envelope)
    less = _at(curves, inner, envelope, price)
    paid = curves.value(less) - price * inner.weights * less
    kept = envelope.floor - price * inner.weights * envelope.lower
    bound = float(torch.maximum(paid, kept).sum()) + (price * set_.high if price > 0 else 0.0)
    if price == 0.0:
        return Relaxed(bound, price, less, float(curves.value(less).sum()), None)
    x, split = _completed(curves, inner, _at(curves, inner, envelope, cheap), less)
    return Relaxed(bound, price, x, float(curves.value(x).sum()), split)


def _at(curves: Curves, set_: Knapsack, envelope: Envelope, price: float) -> torch.Tensor:
    """What each decision takes at this price: its concave part, or nothing where the line is too flat."""
    cost = price * set_.weights
    taken = curves.inverse_slope(cost, envelope.touch, envelope.upper)
    return torch.where(envelope.rise > cost, taken, envelope.lower)


def _prices(curves: Curves, set_: Knapsack, envelope: Envelope) -> tuple[float, float]:
    """Neighbouring prices between which spending falls to the budget; zeros if it is never reached."""
    if float((set_.weights * _at(curves, set_, envelope, 0.0)).sum()) <= set_.high:
        return 0.0, 0.0
    below, above = 0.0, float((envelope.rise.clamp_min(0.0) / set_.weights).max()) * 1.0001
    for _ in range(PRICES):
        price = 0.5 * (below + above)
        spent = float((set_.weights * _at(curves, set_, envelope, price)).sum())
        below, above = (price, above) if spent > set_.high else (below, price)
        if above - below <= 1e-9 * above:
            break  # the bound holds at any price
    return below, above


def _completed(
    curves: Curves, set_: Knapsack, more: torch.Tensor, less: torch.Tensor
) -> tuple[torch.Tensor, tuple[int, float] | None]:
    """A feasible plan between the two: jumps are filled in turn; and the jump for which too little was left."""
    x, split = less.clone(), None
    room = set_.high - float((set_.weights * x).sum())
    jumps = torch.nonzero(more - less > 1e-4 * (set_.upper - set_.lower).clamp_min(1e-300)).ravel().tolist()
    for i in jumps:
        need = float(set_.weights[i] * (more[i] - less[i]))
        if need <= room:
            x[i], room = more[i], room - need
        elif split is None:
            split = i, float(less[i]) + room / float(set_.weights[i])
    plans = [polished(curves, set_, x)]
    if split is not None:
        x[split[0]] = more[split[0]]
        plans.append(polished(curves, set_, x))
    return max(plans, key=lambda plan: float(curves.value(plan).sum())), split


def polished(curves: Curves, set_: Knapsack, x: torch.Tensor) -> torch.Tensor:
    """The best filling of the decisions that are on, each kept on its concave part; those that are off stay off."""
    is_on = x > set_.lower
    if not bool(is_on.any()):
        return x
    start = torch.where(is_on, torch.minimum(torch.maximum(set_.lower, curves.inflection()), set_.upper), set_.lower)
    ceiling = torch.where(is_on, set_.upper, set_.lower)
    on = Knapsack(set_.weights, set_.low, set_.high, start, ceiling)
    if on.least() > set_.high:
        return settle(Knapsack(set_.weights, set_.low, set_.high, set_.lower, ceiling), x, set_.high)
    if on.most() <= set_.high:
        return ceiling

    def spent(price: float) -> tuple[float, torch.Tensor]:
        at = torch.where(is_on, curves.inverse_slope(price * set_.weights, start, ceiling), set_.lower)
        return float((set_.weights * at).sum()) - set_.high, at

    return settle(on, _met(spent, float((curves.slope(start) / set_.weights).max())), set_.high)


def _met(spent: Callable[[float], tuple[float, torch.Tensor]], highest: float) -> torch.Tensor:
    """The plan at the price where a falling excess meets zero, by the Illinois rule (Dowell and Jarratt 1971)."""
    below, above = 0.0, highest
    over, (under, x) = spent(below)[0], spent(above)
    side = 0
    for _ in range(PRICES):
        price = (below * under - above * over) / (under - over) if over > 0 > under else 0.5 * (below + above)
        excess, x = spent(price)
        if abs(excess) <= 1e-12 * max(abs(over), abs(under)) or above - below <= 1e-11 * above:
            break
        if excess > 0:
            below, over, under, side = price, excess, under * (0.5 if side > 0 else 1.0), 1
        else:
            above, under, over, side = price, excess, over * (0.5 if side < 0 else 1.0), -1
    return x


def solve_s_curves(problem: Problem, tol: float = 1e-4) -> Solution:
    """The best plan found and the least bound proven, until they are within `tol` or further splits are not worth it.

    The budget is an upper one: what the curves gain by spending less than a lower bound asks for is not forbidden here.
    """
    curves, set_ = problem.curves, knapsack(problem.region)
    most = SPLITS_THROUGH_MODEL if isinstance(curves, ElementwiseCurves) else SPLITS
    root = relaxed(curves, set_, envelope_of(curves, set_.lower, set_.upper))
    best, splits = root, 0
    queue = [(-root.bound, 0, root, set_.lower, set_.upper)]
    settled = -float("inf")  # the highest bound of boxes whose own plan is as good as their bound
    while queue and splits < most:
        bound = -queue[0][0]
        if bound - best.value <= tol * abs(best.value):
            break
        _, _, parent, lower, upper = heapq.heappop(queue)
        if parent.split is None:
            settled = max(settled, parent.bound)
            continue
        for part in _halves(parent.split, lower, upper):
            if float((set_.weights * part[0]).sum()) > set_.high:
                continue  # the part's least spending is beyond the budget
            splits += 1
            child = relaxed(curves, set_, envelope_of(curves, *part))
            best = max(best, child, key=lambda found: found.value)
            if child.bound > best.value:
                heapq.heappush(queue, (-min(child.bound, parent.bound), splits, child, *part))
    bound = max(-queue[0][0] if queue else settled, settled, best.value)
    return Solution(
        best.x, best.value, np.full(problem.region.n_rows, root.price), "envelope and branch and bound", splits + 1,
        bound, "dual of the concave envelope", (bound - best.value) / max(abs(best.value), 1e-300),
    )  # fmt: skip


def _halves(
    split: tuple[int, float], lower: torch.Tensor, upper: torch.Tensor
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Both parts of the interval of the decision that is on a line, divided where the envelopes' plan has it."""
    i, at = split
    width = float(upper[i] - lower[i])
    at = min(max(at, float(lower[i]) + 0.1 * width), float(upper[i]) - 0.1 * width)
    left, right = upper.clone(), lower.clone()
    left[i] = right[i] = at
    return [(lower, left), (right, upper)]
