"""What the definitions of panels, of series and of instruments must say, and the whole message where they do not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from estimators.registry import Feature, name_violations
from estimators.study import definition_faults, parse
from estimators.study_methods import BY_NAME
from estimators.study_parts import Periods
from tests.definition.small_project import DEFINITION

MONTHS = {"first_on": "2026-01-01", "every": "month", "n_periods": 4}
PANEL: dict[str, Any] = {
    **{k: v for k, v in DEFINITION.items() if k not in ("control_index", "checks")},
    "methods": ["did", "panel"],
    "outcomes": ["sessions"],
    "periods": MONTHS,
}
SERIES: dict[str, Any] = {
    **{k: v for k, v in PANEL.items() if k != "confounders"},
    "methods": ["bsts", "synthetic_control"],
    "aggregate": "sum",
}
IV: dict[str, Any] = {**DEFINITION, "methods": ["iv"], "estimand": "LATE", "instruments": ["lottery"]}


def message(definition: dict[str, Any], **changes: Any) -> str:
    """What is printed for `definition` with these keys changed; a change to None removes the key."""
    changed = {k: v for k, v in {**definition, **changes}.items() if v is not None}
    return "\n".join(str(f) for f in definition_faults(changed))


@pytest.mark.parametrize(
    ("definition", "shape"),
    [(DEFINITION, "cross_section"), (IV, "cross_section"), (PANEL, "panel"), (SERIES, "series")],
)
def test_the_methods_decide_the_shape_of_the_study(definition, shape):
    assert parse(definition).shape == shape


def test_001_methods_of_two_shapes_are_refused():
    assert message(PANEL, methods=["did", "bsts"]) == (
        "CAUSAL-001 methods of different shapes\n"
        "  did reads a row per unit and period, bsts reads series over periods\n"
        "  fix: one study has one table: write a study of its own for the other method\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_panel_needs_its_periods():
    assert message(PANEL, periods=None) == (
        "CAUSAL-001 missing key\n"
        "  the study has no periods, and did reads a row per unit and period\n"
        '  fix: add periods: {first_on: "2026-01-05", every: week, n_periods: 12}\n'
        "  more: docs/errors.md#causal-001"
    )


def test_001_one_row_per_unit_needs_the_index_of_the_controls():
    assert message(DEFINITION, control_index=None) == (
        "CAUSAL-001 missing key\n"
        "  the study has no control_index\n"
        "  fix: say how controls got their treated_at: control_index: calendar, risk_set or drawn_from_treated\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_key_of_another_shape_is_refused_with_what_takes_its_place():
    assert message(PANEL, anticipation_days=7) == (
        "CAUSAL-001 key of another shape\n"
        "  anticipation_days has no meaning for did, which reads a row per unit and period; count in"
        " anticipation_periods\n"
        "  fix: take anticipation_days out\n"
        "  more: docs/errors.md#causal-001"
    )


@pytest.mark.parametrize(
    ("definition", "key", "value"),
    [
        (DEFINITION, "periods", MONTHS),
        (DEFINITION, "anticipation_periods", 1),
        (DEFINITION, "aggregate", "mean"),
        (PANEL, "control_index", "calendar"),
        (PANEL, "instruments", ["lottery"]),
        (PANEL, "treatment_values", {"treated": "yes", "control": "no"}),
        (PANEL, "aggregate", "mean"),
        (SERIES, "confounders", ["sessions_7d"]),
        (SERIES, "segments", ["region"]),
        (PANEL, "checks", {"placebo_outcomes": [{"feature": "sessions", "gap_days": 28}]}),
    ],
)
def test_001_each_shape_has_its_own_keys(definition, key, value):
    (fault,) = definition_faults({**definition, key: value})
    assert fault.subject == "key of another shape"


@pytest.mark.parametrize("key", ["window_days", "start_days"])
def test_001_an_outcome_of_a_panel_has_no_window_beside_its_periods(key):
    (fault,) = definition_faults({**PANEL, "outcomes": [{"feature": "sessions", key: 7}]})
    assert (fault.code, fault.subject) == ("001", "window beside periods")


def test_033_the_last_period_has_to_have_ended():
    assert message(PANEL, as_of="2026-04-30") == (
        "CAUSAL-033 the last period has not ended\n"
        "  period 4 ends on 2026-05-01, after as_of 2026-04-30\n"
        "  fix: give fewer periods, or run the study with as_of 2026-05-01 or later\n"
        "  more: docs/errors.md#causal-033"
    )


def test_026_a_panel_has_a_period_before_anticipation_and_one_after():
    assert message(PANEL, anticipation_periods=3) == (
        "CAUSAL-026 too few periods\n"
        "  4 periods, of which 3 may be anticipated\n"
        "  fix: a comparison needs a period before anticipation and one after: add periods\n"
        "  more: docs/errors.md#causal-026"
    )


def test_002_the_first_day_is_quoted():
    text = message(PANEL, periods={**MONTHS, "first_on": datetime(2026, 1, 1, tzinfo=UTC).date()})
    assert text.startswith("CAUSAL-002 unquoted date\n  first_on is 2026-01-01 without quotes")


@pytest.mark.parametrize("first_on", ["2026-02-30", "2026", "20260101", "2026-01-01T00:00:00", ""])
def test_001_the_first_day_is_an_iso_date(first_on):
    assert "first_on is not an ISO date" in message(PANEL, periods={**MONTHS, "first_on": first_on})


def test_001_months_begin_on_a_day_that_every_month_has():
    assert message(PANEL, periods={**MONTHS, "first_on": "2025-08-31"}) == (
        "CAUSAL-001 periods of unequal months\n"
        "  first_on is 2025-08-31: some months have no day 31\n"
        "  fix: begin on one of the days 1 to 28, or count in days or weeks\n"
        "  more: docs/errors.md#causal-001"
    )


@pytest.mark.parametrize(
    ("every", "second", "end"),
    [
        ("day", "2024-02-29", "2024-03-02"),
        ("week", "2024-03-06", "2024-03-20"),
        ("month", "2024-03-28", "2024-05-28"),
        ("quarter", "2024-05-28", "2024-11-28"),
        ("year", "2025-02-28", "2027-02-28"),
    ],
)
def test_periods_follow_the_calendar_over_a_leap_day(every, second, end):
    periods = Periods(first_on="2024-02-28", every=every, n_periods=3)
    days = [f"{moment:%Y-%m-%d}" for moment in periods.boundaries()]
    assert (days[0], days[1], days[3], len(days)) == ("2024-02-28", second, end, 4)


def test_025_iv_needs_an_instrument():
    assert message(IV, instruments=None) == (
        "CAUSAL-025 iv without an instrument\n"
        "  iv compares units by a cause of treatment that touches the outcome in no other way: none is named\n"
        "  fix: add instruments: [name], and a column instrument_<name> to the cohort\n"
        "  more: docs/errors.md#causal-025"
    )


def test_001_iv_estimates_the_effect_on_compliers_only():
    assert message(IV, estimand="ATT") == (
        "CAUSAL-001 method cannot estimate this estimand\n"
        "  iv estimates LATE; the study asks for ATT\n"
        "  fix: use difference or cem or aipw or panel or did or bsts or synthetic_control for ATT, or change the"
        " estimand\n"
        "  more: docs/errors.md#causal-001"
    )


def test_001_a_method_beside_iv_needs_its_own_estimand():
    assert message(IV, methods=["iv", "aipw"]) == (
        "CAUSAL-001 method cannot estimate this estimand\n"
        "  aipw estimates ATT, ATE, ATO; the study asks for LATE\n"
        "  fix: take it out, or say what it is compared for: triangulation: {estimand: ATE, because: ...}\n"
        "  more: docs/errors.md#causal-001"
    )


def test_triangulation_gives_the_methods_beside_iv_their_estimand():
    beside = {"estimand": "ATE", "because": "almost everybody complies"}
    study = parse({**IV, "methods": ["iv", "aipw"], "triangulation": beside})
    assert [study.estimand_of(m) for m in study.methods] == ["LATE", "ATE"]


@pytest.mark.parametrize("method", ["difference", "cem", "aipw"])
def test_001_a_dose_needs_a_method_that_takes_doses(method):
    assert message(DEFINITION, methods=[method], treatment_kind="continuous") == (
        "CAUSAL-001 method takes no doses\n"
        f"  {method} compares two arms; treatment_kind is continuous\n"
        "  fix: use iv, panel, or make the treatment 0 or 1\n"
        "  more: docs/errors.md#causal-001"
    )


@pytest.mark.parametrize("definition", [IV, {**PANEL, "methods": ["panel"]}])
def test_iv_and_fixed_effects_take_doses(definition):
    assert message(definition, treatment_kind="continuous") == ""


@pytest.mark.parametrize("definition", [PANEL, SERIES, IV])
def test_only_comparisons_of_like_with_like_need_confounders(definition):
    assert message(definition, confounders=None) == ""


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("iv", {"estimator": "2sls", "cov": "robust"}),
        ("panel", {"effects": ("unit", "time"), "cov": "cluster"}),
        (
            "did",
            {"control": "never", "method": "dr", "aggregate": "group", "base_period": "varying", "bootstrap": 0},
        ),
        ("bsts", {"n_chains": 4, "n_draws": 1000, "engine": "gibbs"}),
        ("synthetic_control", {"demeaned": False}),
    ],
)
def test_the_defaults_of_a_method_are_those_of_the_field(method, options):
    assert BY_NAME[method](name=method).options() == options


def test_an_outcome_of_a_panel_needs_no_window_in_the_registry():
    features = [Feature("feat_sessions", name, None, None, "count", has_event_at=True) for name in ("sessions", "s")]
    features.append(Feature("feat_sessions", "sessions_7d", None, 7, "count", has_event_at=True))
    assert name_violations(PANEL, features) == []
    assert [v.subject for v in name_violations({**PANEL, "methods": ["aipw"]}, features)] == [
        "outcome without a window"
    ]
