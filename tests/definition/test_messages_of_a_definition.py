"""Codes 001, 002, 004, 017 and 033 as an analyst sees them: the whole message of each fault of a definition."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from estimators.errors import CausalError
from estimators.study import Study, definition_faults, parse
from tests.definition.small_project import DEFINITION


def message(**changes: Any) -> str:
    """What is printed for the definition with these keys changed."""
    return "\n".join(str(f) for f in definition_faults({**DEFINITION, **changes}))


def only_fault(**changes: Any) -> Any:
    (fault,) = definition_faults({**DEFINITION, **changes})
    return fault


def test_a_full_definition_has_no_faults():
    assert definition_faults(DEFINITION) == []


def test_001_an_unknown_key_names_the_nearest_one():
    assert message(confounder=[]) == (
        "CAUSAL-001 unknown key\n"
        "  'confounder' is not a key of the study; did you mean confounders?\n"
        "  fix: see docs/study.schema.json for the keys\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_an_unknown_key_of_a_method_lists_the_keys_there():
    assert message(methods=[{"name": "aipw", "fold": 3}]) == (
        "CAUSAL-001 unknown key\n"
        "  'fold' is not a key of methods[1]; did you mean folds?\n"
        "  fix: keys of methods[1]: name, folds, propensity_model, outcome_model, clip, repetitions\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_wrong_method_names_the_nearest_one():
    assert message(methods=["aiwp"]) == (
        "CAUSAL-001 unknown method\n"
        "  methods[1] names 'aiwp'; did you mean aipw?\n"
        "  fix: methods: difference, cem, aipw, iv, panel, did, bsts, synthetic_control\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_window_of_no_days_is_refused():
    assert message(outcomes=[{"feature": "sessions", "window_days": 0}]) == (
        "CAUSAL-001 window without a day\n"
        "  outcomes[1].window_days is 0: it must be greater than or equal to 1\n"
        "  fix: set window_days to a whole number of days, 1 or more\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_missing_key_is_named():
    without = {k: v for k, v in DEFINITION.items() if k != "estimand"}
    assert str(definition_faults(without)[0]) == (
        "CAUSAL-001 missing key\n"
        "  the study has no estimand\n"
        "  fix: add estimand: ...\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_value_outside_its_choices_names_the_nearest_one():
    assert message(estimand="att") == (
        "CAUSAL-001 value not allowed\n"
        "  estimand is 'att'; did you mean ATT?\n"
        "  fix: use one of ATT, ATE, ATO, ATC, LATE\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_an_observational_study_needs_confounders():
    assert message(confounders=[], methods=["aipw"]) == (
        "CAUSAL-001 no confounders\n"
        "  design is observational: without confounders the estimate is the raw difference\n"
        "  fix: list what drives both treatment and outcome, or declare design: randomised if it was\n"
        "  more: docs/errors.md#causal-001"
    )


def test_a_randomised_study_needs_no_confounders():
    assert message(design="randomised", confounders=[], methods=["difference"]) == ""


@pytest.mark.parametrize(("method", "estimand"), [("aipw", "ATC"), ("cem", "ATO")])
def test_001_a_method_that_cannot_estimate_the_estimand_is_refused(method, estimand):
    fault = only_fault(methods=[method], estimand=estimand)
    assert fault.subject == "method cannot estimate this estimand"


@pytest.mark.parametrize(
    ("method", "estimand"), [("cem", "ATC"), ("difference", "ATC"), ("aipw", "ATO"), ("difference", "ATO")]
)
def test_a_method_that_can_estimate_the_estimand_is_accepted(method, estimand):
    assert message(methods=[method], estimand=estimand) == ""


def test_001_a_placebo_that_is_a_covariate_is_refused():
    placebo = {"feature": "sessions", "window_days": 28, "name": "a_month_of_sessions"}
    assert message(checks={"placebo_outcomes": [placebo]}) == (
        "CAUSAL-001 placebo outcome is a covariate\n"
        "  placebo a_month_of_sessions is confounder sessions_28d: its effect is 0 whatever the bias\n"
        "  fix: take an earlier window of the feature (a larger gap_days), or drop the confounder\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_two_outcomes_of_one_name_are_refused():
    assert only_fault(outcomes=DEFINITION["outcomes"] * 2).subject == "two outcomes of the same name"


def test_001_one_outcome_has_to_be_primary():
    outcomes = [{**DEFINITION["outcomes"][0], "role": "secondary"}]
    assert only_fault(outcomes=outcomes).subject == "no primary outcome"


def test_001_a_waiver_needs_a_reason():
    assert only_fault(waivers=[{"check": "placebo_outcome"}]).details == ("waivers[1] has no reason",)


@pytest.mark.parametrize(("assumption", "key"), [("none", "because"), ("within", "cluster")])
def test_001_interference_has_to_be_argued(assumption, key):
    fault = only_fault(interference={"assumption": assumption})
    assert fault.details == (f"assumption {assumption} needs the key {key}",)


@pytest.mark.parametrize("meta", [None, [], "a text", 3])
def test_001_a_definition_that_is_no_mapping_is_refused(meta):
    (fault,) = definition_faults(meta)
    assert fault.details[0].endswith("it must be a mapping of keys")


@pytest.mark.parametrize("value", ["7", True, 7.5])
def test_001_a_window_is_never_cast(value):
    assert only_fault(outcomes=[{"feature": "sessions", "window_days": value}]).subject == "wrong type"


def test_002_an_unquoted_date_is_refused_with_the_advice_to_quote():
    assert message(as_of=date(2026, 5, 1)) == (
        "CAUSAL-002 unquoted date\n"
        "  as_of is 2026-05-01 without quotes: a date to YAML, and dbt sees it as changed for ever\n"
        '  fix: write as_of: "2026-05-01"\n'
        "  more: docs/errors.md#causal-002"
    )


def test_002_a_text_that_yaml_read_as_false_is_refused():
    assert message(owner=False) == (
        "CAUSAL-002 text without quotes\n"
        "  owner should be text and is False: YAML reads a bare NO, off or yes as true or false\n"
        "  fix: put the value in quotes\n"
        "  more: docs/errors.md#causal-002"
    )


def test_003_cem_only_knows_the_studys_confounders():
    assert message(methods=[{"name": "cem", "exact": ["session_7d"]}]) == (
        "CAUSAL-003 not a confounder of the study\n"
        "  exact names session_7d; did you mean sessions_7d?\n"
        "  fix: exact takes names of the study's confounders\n"
        "  more: docs/errors.md#causal-003"
    )


def test_004_jinja_is_refused_wherever_it_stands():
    assert message(waivers=[{"check": "placebo_outcome", "reason": "{{ env_var('TOKEN') }}"}]) == (
        "CAUSAL-004 Jinja in a definition\n"
        "  waivers[1].reason contains {{ or {%: dbt would run it while it reads the file\n"
        "  fix: write the value itself\n"
        "  more: docs/errors.md#causal-004"
    )


def test_004_a_hostile_name_is_refused():
    assert message(cluster='x"; drop table users; --') == (
        "CAUSAL-004 name not allowed\n"
        "  cluster is 'x\"; drop table users; --'\n"
        "  fix: start with a lower-case letter, then lower-case letters, digits and _, at most 63 in all\n"
        "  more: docs/errors.md#causal-004"
    )


def test_017_a_window_that_crosses_treatment_is_refused():
    assert message(outcomes=[{"feature": "sessions", "window_days": 7, "start_days": -2}]) == (
        "CAUSAL-017 window crosses treatment\n"
        "  outcomes[1].start_days is -2: the outcome window would reach before the treatment\n"
        "  fix: set start_days to 0 or more\n"
        "  more: docs/errors.md#causal-017"
    )


def test_017_a_covariate_after_treatment_is_refused():
    fault = only_fault(confounders=[{"feature": "sessions", "gap_days": -1}])
    assert fault.details == ("confounders[1].gap_days is -1: the covariate window would reach after the treatment",)


def test_017_a_placebo_in_time_ends_before_treatment():
    fault = only_fault(anticipation_days=2, checks={"placebo_in_time": {"shift_days": 8}})
    assert fault.code == "017"
    assert fault.fix.startswith("set shift_days to at least 9")


def test_033_an_as_of_in_the_future_is_refused_with_the_date_from_which_it_can_run():
    assert message(as_of="2999-01-31") == (
        "CAUSAL-033 as_of lies in the future\n"
        "  as_of is 2999-01-31: events up to then do not exist yet, so the same as_of would give other numbers\n"
        "  fix: set as_of to a day that has passed, or run the study from 2999-01-31 on\n"
        "  more: docs/errors.md#causal-033"
    )


@pytest.mark.parametrize("as_of", ["2026-02-30", "yesterday", "2026-05-01T00:00:00+02:00", ""])
def test_033_an_as_of_that_is_no_moment_in_utc_is_refused(as_of):
    assert only_fault(as_of=as_of).subject == "as_of is not an ISO date or UTC timestamp"


@pytest.mark.parametrize("as_of", ["2026-02-28", "2026-02-28T12:00:00Z", "2026-02-28 12:00:00+00:00"])
def test_an_iso_date_or_utc_timestamp_is_accepted(as_of):
    assert parse({**DEFINITION, "as_of": as_of}).as_of_at.date() == date(2026, 2, 28)


def test_all_faults_are_reported_at_once():
    changes = {
        "methods": ["aiwp"],
        "margn": 1,
        "as_of": "soon",
        "outcomes": [{"feature": "sessions", "window_days": 0}],
    }
    with pytest.raises(CausalError) as raised:
        parse({**DEFINITION, **changes, "segments": ["a", "a"], "owner": "{{ x }}"})
    assert sorted(f.code for f in raised.value.faults) == ["001", "001", "001", "001", "004", "033"]


def test_rules_between_valid_keys_are_judged_although_others_are_not_valid():
    faults = definition_faults({**DEFINITION, "margin": "wide", "confounders": []})
    assert [f.subject for f in faults] == ["wrong type", "no confounders", "cem without confounders"]


def test_no_message_is_longer_than_six_lines():
    changes = {k: object() for k in DEFINITION}
    changes["checks"] = {"a\nb": {"c\nd": "{{ e }}\n\n\n\n\n\n\n"}}
    faults = definition_faults({**DEFINITION, **changes, "x" * 500: 1, "waivers": [{}]})
    assert faults
    assert max(len(str(f).splitlines()) for f in faults) <= 6


def test_the_place_of_each_fault_is_asked_for_by_its_path():
    faults = definition_faults({**DEFINITION, "methods": ["cem", "aiwp"]}, lambda path: f"{path}")
    assert [f.where for f in faults] == ["('methods', 1)"]


def test_shorthands_are_normalised():
    study = parse({**DEFINITION, "confounders": ["sessions_7d", "7-day session count", {"feature": "Sessions"}]})
    assert [c.name for c in study.confounders] == ["sessions_7d", "f_7_day_session_count", "sessions"]
    assert [m.name for m in study.methods] == ["cem", "aipw"]


def test_options_left_open_are_not_passed_to_the_method():
    (method,) = parse({**DEFINITION, "methods": ["aipw"]}).methods
    assert method.options() == {"folds": 5, "propensity_model": "logistic", "clip": "relative"}


def test_a_study_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Study.model_validate(DEFINITION).owner = "someone else"
