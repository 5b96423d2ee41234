"""What an estimate withstands: second opinions, unobserved confounding, other trends, other methods.

Part of the second stage, for every shape of study table: one function per shape, each returns checks, rows of the table
of sensitivity, and effects whose interval has to be a wider one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.checks import (
    agreement_with_experiment,
    instrument_agreement,
    negative_controls,
    pre_trends,
    randomization_of_study,
    second_opinion,
    triangulation,
)
from estimators.checks import sensitivity as unobserved
from estimators.checks.sensitivity_rows import Sensitivity
from estimators.checks.verdict import METHOD_ERRORS, failures
from estimators.effects.did import DidDesign
from estimators.effects.honest_did import HonestDid
from estimators.effects.method import Design
from estimators.panel_table import PERIOD
from estimators.results import Check, Effect
from estimators.study_table import StudyTable, shown

if TYPE_CHECKING:
    from estimators.design_stage import DesignStage
    from estimators.series_table import SeriesTable
    from estimators.study_results import StudyEffect

_FIELDS = ("estimate", "std_error", "ci_lower", "ci_upper", "p_value", "se_convention")


@dataclass(frozen=True)
class Robustness:
    """replaced: by method and outcome, the effect under the interval that may be published."""

    checks: tuple[Check, ...] = ()
    sensitivity: tuple[Sensitivity, ...] = ()
    replaced: Mapping[tuple[str, str], Effect] = field(default_factory=dict)

    def __add__(self, other: Robustness) -> Robustness:
        return Robustness(
            (*self.checks, *other.checks),
            (*self.sensitivity, *other.sensitivity),
            {**self.replaced, **other.replaced},
        )

    def applied(self, row: StudyEffect) -> StudyEffect:
        """The row with its interval replaced, if it is that of the whole study."""
        effect = None if row.segment else self.replaced.get((row.method, row.outcome))
        return row if effect is None else replace(row, **{f: getattr(effect, f) for f in _FIELDS})


def of_units(
    table: StudyTable, designs: Mapping[str, Design], effects: Mapping[str, Sequence[Effect]], seed: str
) -> Robustness:
    """Of a table with one row per unit."""
    found = Robustness()
    for method, design in designs.items():
        found += _looked_at(table, design, effects[method])
        found += Robustness(tuple(_negative_controls(table, method, design)))
    found += Robustness(tuple(instrument_agreement.check(e for own in effects.values() for e in own)))
    primary = {f"outcome_{o.name}" for o in table.study.primary_outcomes}
    headline = [e for e in effects.get(table.study.headline.name, ()) if e.outcome in primary]
    found += Robustness(tuple(randomization_of_study.checks(table, headline, seed)))
    return found + _compared(table, effects)


def of_panel(stage: DesignStage, effects: Mapping[str, Sequence[Effect]], seed: str) -> Robustness:
    """Of a panel: HonestDiD where trends matter, else the same as for units."""
    found = Robustness()
    for method, design in stage.designs.items():
        if isinstance(design, DidDesign):
            for effect in effects[method]:
                found += _honest(stage, design, effect, seed)
            found += _opinion(stage.table, second_opinion.without_referee(effects[method]))
        else:
            found += _looked_at(stage.table, design, effects[method])
        found += Robustness(tuple(_negative_controls(stage.table, method, design)))
    return found + _compared(stage.table, effects)


def of_series(series: SeriesTable, effects: Mapping[str, Sequence[Effect]], seed: str) -> Robustness:
    """Of series: a range of unknown bias, in standard deviations of the series before the intervention."""
    found = Robustness()
    for effect in (e for own in effects.values() for e in own):
        before = series.values[effect.outcome][series.periods < series.intervention, 0]
        if np.isfinite(effect.estimate) and effect.std_error > 0.0:
            own = unobserved.of_effect(effect, float(np.nanstd(before, ddof=1)), asked=asked_of(series.table))
            found += Robustness(own.checks, own.rows)
        found += _opinion(series.table, _series_opinion(series, effect))
    return found + _compared(series.table, effects)


def _series_opinion(series: SeriesTable, effect: Effect) -> list[Check]:
    """Of tfcausalimpact on a BSTS estimate, where that is installed; it takes a quarter of a minute and only warns."""
    from estimators.series_table import TOUCHED

    question = {
        "time": PERIOD,
        "controls": series.control_columns,
        "intervention": series.intervention,
        "season": (effect.diagnostics.get("settings") or {}).get("season"),
    }
    checks = second_opinion.of_series(series.wide(effect.outcome), replace(effect, outcome=TOUCHED), **question)
    return [replace(c, outcome=shown(effect.outcome)) for c in checks]


def _compared(table: StudyTable, effects: Mapping[str, Sequence[Effect]]) -> Robustness:
    """With the other methods of the study, like with like, and with an experiment that the definition names."""
    checks = triangulation.check([e for own in effects.values() for e in own])
    experiment, headline = table.study.checks.experiment, effects.get(table.study.headline.name)
    if experiment is not None and headline:
        by = (experiment.estimate, experiment.std_error, experiment.source)
        checks.append(agreement_with_experiment.check(headline[0], *by))
    return Robustness(tuple(checks))


def _negative_controls(table: StudyTable, method: str, design: Any) -> list[Check]:
    """The method on outcomes that treatment cannot have changed, in their standard deviations."""
    columns = table.negative_controls
    if not columns:
        return []
    relation = table.relation
    found = relation.aggregate({c: f"stddev_samp({relation.double(relation.name(c))})" for c in columns})
    try:
        effects = design.estimate(columns).effects
    except METHOD_ERRORS as error:
        return [replace(c, check_name=negative_controls.NAME) for c in failures(error, method=method)]
    return [negative_controls.check(method, effects, {c: float(found[c][0]) for c in columns})]


def _looked_at(table: StudyTable, design: Any, effects: Sequence[Effect]) -> Robustness:
    """The second opinion and the sensitivity of one method. Randomisation leaves no confounding to be sensitive to."""
    found = _second_opinion(table, design, effects)
    if table.study.design == "randomised" and effects[0].method != "iv":
        return found
    try:
        own = unobserved.sensitivity(design, effects, asked_of(table))
    except METHOD_ERRORS as error:
        checks = failures(error, method=effects[0].method)
        unknown = [replace(c, check_name=unobserved.NAME, status="not_evaluated", is_gate=False) for c in checks]
        return found + Robustness(tuple(unknown))
    return found + Robustness(own.checks, own.rows)


def _second_opinion(table: StudyTable, design: Any, effects: Sequence[Effect]) -> Robustness:
    declared = table.study.checks.second_opinion
    return Robustness(tuple(second_opinion.of_design(design, effects, declared.max_units)) if declared.enabled else ())


def asked_of(table: StudyTable) -> unobserved.Asked:
    """What the definition wants to see of sensitivity, by column."""
    declared, direct = table.study.checks.sensitivity, table.study.checks.plausibly_exogenous
    return unobserved.Asked(
        benchmarks=tuple(f"covariate_{name}" for name in declared.benchmarks) if declared else (),
        biases=tuple(declared.bias_range or ()) if declared else (),
        direct=(direct.lower, direct.upper) if direct else None,
    )


def _opinion(table: StudyTable, checks: Iterable[Check]) -> Robustness:
    return Robustness(tuple(checks)) if table.study.checks.second_opinion.enabled else Robustness()


def _honest(stage: DesignStage, design: DidDesign, effect: Effect, seed: str) -> Robustness:
    """HonestDiD: rows for the table, and its interval in the place of the usual one where trends are not parallel."""
    study, outcome = stage.table.study, shown(effect.outcome)
    trend = stage.source[effect.outcome]
    found = pre_trends.judged(effect, trend.found, design.event_study(effect.outcome), trend.scale, study.margin, seed)
    rows = _rows(found.sensitivity, effect.method) if found.sensitivity else ()
    own = unobserved.of_effect(effect, trend.scale, rows, asked_of(stage.table))
    passed = found.check.status == "pass"
    if found.sensitivity is None:
        status = "pass" if passed else "not_evaluated"
        check = Check("honest_did", status, found.check.reason, is_gate=not passed, method="did", outcome=outcome)
    else:
        reason = found.sensitivity.in_words if passed else found.check.reason
        status = "pass" if passed else "warn"
        check = Check("honest_did", status, reason, False, found.sensitivity.breakdown, method="did", outcome=outcome)
    replaced = {} if passed or found.sensitivity is None else {("did", outcome): found.effect}
    return Robustness((check, *own.checks), own.rows, replaced)


def _rows(found: HonestDid, method: str) -> list[Sensitivity]:
    rows = []
    for interval in found.intervals:
        said = f"with trends that differ by {interval.bound:g} times the largest change seen before treatment"
        if interval.restriction == "smoothness":
            said = f"with a slope that changes by at most {interval.bound:g} per period"
        rows.append(
            Sensitivity(
                method=method,
                outcome=found.outcome,
                kind="honest_did",
                name=f"{interval.restriction}, {found.target}",
                parameter=interval.bound,
                value=(interval.upper - interval.lower) / 2.0,
                estimate=found.estimate,
                ci_lower=interval.lower,
                ci_upper=interval.upper,
                in_words=f"{said}, the interval is {interval.lower:.4g} to {interval.upper:.4g}",
            )
        )
    return rows
