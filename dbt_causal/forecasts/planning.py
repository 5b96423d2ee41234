"""The declared plan as the library's plan: constraints by their type, inputs that are known ahead, the fallback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.frames import records_of
from dbt_causal.forecasts.kept import take_plan
from dbt_causal.forecasts.plan_records import plan_id
from estimators.errors import refuse

if TYPE_CHECKING:
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
        _horizon(definition, trained),
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


def doubted(definition: Forecast, planned: Planned) -> Iterator[str]:
    """Names of the parameters that say what a decision does; of the nodes that read it where modules are own ones."""
    from estimators.forecast.declared.build import module_name

    declared = planned.plan.decisions.model.declarations()
    for node in definition.nodes:
        for name in [name for name, _ in node.reads if name in definition.decisions]:
            slope = f"{module_name(node.name)}.slope_{name}"
            yield slope if slope in declared else node.name


def _horizon(definition: Forecast, trained: Trained) -> Any:
    """The labels ahead that the history names, or how many periods follow it."""
    for tensor in trained.prepared.ahead.values():
        if definition.time in tensor.dims:
            return list(tensor.axes[definition.time])[: definition.horizon]
    return definition.horizon


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
