"""The steps of a forecast as dbt calls them: frames in, one long frame out, faults as rows, one fit for all of them."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dbt_causal.forecasts import kept
from dbt_causal.forecasts.frames import records_of, rows_of
from dbt_causal.forecasts.work import StepFailed
from estimators.errors import CausalError
from estimators.forecast.experiments.consistency import Consistency
from tests.forecast_steps.shop import DEFINITION, N_KNOWN, REGIONS, WEEKS, Shop, checks


def test_the_fit_agrees_with_experiments_that_it_has_not_seen(shop):
    assert checks(shop.frames["consistency"])["agrees_with_experiments"]["status"] == "pass"
    rows = pd.DataFrame(records_of(shop.frames["consistency"], "agreement"))
    assert rows["is_in_gate"].sum() == 12
    assert set(rows[rows["is_in_gate"]]["split"]) == {"heldout"}


def test_a_gate_that_compared_nothing_is_not_passed(shop, monkeypatch):
    nothing = Consistency("pass", np.nan, 12, np.nan, np.nan, 0.01, "sum of z² nan")
    monkeypatch.setattr("estimators.forecast.training.fitted.Fitted.consistency", lambda *arguments: nothing)
    other = Shop()
    other.frames = {"fit": shop.frames["fit"]}
    assert checks(other.step("consistency", "fit"))["agrees_with_experiments"]["status"] == "fail"


def test_the_plan_keeps_its_budget_and_says_so(shop):
    frame = shop.frames["plan"]
    decided = pd.DataFrame(records_of(frame, "decision"))
    assert len(decided) == 8 * len(REGIONS)
    assert decided["decision"].sum() <= 700 * (1 + 1e-6)
    assert {name: check["status"] for name, check in checks(frame).items()} == {
        "is_feasible": "pass",
        "has_certificate": "pass",
        "stays_within_support": "pass",
        "step_completes": "pass",
    }
    assert records_of(frame, "plan")[0]["certificate_kind"] == "global"


def test_every_entry_of_the_log_is_a_decision_of_the_plan(shop):
    decided = {(row["lever"], row["cell"]): row["decision"] for row in records_of(shop.frames["plan"], "decision")}
    logged = {(row["lever"], row["cell"]): float(row["value"]) for row in records_of(shop.frames["plan"], "logged")}
    assert logged == pytest.approx(decided)


def test_a_plan_that_disagrees_with_experiments_leaves_nothing_in_its_frame(shop):
    history_alone = {**DEFINITION, "losses": [{"type": "fit", "node": "hours"}, {"type": "pool"}]}
    other = Shop(history_alone, run_id="run 2")
    other.step("fit")
    other.step("consistency", "fit")
    frame = other.step("plan", "fit", "consistency")
    assert checks(other.frames["consistency"])["agrees_with_experiments"]["status"] == "fail"
    assert {row["decision"] for row in records_of(frame, "decision")} == {None}
    assert records_of(frame, "logged") == []
    (summary,) = records_of(frame, "plan")
    assert (summary["objective"], summary["value_on_fresh_draws"], summary["plan_id"]) == (None, None, None)


def test_forecasts_reach_over_the_horizon_and_take_unknown_decisions_as_they_were_last(shop):
    rows = pd.DataFrame(records_of(shop.step("forecast", "fit"), "forecast"))
    assert rows.groupby("node").size().to_dict() == {"hours": 8 * len(REGIONS)}
    assert sorted(rows["horizon"].unique()) == list(range(1, 9))
    assert (rows["lower"] <= rows["point"]).all()
    assert (rows["point"] <= rows["upper"]).all()
    assert rows["period"].min() == WEEKS[N_KNOWN].date().isoformat()


def test_a_backtest_is_not_conditional_and_has_its_baseline_beside_it(shop):
    frame = shop.step("backtest", "fit")
    rows = pd.DataFrame(records_of(frame, "score"))
    assert set(rows["method"]) == {"model", "seasonal_naive"}
    assert set(rows["decisions"]) == {"re-drawn by a policy"}
    assert not checks(frame)["beats_baselines"]["is_gate"]


def test_the_causes_of_regret_add_up_and_what_was_done_is_logged(shop):
    frame = shop.step("regret", "fit", "plan", actuals=True)
    value = {row["term"]: row["value"] for row in records_of(frame, "regret")}
    assert sum(v for term, v in value.items() if term != "total") == pytest.approx(value["total"], abs=1e-9)
    assert {row["record"] for row in records_of(frame, "logged")} == {"taken"}


def test_regret_waits_until_the_plan_is_over(shop):
    other = Shop(actuals=shop.tables["actuals"][shop.tables["actuals"]["week"] < WEEKS[-1]])
    other.frames = shop.frames
    reason = checks(other.step("regret", "fit", "plan", actuals=True))["step_completes"]["reason"]
    assert reason.startswith("the plan is not over yet; 1 of 8 labels of week are missing")


def test_a_step_that_is_built_alone_makes_the_same_fit_again(shop):
    before = shop.frames["consistency"]
    kept._FITS.clear()
    kept._PLANS.clear()
    alone = Shop(run_id="run 9")
    alone.frames = {"fit": shop.frames["fit"]}
    again = alone.step("consistency", "fit")
    assert again["payload"].tolist() == before["payload"].tolist()
    assert set(again["run_id"]) == {"run 1"}


def test_a_step_that_is_built_alone_on_other_tables_is_refused(shop):
    kept._FITS.clear()
    history = shop.tables["history"].assign(hours=shop.tables["history"]["hours"] + 1.0)
    alone = Shop(history=history)
    alone.frames = {"fit": shop.frames["fit"]}
    check = checks(alone.step("consistency", "fit"))["step_completes"]
    assert (check["status"], check["code"]) == ("fail", "029")
    assert check["reason"].startswith("the fit is not that of these tables; history or experiments changed since")


def test_a_fault_of_the_data_is_a_failed_check_and_stops_what_follows_in_words(shop):
    broken = shop.tables["experiments"].assign(std_error=0.0)
    faulty = Shop(experiments=broken)
    check = checks(faulty.step("fit"))["step_completes"]
    assert (check["status"], check["code"]) == ("fail", "029")
    assert "std_error is 0, it must be above 0" in check["reason"]
    followed = checks(faulty.step("consistency", "fit"))["step_completes"]
    assert followed["reason"].startswith("there is no fit; ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="hours"), "a history without the nodes that are fitted; missing: hours"),
        (lambda f: f.assign(hours=np.nan), "a history without observations; nodes: hours"),
        (lambda f: pd.concat([f, f.iloc[:1]]), "duplicate cells"),
        (lambda f: f[f["week"] != WEEKS[10]], "a gap in week"),
        (lambda f: f.drop(columns="bonus"), "shop has no column for an input; missing: bonus"),
    ],
    ids=["no node", "nothing observed", "duplicate cells", "gap", "no input"],
)
def test_a_history_with_a_fault_is_refused_in_words(shop, change, message):
    check = checks(Shop(history=change(shop.tables["history"])).step("fit"))["step_completes"]
    assert (check["status"], check["code"]) == ("fail", "029")
    assert message in check["reason"]


def test_an_edited_definition_needs_a_new_fit(shop):
    edited = Shop()
    edited.frames = {"fit": shop.frames["fit"].assign(definition_hash="another")}
    reason = checks(edited.step("consistency", "fit"))["step_completes"]["reason"]
    assert reason.startswith("the definition changed after the fit")


def test_without_torch_the_step_says_what_to_install(monkeypatch):
    def without_torch(*arguments: Any) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("dbt_causal.forecasts.model.train", without_torch)
    check = checks(Shop().step("fit"))["step_completes"]
    assert (
        check["reason"] == "a package is not installed; forecasts need torch; fix: pip install 'dbt-causal[forecast]'"
    )


def test_a_fault_of_the_program_is_raised_without_values(shop, monkeypatch):
    def fails(*arguments: Any) -> None:
        raise ValueError("the value 4711")

    monkeypatch.setattr("dbt_causal.forecasts.model.train", fails)
    with pytest.raises(StepFailed) as caught:
        Shop().step("fit")
    assert str(caught.value).startswith("CAUSAL-000 fit of shop failed\n  ValueError at dbt_causal/forecasts/model.py")
    assert "4711" not in str(caught.value)


def test_a_history_of_events_is_refused_before_it_is_read():
    many = duckdb.connect().sql("select 1 as cell from range(5000001)")
    with pytest.raises(CausalError, match="aggregate the history to one row per cell"):
        rows_of(many)


def test_a_history_from_spark_has_the_types_of_one_from_duckdb():
    """Spark's tables come as Arrow, with decimals, dates, and moments that know their zone."""
    day, noon = datetime(2026, 1, 1), datetime(2026, 1, 1, 12)
    columns = {
        "x": pa.array([Decimal("1.50")], pa.decimal128(5, 2)),
        "day": pa.array([day.date()], pa.date32()),
        "at": pa.array([noon], pa.timestamp("us", "UTC")),
    }
    found = rows_of(SimpleNamespace(count=lambda: 1, toArrow=lambda: pa.table(columns)))
    with duckdb.connect() as connection:
        query = "select 1.50 as x, date '2026-01-01' as day, timestamp '2026-01-01 12:00:00' as at"
        wanted = rows_of(connection.sql(query))
    assert found["x"].dtype == wanted["x"].dtype == float
    assert found["x"].tolist() == wanted["x"].tolist() == [1.5]
    assert found["day"].tolist() == wanted["day"].tolist() == [day]
    assert found["at"].tolist() == wanted["at"].tolist() == [noon]


def test_labels_of_cells_are_json_with_the_time_dim(shop):
    cell = records_of(shop.frames["plan"], "decision")[0]["cell"]
    assert json.loads(cell) == {"region": "east", "week": WEEKS[N_KNOWN].date().isoformat()}
