"""Regret of a plan once the outcome is known: against the truth of a simulator, or against the model refitted on it.

What happened gives every observed node a residual. The realised outcome of any other plan is the model with these
residuals added to its nodes (abduction, action, prediction: Pearl 2009, section 7.1); its expectation is the model
without them. Outside a simulator the model is the refitted one, and the regret says so: `model-relative`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from estimators.errors import refuse
from estimators.forecast.diagnosis.regret import PLANS, Regret, split_regret
from estimators.forecast.diagnosis.replanning import on_model, with_residuals
from estimators.forecast.diagnosis.stability import refitted
from estimators.forecast.labels.operations import concat
from estimators.forecast.labels.tensor import Tensor

if TYPE_CHECKING:
    from estimators.forecast.collection import ModelCollection
    from estimators.forecast.planning.plan import Plan
    from estimators.forecast.planning.planned import Planned


@dataclass(frozen=True)
class Hindsight:
    """expected: the model that holds by now, without noise.  residuals: by node what happened less what it expected."""

    expected: ModelCollection
    residuals: dict[str, Tensor]


def regret(
    best: Planned,
    actuals: Mapping[str, Tensor],
    *,
    truth: ModelCollection | None = None,
    noise: Mapping[str, Tensor] | None = None,
    by: str | None = None,
    tol: float = 1e-6,
) -> Regret:
    """What was lost against the best plan in hindsight, split into noise, model, solver and execution.

    actuals: over the horizon, every lever as it really was; other inputs as they really were, where they differ from
    those of the plan; and the observed nodes, from which the model is refitted.
    truth, noise: in a simulator the true model and, by node, what it was off over the horizon; nothing is refitted
    then.  by: a dim to split the regret over.  tol: of the plans made anew, under the constraints of this one.
    Raises CausalError 029 for levers, labels or nodes that are missing.
    """
    plan = best.plan
    taken = _taken(plan, actuals)
    seen = Hindsight(truth, dict(noise or {})) if truth is not None else _refitted(plan, actuals)
    realised = with_residuals(seen.expected, seen.residuals)
    as_it_was = on_model(plan, realised, _given(plan, actuals))
    solved = best if best.status == "optimised" else plan.solve()
    plans = {
        "expected": _vector(on_model(plan, seen.expected), tol, solved.vector()),
        "model": solved.vector() if _is_proven(solved, tol) else _vector(plan, tol, solved.vector()),
        "solver": solved.vector(),
        "actual": taken,
    }
    # what a solver finds for the realised outcome can miss a plan that is known already by its tolerance
    found = _vector(as_it_was, tol, plans["expected"])
    plans["ex_post"] = max((found, *(plans[name] for name in PLANS[1:4])), key=lambda x: _value(as_it_was, x))
    values = {name: _values(as_it_was, plans[name], by) for name in PLANS}
    cells = [*plan.decisions.labels_of((plan.objective.parts[0].name,), (by,))[by]] if by else None
    return split_regret(values, "truth" if truth is not None else "model-relative", cells)


def _is_proven(planned: Planned, tol: float) -> bool:
    """Whether the plan is known to be the model's best, so that nothing is left for the solver to have missed."""
    return planned.gap is not None and planned.gap <= tol


def _taken(plan: Plan, actuals: Mapping[str, Tensor]) -> torch.Tensor:
    missing = [name for name in plan.decisions.levers if name not in actuals]
    if missing:
        fix = "take them from the log of decisions: what was really done, not what was planned"
        raise refuse("029", "regret of decisions that nobody noted", f"missing: {', '.join(missing)}", fix=fix)
    return plan.decisions.flat({name: _over_horizon(plan, name, actuals[name]) for name in plan.decisions.levers})


def _over_horizon(plan: Plan, name: str, value: Tensor) -> Tensor:
    time, weeks = plan.decisions.time, plan.decisions.weeks
    if time not in value.axes:
        return value
    missing = [label for label in weeks if label not in value.axes[time].positions]
    if missing:
        detail = f"{name} has none of {len(missing)} of {len(weeks)} labels of {time}, the first is {missing[0]}"
        raise refuse(
            "029", "actuals that end before the horizon", detail, fix="wait for them, or plan a shorter horizon"
        )
    return value.select(**{time: list(weeks)})


def _given(plan: Plan, actuals: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All inputs over lead-in and horizon, those that are not decided as they really were where that is known."""
    decisions = plan.decisions
    found = dict(decisions.given)
    for name, planned in decisions.given.items():
        if name in actuals and name not in decisions.levers and decisions.time in planned.axes:
            lead = planned.select(**{decisions.time: list(planned.axes[decisions.time][: decisions.lead])})
            later = _over_horizon(plan, name, actuals[name])
            found[name] = Tensor(concat([lead, later], decisions.time).data, planned.axes)
    return found


def _refitted(plan: Plan, actuals: Mapping[str, Tensor]) -> Hindsight:
    """The model of the plan trained again with what happened, and what it leaves unexplained over the horizon."""
    fitted, decisions = plan.fitted, plan.decisions
    observed = [name for name in fitted.model.nodes if name in fitted.history and name in actuals]
    if not observed:
        detail = f"observed before: {', '.join(n for n in fitted.model.nodes if n in fitted.history) or 'none'}"
        raise refuse("029", "no outcome to learn from", detail, fix="add the observed nodes to the actuals")
    time = decisions.time
    weeks = [*fitted.model.dims[time], *decisions.weeks]
    history = {
        name: _continued(plan, name, tensor, actuals) if time in tensor.axes else tensor
        for name, tensor in fitted.history.items()
    }
    model = refitted(fitted, history, fitted.model.dims.replace(**{time: weeks})).model
    with torch.no_grad():
        isolated = model.forward(history, observed=history)
    horizon = {time: list(decisions.weeks)}
    return Hindsight(model, {name: _residual(history[name], isolated[name], horizon) for name in observed})


def _continued(plan: Plan, name: str, past: Tensor, actuals: Mapping[str, Tensor]) -> Tensor:
    """History and horizon in one: what happened, for an input else what the plan took for granted, for a node NaN."""
    decisions = plan.decisions
    weeks = list(decisions.weeks)
    if name in actuals:
        later = _over_horizon(plan, name, actuals[name])
    elif name in decisions.given:
        later = decisions.given[name].select(**{decisions.time: weeks})
    else:
        axes = past.axes.replace(**{decisions.time: weeks})
        later = Tensor(torch.full(axes.shape, torch.nan, dtype=past.data.dtype), axes)
    return concat([past, later], decisions.time)


def _residual(actual: Tensor, modelled: Tensor, horizon: dict[str, Any]) -> Tensor:
    seen = actual.transpose(*modelled.dims).select(**horizon)
    expected = modelled.select(**horizon)
    return Tensor((seen.data - expected.data).nan_to_num(nan=0.0), expected.axes)


def _vector(plan: Plan, tol: float, start: torch.Tensor) -> torch.Tensor:
    return plan.solve(tol, start).vector()


def _value(plan: Plan, x: torch.Tensor) -> float:
    with torch.no_grad():
        return float(plan.value_at(x))


def _values(plan: Plan, x: torch.Tensor, by: str | None) -> Any:
    """The objective, or its parts by the labels of a dim; a constant in it is the same for all plans and left out."""
    if by is None:
        return _value(plan, x)
    with torch.no_grad():
        return plan.decisions.evaluate(replace(plan.objective, by=(by,), constant=0.0), x).numpy()
