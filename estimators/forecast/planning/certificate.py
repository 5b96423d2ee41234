"""How far from the best a plan can be, and what proves it.

For a concave objective ``f(z) ≤ f(x) + ∇f(x)·(z − x)``, so that the largest linear gain over the region, the
Frank-Wolfe gap (Jaggi 2013), bounds what any plan could add. The largest linear gain is itself bounded by any
multipliers of the rows (weak duality), so that no solver's word is taken: the prices it reports are only an ingredient
of a bound that holds for all prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from estimators.forecast.planning.knapsack import Knapsack, best_vertex
from estimators.forecast.planning.region import Region

Kind = Literal["global", "bound", "local", "none"]


@dataclass(frozen=True)
class Certificate:
    """kind: ``global`` (concave by composition of module tags, over a convex set), ``bound`` (a dual or an envelope),
    ``local`` (residual of the first-order conditions) or ``none``.  value: the relative gap, or the residual.

    why: what justifies the kind, in words.  It holds for the fitted model, not for the world.
    """

    kind: Kind
    value: float | None
    why: str

    def __str__(self) -> str:
        figure = "" if self.value is None else f" {self.value:.2g}"
        return f"{self.kind}{figure}: {self.why} (for the fitted model)"


def linear_bound(gradient: torch.Tensor, region: Region, prices: np.ndarray) -> float:
    """An upper bound of gradient · z over the region that is valid for any prices (m,), whatever their source."""
    prices = np.where((prices > 0) & ~np.isfinite(region.high), 0.0, prices)
    prices = np.where((prices < 0) & ~np.isfinite(region.low), 0.0, prices)
    reduced = gradient - torch.from_numpy(np.asarray(region.matrix.T @ prices)) if len(prices) else gradient
    corner = torch.where(reduced > 0, region.upper, region.lower)
    from_box = float(torch.where(reduced == 0, torch.zeros_like(reduced), reduced * corner).sum())
    bounds = np.where(prices > 0, region.high, region.low)
    return from_box + float(np.sum(np.where(prices == 0, 0.0, prices * np.where(prices == 0, 0.0, bounds))))


def frank_wolfe_gap(
    gradient: torch.Tensor, x: torch.Tensor, region: Region, prices: np.ndarray, is_sorted: bool = False
) -> tuple[float, np.ndarray]:
    """The largest gain ∇f(x)·(z − x), bounded from above, and the prices that prove it.

    At the solver's prices, or exactly by one sort where the region has one row and `is_sorted` asks for it.
    """
    here = float(gradient @ x)
    best, proof = linear_bound(gradient, region, prices) - here, prices
    if (
        is_sorted
        and region.n_rows == 1
        and bool(torch.isfinite(region.lower).all() & torch.isfinite(region.upper).all())
    ):
        sorted_prices = np.array([best_vertex(knapsack(region), gradient)[1]])
        gap = linear_bound(gradient, region, sorted_prices) - here
        best, proof = (gap, sorted_prices) if gap < best else (best, proof)
    return best, proof


def knapsack(region: Region) -> Knapsack:
    """The region as a box with its one row; with none, a row that never binds."""
    if not region.rows:
        return Knapsack(torch.zeros_like(region.lower), -np.inf, np.inf, region.lower, region.upper)
    weights = torch.from_numpy(region.matrix.toarray()[0])
    return Knapsack(weights, float(region.low[0]), float(region.high[0]), region.lower, region.upper)


def linear_prices(gradient: torch.Tensor, region: Region) -> np.ndarray:
    """Prices (m,) of the best linear gain by HiGHS, for regions whose solver has none."""
    from scipy.optimize import linprog

    low, high = region.low, region.high
    upper, lower = np.isfinite(high), np.isfinite(low) & ~(np.isfinite(high) & (low == high))
    from scipy import sparse

    rows = sparse.vstack([region.matrix[upper], -region.matrix[lower]])
    bounds = np.c_[region.lower.numpy(), region.upper.numpy()]
    answer = linprog(-gradient.numpy(), A_ub=rows, b_ub=np.r_[high[upper], -low[lower]], bounds=bounds, method="highs")
    prices = np.zeros(len(low))
    if answer.status == 0:
        marginals = -answer.ineqlin.marginals
        prices[upper] += marginals[: upper.sum()]
        prices[lower] -= marginals[upper.sum() :]
    return prices
