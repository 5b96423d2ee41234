"""Regret of what was done against the best that could have been, split into four causes that add up to the bit.

With f the outcome under the realised noise, x° the best plan in hindsight, xᵉ the best under the true expectation, xᵐ
the best under the model, xˢ the plan that the solver gave and xᵃ what was really done:

    f(x°) − f(xᵃ) = [f(x°) − f(xᵉ)] + [f(xᵉ) − f(xᵐ)] + [f(xᵐ) − f(xˢ)] + [f(xˢ) − f(xᵃ)]
                     noise            model            solver           execution

Only the total is sure not to be negative: a wrong model may be lucky, and people may do better than the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from estimators.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

PLANS = ("ex_post", "expected", "model", "solver", "actual")  # x°, xᵉ, xᵐ, xˢ, xᵃ
TERMS = ("noise", "model", "solver", "execution")
Kind = Literal["truth", "model-relative"]
_BITS = 48  # of the 53 of a double: five are left for sums of the four terms


@dataclass(frozen=True)
class Regret:
    """noise, model, solver, execution: what each cause cost, in units of the objective; they add up to `total` exactly.

    values: f of each of `PLANS`.  kind: `truth` where f is known (a simulator), `model-relative` where it is the model
    refitted on what happened.  by: frame with a row per cell (its label, the four terms, total), or None.
    """

    noise: float
    model: float
    solver: float
    execution: float
    total: float
    values: Mapping[str, float]
    kind: Kind
    by: pd.DataFrame | None = None

    @property
    def terms(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in TERMS}

    @property
    def share(self) -> float:
        """Total regret as a share of the best value, NaN where that is zero."""
        best = abs(self.values["ex_post"])
        return self.total / best if best > 0.0 else math.nan

    def to_frame(self) -> pd.DataFrame:
        """One row per term and one for the total: term, value, kind."""
        import pandas as pd

        rows = {**self.terms, "total": self.total}
        return pd.DataFrame({"term": list(rows), "value": list(rows.values()), "kind": self.kind})


def split_regret(values: Mapping[str, Any], kind: Kind, cells: list[Hashable] | None = None) -> Regret:
    """The split of regret from f of the five `PLANS`: numbers, or arrays with one value per cell (named by `cells`).

    Values are rounded to 48 bits of the largest before they are subtracted, so that the terms add up exactly in any
    order, over cells too. Raises CausalError 029 for a missing plan, a plan too many, NaN or infinity.
    """
    table = _on_one_grid(_table(values))
    sums = table.sum(axis=1)
    terms = dict(zip(TERMS, (sums[:-1] - sums[1:]).tolist(), strict=True))
    totals = dict(zip(PLANS, sums.tolist(), strict=True))
    by = _by_cell(table, cells) if table.shape[1] > 1 or cells is not None else None
    return Regret(**terms, total=totals["ex_post"] - totals["actual"], values=totals, kind=kind, by=by)


def regret_of_plans(outcome: Callable[[Any], Any], plans: Mapping[str, Any], kind: Kind) -> Regret:
    """`split_regret` where f is a function of the decisions: `outcome` is called once for each of the five `plans`."""
    _refuse_wrong_plans(plans)
    return split_regret({name: outcome(plans[name]) for name in PLANS}, kind)


def _table(values: Mapping[str, Any]) -> np.ndarray:
    """f by plan and cell, (5, n_cells)."""
    _refuse_wrong_plans(values)
    rows = [np.atleast_1d(np.asarray(values[name], dtype=float)).ravel() for name in PLANS]
    if len({len(row) for row in rows}) > 1:
        sizes = ", ".join(f"{name} {len(row)}" for name, row in zip(PLANS, rows, strict=True))
        raise refuse(
            "029", "plans over different cells", f"cells by plan: {sizes}", fix="value all plans on one horizon"
        )
    table = np.stack(rows)
    broken = [name for name, row in zip(PLANS, table, strict=True) if not np.isfinite(row).all()]
    if broken:
        fix = "give a finite value of every plan, or leave out the cells where the outcome is not known"
        raise refuse("029", "regret of a plan without a value", f"not finite: {', '.join(broken)}", fix=fix)
    return table


def _refuse_wrong_plans(plans: Mapping[str, Any]) -> None:
    missing = [name for name in PLANS if name not in plans]
    unknown = [name for name in plans if name not in PLANS]
    if missing or unknown:
        details = [f"missing: {', '.join(missing)}"] if missing else []
        details += [f"unknown: {', '.join(map(str, unknown))}"] if unknown else []
        raise refuse("029", "regret needs five plans", *details, fix=f"give {', '.join(PLANS)}")


def _on_one_grid(table: np.ndarray) -> np.ndarray:
    """Multiples of one power of two: their sums and differences, of up to all cells, have no rounding error."""
    largest = float(np.abs(table).sum(axis=1).max())
    if largest == 0.0:
        return table
    step = math.ldexp(1.0, math.frexp(largest)[1] - _BITS)
    return np.round(table / step) * step


def _by_cell(table: np.ndarray, cells: list[Hashable] | None) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(dict(zip(TERMS, table[:-1] - table[1:], strict=True)))
    frame.insert(0, "cell", cells if cells is not None else range(table.shape[1]))
    frame["total"] = table[0] - table[-1]
    return frame
