"""A stand-in for the forecaster: the frames that its steps hand to dbt, with numbers written down by hand.

`held` agrees with its experiments and its plan may be published; `unheld` does not. Its frames show decisions all the
same: it is the package that must withhold them.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

DECISIONS = {"2026-01-12": 4711.5, "2026-01-19": 4712.5}
PLAN_ID = "plan of tests"
OBJECTIVE = 4713.5
SHADOW_PRICE = 4714.5


def fit(context: dict[str, Any]) -> pd.DataFrame:
    loss = {"stage": "joint", "term": "fit", "node": "hours", "value": 0.5}
    slope = {"parameter": "Supply.slope", "cell": "{}", "value": 1.5}
    rows = [("loss", loss), ("parameter", slope), ("check", _check("fit", "step_completes", True))]
    return _frame(context, context["invocation_id"], rows)


def forecast(context: dict[str, Any], fitted: Any) -> pd.DataFrame:
    of_week = {
        "node": "hours",
        "horizon": 1,
        "lower": 1.0,
        "point": 2.0,
        "upper": 3.0,
        "level": 0.8,
        "interval": "model",
    }
    rows = [("forecast", of_week | {"cell": _cell(w), "period": w}) for w in DECISIONS]
    slopes = {"node": "hours", "wrt": "bonus", "derivative": 0.5}
    rows += [("derivative", slopes | {"cell": _cell(w), "period": w}) for w in DECISIONS]
    return _frame(context, _run_id(fitted), rows)


def backtest(context: dict[str, Any], fitted: Any) -> pd.DataFrame:
    score = {"node": "hours", "method": "model", "decisions": "known at the origin", "is_conditional": False}
    score |= {"origin": None, "horizon": None, "metric": "mase", "value": 0.9, "season": 4, "n_series": 1}
    return _frame(context, _run_id(fitted), [("score", score | {"n_excluded": 0, "n_values": 8})])


def consistency(context: dict[str, Any], fitted: Any) -> pd.DataFrame:
    (forecast_id,) = context["forecasts"]
    agrees = forecast_id == "held"
    row = {"experiment": "north_more", "lever": "bonus", "outcome": "hours", "split": "heldout", "source": "randomised"}
    row |= {"measured": 5.0, "std_error": 1.0, "predicted": 5.5, "model_sd": 0.5, "z": 0.4, "is_in_gate": True}
    check = _check("consistency", "agrees_with_experiments", True)
    if not agrees:
        check |= {"status": "fail", "reason": "sum of z² 80.0 on 6 experiments; fix: add experiments to the loss"}
    return _frame(context, _run_id(fitted), [("agreement", row), ("check", check)])


def plan(context: dict[str, Any], fitted: Any, consistency: Any) -> pd.DataFrame:
    summary = {"plan_id": PLAN_ID, "objective_name": "total rides", "objective": OBJECTIVE, "n_decisions": 2}
    summary |= {"certificate_kind": "global", "certificate_why": "concave", "gap": 0.0, "solver": "water-filling"}
    rows: list[tuple[str, dict[str, Any]]] = [("plan", summary)]
    rows += [("check", _check("plan", name, True)) for name in ("is_feasible", "has_certificate")]
    rows.append(("constraint", {"constraint_name": "budget", "slack": 0.0, "shadow_price": SHADOW_PRICE}))
    for week, value in DECISIONS.items():
        decision = {"plan_id": PLAN_ID, "lever": "bonus", "cell": _cell(week), "period": week, "decision": value}
        rows.append(("decision", decision | {"decided_as": "plan", "lower": 0.0, "upper": 9.0, "unit": "usd"}))
        rows.append(("logged", _logged(week, "plan", value)))
    return _frame(context, _run_id(fitted), rows)


def regret(context: dict[str, Any], fitted: Any, plan: Any) -> pd.DataFrame:
    term = {"term": "execution", "value": 7.0, "share": 0.1, "kind": "model-relative"}
    rows = [("regret", term), *(("logged", _logged(week, "taken", 4715.5)) for week in DECISIONS)]
    return _frame(context, _run_id(fitted), rows)


def sensitivity(context: dict[str, Any], fitted: Any, plan: Any) -> pd.DataFrame:
    row = {"parameter": "Supply.slope", "change": 0.1, "promised": 4716.5, "delivered": 4717.5, "best": 4718.5}
    return _frame(context, _run_id(fitted), [("sensitivity", row | {"loss_share": 0.01, "share_moved": 0.02})])


def stability(context: dict[str, Any], fitted: Any, plan: Any) -> pd.DataFrame:
    row = {"left_out": "2026-01-05 to 2026-01-12", "promised": 4721.5, "delivered": 4722.5}
    return _frame(context, _run_id(fitted), [("replanned", row | {"loss_share": 0.01, "share_moved": 0.02})])


def monitoring(context: dict[str, Any], fitted: Any) -> pd.DataFrame:
    actual = {"node": "hours", "n": 2, "n_missing": 0, "mean_error": 0.5, "mean_absolute_error": 0.5}
    blamed = {"node": "hours", "n_periods": 2, "rank": 1, "module": "Hours", "contribution": 1.0, "share": 1.0}
    drifted = {"series": "hours: north", "kind": "mean", "statistic": 1.0, "p_value": 0.5, "since": "2026-01-12"}
    rows = [
        ("actual", actual | {"share_error": 0.1, "coverage": 1.0}),
        ("attribution", blamed | {"unseen": "", "score": 0.5, "series": "all", "spread": 1.0}),
        ("drift", drifted | {"size": 0.1, "is_alarm": False}),
        ("check", _check("monitoring", "no_drift", False)),
    ]
    return _frame(context, _run_id(fitted), rows)


def next_experiment(context: dict[str, Any], fitted: Any, plan: Any) -> pd.DataFrame:
    row = {"candidate": "more bonus", "rank": 1, "value": 4719.5, "net_value": 4720.5, "perfect_information": 4721.5}
    return _frame(
        context, _run_id(fitted), [("candidate", row | {"share": 0.5, "std_error": 1.0, "effect_spread": 2.0})]
    )


def _logged(week: str, record: str, value: float) -> dict[str, Any]:
    entry = {"plan_id": PLAN_ID, "record": record, "lever": "bonus", "cell": _cell(week), "value": repr(value)}
    return entry | {"decided_by": "tests", "decided_at": "2026-01-05T00:00:00+00:00", "reason": None}


def _check(step: str, name: str, is_gate: bool) -> dict[str, Any]:
    return {"step": step, "check_name": name, "status": "pass", "reason": "fine", "is_gate": is_gate, "code": ""}


def _cell(week: str) -> str:
    return json.dumps({"region": "north", "week": week}, sort_keys=True)


def _run_id(fitted: Any) -> str:
    return fitted.aggregate("min(run_id)").fetchall()[0][0]


def _frame(context: dict[str, Any], run_id: str, records: list[tuple[str, dict[str, Any]]]) -> pd.DataFrame:
    ((forecast_id, entry),) = context["forecasts"].items()
    identity = (forecast_id, run_id, entry["definition_hash"])
    rows = [(record, *identity, json.dumps(payload)) for record, payload in records]
    return pd.DataFrame(rows, columns=["record", "forecast_id", "run_id", "definition_hash", "payload"])
