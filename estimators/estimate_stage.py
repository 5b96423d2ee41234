"""The second stage of an analysis: the outcomes, and only after the design has passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from estimators import methods, prepare, robustness
from estimators.checks import attrition, interference, outcome_values
from estimators.checks.family import holm
from estimators.checks.verdict import METHOD_ERRORS, count, failed, failures
from estimators.design_stage import DesignStage
from estimators.effects.method import Design
from estimators.errors import Fault
from estimators.fingerprint import fingerprint
from estimators.results import Check, Effect
from estimators.study_results import StudyEffect
from estimators.study_table import StudyTable, shown

COMPARISON = "comparison"


@dataclass(frozen=True)
class EstimateStage:
    """What the second stage found, and the first stage's record as it then stood."""

    effects: tuple[StudyEffect, ...]
    checks: tuple[Check, ...]
    attrition: tuple[Any, ...]
    arms: tuple[int, int]
    data_fingerprint: str
    event_times: tuple[Mapping[str, Any], ...] = ()
    series: tuple[Mapping[str, Any], ...] = ()
    sensitivity: tuple[Any, ...] = ()


def estimate_stage(stage: DesignStage, seed: str) -> EstimateStage:
    """Effects of every method on every outcome. Faults of data and method become failed checks."""
    facts = outcome_values.scan(stage.table)
    checks = outcome_values.judge(stage.table, facts)
    found = EstimateStage((), tuple(checks), stage.attrition, stage.arms, _fingerprint(stage))
    if any(c.blocks for c in checks):
        return found
    table = prepare.winsorised_outcomes(prepare.complete_outcomes(stage.table, facts))
    found = _counted(found, table, facts)
    try:
        designs = stage.designs if table is stage.table else _again(table, seed)
        joint = {method: design.estimate(table.outcomes) for method, design in designs.items()}
        effects, faults = _effects(table, designs, {m: j.effects for m, j in joint.items()}, seed)
        more = robustness.of_units(table, designs, {m: j.effects for m, j in joint.items()}, seed)
    except METHOD_ERRORS as error:
        return replace(found, checks=(*found.checks, *failures(error)))
    for outcome in table.study.primary_outcomes:
        faults += interference.check(table, f"outcome_{outcome.name}")
    return replace(
        found,
        effects=tuple(adjusted(effects)),
        checks=(*found.checks, *faults, *more.checks),
        sensitivity=more.sensitivity,
    )


def _fingerprint(stage: DesignStage) -> str:
    """Of the design's data and of the outcomes."""
    numeric = stage.table.numeric(stage.table.outcomes)
    return stage.data_fingerprint[:16] + fingerprint(stage.table, sorted(numeric))[:16]


def _counted(found: EstimateStage, table: StudyTable, facts: Mapping[str, Any]) -> EstimateStage:
    arms = (count(facts, "complete_1"), count(facts, "complete_0"))
    if table.study.missing_values == "zero" or arms == found.arms:
        return found
    steps = attrition.then(found.attrition, "without: missing outcomes", arms)
    return replace(found, arms=arms, attrition=steps, checks=(*found.checks, attrition.check(steps)))


def _again(table: StudyTable, seed: str) -> dict[str, Design]:
    """The designs on the rows that the outcomes leave, when some were left out or limited."""
    return {method.name: methods.design(table, method, seed) for method in table.study.methods}


def _effects(
    table: StudyTable, designs: Mapping[str, Design], joint: Mapping[str, Sequence[Effect]], seed: str
) -> tuple[list[StudyEffect], list[Check]]:
    study, effects, faults = table.study, [], []
    for method, design in designs.items():
        faults += without_error(joint[method])
        effects += _rows(table, joint[method], method == study.headline.name)
        for segment in table.segments:
            rows, unknown = _by_segment(table, method, design, segment)
            effects += rows
            faults += unknown
    if study.design == "observational" and study.treatment_kind == "binary" and not _has_raw(table):
        raw = methods.raw_comparison(table, seed).estimate(table.outcomes)
        effects += [replace(row, role=COMPARISON) for row in _rows(table, raw.effects, is_headline=False)]
    return effects, faults


def _has_raw(table: StudyTable) -> bool:
    return any(m.name == "difference" and not m.adjust for m in table.study.methods)


def without_error(effects: Iterable[Effect]) -> list[Check]:
    """An estimate without a standard error is no estimate; that of a weak instrument is withheld on purpose."""
    found = []
    for e in effects:
        if not e.diagnostics.get("is_weak") and not (
            np.isfinite(e.estimate) and np.isfinite(e.std_error) and e.std_error > 0.0
        ):
            detail = f"{e.method} on {shown(e.outcome)}: standard error {e.std_error:g}"
            fault = Fault("023", "no standard error", (detail,), "more units, or fewer covariates")
            found.append(failed("standard_error", fault, method=e.method, outcome=shown(e.outcome)))
    return found


def _by_segment(table: StudyTable, method: str, design: Design, segment: str) -> tuple[list[StudyEffect], list[Check]]:
    """Effects by level of one segment. A level too small for the method warns; it does not block the study."""
    try:
        joint = design.estimate(table.outcomes, segment)
    except METHOD_ERRORS as error:
        return [], [_no_segment(method, segment, failures(error)[0].reason)]
    unknown = {e.segment for e in joint.effects if not (np.isfinite(e.estimate) and e.std_error > 0.0)}
    known = [e for e in joint.effects if e.segment not in unknown]
    checks = [_no_segment(method, segment, f"no standard error in {len(unknown)} of its levels")] if unknown else []
    return _rows(table, known, is_headline=False, segment=segment), checks


def _no_segment(method: str, segment: str, why: str) -> Check:
    reason = f"no estimate by {shown(segment)}: {why}"
    return Check("segments", "warn", reason, is_gate=False, method=method, code="023")


def _rows(table: StudyTable, effects: Iterable[Effect], is_headline: bool, segment: str = "") -> list[StudyEffect]:
    roles = {f"outcome_{o.name}": o.role for o in table.study.outcomes}
    return [
        StudyEffect.of(
            e,
            role=roles[e.outcome],
            is_headline=is_headline,
            outcome=shown(e.outcome),
            segment=f"{shown(segment)}={e.segment}" if segment else "",
        )
        for e in effects
    ]


def adjusted(effects: list[StudyEffect]) -> list[StudyEffect]:
    """Holm over the headline method's primary outcomes × segments; beside it, intervals at the Bonferroni level."""
    headline = {e.method for e in effects if e.is_headline}
    family = [i for i, e in enumerate(effects) if e.method in headline and e.role == "primary"]
    adjusted = holm([effects[i].p_value for i in family])
    z = NormalDist().inv_cdf(1.0 - 0.025 / max(len(family), 1))
    found = list(effects)
    for i, p in zip(family, adjusted, strict=True):
        e = found[i]
        interval = {
            "ci_lower_adjusted": e.estimate - z * e.std_error,
            "ci_upper_adjusted": e.estimate + z * e.std_error,
        }
        found[i] = replace(e, p_value_adjusted=p, diagnostics={**e.diagnostics, **interval})
    return found
