"""Each generic test passes where it should and has cases that must fail."""

from __future__ import annotations

import json

import pytest

from tests.package.consumer import Consumer, Outcome

NOTHING = "select 1"


def altered_check(check: str, /, **changes: object) -> str:
    """Statement that changes one check in the results of `good`; a change to null removes the key."""
    patch = json.dumps(changes)
    return (
        f"update good__results set payload = cast(json_merge_patch(payload, '{patch}') as varchar)"
        f" where record = 'check' and json_extract_string(payload, '$.check_name') = '{check}'"
    )


def test_gates_pass_for_a_published_study(first_build: tuple[Consumer, Outcome]) -> None:
    assert first_build[1].statuses["good_has_passed_gates"] == "pass"


def test_gates_fail_for_a_blocked_study(first_build: tuple[Consumer, Outcome]) -> None:
    assert first_build[1].statuses["bad_has_passed_gates"] == "fail"


def test_gates_fail_without_any_results(logged: Consumer) -> None:
    assert logged.violations("good_has_passed_gates", "delete from good__results") == 1


def test_gates_fail_without_any_check(logged: Consumer) -> None:
    assert logged.violations("good_has_passed_gates", "delete from good__results where record = 'check'") == 1


@pytest.mark.parametrize(
    ("changes", "violations"),
    [
        ({"status": "not_evaluated"}, 1),
        ({"status": "not_evaluated", "is_waived": True}, 0),
        ({"status": "fail"}, 1),
        ({"status": "fail", "is_waived": True}, 1),
        ({"status": "fail", "is_gate": False}, 0),
        ({"status": "warn"}, 0),
        ({"status": "unheard_of"}, 1),
        ({"status": None}, 1),
    ],
    ids=str,
)
def test_the_gate_rule_is_the_one_of_the_library(logged: Consumer, changes: dict, violations: int) -> None:
    assert logged.violations("good_has_passed_gates", altered_check("balance", **changes)) == violations


def test_gates_fail_when_the_run_says_that_it_is_blocked(logged: Consumer) -> None:
    blocked = "update good__results set payload = replace(payload, '\"published\"', '\"blocked\"') where record = 'run'"
    assert logged.violations("good_has_passed_gates", blocked) == 1


def test_covariates_that_end_before_treatment_pass(first_build: tuple[Consumer, Outcome]) -> None:
    assert first_build[1].statuses["good_covariates_precede_treatment"] == "pass"


@pytest.mark.parametrize(
    ("latest_covariate_at", "violations"),
    [("2026-03-01 01:00:00+01", 1), ("2026-03-01 00:59:59.999999+01", 0), ("2026-03-05 00:00:00+00", 1)],
)
def test_a_covariate_at_or_after_treatment_fails(logged: Consumer, latest_covariate_at: str, violations: int) -> None:
    moved = f"update hand_made set latest_covariate_at = timestamptz '{latest_covariate_at}'"
    assert logged.violations("added_covariates_precede_treatment", moved) == violations


def test_outcomes_after_treatment_pass(first_build: tuple[Consumer, Outcome]) -> None:
    assert first_build[1].statuses["good_outcomes_follow_treatment"] == "pass"


@pytest.mark.parametrize(
    ("earliest_outcome_at", "violations"), [("2026-03-01 01:00:00+01", 0), ("2026-03-01 00:59:59.999999+01", 1)]
)
def test_an_outcome_before_treatment_fails(logged: Consumer, earliest_outcome_at: str, violations: int) -> None:
    moved = f"update hand_made set earliest_outcome_at = timestamptz '{earliest_outcome_at}'"
    assert logged.violations("added_outcomes_follow_treatment", moved) == violations


def test_balanced_covariates_pass(logged: Consumer) -> None:
    assert logged.violations("added_has_balanced_covariates", NOTHING) == 0


def test_unbalanced_covariates_fail(logged: Consumer) -> None:
    assert logged.violations("added_has_balanced_covariates", altered_check("balance", status="fail")) == 1


def test_a_null_effect_on_the_placebo_passes(logged: Consumer) -> None:
    assert logged.violations("added_has_null_effect", NOTHING) == 0


@pytest.mark.parametrize(
    ("changes", "violations"),
    [
        ({"status": "fail"}, 1),
        ({"status": "fail", "is_waived": True}, 1),
        ({"status": "not_evaluated"}, 1),
        ({"status": "not_evaluated", "is_waived": True}, 0),
        ({"status": "warn"}, 0),
        ({"status": None}, 1),
        ({"check_name": "another"}, 1),
        ({"check_name": "pre_trends"}, 0),
        ({"check_name": "pre_trends", "status": "fail"}, 1),
        ({"check_name": "instrument_balance", "status": "not_evaluated"}, 1),
    ],
    ids=str,
)
def test_the_placebo_checks_decide_on_the_null_effect(logged: Consumer, changes: dict, violations: int) -> None:
    assert logged.violations("added_has_null_effect", altered_check("placebo_outcome", **changes)) == violations
