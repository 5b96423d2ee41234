"""Rules between the keys of a definition. Each one names the keys that it reads and is judged when those are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from estimators.definition_faults import Violation, did_you_mean

if TYPE_CHECKING:
    from estimators.study import Study

Rule = Callable[["Study"], Iterator[Violation]]

_RULES: list[tuple[frozenset[str], Rule]] = []
ESTIMANDS_OF_METHOD = {
    "difference": ("ATT", "ATE", "ATO", "ATC"),
    "cem": ("ATT", "ATE", "ATC"),
    "aipw": ("ATT", "ATE", "ATO"),
}


def _rule(*keys: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _RULES.append((frozenset(keys), rule))
        return rule

    return register


def broken_rules(study: Any, known: Iterable[str]) -> list[Violation]:
    """Violations of all rules that only read the `known` keys: those of `study` that are valid by themselves."""
    valid = set(known)
    return [violation for keys, rule in _RULES if keys <= valid for violation in rule(study)]


def _repeated(key: str, names: list[str], path: tuple[str, ...] | None = None) -> Iterator[Violation]:
    for i, name in enumerate(names):
        if name in names[:i]:
            detail = f"{name} stands at {key} {names.index(name) + 1} and {i + 1}"
            fix = "give each its own name: {feature: ..., name: ...}"
            yield Violation((*(path or (key,)), i), "001", f"two {key} of the same name", (detail,), fix)


@_rule("confounders")
def _confounders_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("confounders", [c.name for c in study.confounders])


@_rule("outcomes")
def _outcomes_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("outcomes", [o.name for o in study.outcomes])


@_rule("methods")
def _methods_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("methods", [m.name for m in study.methods])


@_rule("segments")
def _segments_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("segments", list(study.segments))


@_rule("checks")
def _placebos_are_distinct(study: Study) -> Iterator[Violation]:
    names = [p.name for p in study.checks.placebo_outcomes]
    yield from _repeated("placebo_outcomes", names, ("checks", "placebo_outcomes"))


@_rule("design", "confounders")
def _observational_studies_have_confounders(study: Study) -> Iterator[Violation]:
    if study.design == "observational" and not study.confounders:
        detail = "design is observational: without confounders the estimate is the raw difference"
        fix = "list what drives both treatment and outcome, or declare design: randomised if it was"
        yield Violation(("confounders",), "001", "no confounders", (detail,), fix)


@_rule("methods", "estimand")
def _methods_know_the_estimand(study: Study) -> Iterator[Violation]:
    for i, method in enumerate(study.methods):
        allowed = ESTIMANDS_OF_METHOD[method.name]
        if study.estimand not in allowed:
            able = [name for name, estimands in ESTIMANDS_OF_METHOD.items() if study.estimand in estimands]
            detail = f"{method.name} estimates {', '.join(allowed)}; the study asks for {study.estimand}"
            fix = f"use {' or '.join(able)} for {study.estimand}, or change the estimand"
            yield Violation(("methods", i), "001", "method cannot estimate this estimand", (detail,), fix)


@_rule("methods", "confounders")
def _cem_matches_on_confounders(study: Study) -> Iterator[Violation]:
    names = [c.name for c in study.confounders]
    for i, method in enumerate(study.methods):
        if method.name != "cem":
            continue
        if not names:
            fix = "list confounders, or use method difference"
            yield Violation(("methods", i), "001", "cem without confounders", ("there is nothing to match on",), fix)
            continue
        for key, used in (("exact", list(method.exact)), ("cutpoints", list(method.cutpoints))):
            for name in used:
                if name not in names:
                    detail = f"{key} names {name}{did_you_mean(name, names)}"
                    fix = f"{key} takes names of the study's confounders"
                    yield Violation(("methods", i, key), "003", "not a confounder of the study", (detail,), fix)


@_rule("methods")
def _cutpoints_increase(study: Study) -> Iterator[Violation]:
    for i, method in enumerate(study.methods):
        for name, points in getattr(method, "cutpoints", {}).items():
            if not points or sorted(set(points)) != points:
                detail = f"cutpoints of {name} are {points[:8]}"
                fix = "list at least one cutpoint, each larger than the one before"
                yield Violation(("methods", i, "cutpoints", name), "001", "cutpoints do not increase", (detail,), fix)


@_rule("outcomes")
def _an_outcome_is_primary(study: Study) -> Iterator[Violation]:
    if not any(o.role == "primary" for o in study.outcomes):
        detail = f"all {len(study.outcomes)} outcomes are secondary"
        fix = "set role: primary for the outcomes that the study is judged by"
        yield Violation(("outcomes",), "001", "no primary outcome", (detail,), fix)


@_rule("checks", "confounders")
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


@_rule("checks", "outcomes", "anticipation_days")
def _shifted_outcomes_end_before_treatment(study: Study) -> Iterator[Violation]:
    shift = study.checks.placebo_in_time
    if shift is None:
        return
    for outcome in study.outcomes:
        end = outcome.start_days + (outcome.window_days or 0) + study.anticipation_days
        if end > shift.shift_days:
            detail = f"outcome {outcome.name} ends {end} days after an index shifted by only {shift.shift_days}"
            fix = f"set shift_days to at least {end}: the shifted outcome must end before treatment"
            yield Violation(("checks", "placebo_in_time"), "017", "placebo in time reaches treatment", (detail,), fix)


@_rule("treatment_values")
def _treatment_values_differ(study: Study) -> Iterator[Violation]:
    values = study.treatment_values
    if values is not None and values.treated == values.control:
        fix = "name the two values of the treatment column; quote text such as 'no'"
        detail = "treated and control are the same value"
        yield Violation(("treatment_values",), "001", "one value for both arms", (detail,), fix)


@_rule("waivers")
def _waivers_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("waivers", [w.check for w in study.waivers])
