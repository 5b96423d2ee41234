"""The first stage of an analysis: cohort, balance, overlap, A/A. It never reads the study's outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from estimators import methods, prepare
from estimators.checks import (
    attrition,
    balance,
    collinearity,
    data,
    instrument,
    instrument_balance,
    interference,
    overlap,
    placebo_in_time,
    placebo_outcome,
    placebo_treatment,
    randomised_balance,
)
from estimators.checks.moments import Moments, moments
from estimators.checks.verdict import METHOD_ERRORS, count, failed, failures
from estimators.effects.iv import IvDesign
from estimators.effects.method import Design, Estimates
from estimators.errors import CausalError, Fault
from estimators.facts import Facts
from estimators.fingerprint import fingerprint
from estimators.results import Attrition, Balance, Check, Overlap
from estimators.study import Study
from estimators.study_table import StudyTable, listed, shown, study_table


@dataclass(frozen=True)
class DesignStage:
    """What the first stage found. table: with the declared preparation applied, None where there was none to read.

    designs: by method, those that could be made.  arms: units analysed, treated and control.  facts: for the advice on
    methods.  source: the series, or the trends before
    treatment, that the second stage needs again.
    """

    table: StudyTable | None
    checks: tuple[Check, ...] = ()
    balance: tuple[Balance, ...] = ()
    overlap: tuple[Overlap, ...] = ()
    attrition: tuple[Attrition, ...] = ()
    designs: Mapping[str, Design] = field(default_factory=dict)
    arms: tuple[int, int] = (0, 0)
    data_fingerprint: str = ""
    facts: Facts = field(default_factory=Facts)
    source: Any = None

    def adding(self, checks: Sequence[Check], **changes: Any) -> DesignStage:
        return replace(self, checks=(*self.checks, *checks), **changes)

    @property
    def has_failed_data(self) -> bool:
        """A fault with a code: the methods would refuse these data, or be misled by them."""
        return any(c.status == "fail" and c.code for c in self.checks)


def design_stage(source: Any, study: Study, seed: str) -> DesignStage:
    """All design checks of a study. Faults of data and method become failed checks; only infrastructure raises."""
    try:
        table = study_table(source, study)
    except CausalError as error:
        return DesignStage(None, tuple(failures(error)))
    wrong = _wrong_kinds(table)
    if wrong:
        return DesignStage(table, (wrong,))
    facts = data.scan(table)
    stage = _data_stage(table, facts)
    if stage.has_failed_data:
        return stage
    stage = _prepared(stage, facts)
    if stage.has_failed_data:
        return stage
    return _checked(stage, facts, seed)


def _wrong_kinds(table: StudyTable) -> Check | None:
    covariates = table.of_kind(table.covariates, "time", "other")
    placebos = table.of_kind(table.placebos, "time", "other", "text")
    wrong = [f"{shown(c)} is of kind {table.relation.columns[c]}" for c in (*covariates, *placebos)]
    if not wrong:
        return None
    fix = "cast them in the feature model: covariates to a number, boolean or text, placebo outcomes to a number"
    return failed("column_types", Fault("001", "columns of a wrong type", (listed(wrong),), fix))


def _data_stage(table: StudyTable, facts: Mapping[str, Any]) -> DesignStage:
    arms = (count(facts, "arm_1"), count(facts, "arm_0"))
    used = [*table.covariates, *table.placebos, *table.segments, "unit_bucket", "treatment"]
    used += table.instruments
    used += [c for c in ("treated_at", table.cluster, table.weights) if c and table.has(c)]
    return DesignStage(
        table=table,
        checks=tuple(data.judge(table, facts)),
        attrition=attrition.steps(table, arms),
        arms=arms,
        data_fingerprint=fingerprint(table, sorted(used)),
    )


def _prepared(stage: DesignStage, facts: Mapping[str, Any]) -> DesignStage:
    """Missing values and placebo tails as declared."""
    table, arms = prepare.complete_covariates(stage.table, facts), stage.arms
    complete = (count(facts, "complete_1"), count(facts, "complete_0"))
    if stage.table.study.missing_values == "drop" and complete != arms:
        arms = complete
        stage = replace(stage, attrition=attrition.then(stage.attrition, "without: missing values", arms))
    if min(arms) < 2:
        detail = f"{arms[0]:,} treated and {arms[1]:,} controls without missing values"
        few = failed("sample_size", Fault("023", "too few units", (detail,), "declare another missing_values"))
        return stage.adding([few], table=table, arms=arms)
    return stage.adding([], table=prepare.winsorised_placebos(table), arms=arms)


def _checked(stage: DesignStage, facts: Mapping[str, Any], seed: str) -> DesignStage:
    table = stage.table
    constant = collinearity.constants(table, facts, [*table.covariates, *table.placebos])
    varying = [c for c in (*table.covariates, *table.placebos) if c not in constant]
    try:
        sums = moments(table, varying) if varying else None
    except CausalError as error:
        return stage.adding(failures(error))
    stage = _without_redundant(stage, sums, constant)
    if stage.has_failed_data:
        return stage
    stage = _designed(stage, seed)
    if stage.table.study.design == "randomised" and stage.table.study.headline.name != "iv":
        stage = stage.adding(randomised_balance.check(stage.table, sums, seed))
    stage = stage.adding(_placebo_outcomes(stage, sums, constant, seed))
    stage = stage.adding(_placebo_in_time(stage, seed))
    stage = stage.adding([placebo_treatment.check(stage.table, _drawn_on(stage.table, constant), seed)])
    stage = stage.adding([attrition.check(stage.attrition), *interference.assumed(stage.table)])
    return replace(stage, facts=_facts(stage))


def _facts(stage: DesignStage) -> Facts:
    """What the advice on methods goes by."""
    verdicts = [c.status for c in stage.checks if c.check_name == overlap.NAME]
    strength = [d.first_stage for d in stage.designs.values() if isinstance(d, IvDesign) and d.first_stage]
    return Facts(
        n_treated=stage.arms[0],
        n_control=stage.arms[1],
        has_overlap=None if not verdicts else "fail" not in verdicts,
        effective_f=strength[0].effective_f if strength else None,
        critical_f=strength[0].critical_value if strength else None,
    )


def _without_redundant(stage: DesignStage, sums: Moments | None, constant: Sequence[str]) -> DesignStage:
    table = stage.table
    if not table.covariates:
        return stage
    of_covariates = [c for c in constant if c in table.covariates]
    if sums is None:
        found = collinearity.Redundant(dict.fromkeys(of_covariates, "is constant"), 0)
    else:
        found = collinearity.redundant(sums, table.covariates, of_covariates)
    stage = stage.adding([collinearity.check(table, found)])
    return stage if stage.has_failed_data else replace(stage, table=prepare.without(table, tuple(found.reasons)))


def _designed(stage: DesignStage, seed: str) -> DesignStage:
    """Each method's first stage, with its own gates, balance and overlap."""
    designs: dict[str, Design] = {}
    for method in stage.table.study.methods:
        try:
            design = methods.design(stage.table, method, seed)
            checks = [*design.checks, *_of_design(stage.table, method.name, design)]
            rows = {"balance": (*stage.balance, *_named(design.balance)), "overlap": (*stage.overlap, *design.overlap)}
        except METHOD_ERRORS as error:
            stage = stage.adding(failures(error, method=method.name))
            continue
        designs[method.name] = design
        stage = stage.adding(checks, **rows)
    return replace(stage, designs=designs)


def _of_design(table: StudyTable, method: str, design: Design) -> list[Check]:
    if isinstance(design, IvDesign):
        return [instrument.check(design)]
    found = overlap.check(table, method, design.overlap)
    return found if table.study.design == "randomised" else [*balance.check(method, design.balance), *found]


def _named(found: Sequence[Balance]) -> tuple[Balance, ...]:
    return tuple(replace(b, covariate=shown(b.covariate)) for b in found)


def _placebo_outcomes(stage: DesignStage, sums: Moments | None, constant: Sequence[str], seed: str) -> list[Check]:
    """Through every method's own design; for an instrument the same question is its balance."""
    table = stage.table
    instrumental = {m: d for m, d in stage.designs.items() if isinstance(d, IvDesign)}
    designs = {m: d for m, d in stage.designs.items() if m not in instrumental}
    if not table.placebos:
        found = placebo_outcome.undeclared(table) if designs or not stage.designs else []
        return [*found, *(c for d in instrumental.values() for c in instrument_balance.check(d, (), {}, 0.0, seed))]
    flat = [c for c in table.placebos if c in constant]
    checks = [placebo_outcome.flat(c) for c in flat]
    columns = tuple(c for c in table.placebos if c not in flat)
    if not columns or sums is None:
        return checks
    refused = placebo_outcome.refused(replace(table, placebos=columns), sums)
    checks += refused
    columns = tuple(c for c in columns if shown(c) not in {r.outcome for r in refused})
    scale = {c: sums.sd(c, table.study.estimand) for c in columns}
    checks += [placebo_outcome.flat(c) for c in columns if scale[c] == 0.0]
    columns = tuple(c for c in columns if scale[c] > 0.0)
    estimates, faults = _estimated(designs, columns)
    family = placebo_outcome.placebos(estimates, columns, scale, seed)
    checks = [*checks, *faults, *(placebo_outcome.judge(table.study, p) for p in family)]
    for design in instrumental.values():
        checks += instrument_balance.check(design, columns, scale, table.study.margin, seed)
    return checks


def _estimated(designs: Mapping[str, Design], columns: Sequence[str]) -> tuple[dict[str, Estimates], list[Check]]:
    estimates: dict[str, Estimates] = {}
    faults: list[Check] = []
    for method, design in designs.items() if columns else ():
        try:
            estimates[method] = design.estimate(columns)
        except METHOD_ERRORS as error:
            faults += [replace(c, check_name=placebo_outcome.NAME) for c in failures(error, method=method)]
    return estimates, faults


def _placebo_in_time(stage: DesignStage, seed: str) -> list[Check]:
    """The headline method on the shifted windows."""
    study = stage.table.study
    if study.checks.placebo_in_time is None:
        return []
    table = placebo_in_time.shifted(stage.table)
    columns = table.shifted_outcomes
    try:
        sums = moments(table, columns)
        scale = {c: sums.sd(c, study.estimand) for c in columns}
        joint = methods.design(table, study.headline, seed).estimate(columns)
    except METHOD_ERRORS as error:
        return placebo_in_time.impossible(failures(error)[0].reason)
    if not all(scale.values()):
        return placebo_in_time.impossible("an earlier outcome does not vary in the target population")
    family = placebo_outcome.placebos({study.headline.name: joint}, columns, scale, seed)
    return [placebo_in_time.judge(study, p) for p in family]


def _drawn_on(table: StudyTable, constant: Sequence[str]) -> str | None:
    """The column for random treatments: a placebo outcome, else a numeric covariate."""
    candidates = [c for c in (*table.placebos, *table.numeric(table.covariates)) if c not in constant]
    return candidates[0] if candidates else None
