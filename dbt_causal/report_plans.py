"""Forecasts and plans of a results file as text: scores, the verdict on the plan, what it promises, its checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

_FORECASTS = "select forecast_id, steps from dim_forecasts order by forecast_id"
_PLANS = "select * from plans order by forecast_id"
_LEVERS = """
    select forecast_id, lever, coalesce(unit, '') as unit, sum(decision) as total, count(*) as n_decisions,
        min(period) as first_period, max(period) as last_period
    from published_plan
    where decision is not null
    group by all
    order by forecast_id, lever
"""
_SCORES = """
    select forecast_id, node, method, decisions, avg(value) as mase
    from backtests
    where metric = 'mase' and origin is null and horizon is null
    group by all
    order by forecast_id, decisions, node, mase
"""
_CHECKS = """
    select forecast_id, check_name, status, '' as method, '' as outcome, coalesce(reason, '') as reason
    from forecast_checks
    order by forecast_id, check_name
"""

Records = Callable[[str], list[dict[str, Any]]]


def forecast_sections(
    records: Records,
    check_lines: Callable[[list[dict[str, Any]]], list[str]],
    wrapped: Callable[[str], list[str]],
    number: Callable[[float | None], str],
) -> list[str]:
    """One text per listed forecast.

    records: runs a query.  check_lines, wrapped, number: how the report of studies writes checks, lines and numbers.
    """
    plans, levers, scores, checks = (records(query) for query in (_PLANS, _LEVERS, _SCORES, _CHECKS))
    texts = []
    for forecast in records(_FORECASTS):
        own = [[r for r in rows if r["forecast_id"] == forecast["forecast_id"]] for rows in (plans, levers, scores)]
        said = _score_lines(own[2], number)
        said += [line for plan in own[0] for line in _plan_lines(plan, own[1], number)]
        lines = [_head(forecast, own[0]), *(line for text in said for line in wrapped(text))]
        lines += check_lines([c for c in checks if c["forecast_id"] == forecast["forecast_id"]])
        texts.append("\n".join(lines))
    return texts


def _head(forecast: dict[str, Any], plans: Sequence[dict[str, Any]]) -> str:
    verdict = f"plan {plans[0]['status']}" if plans else "no plan"
    return f"forecast {forecast['forecast_id']}: {verdict} ({forecast['steps']})"


def _score_lines(scores: Sequence[dict[str, Any]], number: Callable[[float | None], str]) -> list[str]:
    """MASE by node, all methods in one line, the best first."""
    nodes: dict[tuple[str, str], list[str]] = {}
    for score in scores:
        nodes.setdefault((score["decisions"], score["node"]), []).append(f"{score['method']} {number(score['mase'])}")
    return [f"MASE of {node}, decisions {how}: {', '.join(methods)}" for (how, node), methods in nodes.items()]


def _plan_lines(
    plan: dict[str, Any], levers: Sequence[dict[str, Any]], number: Callable[[float | None], str]
) -> list[str]:
    if plan["status"] != "published":
        return [f"why: {plan['reason']}"]
    lines = [
        f"{plan['objective_name']}: {number(plan['objective'])} by the model, "
        f"{number(plan['value_on_fresh_draws'])} on fresh draws"
        + (f", {plan['baseline_name']} {number(plan['baseline_value'])}" if plan["baseline_name"] else "")
    ]
    share = "" if plan["gap"] is None else f", at most {plan['gap']:.2g} of it below the optimum"
    lines.append(f"certificate {plan['certificate_kind']}{share}: {plan['certificate_why']}")
    for lever in levers:
        lines.append(
            f"{lever['lever']}: {number(lever['total'])} {lever['unit']} in {lever['n_decisions']:,} decisions, "
            f"{lever['first_period']} to {lever['last_period']}"
        )
    return lines
