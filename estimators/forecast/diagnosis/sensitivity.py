"""What it costs the plan if a sub-model is wrong: the plan valued, and made anew, under the model as it might be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from estimators.errors import refuse
from estimators.forecast.diagnosis.replanning import on_model, share_moved, with_node, with_parameter

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.planning.planned import Planned


@dataclass(frozen=True)
class Sensitivity:
    """What happens if `parameter` is larger by `share` than the model believes.

    promised: the objective as planned.  delivered: what this plan would then bring.  best: what a plan made knowing it
    would bring.  loss: best − delivered, which is what not knowing costs (0 or more, up to the solver's tolerance).
    share_moved: of the decisions, between the two plans.  violations: of this plan then, by constraint, in its units.
    decisions: frame with a row per cell: lever, dims, planned, replanned, change.
    """

    parameter: str
    share: float
    promised: float
    delivered: float
    best: float
    share_moved: float
    violations: dict[str, float]
    decisions: pd.DataFrame

    @property
    def loss(self) -> float:
        return self.best - self.delivered

    @property
    def loss_share(self) -> float:
        """The loss over the size of the best, NaN where that is zero."""
        return self.loss / abs(self.best) if self.best else float("nan")


def sensitivity(planned: Planned, parameter: str, share: float, tol: float = 1e-6) -> Sensitivity:
    """The plan if a parameter (``"Supply.slope"``, in all its cells) or a node (``"hours"``) is off by `share`.

    Raises CausalError 029 for a name that is neither or is not unique, a share that is not finite, or one that takes
    the parameter out of its bounds.
    """
    plan, x = planned.plan, planned.vector()
    changed = on_model(plan, _changed(plan.decisions.model, parameter, share))
    again = changed.solve(tol, x)
    with torch.no_grad():
        delivered = float(changed.value_at(x))
    if again.infeasible_because:
        detail = f"with {parameter} {share:+.0%} these contradict each other: {'; '.join(again.infeasible_because)}"
        raise refuse(
            "029", "no plan is left if the model is wrong", detail, fix="loosen a constraint, or a smaller share"
        )
    return Sensitivity(
        parameter, share, planned.objective, delivered, max(again.objective, delivered),
        share_moved(x, again.vector()), changed.violations_at(x)[0], _side_by_side(planned, again),
    )  # fmt: skip


def _changed(model: Any, name: str, share: float) -> Any:
    if not abs(share) < float("inf"):
        raise refuse("029", "a share that is no number", f"got {share}", fix="0.10 for 10 % more")
    declared = model.declarations()
    matches = [key for key in declared if key == name or key.endswith(f".{name}")]
    if len(matches) == 1:
        return with_parameter(model, matches[0], share)
    if not matches and name in model.nodes:
        return with_node(model, name, share)
    detail = f"{len(matches)} parameters are called so" if matches else "no parameter or node is called so"
    known = ", ".join([*declared, *model.nodes])
    raise refuse("029", f"{name} is not clear", detail, f"known: {known}", fix="name it in full")


def _side_by_side(planned: Planned, again: Planned) -> pd.DataFrame:
    frame = planned.to_frame().rename(columns={"value": "planned"})
    frame["replanned"] = again.to_frame()["value"]
    frame["change"] = frame["replanned"] - frame["planned"]
    return frame
