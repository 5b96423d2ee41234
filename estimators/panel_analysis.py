"""The two stages of a study of a panel: structure and trends before treatment first, effects only after they pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from estimators import robustness
from estimators.checks import attrition, interference, missing_values, outcome_values, panel_structure, pre_trends
from estimators.checks.panel_structure import Structure
from estimators.checks.pre_trends import Trend
from estimators.checks.verdict import METHOD_ERRORS, failed, failures
from estimators.design_stage import DesignStage
from estimators.effects.did import DidDesign, did_design
from estimators.effects.goodman_bacon import goodman_bacon
from estimators.effects.method import PanelDesign, PanelSpec
from estimators.effects.panel import panel_design
from estimators.errors import CausalError, Fault
from estimators.estimate_stage import EstimateStage, adjusted, without_error
from estimators.facts import Facts
from estimators.fingerprint import fingerprint
from estimators.panel_table import COHORT, PERIOD, UNIT, complete, panel_table
from estimators.prepare import complete_covariates
from estimators.results import Check, Effect
from estimators.study import Study
from estimators.study_methods import Did, Method, Panel
from estimators.study_results import StudyEffect
from estimators.study_table import StudyTable, listed, shown

COMPARISON = "comparison"


def panel_design_stage(data: Any, study: Study, seed: str) -> DesignStage:
    """Structure of the panel, covariates, and trends before treatment. Reads no outcome under treatment."""
    try:
        table = panel_table(data, study)
    except CausalError as error:
        return DesignStage(None, tuple(failures(error)))
    wrong = _wrong_kinds(table)
    if wrong:
        return DesignStage(table, (wrong,))
    stage, structure = _data_stage(table)
    if stage.has_failed_data:
        return replace(stage, facts=_facts(stage, structure))
    stage = _designed(stage, seed)
    checks, found = _pre_trends(stage, seed)
    stage = stage.adding(checks, source=found)
    stage = stage.adding([attrition.check(stage.attrition), *interference.assumed(stage.table)])
    return replace(stage, facts=_facts(stage, structure))


def _wrong_kinds(table: StudyTable) -> Check | None:
    columns = dict.fromkeys((*table.outcomes, *table.negative_controls), ("number", "boolean"))
    columns |= dict.fromkeys(table.covariates, ("number", "boolean", "text"))
    kinds = table.relation.columns
    wrong = [f"{shown(c)} is of kind {kinds[c]}" for c, allowed in columns.items() if kinds[c] not in allowed]
    if not wrong:
        return None
    fix = "cast them in the feature model: covariates to a number, boolean or text, outcomes to a number"
    return failed("column_types", Fault("001", "columns of a wrong type", (listed(wrong),), fix))


def _data_stage(table: StudyTable) -> tuple[DesignStage, Structure]:
    structure = panel_structure.read(table)
    checks = panel_structure.judge(table, structure)
    columns = [*table.covariates, *table.outcomes, *table.negative_controls]
    facts = table.relation.aggregate({"n": "count(*)", **missing_values.null_measures(table, columns)})
    checks += missing_values.judge(table, facts, columns, missing_values.NAME)
    arms = (structure.n_treated, structure.n_never)
    numeric = ["treatment", *(c for c in (COHORT, PERIOD) if table.has(c)), *table.covariates]
    stage = DesignStage(
        table=table,
        checks=tuple(checks),
        attrition=attrition.steps(table, arms),
        arms=arms,
        data_fingerprint=fingerprint(table, sorted(numeric)) if table.has("unit_bucket") else "",
    )
    prepared = complete_covariates(table, facts)
    prepared = complete(prepared, [*table.outcomes, *table.negative_controls])
    return replace(stage, table=prepared), structure


def _spec(table: StudyTable, seed: str, **options: Any) -> PanelSpec:
    return PanelSpec(
        unit=UNIT,
        time=PERIOD,
        cohort=COHORT if table.has(COHORT) else None,
        covariates=table.covariates,
        cluster=table.cluster,
        weights=table.weights,
        seed=seed,
        options={**options, "max_levels": table.study.max_levels},
    )


def _did_spec(table: StudyTable, method: Did, seed: str) -> PanelSpec:
    return _spec(table, seed, **method.options(), anticipation=table.study.anticipation_periods)


def _panel_spec(table: StudyTable, method: Panel, seed: str) -> PanelSpec:
    spec = _spec(table, seed, **method.options(), estimand=table.study.estimand_of(method))
    return replace(spec, treatment="treatment", cohort=None)


def design(table: StudyTable, method: Method, seed: str, outcomes: Sequence[str] = ()) -> PanelDesign:
    """The first stage of one method on the panel; `outcomes` are only checked for faults."""
    if isinstance(method, Did):
        return did_design(table.relation, _did_spec(table, method, seed), outcomes)
    if isinstance(method, Panel):
        return panel_design(table.relation, _panel_spec(table, method, seed), outcomes)
    raise TypeError(f"{method.name} does not read panels")


def _designed(stage: DesignStage, seed: str) -> DesignStage:
    designs: dict[str, Any] = {}
    for method in stage.table.study.methods:
        try:
            designs[method.name] = design(stage.table, method, seed)
        except METHOD_ERRORS as error:
            stage = stage.adding(failures(error, method=method.name))
            continue
        stage = stage.adding(designs[method.name].checks)
    return replace(stage, designs=designs)


def _pre_trends(stage: DesignStage, seed: str) -> tuple[list[Check], dict[str, Trend]]:
    """Event times before treatment, by `did` whatever the method; a dose has no time of treatment to look before.

    A verdict other than "pass" does not block a study that `did` leads: its second stage then publishes the interval
    that allows for such trends (HonestDiD), and blocks if there is none.
    """
    table, study = stage.table, stage.table.study
    if study.treatment_kind == "continuous" or not stage.designs:
        return [], {}
    try:
        events = _event_design(stage, seed)
        found = events.pre_trends(table.outcomes)
    except METHOD_ERRORS as error:
        return [replace(c, check_name=pre_trends.NAME) for c in failures(error)], {}
    trends = {t.outcome: Trend(t, events.scale(t.outcome)) for t in found}
    checks = [pre_trends.judge(t.found, t.scale, study.margin, seed) for t in trends.values()]
    is_open = study.headline.name == "did"
    checks = [replace(c, outcome=shown(c.outcome), is_gate=c.is_gate and not is_open) for c in checks]
    return checks, trends


def _event_design(stage: DesignStage, seed: str) -> DidDesign:
    """The study's own did, or its defaults with whoever is not treated yet as control."""
    own = stage.designs.get("did")
    if isinstance(own, DidDesign):
        return own
    control = "never" if stage.arms[1] else "not_yet"
    return did_design(stage.table.relation, _did_spec(stage.table, Did(name="did", control=control), seed))


def _facts(stage: DesignStage, structure: Structure) -> Facts:
    verdicts = [c.status for c in stage.checks if c.check_name == pre_trends.NAME]
    is_binary = stage.table.study.treatment_kind == "binary"
    return Facts(
        n_treated=structure.n_treated,
        n_control=structure.n_never,
        n_cohorts=structure.n_cohorts if is_binary else None,
        n_never_treated=structure.n_never,
        forbidden_share=_forbidden_share(stage.table) if is_binary and structure.n_cohorts > 1 else None,
        has_parallel_trends=all(v == "pass" for v in verdicts) if verdicts else None,
    )


def _forbidden_share(table: StudyTable) -> float | None:
    """Weights do not depend on the outcome, so that any number may stand in for it; unbalanced panels have none."""
    try:
        return goodman_bacon(table.relation, UNIT, PERIOD, "treatment", PERIOD).forbidden_weight
    except METHOD_ERRORS:
        return None


def panel_estimate_stage(stage: DesignStage, seed: str) -> EstimateStage:
    """Effects of every method on every outcome, by event time and cohort too, and what they withstand."""
    table = stage.table
    facts = outcome_values.scan(table)
    checks = outcome_values.judge(table, facts)
    found = EstimateStage((), tuple(checks), stage.attrition, stage.arms, stage.data_fingerprint)
    if any(c.blocks for c in checks):
        return found
    try:
        estimates = {m: d.estimate(table.outcomes).effects for m, d in stage.designs.items()}
        rows = [row for m in estimates for row in _rows(stage, estimates[m], m)]
        rows += [row for column in table.segments for row in _by_segment(stage, column, seed)]
        rows += _beside(stage, seed)
    except METHOD_ERRORS as error:
        return replace(found, checks=(*found.checks, *failures(error)))
    faults = [c for effects in estimates.values() for c in without_error(effects)]
    more = robustness.of_panel(stage, estimates, seed)
    return replace(
        found,
        effects=tuple(adjusted([more.applied(row) for row in rows])),
        checks=(*found.checks, *faults, *more.checks),
        event_times=tuple(_event_times(estimates)),
        sensitivity=more.sensitivity,
    )


def _rows(stage: DesignStage, effects: Sequence[Effect], method: str, segment: str = "") -> Iterator[StudyEffect]:
    study = stage.table.study
    roles = {f"outcome_{o.name}": o.role for o in study.outcomes}
    for e in effects:
        is_headline = method == study.headline.name and not segment
        yield StudyEffect.of(
            e, role=roles[e.outcome], is_headline=is_headline, outcome=shown(e.outcome), segment=segment
        )


def _by_segment(stage: DesignStage, column: str, seed: str) -> Iterator[StudyEffect]:
    """The headline method within each level of a segment."""
    table, name = stage.table, stage.table.relation.name(column)
    levels = table.relation.aggregate({}, by={"level": f"cast({name} as string)"}, where=f"{name} is not null")["level"]
    for level in levels:
        text = f"cast({name} as string) = {table.relation.text(str(level))}"
        part = table.with_relation(table.relation.filter(text))
        effects = design(part, table.study.headline, seed).estimate(table.outcomes).effects
        yield from _rows(stage, effects, table.study.headline.name, f"{shown(column)}={level}")


def _beside(stage: DesignStage, seed: str) -> list[StudyEffect]:
    """What two-way fixed effects would have said, where another method leads."""
    study = stage.table.study
    if "panel" in stage.designs or study.treatment_kind == "continuous":
        return []
    # Without covariates: those measured once per unit are in its fixed effect.
    spec = replace(_panel_spec(stage.table, Panel(name="panel"), seed), covariates=())
    effects = panel_design(stage.table.relation, spec).estimate(stage.table.outcomes).effects
    return [replace(row, role=COMPARISON) for row in _rows(stage, effects, "panel")]


def _event_times(estimates: Mapping[str, Sequence[Effect]]) -> Iterator[Mapping[str, Any]]:
    for effects in estimates.values():
        for e in effects:
            if e.effects is None:
                continue
            own = {"method": e.method, "estimand": e.estimand, "outcome": shown(e.outcome)}
            for record in e.effects.drop(columns="outcome", errors="ignore").to_dict("records"):
                yield {**own, **record}
