"""Rules between the keys of a definition. Each one names the keys that it reads and is judged when those are valid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from estimators import check_rules, shape_rules
from estimators.definition_faults import Rules, Violation, did_you_mean
from estimators.study_methods import BY_NAME, ESTIMANDS_OF_METHOD

if TYPE_CHECKING:
    from estimators.study import Study

RULES = Rules()


def broken_rules(study: Any, known: Iterable[str]) -> list[Violation]:
    """Violations of all rules that only read the `known` keys: those of `study` that are valid by themselves."""
    return [v for rules in (RULES, shape_rules.RULES, check_rules.RULES) for v in rules.broken(study, known)]


def _repeated(key: str, names: list[str], path: tuple[str, ...] | None = None) -> Iterator[Violation]:
    for i, name in enumerate(names):
        if name in names[:i]:
            detail = f"{name} stands at {key} {names.index(name) + 1} and {i + 1}"
            fix = "give each its own name: {feature: ..., name: ...}"
            yield Violation((*(path or (key,)), i), "001", f"two {key} of the same name", (detail,), fix)


@RULES.reads("confounders")
def _confounders_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("confounders", [c.name for c in study.confounders])


@RULES.reads("outcomes")
def _outcomes_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("outcomes", [o.name for o in study.outcomes])


@RULES.reads("methods")
def _methods_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("methods", [m.name for m in study.methods])


@RULES.reads("segments")
def _segments_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("segments", list(study.segments))


@RULES.reads("instruments")
def _instruments_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("instruments", list(study.instruments))


@RULES.reads("checks")
def _placebos_are_distinct(study: Study) -> Iterator[Violation]:
    for key in ("placebo_outcomes", "negative_controls"):
        yield from _repeated(key, [p.name for p in getattr(study.checks, key)], ("checks", key))


@RULES.reads("design", "methods", "confounders")
def _observational_studies_have_confounders(study: Study) -> Iterator[Violation]:
    needs = any(method.needs_confounders for method in study.methods)
    if study.design == "observational" and needs and not study.confounders:
        detail = "design is observational: without confounders the estimate is the raw difference"
        fix = "list what drives both treatment and outcome, or declare design: randomised if it was"
        yield Violation(("confounders",), "001", "no confounders", (detail,), fix)


@RULES.reads("methods", "estimand", "triangulation")
def _methods_know_the_estimand(study: Study) -> Iterator[Violation]:
    beside = study.triangulation
    for i, method in enumerate(study.methods):
        wanted = beside.estimand if i and beside and study.estimand not in method.estimands else study.estimand
        if wanted in method.estimands:
            continue
        able = [name for name, estimands in ESTIMANDS_OF_METHOD.items() if wanted in estimands]
        detail = f"{method.name} estimates {', '.join(method.estimands)}; the study asks for {wanted}"
        fix = f"use {' or '.join(able)} for {wanted}, or change the estimand"
        if study.estimand == "LATE" and i and not beside:
            fix = "take it out, or say what it is compared for: triangulation: {estimand: ATE, because: ...}"
        yield Violation(("methods", i), "001", "method cannot estimate this estimand", (detail,), fix)


@RULES.reads("methods", "instruments")
def _iv_has_instruments(study: Study) -> Iterator[Violation]:
    for i, method in enumerate(study.methods):
        if method.name == "iv" and not study.instruments:
            detail = "iv compares units by a cause of treatment that touches the outcome in no other way: none is named"
            fix = "add instruments: [name], and a column instrument_<name> to the cohort"
            yield Violation(("methods", i), "025", "iv without an instrument", (detail,), fix)


@RULES.reads("methods", "treatment_kind")
def _doses_need_a_method(study: Study) -> Iterator[Violation]:
    if study.treatment_kind != "continuous":
        return
    able = ", ".join(name for name, method in BY_NAME.items() if method.takes_doses)
    for i, method in enumerate(study.methods):
        if not method.takes_doses:
            detail = f"{method.name} compares two arms; treatment_kind is continuous"
            fix = f"use {able}, or make the treatment 0 or 1"
            yield Violation(("methods", i), "001", "method takes no doses", (detail,), fix)


@RULES.reads("treatment_kind", "treatment_values", "expected_share")
def _doses_have_no_arms(study: Study) -> Iterator[Violation]:
    for key in ("treatment_values", "expected_share"):
        if study.treatment_kind == "continuous" and getattr(study, key) is not None:
            detail = f"{key} is about two arms; treatment_kind is continuous"
            yield Violation((key,), "001", "a dose has no arms", (detail,), f"take {key} out")


@RULES.reads("methods", "confounders")
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


@RULES.reads("methods")
def _cutpoints_increase(study: Study) -> Iterator[Violation]:
    for i, method in enumerate(study.methods):
        for name, points in getattr(method, "cutpoints", {}).items():
            if not points or sorted(set(points)) != points:
                detail = f"cutpoints of {name} are {points[:8]}"
                fix = "list at least one cutpoint, each larger than the one before"
                yield Violation(("methods", i, "cutpoints", name), "001", "cutpoints do not increase", (detail,), fix)


@RULES.reads("outcomes")
def _an_outcome_is_primary(study: Study) -> Iterator[Violation]:
    if not any(o.role == "primary" for o in study.outcomes):
        detail = f"all {len(study.outcomes)} outcomes are secondary"
        fix = "set role: primary for the outcomes that the study is judged by"
        yield Violation(("outcomes",), "001", "no primary outcome", (detail,), fix)


@RULES.reads("treatment_values")
def _treatment_values_differ(study: Study) -> Iterator[Violation]:
    values = study.treatment_values
    if values is not None and values.treated == values.control:
        fix = "name the two values of the treatment column; quote text such as 'no'"
        detail = "treated and control are the same value"
        yield Violation(("treatment_values",), "001", "one value for both arms", (detail,), fix)


@RULES.reads("waivers")
def _waivers_are_distinct(study: Study) -> Iterator[Violation]:
    yield from _repeated("waivers", [w.check for w in study.waivers])
