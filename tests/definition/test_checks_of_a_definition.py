"""What a definition tells its checks, and the message for what they cannot use."""

from __future__ import annotations

from typing import Any

import pytest

from estimators.registry import Feature, name_violations
from estimators.study import definition_faults, parse
from tests.definition.small_project import DEFINITION
from tests.definition.test_shapes_of_a_definition import IV, PANEL

PLACEBO = DEFINITION["checks"]
DRAWN = {**DEFINITION, "design": "randomised", "segments": ["region"], "cluster": "village"}


def only(definition: dict[str, Any], **checks: Any) -> Any:
    (fault,) = definition_faults({**definition, "checks": {**definition.get("checks", {}), **checks}})
    return fault


@pytest.mark.parametrize(
    "law",
    [
        {"law": "complete"},
        {"law": "stratified", "strata": ["region"]},
        {"law": "clustered", "n_draws": 500},
        {"law": "bernoulli"},
    ],
)
def test_every_law_of_assignment_is_accepted_where_it_was_used(law):
    assert definition_faults({**DRAWN, "checks": {"randomization": law}}) == []


def test_001_an_observational_study_was_not_randomised():
    assert str(only(DEFINITION, randomization={"law": "complete"})) == (
        "CAUSAL-001 nothing was randomised\n"
        "  randomization states how treatment was drawn; design is observational\n"
        "  fix: take it out; random treatments of an observational study are placebo_treatment\n"
        "  more: docs/errors.md#causal-001"
    )


@pytest.mark.parametrize("law", [{"law": "stratified"}, {"law": "complete", "strata": ["region"]}])
def test_001_strata_belong_to_the_stratified_law(law):
    assert only(DRAWN, randomization=law).subject == "strata and law differ"


def test_003_strata_are_segments_of_the_study():
    assert str(only(DRAWN, randomization={"law": "stratified", "strata": ["regoin"]})) == (
        "CAUSAL-003 not a segment of the study\n"
        "  strata names regoin; did you mean region?\n"
        "  fix: strata takes segments of the study: columns segment_<name> of the cohort\n"
        "  more: docs/errors.md#causal-003"
    )


def test_001_the_clustered_law_needs_clusters():
    without = {k: v for k, v in DRAWN.items() if k != "cluster"}
    assert only(without, randomization={"law": "clustered"}).subject == "law without clusters"


def test_003_benchmarks_are_confounders():
    assert str(only(DEFINITION, sensitivity={"benchmarks": ["session_7d"]})) == (
        "CAUSAL-003 not a confounder of the study\n"
        "  benchmarks names session_7d; did you mean sessions_7d?\n"
        "  fix: benchmarks takes names of the study's confounders\n"
        "  more: docs/errors.md#causal-003"
    )


def test_001_bounds_of_an_instrument_need_one():
    assert only(DEFINITION, plausibly_exogenous={"lower": 0.0, "upper": 0.1}).subject == "no instrument to bound"


def test_001_a_range_goes_upwards():
    assert str(only(IV, plausibly_exogenous={"lower": 0.2, "upper": 0.1})) == (
        "CAUSAL-001 range is upside down\n"
        "  lower is 0.2 and upper is 0.1\n"
        "  fix: exchange lower and upper\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_negative_control_is_no_outcome_of_the_study():
    fault = only(DEFINITION, negative_controls=[{"feature": "sessions", "name": "other", "window_days": 7}])
    assert fault.details == ("other measures sessions, as outcome sessions_next_7d does",)


def test_003_a_negative_control_is_a_registered_feature():
    features = [Feature("feat_sessions", n, None, 7, "count", has_event_at=True) for n in ("sessions", "sessions_7d")]
    checks = {**PLACEBO, "negative_controls": ["tickets"]}
    (fault,) = name_violations({**DEFINITION, "checks": checks}, features)
    assert (fault.code, fault.subject) == ("003", "unknown negative control")


@pytest.mark.parametrize("shift", [{"shift_periods": 1}, {"shift_days": 8, "shift_periods": 1}, {}])
def test_001_a_placebo_in_time_of_units_moves_by_days(shift):
    assert only(DEFINITION, placebo_in_time=shift).fix == "give shift_days and no shift_periods"


def test_a_placebo_in_time_of_a_panel_moves_by_periods():
    assert definition_faults({**PANEL, "checks": {"placebo_in_time": {"shift_periods": 1}}}) == []
    assert only(PANEL, placebo_in_time={"shift_days": 30}).fix == "give shift_periods and no shift_days"


def test_001_an_unknown_assumption_names_the_nearest_one():
    (fault,) = definition_faults({**DEFINITION, "assumptions": {"paralel_trends": "they were parallel"}})
    assert fault.details == ("'paralel_trends' is not a key of assumptions; did you mean parallel_trends?",)


def test_what_the_checks_are_told_reaches_them():
    told = {
        "sensitivity": {"benchmarks": ["sessions_28d"], "bias_range": [-0.1, 0.1]},
        "experiment": {"estimate": 0.2, "std_error": 0.1, "source": "the pilot of spring 2025"},
        "negative_controls": ["tickets"],
        "second_opinion": {"enabled": False},
    }
    study = parse({**DEFINITION, "checks": told, "assumptions": {"unconfoundedness": "the rule is known"}})
    assert study.checks.sensitivity.bias_range == (-0.1, 0.1)
    assert study.negative_control_columns == ("negative_control_tickets",)
    assert not study.checks.second_opinion.enabled
    assert study.assumptions.unconfoundedness == "the rule is known"


@pytest.mark.parametrize("std_error", [0.0, -1.0, float("nan")])
def test_001_an_experiment_has_a_standard_error(std_error):
    fault = only(DEFINITION, experiment={"estimate": 1.0, "std_error": std_error, "source": "a pilot"})
    assert (fault.code, fault.subject) == ("001", "value out of range")
