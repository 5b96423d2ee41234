"""Rules of the shape of a study: rows per unit, per unit and period, or per series and period, and the keys of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from estimators.definition_faults import Rules, Violation
from estimators.study_parts import utc_moment

if TYPE_CHECKING:
    from estimators.study import Study

RULES = Rules()
ROWS = {"cross_section": "one row per unit", "panel": "a row per unit and period", "series": "series over periods"}
_UNITS = ("cross_section",)
_PERIODS = ("panel", "series")
_SHAPES_OF_KEY = {
    "control_index": _UNITS,
    "instruments": _UNITS,
    "anticipation_days": _UNITS,
    "treatment_values": _UNITS,
    "expected_share": _UNITS,
    "crossover": _UNITS,
    "later_treatment": _UNITS,
    "confounders": ("cross_section", "panel"),
    "segments": ("cross_section", "panel"),
    "cluster": ("cross_section", "panel"),
    "periods": _PERIODS,
    "anticipation_periods": _PERIODS,
    "aggregate": ("series",),
}
_SHAPES_OF_CHECK = {"placebo_outcomes": _UNITS, "placebo_treatment": _UNITS, "randomization": _UNITS}
_SUBSTITUTES = {
    "anticipation_days": "; count in anticipation_periods",
    "anticipation_periods": "; count in anticipation_days",
    "placebo_outcomes": "; there the periods before treatment are the placebo",
    "confounders": "; series are compared with control series",
}


def shape_of(study: Any) -> str:
    """The shape that the headline method reads; `study` has valid methods, and perhaps other faults."""
    return study.methods[0].shape


@RULES.reads("methods")
def _methods_share_a_shape(study: Study) -> Iterator[Violation]:
    first = study.methods[0]
    for i, method in enumerate(study.methods):
        if method.shape != first.shape:
            detail = f"{first.name} reads {ROWS[first.shape]}, {method.name} reads {ROWS[method.shape]}"
            fix = "one study has one table: write a study of its own for the other method"
            yield Violation(("methods", i), "001", "methods of different shapes", (detail,), fix)


@RULES.reads("methods")
def _keys_fit_the_shape(study: Study) -> Iterator[Violation]:
    shape = shape_of(study)
    for key, shapes in _SHAPES_OF_KEY.items():
        if shape not in shapes and key in study.model_fields_set and getattr(study, key, None):
            yield _misplaced((key,), key, study.methods[0].name, shape)


@RULES.reads("methods", "checks")
def _checks_fit_the_shape(study: Study) -> Iterator[Violation]:
    shape = shape_of(study)
    for key, shapes in _SHAPES_OF_CHECK.items():
        if shape not in shapes and getattr(study.checks, key):
            yield _misplaced(("checks", key), key, study.methods[0].name, shape)


def _misplaced(path: tuple[str, ...], key: str, method: str, shape: str) -> Violation:
    detail = f"{key} has no meaning for {method}, which reads {ROWS[shape]}{_SUBSTITUTES.get(key, '')}"
    return Violation(path, "001", "key of another shape", (detail,), f"take {key} out")


@RULES.reads("methods", "control_index")
def _controls_have_an_index(study: Study) -> Iterator[Violation]:
    if shape_of(study) == "cross_section" and study.control_index is None:
        detail = "the study has no control_index"
        fix = "say how controls got their treated_at: control_index: calendar, risk_set or drawn_from_treated"
        yield Violation(("control_index",), "001", "missing key", (detail,), fix)


@RULES.reads("methods", "periods")
def _periods_are_declared(study: Study) -> Iterator[Violation]:
    shape = shape_of(study)
    if shape in _PERIODS and study.periods is None:
        detail = f"the study has no periods, and {study.methods[0].name} reads {ROWS[shape]}"
        fix = 'add periods: {first_on: "2026-01-05", every: week, n_periods: 12}'
        yield Violation(("periods",), "001", "missing key", (detail,), fix)


@RULES.reads("periods", "as_of")
def _periods_have_ended(study: Study) -> Iterator[Violation]:
    moment = utc_moment(study.as_of)
    if study.periods is None or moment is None:
        return
    end = study.periods.boundaries()[-1]
    if end > moment:
        day = f"{end:%Y-%m-%d}"
        details = (f"period {study.periods.n_periods} ends on {day}, after as_of {study.as_of}",)
        fix = f"give fewer periods, or run the study with as_of {day} or later"
        yield Violation(("periods",), "033", "the last period has not ended", details, fix)


@RULES.reads("periods", "anticipation_periods")
def _periods_exceed_anticipation(study: Study) -> Iterator[Violation]:
    if study.periods is not None and study.periods.n_periods < study.anticipation_periods + 2:
        detail = f"{study.periods.n_periods} periods, of which {study.anticipation_periods} may be anticipated"
        fix = "a comparison needs a period before anticipation and one after: add periods"
        yield Violation(("periods",), "026", "too few periods", (detail,), fix)


@RULES.reads("methods", "outcomes", "checks")
def _periods_are_the_windows(study: Study) -> Iterator[Violation]:
    shape = shape_of(study)
    if shape not in _PERIODS:
        return
    measured = [(("outcomes", i), o) for i, o in enumerate(study.outcomes)]
    measured += [(("checks", "negative_controls", i), c) for i, c in enumerate(study.checks.negative_controls)]
    for path, item in measured:
        for key in sorted({"window_days", "start_days"} & item.model_fields_set):
            detail = f"{item.name} is measured over each period, from its beginning to its end"
            yield Violation((*path, key), "001", "window beside periods", (detail,), f"take {key} out")


@RULES.reads("methods", "checks")
def _a_placebo_in_time_counts_as_the_shape_does(study: Study) -> Iterator[Violation]:
    shift = study.checks.placebo_in_time
    if shift is None:
        return
    wanted, other = ("shift_periods", "shift_days") if shape_of(study) in _PERIODS else ("shift_days", "shift_periods")
    if getattr(shift, wanted) is None or getattr(shift, other) is not None:
        detail = f"{study.methods[0].name} reads {ROWS[shape_of(study)]}: its placebo in time moves by {wanted}"
        path = ("checks", "placebo_in_time")
        yield Violation(path, "001", "placebo in time without its shift", (detail,), f"give {wanted} and no {other}")
