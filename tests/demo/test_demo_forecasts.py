"""What the forecasts of the worked example must show: a plan that is published and good, and one that is withheld."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from tests.source_tree import ROOT

pytestmark = [pytest.mark.demo, pytest.mark.slow]

BUDGET = 6_300_000.0
RAMP = 0.25  # of a bonus from one week to the next
WITHHELD = "marketplace_without_experiments"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "dbt_project/simulate_marketplace.py"
    spec = importlib.util.spec_from_file_location("simulate_marketplace", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate_marketplace"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def decisions(demo) -> pd.DataFrame:
    """The published plan with a column per dim."""
    frame = demo.query("select * from published_plan where forecast_id = 'marketplace'", "causal_results")
    return pd.concat([frame, pd.DataFrame([json.loads(cell) for cell in frame["cell"]])], axis=1)


def rides(script, bonus: np.ndarray, coupon: np.ndarray) -> float:
    """Rides of the plan year under other incentives in it, by the structural truth."""
    world = script.make_world(23)
    whole = [
        np.concatenate([a[..., : script.N_HISTORY], b], axis=-1)
        for a, b in ((world.bonus, bonus), (world.coupon, coupon))
    ]
    return float(script.structure(world.truth, world.base, *whole)["rides"][..., script.N_HISTORY :].sum())


def planned(script, decisions: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Decisions as arrays: bonus (regions, weeks), coupon (regions, products, weeks)."""
    weeks = script.N_WEEKS - script.N_HISTORY
    bonus = decisions[decisions["lever"] == "bonus"].sort_values(["region", "period"])["decision"].to_numpy()
    coupon = decisions[decisions["lever"] == "coupon"].copy()
    coupon["product"] = pd.Categorical(coupon["product"], script.PRODUCTS)
    coupon = coupon.sort_values(["region", "product", "period"])["decision"].to_numpy()
    n = len(script.REGIONS)
    return bonus.reshape(n, weeks), coupon.reshape(n, len(script.PRODUCTS), weeks)


def fixed_shares(script) -> tuple[np.ndarray, np.ndarray]:
    """The rule that the company had: the same each week, shared as last year's spending was."""
    world, last_year = script.make_world(23), slice(script.N_HISTORY - 52, script.N_HISTORY)
    bonus, coupon = world.bonus[:, last_year].mean(-1), world.coupon[..., last_year].mean(-1)
    scale = BUDGET / 52 / (bonus.sum() + coupon.sum())
    return np.repeat(scale * bonus[:, None], 52, -1), np.repeat(scale * coupon[..., None], 52, -1)


def best_possible(script) -> float:
    """The most rides of the plan year under the budget and the truth, every week free: concave, by gradients."""
    from scipy.optimize import minimize

    bonus, coupon = fixed_shares(script)

    def lost(logits: np.ndarray) -> tuple[float, np.ndarray]:
        share = np.exp(logits - logits.max())
        spent = BUDGET * share / share.sum()
        parts = spent[: bonus.size].reshape(bonus.shape), spent[bonus.size :].reshape(coupon.shape)
        slope = np.concatenate([part.ravel() for part in rides_per_dollar(script, *parts)])
        return -rides(script, *parts) / 1e6, -spent * (slope - spent @ slope / BUDGET) / 1e6

    start = np.log(np.concatenate([bonus.ravel(), coupon.ravel()]))
    return -1e6 * minimize(lost, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).fun


def rides_per_dollar(script, bonus: np.ndarray, coupon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of the year's rides by each bonus and each coupon, by the structural truth."""
    world, ahead = script.make_world(23), slice(script.N_HISTORY, None)
    both = [
        np.concatenate([a[..., : script.N_HISTORY], b], -1) for a, b in ((world.bonus, bonus), (world.coupon, coupon))
    ]
    found = script.structure(world.truth, world.base, *both)
    by_hours = (0.5 * found["rides"] / found["hours"][:, None]).sum(1)
    by_carried = by_hours * world.truth.hours_slope[:, None] / (script.BONUS_SCALE + script.carried(both[0]))
    later = np.pad(by_carried[:, ahead], ((0, 0), (0, len(script.CARRY_WEIGHTS) - 1)))
    by_bonus = sum(w * later[:, lag:][:, : bonus.shape[1]] for lag, w in enumerate(script.CARRY_WEIGHTS))
    by_requests = (0.5 * found["rides"] / found["requests"])[..., ahead]
    return by_bonus, by_requests * world.truth.requests_slope[..., None] / (script.COUPON_SCALE + coupon)


def test_the_derivatives_of_the_truth_are_those_of_small_changes(script):
    bonus, coupon = fixed_shares(script)
    by_bonus, by_coupon = rides_per_dollar(script, bonus, coupon)
    more, other = bonus.copy(), coupon.copy()
    more[2, 7] += 1.0
    other[1, 0, 9] += 1.0
    assert rides(script, more, coupon) - rides(script, bonus, coupon) == pytest.approx(by_bonus[2, 7], rel=1e-3)
    assert rides(script, bonus, other) - rides(script, bonus, coupon) == pytest.approx(by_coupon[1, 0, 9], rel=1e-3)


def test_the_plan_is_published_and_the_one_without_experiments_is_withheld(demo):
    status = demo.query("select forecast_id, status from plan_status", "causal_results")
    assert dict(zip(status["forecast_id"], status["status"], strict=True)) == {
        "marketplace": "published",
        WITHHELD: "withheld",
    }


def test_the_plan_decides_every_week_of_every_region(decisions):
    assert decisions.groupby("lever").size().to_dict() == {"bonus": 8 * 52, "coupon": 8 * 2 * 52}
    assert (decisions["period"].min(), decisions["period"].max()) == ("2025-04-28", "2026-04-20")
    assert decisions["decision"].notna().all()


def test_the_plan_keeps_its_budget_and_stays_within_what_was_tried(decisions):
    assert decisions["decision"].sum() <= BUDGET * (1 + 1e-6)
    assert (decisions["decision"] >= decisions["lower"] - 1e-6).all()
    assert (decisions["decision"] <= decisions["upper"] + 1e-6).all()


def test_no_bonus_moves_by_more_than_its_ramp(demo, decisions):
    """From the last week of the history on: the first step of the plan is held to it."""
    rows = decisions[decisions["lever"] == "bonus"]
    planned = rows.pivot_table(index="period", columns="region", values="decision").sort_index()
    past = demo.query("select region, week, bonus from marketplace where bonus is not null order by week")
    weeks = pd.concat([past.groupby("region")["bonus"].last().to_frame().T, planned]).to_numpy()
    before, after = weeks[:-1], weeks[1:]
    assert (np.abs(after - before) <= RAMP * before + 1e-6 * before.max()).all()
    share = np.abs(after - before) / before
    assert (share > RAMP - 1e-4).any()  # without the ramp it would move further


def test_the_regret_of_the_plan_is_at_most_a_quarter_of_that_of_fixed_shares(script, decisions):
    best = best_possible(script)
    plan, rule = (rides(script, *of) for of in (planned(script, decisions), fixed_shares(script)))
    assert rule < plan
    assert best - plan <= 0.25 * (best - rule)


def test_no_table_shows_a_decision_of_the_withheld_plan(demo):
    rows = demo.query(f"select * from published_plan where forecast_id = '{WITHHELD}'", "causal_results")
    assert rows["decision"].isna().all()
    assert rows["reason"].str.startswith("agrees_with_experiments: ").all()
    figures = "objective, value_on_fresh_draws, baseline_value"
    assert demo.query(f"select {figures} from plans where forecast_id = '{WITHHELD}'").isna().all(axis=None)
    assert demo.query(f"select * from decision_log where forecast_id = '{WITHHELD}'").empty
    payloads = demo.query(f"select payload from {WITHHELD}__plan where record = 'decision'")["payload"]
    assert {json.loads(text)["decision"] for text in payloads} == {None}


def test_history_alone_fits_as_well_and_fails_the_gate(demo):
    gate = demo.query("select * from forecast_checks where check_name = 'agrees_with_experiments'")
    by_forecast = gate.set_index("forecast_id")
    assert by_forecast.loc["marketplace", "status"] == "pass"
    assert by_forecast.loc[WITHHELD, "status"] == "fail"


def test_an_observational_effect_is_marked_and_never_in_the_gate(demo):
    rows = demo.query("select * from experiment_agreement where forecast_id = 'marketplace'")
    observational = rows[rows["source"] == "observational"]
    assert list(observational["experiment"]) == ["shared_discount"]
    assert not observational["is_in_gate"].any()
    assert rows["is_in_gate"].sum() >= 5


def test_the_published_plan_says_how_far_from_the_optimum_it_can_be(demo):
    plan = demo.query("select * from plans where forecast_id = 'marketplace'").iloc[0]
    assert plan["certificate_kind"] in ("global", "bound", "local")
    assert plan["certificate_why"]
    assert plan["value_on_fresh_draws"] > plan["baseline_value"]


def test_the_causes_of_regret_add_up_and_say_what_they_rest_on(demo):
    rows = demo.query("select * from regret where forecast_id = 'marketplace'")
    value = rows.set_index("term")["value"]
    assert value.drop("total").sum() == pytest.approx(value["total"], rel=1e-9)
    assert value["total"] > 0
    assert set(rows["kind"]) == {"model-relative"}


def test_the_plan_and_what_was_done_instead_are_logged(demo):
    records = demo.query("select record, count(*) as n from decision_log group by record")
    assert dict(zip(records["record"], records["n"], strict=True)) == {"plan": 1248, "taken": 1248}


def test_the_sensitivity_of_the_plan_is_shown_for_each_lever(demo):
    rows = demo.query("select * from plan_sensitivity")
    assert set(rows["parameter"]) == {"Hours.slope_bonus", "Requests.slope_coupon"}
    assert (rows["loss_share"] >= -1e-6).all()


def test_the_plan_hardly_hangs_on_half_of_the_history(demo):
    rows = demo.query("select * from plan_stability order by left_out")
    assert set(rows["forecast_id"]) == {"marketplace"}
    halves = rows["left_out"].str.split(" to ", expand=True)
    assert halves[0][0] == "2023-05-01"
    assert halves[1][1] == "2025-04-21"
    assert ((rows["loss_share"] > -1e-6) & (rows["loss_share"] < 0.05)).all()
    assert ((rows["share_moved"] > 0) & (rows["share_moved"] < 0.5)).all()
    promised = demo.query("select objective from plans where forecast_id = 'marketplace'")["objective"][0]
    assert (1.0 - rows["delivered"] / promised).to_numpy() == pytest.approx(rows["loss_share"].to_numpy(), abs=1e-9)


def test_the_withheld_forecast_shows_by_how_much_it_disagrees(demo):
    check = demo.query(
        f"select statistic, threshold, reason from forecast_checks where forecast_id = '{WITHHELD}'"
        " and check_name = 'agrees_with_experiments'"
    ).iloc[0]
    assert np.isfinite(check["statistic"])
    assert check["statistic"] > 100.0
    assert check["reason"].startswith(f"sum of z² {check['statistic']:.1f} on ")


def test_bikeshare_is_forecast_and_scored_and_has_no_plan(demo):
    forecasts = demo.query("select * from forecasts where forecast_id = 'bikeshare'")
    assert len(forecasts) == 2 * 28
    assert (forecasts["lower"] <= forecasts["point"]).all()
    scores = demo.query(
        "select * from backtests where forecast_id = 'bikeshare' and metric = 'mase' and origin is null"
        " and horizon is null"
    )
    assert sorted(scores["method"]) == ["ets", "model", "seasonal_naive"]
    assert not scores["is_conditional"].any()
    by_method = scores.set_index("method")["value"]
    assert by_method["model"] <= by_method["ets"] < by_method["seasonal_naive"]
    assert demo.query("select * from plan_status where forecast_id = 'bikeshare'").empty


def test_the_report_shows_plans_beside_studies(demo):
    from dbt_causal.report import report

    text = report(demo.databases["causal_results"])
    assert "forecast marketplace: plan published" in text
    assert f"forecast {WITHHELD}: plan withheld" in text
