"""Every fault of the definitions of forecasts: of each by itself, of the list of steps, and of the alarms of plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from estimators.definition_faults import did_you_mean
from estimators.errors import Fault

if TYPE_CHECKING:
    from dbt_causal.definitions import Definitions, Entry

STEPS = (
    "fit", "forecast", "backtest", "consistency", "plan", "regret", "sensitivity", "stability", "monitoring",
    "next_experiment",
)  # fmt: skip
NEEDS = {
    "forecast": ("fit",),
    "backtest": ("fit",),
    "consistency": ("fit",),
    "plan": ("fit", "consistency"),
    "regret": ("fit", "plan"),
    "sensitivity": ("fit", "plan"),
    "stability": ("fit", "plan"),
    "monitoring": ("fit",),
    "next_experiment": ("fit", "plan"),
}
GATES = ("causal.agrees_with_experiments", "causal.is_feasible", "causal.has_certificate")
LEAF = "__published"


def forecast_faults(definitions: Definitions) -> Iterator[Fault]:
    """Faults of all forecasts of a project; `vars.forecasts` that is empty turns them off."""
    from estimators.forecast.declared.definition import definition_faults

    listed = definitions.forecast_steps
    forecasts = [e for e in definitions.entries if e.forecast is not None]
    if listed == {}:
        return
    for entry in forecasts:
        yield from definition_faults(without_answers(entry.forecast), entry.where)
        if entry.model not in (listed or {}):
            detail = (
                f"{entry.model} is not in vars.forecasts of dbt_project.yml{did_you_mean(entry.model, listed or {})}"
            )
            fix = f"add it with its steps: {entry.model}: [{', '.join(STEPS[:3])}]"
            yield Fault("003", "forecast is not listed", (detail,), fix, entry.where())
    place = definitions.project_source.where(("vars", "forecasts"))
    for name, steps in (listed or {}).items():
        yield from _step_faults(name, steps, [e.model for e in forecasts], place)
        if "plan" in steps:
            yield from _leaf_faults(name, definitions, place)


def without_answers(meta: Any) -> Any:
    """A definition without `acknowledged_block`, which is an answer to its hash and no part of it."""
    return {k: v for k, v in meta.items() if k != "acknowledged_block"} if isinstance(meta, dict) else meta


def _step_faults(name: str, steps: list[str], defined: list[str], place: str) -> Iterator[Fault]:
    if name not in defined:
        detail = f"vars.forecasts lists {name}, which no model defines{did_you_mean(name, defined)}"
        yield Fault("003", "unknown forecast", (detail,), "correct the name, or take it off the list", place)
    for step in steps:
        if step not in STEPS:
            detail = f"{name} has a step {step}{did_you_mean(step, STEPS)}"
            yield Fault("003", "unknown step", (detail,), f"steps: {', '.join(STEPS)}", place)
    for step in steps:
        missing = [other for other in NEEDS.get(step, ()) if other not in steps]
        if missing:
            detail = f"{step} of {name} reads {' and '.join(missing)}"
            yield Fault(
                "003", "a step without what it reads", (detail,), f"add {', '.join(missing)} to its steps", place
            )


def _leaf_faults(name: str, definitions: Definitions, place: str) -> Iterator[Fault]:
    leaf = name + LEAF
    entries: list[Entry] = [e for e in definitions.entries if e.model == leaf]
    tests = [test for entry in entries for test in entry.tests]
    missing = [gate for gate in GATES if gate not in tests]
    if missing:
        detail = f"{leaf} has no test {', '.join(missing)}: a plan that is withheld would go unnoticed"
        fix = f"add data_tests: [{', '.join(missing)}] to {leaf}"
        where = entries[0].source.where(entries[0].path) if entries else place
        yield Fault("001", "plan without its alarm", (detail,), fix, where)
