"""Steps after the plan: overrides, what happened since the fit, what to try next, and how nodes answer."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from dbt_causal.forecasts.ahead import policy
from dbt_causal.forecasts.frames import records_of
from dbt_causal.forecasts.history import prepare
from estimators.forecast.declared.definition import parse
from tests.forecast_steps.shop import DEFINITION, N_KNOWN, REGIONS, WEEKS, Shop, checks


def test_a_cell_that_people_decide_otherwise_is_judged_shown_and_logged(shop):
    first = {"lever": "bonus", "region": "east", "week": WEEKS[N_KNOWN], "value": 12.0}
    overrides = pd.DataFrame([first | {"decided_by": "ops", "reason": "strike"}])
    other = Shop(overrides=overrides)
    other.frames = shop.frames | {}
    frame = other.step("plan", "fit", "consistency", overrides=True)
    decided = pd.DataFrame(records_of(frame, "decision")).set_index(["lever", "cell"])
    planned = pd.DataFrame(records_of(shop.frames["plan"], "decision")).set_index(["lever", "cell"])
    is_changed = decided["decided_as"] == "override"
    assert decided.loc[is_changed, "decision"].tolist() == [12.0]
    assert decided.loc[~is_changed, "decision"].equals(planned.loc[~is_changed, "decision"])
    assert set(decided["plan_id"]) == set(planned["plan_id"])
    logged = pd.DataFrame(records_of(frame, "logged"))
    assert logged["record"].value_counts().to_dict() == {"plan": 8 * len(REGIONS), "override": 1}
    assert logged["reason"].iloc[-1] == "override of bonus by ops: strike"
    found = checks(frame)
    assert (found["has_certificate"]["status"], found["is_feasible"]["status"]) == ("warn", "pass")


def test_an_override_that_breaks_the_budget_blocks_the_plan(shop):
    row = {"lever": "bonus", "region": "east", "week": WEEKS[N_KNOWN], "value": 5000.0}
    other = Shop(overrides=pd.DataFrame([row | {"decided_by": "ops", "reason": "strike"}]))
    other.frames = shop.frames | {}
    frame = other.step("plan", "fit", "consistency", overrides=True)
    assert checks(frame)["is_feasible"]["status"] == "fail"
    assert {row["decision"] for row in records_of(frame, "decision")} == {None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lever": "coupon"}, "an override of coupon, which the plan does not decide; decided are bonus"),
        ({"reason": None}, "overrides without who and why; 1 of 1 rows; fix: fill decided_by and reason in"),
        ({"value": np.nan}, "an override that is without a value; bonus at region east, week "),
        ({"region": "centre"}, "unknown label in region; 1 unknown: 'centre'; region has 4 labels, east to west"),
    ],
    ids=["another lever", "no reason", "no value", "unknown region"],
)
def test_029_an_override_with_a_fault_is_refused_in_words(shop, change, message):
    row = {"lever": "bonus", "region": "east", "week": WEEKS[N_KNOWN], "value": 1.0, "decided_by": "a", "reason": "b"}
    other = Shop(overrides=pd.DataFrame([row | change]))
    other.frames = shop.frames | {}
    check = checks(other.step("plan", "fit", "consistency", overrides=True))["step_completes"]
    assert (check["status"], check["code"]) == ("fail", "029")
    assert message in check["reason"]


def test_what_happened_since_is_compared_attributed_and_watched(shop):
    frame = shop.step("monitoring", "fit", actuals=True)
    (compared,) = records_of(frame, "actual")
    assert (compared["node"], compared["n"], compared["n_missing"]) == ("hours", 8 * len(REGIONS), 0)
    assert abs(compared["share_error"]) < 0.05
    (blamed,) = records_of(frame, "attribution")
    assert (blamed["module"], blamed["share"], blamed["n_periods"]) == ("Hours", 1.0, 4)
    watched = pd.DataFrame(records_of(frame, "drift"))
    assert len(watched) == 2 * len(REGIONS)
    assert checks(frame)["no_drift"]["status"] == "pass"


def test_a_sub_model_that_broke_raises_the_alarm_and_stops_nothing(shop):
    broken = shop.tables["actuals"].copy()
    broken.loc[broken["region"] == "north", "hours"] += 60.0
    other = Shop(actuals=broken)
    other.frames = shop.frames
    check = checks(other.step("monitoring", "fit", actuals=True))["no_drift"]
    assert (check["status"], check["is_gate"]) == ("warn", False)
    assert check["reason"].startswith("hours: north: its mean moved by ")


@pytest.mark.parametrize(
    ("since", "message"),
    [
        (WEEKS[-1] + pd.Timedelta(days=1), "nothing happened since the fit; no node was observed after week "),
        (WEEKS[N_KNOWN + 1], "actuals that do not follow the history; they begin at week "),
    ],
)
def test_029_monitoring_needs_the_periods_that_follow(shop, since, message):
    late = shop.tables["actuals"].assign(hours=lambda rows: rows["hours"].where(rows["week"] >= since))
    other = Shop(actuals=late)
    other.frames = shop.frames
    assert message in checks(other.step("monitoring", "fit", actuals=True))["step_completes"]["reason"]


def test_designs_are_ranked_by_what_they_are_worth_to_the_plan(shop):
    designs = shop.tables["experiments"].drop(columns=["effect", "split"]).drop_duplicates("region")
    designs = pd.concat([designs, designs.assign(experiment="vague", std_error=1e6)]).drop_duplicates("experiment")
    other = Shop(designs=designs)
    other.frames = shop.frames
    rows = pd.DataFrame(records_of(other.step("next_experiment", "fit", "plan", designs=True), "candidate"))
    assert rows["rank"].tolist() == list(range(1, len(designs) + 1))
    assert rows["value"].is_monotonic_decreasing
    assert rows.set_index("candidate").loc["vague", "value"] == rows["value"].min()


def test_the_plan_is_made_anew_without_each_slice_of_history_and_on_draws(shop):
    other = Shop(DEFINITION | {"stability": {"slices": 2, "draws": 1}})
    other.frames = shop.frames
    rows = records_of(other.step("stability", "fit", "plan"), "replanned")
    half = N_KNOWN // 2
    first, second = ((WEEKS[i].date(), WEEKS[i + half - 1].date()) for i in (0, half))
    assert [row["left_out"] for row in rows] == [
        f"{first[0]} to {first[1]}",
        f"{second[0]} to {second[1]}",
        "draw 1",
    ]
    promised = records_of(shop.frames["plan"], "plan")[0]["objective"]
    for row in rows:
        assert row["loss_share"] == pytest.approx(1.0 - row["delivered"] / promised, abs=1e-9)
        assert -1e-6 <= row["loss_share"] < 0.01
        assert 0.0 < row["share_moved"] < 0.5


def test_derivatives_are_those_of_the_model(shop):
    rows = pd.DataFrame(records_of(shop.step("forecast", "fit"), "derivative"))
    assert len(rows) == 8 * len(REGIONS)
    assert rows["period"].max() == WEEKS[N_KNOWN - 1].date().isoformat()
    parameters = pd.DataFrame(records_of(shop.frames["fit"], "parameter")).set_index(["parameter", "cell"])["value"]
    first = rows.iloc[0]
    region = json.loads(first["cell"])["region"]
    history = shop.tables["history"]
    bonus = history[(history["region"] == region) & (history["week"] == first["period"])]["bonus"].item()
    slope = parameters["Hours.slope_bonus", json.dumps({"region": region}, separators=(",", ":"))]
    scale = parameters.filter(like="scale").iloc[0]
    assert first["derivative"] == pytest.approx(slope / (scale + bonus), rel=1e-9)


def test_an_input_that_is_usual_ahead_is_its_mean_over_four_seasons(shop):
    inputs = DEFINITION["inputs"] | {"bonus": DEFINITION["inputs"]["bonus"] | {"ahead": "usual"}}
    usual = parse(DEFINITION | {"inputs": inputs})
    past = {name: tensor for name, tensor in prepare(usual, shop.tables["history"]).history.items() if name in inputs}
    made = policy(usual)(past, "week", ("next", "last"))
    assert made["bonus"].data[:, 1].tolist() == pytest.approx(past["bonus"].data[:, -4:].mean(1).tolist())
    assert made["holiday"].data.tolist() == [past["holiday"].data[-1].item()] * 2
