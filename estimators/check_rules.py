"""Rules between the checks of a definition and its other keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from estimators.definition_faults import Rules, Violation, did_you_mean

if TYPE_CHECKING:
    from estimators.study import Study

RULES = Rules()


@RULES.reads("checks", "confounders")
def _placebos_are_held_out(study: Study) -> Iterator[Violation]:
    """A placebo that is also a covariate has an effect of zero by construction and passes always."""
    for i, placebo in enumerate(study.checks.placebo_outcomes):
        for confounder in study.confounders:
            if _same_window(placebo, confounder):
                detail = f"placebo {placebo.name} is confounder {confounder.name}: its effect is 0 whatever the bias"
                fix = "take an earlier window of the feature (a larger gap_days), or drop the confounder"
                path = ("checks", "placebo_outcomes", i)
                yield Violation(path, "001", "placebo outcome is a covariate", (detail,), fix)


def _same_window(placebo: Any, confounder: Any) -> bool:
    if placebo.feature != confounder.feature or placebo.gap_days != confounder.gap_days:
        return False
    is_default = placebo.has_default_window
    return is_default == confounder.has_default_window and (is_default or placebo.window_days == confounder.window_days)


@RULES.reads("checks", "outcomes", "anticipation_days")
def _shifted_outcomes_end_before_treatment(study: Study) -> Iterator[Violation]:
    shift = study.checks.placebo_in_time
    if shift is None or shift.shift_days is None:
        return
    for outcome in study.outcomes:
        end = outcome.start_days + (outcome.window_days or 0) + study.anticipation_days
        if end > shift.shift_days:
            detail = f"outcome {outcome.name} ends {end} days after an index shifted by only {shift.shift_days}"
            fix = f"set shift_days to at least {end}: the shifted outcome must end before treatment"
            yield Violation(("checks", "placebo_in_time"), "017", "placebo in time reaches treatment", (detail,), fix)


@RULES.reads("checks", "design", "cluster", "segments")
def _a_law_of_assignment_is_drawn_as_it_was(study: Study) -> Iterator[Violation]:
    drawn, path = study.checks.randomization, ("checks", "randomization")
    if drawn is None:
        return
    if study.design != "randomised":
        detail = "randomization states how treatment was drawn; design is observational"
        fix = "take it out; random treatments of an observational study are placebo_treatment"
        yield Violation(path, "001", "nothing was randomised", (detail,), fix)
    if (drawn.law == "stratified") != bool(drawn.strata):
        detail = f"law is {drawn.law} and strata are {', '.join(drawn.strata) or 'not named'}"
        fix = "name the segments within which treatment was drawn with law: stratified, and only there"
        yield Violation((*path, "strata"), "001", "strata and law differ", (detail,), fix)
    for name in drawn.strata:
        if name not in study.segments:
            detail = f"strata names {name}{did_you_mean(name, study.segments)}"
            fix = "strata takes segments of the study: columns segment_<name> of the cohort"
            yield Violation((*path, "strata"), "003", "not a segment of the study", (detail,), fix)
    if drawn.law == "clustered" and study.cluster is None:
        fix = "add cluster: <column of the cohort>"
        yield Violation(path, "001", "law without clusters", ("law is clustered; the study names no cluster",), fix)


@RULES.reads("checks", "confounders")
def _benchmarks_are_confounders(study: Study) -> Iterator[Violation]:
    names = [c.name for c in study.confounders]
    for name in study.checks.sensitivity.benchmarks if study.checks.sensitivity else ():
        if name not in names:
            detail = f"benchmarks names {name}{did_you_mean(name, names)}"
            path = ("checks", "sensitivity", "benchmarks")
            fix = "benchmarks takes names of the study's confounders"
            yield Violation(path, "003", "not a confounder of the study", (detail,), fix)


@RULES.reads("checks", "methods")
def _bounds_of_an_instrument_have_one(study: Study) -> Iterator[Violation]:
    if study.checks.plausibly_exogenous and not any(m.name == "iv" for m in study.methods):
        detail = "plausibly_exogenous bounds what an instrument does to the outcome by itself; no method is iv"
        path = ("checks", "plausibly_exogenous")
        yield Violation(path, "001", "no instrument to bound", (detail,), "take it out, or add method iv")


@RULES.reads("checks", "outcomes")
def _negative_controls_are_no_outcomes(study: Study) -> Iterator[Violation]:
    outcomes = {o.feature: o.name for o in study.outcomes}
    for i, control in enumerate(study.checks.negative_controls):
        if control.feature in outcomes:
            detail = f"{control.name} measures {control.feature}, as outcome {outcomes[control.feature]} does"
            fix = "take something that the treatment cannot affect; an earlier window is a placebo outcome"
            path = ("checks", "negative_controls", i)
            yield Violation(path, "001", "negative control is an outcome", (detail,), fix)
