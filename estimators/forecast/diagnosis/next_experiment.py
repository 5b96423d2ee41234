"""Which experiment to run next: the one whose result is worth most to the plan, by the draws of the fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.diagnosis.replanning import on_model, with_state
from estimators.forecast.diagnosis.value_of_experiment import value_of_experiments

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.planning.planned import Planned


def next_experiment(planned: Planned, candidates: pd.DataFrame, n_plans: int = 10, tol: float = 1e-4) -> pd.DataFrame:
    """Candidate experiments ranked by what they are worth to the plan, the best first.

    candidates: as for `fc.Experiments.from_table`, with the std_error that each design can reach and without an effect.
    Their windows lie in the history: a design is judged as if it had been run then. A column `cost` is optional, in
    units of the objective.  n_plans: how many draws are planned for anew; these plans, this one and the status quo are
    what one may change to, so that values are lower bounds.
    Returns the frame of `value_of_experiments`. Raises CausalError 029 without draws, or for designs that do not fit.
    """
    from estimators.forecast.experiments.table import Experiments
    from estimators.forecast.training.effects import predicted

    fitted = planned.plan.fitted
    if len(fitted.draws) < 2:
        fix = "model.fit(..., draws=50), so that the model knows what it does not know"
        raise refuse("029", "no uncertainty to resolve", f"the fit has {len(fitted.draws)} draws", fix=fix)
    designs = candidates.drop(columns=[c for c in ("cost",) if c in candidates]).assign(effect=0.0, split="train")
    if "source" not in designs:
        designs["source"] = "randomised"
    table = Experiments.from_table(designs)
    _, effects = predicted(fitted, table)
    costs = _costs(candidates, table)
    errors = np.array([row.std_error for row in table])
    names = [row.name for row in table]
    return value_of_experiments(_values(planned, n_plans, tol), effects, errors, names=names, costs=costs)


def _costs(candidates: pd.DataFrame, table: Any) -> np.ndarray | None:
    if "cost" not in candidates:
        return None
    of_name = dict(zip(candidates["experiment"].astype(str), candidates["cost"].astype(float), strict=True))
    return np.array([of_name[str(row.name)] for row in table])


def _values(planned: Planned, n_plans: int, tol: float) -> np.ndarray:
    """The objective (draws, plans) of this plan, the status quo, and the plans of the first draws."""
    plan = planned.plan
    x = planned.vector()
    vectors = [x, plan.as_last()]
    for state in plan.fitted.draws[:n_plans]:
        again = on_model(plan, with_state(plan.fitted.model, state)).solve(tol, x)
        if not again.infeasible_because:
            vectors.append(again.vector())
    with torch.no_grad():
        return np.array([[float(plan.value_at(x, state)) for x in vectors] for state in plan.fitted.draws])
