"""The declared plan as the library's plan: constraints by their type, inputs that are known ahead, the fallback."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.ahead import labels_ahead
from dbt_causal.forecasts.frames import records_of
from dbt_causal.forecasts.kept import take_plan
from dbt_causal.forecasts.plan_records import plan_id
from estimators.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

    from dbt_causal.forecasts.model import Trained
    from dbt_causal.forecasts.work import Work
    from estimators.forecast.declared.definition import Forecast
    from estimators.forecast.planning.plan import Plan
    from estimators.forecast.planning.planned import Planned


def declared_plan(definition: Forecast, trained: Trained) -> Plan:
    """The plan of the definition, not solved. Inputs that it does not decide are taken from the weeks ahead."""
    from estimators import forecast as fc

    time = definition.time
    known = {name: tensor for name, tensor in trained.prepared.ahead.items() if name not in definition.decisions}
    moving = {name: tensor for name, tensor in known.items() if time in tensor.dims}
    plan = fc.Plan(
        trained.fitted,
        definition.decisions,
        labels_ahead(definition, trained),
        inputs=moving,
        experiments=trained.experiments,
    )
    plan.maximise(fc.total(*definition.objective.maximise))
    for declared in definition.constraints:
        plan.subject_to(*_constraints(declared))
    return plan


def solved(definition: Forecast, plan: Plan) -> Planned:
    """The plan of the definition: robust if it asks for it, and replaced by its fallback if it is too uncertain."""
    best = plan.solve()
    if best.infeasible_because:
        return best
    if definition.robust is not None:
        best = best.robust(definition.robust.cvar)
    if definition.gate is not None:
        best = best.gate(definition.gate.max_width, fallback=definition.gate.fallback)
    return best


def same_plan(work: Work, trained: Trained) -> Planned:
    """The plan that the step `plan` made. Raises CAUSAL-029 if making it again gives another one."""
    best = take_plan(work.identity, lambda: solved(work.definition, declared_plan(work.definition, trained)))
    (summary,) = records_of(work.earlier["plan"], "plan")
    if plan_id(best) != summary["plan_id"]:
        fix = f"build what follows the fit: dbt build -s {work.identity.forecast_id}__fit+"
        raise refuse("029", "the plan is another one by now", "it was made anew, with other decisions", fix=fix)
    return best


def refuse_withheld(plan: pd.DataFrame) -> None:
    """Raises CAUSAL-029 if the plan is withheld: then nobody acts on it, and nothing is said about it."""
    if not any(row.get("plan_id") for row in records_of(plan, "plan")):
        raise refuse("029", "the plan is withheld", "nothing is said about it", fix="see the checks of the step plan")


def ordered(definition: Forecast, planned: Planned, overrides: pd.DataFrame) -> Planned:
    """The plan with the cells that people decided otherwise; the plan itself if there are none.

    overrides: columns lever, the lever's dims, value, decided_by, reason. Raises CAUSAL-029 for columns, levers or
    cells that are not there, for values that are missing, for cells given twice and for rows without author or reason.
    """
    from estimators.forecast.labels.tensor import Tensor

    _refuse_columns(definition, overrides)
    if overrides.empty:
        return planned
    changed = {}
    for name, rows in overrides.groupby("lever", sort=True):
        if name not in planned.decisions:
            known = ", ".join(planned.decisions)
            raise refuse("029", f"an override of {name}, which the plan does not decide", f"decided are {known}")
        before = planned.decisions[name]
        cells, places = before.data.clone(), set()
        for row in rows.to_dict("records"):
            place = tuple(before.axes.position(dim, row[dim]) for dim in before.dims)
            if place in places or not math.isfinite(row["value"]):
                labels = ", ".join(f"{dim} {row[dim]}" for dim in before.dims)
                what = "given twice" if place in places else "without a value"
                raise refuse("029", f"an override that is {what}", f"{name} at {labels}", fix="one number per cell")
            places.add(place)
            cells[place] = float(row["value"])
        changed[name] = Tensor(cells, before.axes)
    who, why = ("; ".join(sorted(set(map(str, overrides[column])))) for column in ("decided_by", "reason"))
    return planned.override(changed, who, why)


def _refuse_columns(definition: Forecast, overrides: pd.DataFrame) -> None:
    dims = {dim for name in definition.decisions for dim in definition.inputs[name].dims}
    missing = sorted({"lever", "value", "decided_by", "reason", *dims} - set(overrides.columns))
    if missing:
        raise refuse("029", "overrides without a column", f"missing: {', '.join(missing)}", fix="add it to the model")
    unsaid = int(
        (overrides[["decided_by", "reason"]].fillna("").map(lambda text: not str(text).strip())).any(axis=1).sum()
    )
    if unsaid:
        detail = f"{unsaid} of {len(overrides)} rows"
        raise refuse("029", "overrides without who and why", detail, fix="fill decided_by and reason in")


def doubted(definition: Forecast, planned: Planned) -> Iterator[str]:
    """Names of the parameters that say what a decision does; of the nodes that read it where modules are own ones."""
    from estimators.forecast.declared.build import module_name

    declared = planned.plan.decisions.model.declarations()
    for node in definition.nodes:
        for name in [name for name, _ in node.reads if name in definition.decisions]:
            slope = f"{module_name(node.name)}.slope_{name}"
            yield slope if slope in declared else node.name


def _constraints(declared: Any) -> list[Any]:
    """A declared constraint in the planner's own words."""
    from estimators import forecast as fc

    if declared.type == "support":
        return [fc.support(declared.stretch)]
    if declared.type == "box":
        low = float("-inf") if declared.lower is None else declared.lower
        high = float("inf") if declared.upper is None else declared.upper
        return [fc.box(declared.decision, low, high)]
    if declared.type == "ramp":
        return [fc.ramp(declared.decision, declared.dim, declared.at_most)]
    if declared.type == "ratio":
        limited = fc.total(declared.numerator) / fc.total(declared.denominator)
    else:
        limited = fc.total(*declared.of)
        limited = limited if declared.by is None else fc.by(declared.by, limited)
    found = [] if declared.at_most is None else [limited <= declared.at_most]
    return found if declared.at_least is None else [*found, limited >= declared.at_least]
