"""One study from its table to its results: design first, outcomes only after the design has passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from estimators.advice import advice
from estimators.checks import placebo_outcome
from estimators.design_stage import DesignStage, design_stage
from estimators.estimate_stage import EstimateStage, estimate_stage
from estimators.panel_analysis import panel_design_stage, panel_estimate_stage
from estimators.results import Check
from estimators.series_analysis import series_design_stage, series_estimate_stage
from estimators.study import Study
from estimators.study_parts import Shape
from estimators.study_results import Results, Run, StudyEffect


def analyse(
    data: Any,
    study: Study,
    *,
    study_id: str = "study",
    definition_hash: str = "",
    file: str = "",
    seed: str | None = None,
) -> Results:
    """Everything that a study's definition asks for, checks included.

    data: the study table (pandas frame, DuckDB relation or `Relation`), one row per unit, with the columns that the
    study-table macro makes.  file: of the definition, named in the reasons of faults.  seed: what folds and draws
    follow from; the study's name by default, so that nobody chooses it.

    Faults of data and method do not raise: they are failed checks with their code, and the study is blocked. Only
    infrastructure raises. In a blocked study every estimate is null.
    """
    seed = study_id if seed is None else seed
    design = design_of(data, study, seed)
    design = replace(design, checks=_said(design.checks, study, file))
    names = {"study_id": study_id, "definition_hash": definition_hash}
    if any(c.blocks for c in design.checks):
        return _results(design, _not_estimated(design, study), study, names)
    found = _STAGES[study.shape][1](design, seed)
    found = replace(found, checks=_said(found.checks, study, file))
    if not found.effects:
        found = replace(found, effects=_not_estimated(design, study).effects)
    return _results(design, found, study, names)


_STAGES: dict[Shape, tuple[Callable[..., DesignStage], Callable[..., EstimateStage]]] = {
    "cross_section": (design_stage, estimate_stage),
    "panel": (panel_design_stage, panel_estimate_stage),
    "series": (series_design_stage, series_estimate_stage),
}


def design_of(data: Any, study: Study, seed: str) -> DesignStage:
    """The first stage of a study, whatever the shape of its table."""
    return _STAGES[study.shape][0](data, study, seed)


def _said(checks: Sequence[Check], study: Study, file: str) -> tuple[Check, ...]:
    """Checks with their waivers, and with the file where a fault can be mended."""
    waived = {w.check for w in study.waivers}
    said = []
    for check in checks:
        is_waived = check.is_gate and check.status == "not_evaluated" and check.check_name in waived
        where = f"; see {file}" if file and check.code and check.status == "fail" else ""
        said.append(replace(check, is_waived=is_waived, reason=check.reason + where))
    return tuple(said)


def _not_estimated(design: DesignStage, study: Study) -> EstimateStage:
    """Rows without numbers for all that would have been estimated: a blocked effect is shown, never dropped."""
    n_treated, n_control = design.arms
    size = {"n_units": n_treated + n_control, "n_treated": n_treated}
    effects = [
        StudyEffect(m.name, study.estimand_of(m), "", o.name, "", o.role, m.name == study.headline.name, **size)
        for m in study.methods
        for o in study.outcomes
    ]
    return EstimateStage(tuple(effects), (), design.attrition, design.arms, design.data_fingerprint)


def _results(design: DesignStage, found: EstimateStage, study: Study, names: dict[str, str]) -> Results:
    checks = (*design.checks, *found.checks)
    is_blocked = any(c.blocks for c in checks)
    effects = found.effects
    return Results(
        effects=tuple(e.withheld() for e in effects) if is_blocked else effects,
        checks=checks,
        balance=design.balance,
        overlap=design.overlap,
        attrition=found.attrition,
        run=_run(study, checks, found),
        estimates=tuple(e.estimate for e in effects),
        event_times=() if is_blocked else found.event_times,
        series=() if is_blocked else found.series,
        sensitivity=() if is_blocked else found.sensitivity,
        advice=advice(design.facts, study),
        **names,
    )


def _run(study: Study, checks: Sequence[Check], found: EstimateStage) -> Run:
    blocking = [c for c in checks if c.blocks]
    bounds = [
        c.bias_bound
        for c in checks
        if c.check_name == placebo_outcome.NAME and c.method == study.headline.name and c.bias_bound is not None
    ]
    is_verified = not blocking and not any(c.is_waived for c in checks)
    return Run(
        status="blocked" if blocking else "published",
        tier="verified" if is_verified else "unverified",
        bias_bound=max(bounds, default=None),
        n_failed=len(blocking),
        n_warned=sum(c.status == "warn" for c in checks),
        reason=_first_reason(blocking),
        data_fingerprint=found.data_fingerprint,
        n_units=sum(found.arms),
        n_treated=found.arms[0],
        acknowledged_block=study.acknowledged_block,
        as_of=study.as_of,
    )


def _first_reason(blocking: Sequence[Check]) -> str:
    """Failures before gates that could not be evaluated."""
    ranked = sorted(blocking, key=lambda c: c.status != "fail")
    return f"{ranked[0].check_name}: {ranked[0].reason}" if ranked else ""
