"""The two stages of a study of series: fit and placebos before the intervention first, effects only after they pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators import robustness
from estimators.checks import (
    attrition,
    interference,
    series_controls,
    series_held_out,
    series_lengths,
    series_placebo,
)
from estimators.checks.verdict import METHOD_ERRORS, failed, failures, passed
from estimators.design_stage import DesignStage
from estimators.effects.bsts import bsts
from estimators.effects.synthetic_control import synthetic_control
from estimators.errors import CausalError, Fault
from estimators.estimate_stage import EstimateStage, adjusted, without_error
from estimators.facts import Facts
from estimators.panel_table import PERIOD
from estimators.results import Check, Effect
from estimators.series_table import SERIES, TOUCHED, SeriesTable, series_table
from estimators.study import Study
from estimators.study_methods import Bsts, Method, SyntheticControl
from estimators.study_results import StudyEffect
from estimators.study_table import shown

if TYPE_CHECKING:
    import pandas as pd


def series_design_stage(data: Any, study: Study, seed: str) -> DesignStage:
    """Structure of the series and how well each method predicts periods before the intervention."""
    try:
        found = series_table(data, study)
    except CausalError as error:
        return DesignStage(None, tuple(failures(error)))
    arms = (len(found.touched), len(found.controls))
    stage = DesignStage(
        table=found.table,
        checks=tuple(_structure(found)),
        attrition=attrition.steps(found.table, arms),
        arms=arms,
        data_fingerprint=_fingerprint(found),
        designs={},
        source=found,
    )
    if stage.has_failed_data:
        return stage
    for method in study.methods:
        for outcome in found.table.outcomes:
            try:
                stage = stage.adding(_placebos(found, method, outcome, seed))
            except METHOD_ERRORS as error:
                stage = stage.adding(failures(error, method=method.name, outcome=shown(outcome)))
    stage = stage.adding([attrition.check(stage.attrition), *interference.assumed(stage.table)])
    return replace(stage, facts=Facts(*arms, n_before=found.n_before, n_after=found.n_after))


def _structure(found: SeriesTable) -> list[Check]:
    """Somebody touched within the table, periods on both sides, and a series to compare with (027)."""
    faults = {
        "no series is touched": not found.touched,
        "the intervention is not within the periods": found.touched and not found.n_before,
        "no control series": not found.controls
        and any(m.name == "synthetic_control" for m in found.table.study.methods),
    }
    broken = [subject for subject, is_broken in faults.items() if is_broken]
    text = f"{len(found.touched)} series touched, {len(found.controls)} controls, "
    text += f"{found.n_before} periods before and {found.n_after} after"
    if broken:
        fix = "check treatment and treated_at of the cohort, and the periods of the study"
        return [failed("series_structure", Fault("027", broken[0], (text,), fix))]
    return [passed("series_structure", text)]


def _placebos(found: SeriesTable, method: Method, outcome: str, seed: str) -> list[Check]:
    """The method at earlier dates, and controls in the place of the outcome: values after the intervention of the
    touched series are not looked at.
    """
    if isinstance(method, Bsts):
        question = bsts_question(found, method, seed)
        question = {k: v for k, v in question.items() if k not in ("n_chains", "n_draws", "engine")}
        data = _shortened(found, found.wide(outcome))
        checks = [series_placebo.bsts_placebo_in_time(data, outcome=TOUCHED, **question)]
        checks += series_controls.controls_not_affected(data, outcome=TOUCHED, **question)
    else:
        question = synthetic_control_question(found, method, seed)
        data = _shortened(found, found.long(outcome))
        checks = [series_placebo.synthetic_control_placebo_in_time(data, outcome="outcome", **question)]
    return [_named(c, outcome) for c in checks]


def _shortened(found: SeriesTable, frame: pd.DataFrame) -> pd.DataFrame:
    """With `shift_periods` the placebo windows are that long, and not as long as what comes after the intervention."""
    declared = found.table.study.checks.placebo_in_time
    if declared is None or declared.shift_periods is None:
        return frame
    return frame[frame[PERIOD] < found.intervention + declared.shift_periods]


def _fitted(effect: Effect) -> list[Check]:
    """What the fit before the intervention says of the method."""
    checks = [series_lengths.pre_period_length(effect)]
    if effect.method == "bsts":
        checks += [series_lengths.chain_convergence(effect), series_held_out.held_out_fit(effect)]
    else:
        checks.append(series_lengths.pre_period_fit(effect))
    return [_named(c, effect.outcome) for c in checks]


def _named(check: Check, outcome: str) -> Check:
    """As the definition calls the outcome; a control keeps its own name."""
    own = check.outcome if check.outcome.startswith("control ") else shown(outcome)
    return replace(check, outcome=own)


def _fingerprint(found: SeriesTable) -> str:
    """Of the values to 11 digits, and of the names of the series."""
    text = "|".join([*found.touched, *found.controls, *found.starts])
    digest = hashlib.sha256(text.encode())
    for outcome in sorted(found.values):
        digest.update(" ".join(f"{v:.10e}" for v in found.values[outcome].ravel()).encode())
    return digest.hexdigest()[:32]


def estimate(found: SeriesTable, method: Method, outcome: str, seed: str) -> Effect:
    """The effect on the touched series by one method."""
    if isinstance(method, Bsts):
        effect = bsts(found.wide(outcome), outcome=TOUCHED, **bsts_question(found, method, seed))
    elif isinstance(method, SyntheticControl):
        question = synthetic_control_question(found, method, seed)
        effect = synthetic_control(found.long(outcome), outcome="outcome", **question)
    else:
        raise TypeError(f"{method.name} does not read series")
    return replace(effect, outcome=outcome)


def bsts_question(found: SeriesTable, method: Bsts, seed: str) -> dict[str, Any]:
    """The keywords of `bsts` but for the outcome."""
    return {
        "time": PERIOD,
        "controls": found.control_columns,
        "intervention": found.intervention,
        "seed": seed,
        **method.options(),
    }


def synthetic_control_question(found: SeriesTable, method: SyntheticControl, seed: str) -> dict[str, Any]:
    """The keywords of `synthetic_control` but for the outcome."""
    return {
        "unit": SERIES,
        "time": PERIOD,
        "treated": TOUCHED,
        "intervention": found.intervention,
        "seed": seed,
        **method.options(),
    }


def series_estimate_stage(stage: DesignStage, seed: str) -> EstimateStage:
    """Effects of every method on every outcome, with the path of each."""
    found, study = stage.source, stage.table.study
    empty = EstimateStage((), (), stage.attrition, stage.arms, stage.data_fingerprint)
    try:
        effects = {m.name: [estimate(found, m, o, seed) for o in stage.table.outcomes] for m in study.methods}
    except METHOD_ERRORS as error:
        return replace(empty, checks=tuple(failures(error)))
    rows = [row for name, of in effects.items() for row in _rows(study, of, name == study.headline.name)]
    every = [e for of in effects.values() for e in of]
    faults = [*without_error(every), *(c for e in every for c in _fitted(e))]
    more = robustness.of_series(found, effects, seed)
    return replace(
        empty,
        effects=tuple(adjusted(rows)),
        checks=(*faults, *more.checks),
        series=tuple(r for e in every for r in _path(found, e)),
        sensitivity=more.sensitivity,
    )


def _rows(study: Study, effects: Sequence[Effect], is_headline: bool) -> Iterator[StudyEffect]:
    roles = {f"outcome_{o.name}": o.role for o in study.outcomes}
    for e in effects:
        yield StudyEffect.of(e, role=roles[e.outcome], is_headline=is_headline, outcome=shown(e.outcome), segment="")


def _path(found: SeriesTable, effect: Effect) -> Iterator[Mapping[str, Any]]:
    """Actual and expected values by period, with the day on which the period began."""
    begun = dict(zip(found.periods.tolist(), found.starts, strict=True))
    for record in effect.series.to_dict("records"):
        period = record.pop("period")
        yield {
            "method": effect.method,
            "outcome": shown(effect.outcome),
            "period": begun.get(int(np.asarray(period)), str(period)),
            **record,
        }
