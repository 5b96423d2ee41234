"""How much the plan hangs on the history that it was made from: made anew without parts of it, and on draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from estimators.errors import refuse
from estimators.forecast.diagnosis.replanning import on_model, share_moved, with_state
from estimators.forecast.labels.tensor import Tensor

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.planning.planned import Planned


@dataclass(frozen=True)
class Stability:
    """plans: frame with a row per plan made anew, NaN where none was feasible; decisions: with a row per cell.

    Columns of plans: left_out (labels of a slice, or a draw), promised (its own objective), value (on the model that
    saw everything), loss (what that lacks to the plan), share_moved (of the decisions).
    Columns of decisions: lever, dims, planned, mean, sd, lowest, highest over the plans.
    """

    plans: pd.DataFrame
    decisions: pd.DataFrame

    @property
    def worst_loss(self) -> float:
        return float(self.plans["loss"].max())

    @property
    def mean_share_moved(self) -> float:
        return float(self.plans["share_moved"].mean())


def stability(planned: Planned, slices: int = 4, draws: int = 0, tol: float = 1e-6) -> Stability:
    """The plan made anew without each of `slices` blocks of history, and on the first `draws` draws of the parameters.

    The observed nodes of a block count as not observed; its inputs stay, so that carry-over does. Constraints, horizon
    and trust region are the plan's. Raises CausalError 029 for less than two plans or slices shorter than two labels.
    """
    import pandas as pd

    plan, x = planned.plan, planned.vector()
    _refuse(planned, slices, draws)
    rows, vectors = [], []
    for name, model in [*_refits(plan.fitted, slices), *_draws(plan.fitted, draws)]:
        again = on_model(plan, model).solve(tol, x)
        if again.infeasible_because:
            rows.append({"left_out": name, "promised": float("nan"), "value": float("nan")})
            continue
        vector = again.vector()
        with torch.no_grad():
            value = float(plan.value_at(vector))
        moved = share_moved(x, vector)
        rows.append({"left_out": name, "promised": again.objective, "value": value, "share_moved": moved})
        vectors.append(vector)
    plans = pd.DataFrame(rows)
    plans["loss"] = planned.objective - plans["value"]
    return Stability(plans, _spread(planned, torch.stack(vectors or [x])))


def _refuse(planned: Planned, slices: int, draws: int) -> None:
    fitted = planned.plan.fitted
    if slices + draws < 2 or slices < 0 or draws < 0 or slices == 1:
        detail = f"{slices} slices and {draws} draws"
        raise refuse("029", "nothing to compare the plan with", detail, fix="take 2 slices or more, or 2 draws or more")
    if draws > len(fitted.draws):
        detail = f"{draws} are asked for, the fit has {len(fitted.draws)}"
        raise refuse("029", "more draws than there are", detail, fix="model.fit(..., draws=50)")
    n = fitted.model.dims.size(fitted.time)
    if slices and n < 2 * slices:
        detail = f"{n} labels of {fitted.time} in {slices} slices"
        raise refuse("029", "slices of less than two labels", detail, fix="take fewer slices")


def _refits(fitted: Any, slices: int) -> Iterator[tuple[str, Any]]:
    """By label of the block that was left out the model refitted without it."""
    labels = fitted.model.dims[fitted.time]
    ends = [round(i * len(labels) / slices) for i in range(slices + 1)] if slices else []
    for first, last in pairwise(ends):
        history = {
            name: _blank(tensor, fitted.time, first, last) if name in fitted.model.nodes else tensor
            for name, tensor in fitted.history.items()
        }
        yield f"{labels[first]!s} to {labels[last - 1]!s}", refitted(fitted, history).model


def refitted(fitted: Any, history: dict[str, Tensor], dims: Any = None) -> Any:
    """The same model trained from its starting values on another history, in the same way but without draws."""
    options = {f.name: getattr(fitted.options, f.name) for f in fields(fitted.options)}
    model = fitted.model.rebuilt(dims)
    return model.fit(history, fitted.loss, endogenous=fitted.endogenous, time=fitted.time, **options)


def _blank(tensor: Tensor, time: str, first: int, last: int) -> Tensor:
    if time not in tensor.axes:
        return tensor
    data = tensor.data.clone()
    data.narrow(tensor.axes.axis(time), first, last - first).fill_(torch.nan)
    return Tensor(data, tensor.axes)


def _draws(fitted: Any, n: int) -> Iterator[tuple[str, Any]]:
    yield from ((f"draw {i + 1}", with_state(fitted.model, state)) for i, state in enumerate(fitted.draws[:n]))


def _spread(planned: Planned, vectors: torch.Tensor) -> pd.DataFrame:
    """vectors: (plans, cells), in the order of the plan's levers and their cells."""
    frame = planned.to_frame().rename(columns={"value": "planned"})
    return frame.assign(
        mean=vectors.mean(0).numpy(),
        sd=vectors.std(0).numpy(),
        lowest=vectors.amin(0).numpy(),
        highest=vectors.amax(0).numpy(),
    )
