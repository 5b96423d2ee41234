"""What happens to a plan after the solver: a rule takes over where the forecast is too uncertain, or people do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.planning.certificate import Certificate
from estimators.forecast.planning.decisions import on_cells
from estimators.forecast.planning.support import share_outside

if TYPE_CHECKING:
    from estimators.forecast.planning.planned import Planned

RULES = ("status_quo", "last_year")
DAYS_OF_A_YEAR = 364  # 52 weeks: the same weekday


def gated(planned: Planned, max_width: float, fallback: Any, level: float) -> Planned:
    """The plan if its interval on fresh draws is at most `max_width` of its mean wide, and a fallback otherwise.

    fallback: ``status_quo`` (every lever as it was last), ``last_year`` (as it was a year before, label by label), or
    decisions by lever. Either way the record says what was compared.
    Raises CAUSAL-029 without draws, for unknown rules, and where the history does not reach back a year.
    """
    if planned.fresh is None:
        raise refuse(
            "029", "no draws to judge the plan by", "its uncertainty is unknown", fix="model.fit(..., draws=50)"
        )
    low, high = planned.fresh.interval(level)
    width = (high - low) / max(abs(planned.fresh.mean), 1e-300)
    text = f"{level:.0%} interval is {width:.3g} of the mean wide, at most {max_width:g} is allowed"
    if planned.infeasible_because:
        text = "the plan is infeasible"
    elif width <= max_width:
        return planned.noted(f"gate passed: {text}")
    decisions = _rule(planned, fallback) if isinstance(fallback, str) else fallback
    name = fallback if isinstance(fallback, str) else "given decisions"
    return _put_in_place(planned, decisions, "fallback", f"gate: {text}; fallback {name}")


def overridden(planned: Planned, decisions: Mapping[str, Any], who: str, why: str) -> Planned:
    """The plan with decisions that people made. Levers that are not named keep the plan's."""
    if not who or not why:
        raise refuse("029", "an override without who and why", fix='plan.override({...}, who="…", why="…")')
    unknown = [name for name in decisions if name not in planned.plan.decisions.levers]
    if unknown:
        raise refuse(
            "029",
            f"an override of {', '.join(unknown)}, which the plan does not decide",
            f"decided are {', '.join(planned.plan.decisions.levers)}",
            fix="override what the plan decides",
        )
    whole = {**planned.decisions, **decisions}
    return _put_in_place(planned, whole, "override", f"override of {', '.join(decisions)} by {who}: {why}")


def _put_in_place(planned: Planned, decisions: Mapping[str, Any], status: str, text: str) -> Planned:
    plan = planned.plan
    tensors = {
        name: Tensor(on_cells(decisions[name], lever.axes, name), lever.axes)
        for name, lever in plan.decisions.levers.items()
        if name in decisions
    }
    x = plan.decisions.flat(tensors)
    violations, relative = plan.violations_at(x)
    with torch.no_grad():
        objective = float(plan.value_at(x))
    return planned.noted(
        text, decisions=plan.decisions.tensors(x), objective=objective, status=status, violations=violations,
        relative_violations=relative, shadow_prices={}, infeasible_because=(), fresh=plan.on_draws(x),
        share_outside=share_outside(x, plan.tried),
        certificate=Certificate("none", None, f"not chosen by a solver: {text}"),
    )  # fmt: skip


def _rule(planned: Planned, name: str) -> dict[str, Tensor]:
    plan = planned.plan
    if name == "status_quo":
        return plan.decisions.tensors(plan.as_last())
    if name == "last_year":
        return {lever: _a_year_before(planned, lever) for lever in plan.decisions.levers}
    raise refuse("029", f"an unknown fallback {name}", f"known are {', '.join(RULES)}", fix="one of them, or decisions")


def _a_year_before(planned: Planned, name: str) -> Tensor:
    """A lever's history a year before each label of the horizon: by date, or 52 labels for labels that are none."""
    import datetime

    plan = planned.plan
    time, past, lever = plan.decisions.time, plan.fitted.history[name], plan.decisions.levers[name]
    if time not in past.axes:
        return past
    known, wanted = past.axes[time], []
    for i, label in enumerate(plan.decisions.weeks):
        if isinstance(label, datetime.date):
            wanted.append(label - datetime.timedelta(days=DAYS_OF_A_YEAR))
        else:
            wanted.append(known[len(known) - 52 + i] if len(known) >= 52 and i < 52 else None)
    missing = [str(label) for label in wanted if label not in known.positions]
    if missing:
        raise refuse(
            "029", f"the history of {name} does not reach back a year", f"there is no {missing[0]}",
            fix='fallback="status_quo", or pass decisions',
        )  # fmt: skip
    return Tensor(past.select(**{time: wanted}).data, lever.axes)
