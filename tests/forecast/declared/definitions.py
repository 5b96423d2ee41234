"""A small declared forecast with every type of node, loss and constraint, for tests that change one thing of it."""

from __future__ import annotations

from typing import Any

RESPONSE: dict[str, Any] = {
    "name": "hours",
    "type": "response",
    "dims": ["region", "week"],
    "unit": "hours",
    "baseline": {"level": True, "season": {"period": 52, "harmonics": 2}},
    "inputs": [
        {
            "input": "bonus", "unit": "usd", "sign": "positive", "over": ["region"], "pool": ["region"],
            "carry_over": 2, "saturation": "log", "scale": 10.0,
        },
        "holiday",
    ],
}  # fmt: skip
SESSIONS: dict[str, Any] = {
    "name": "sessions",
    "type": "multiplicative",
    "dims": ["region", "week"],
    "inputs": [{"input": "price", "sign": "negative", "reference": 12.0}],
    "baseline": {"level": False},
}

FORECAST: dict[str, Any] = {
    "question": "How many rides will there be, and which bonus brings the most?",
    "owner": "marketplace",
    "history": "market_panel",
    "dims": ["region", "week"],
    "time": "week",
    "inputs": {
        "bonus": {"dims": ["region", "week"], "unit": "usd"},
        "price": {"dims": ["region", "week"], "unit": "usd"},
        "holiday": {"dims": ["week"], "missing": "zero"},
    },
    "nodes": [
        RESPONSE,
        SESSIONS,
        {"name": "rides", "type": "matching", "dims": ["region", "week"], "inputs": ["hours", "sessions"]},
        {"name": "revenue", "type": "product", "dims": ["region", "week"], "unit": "usd", "inputs": ["rides", "price"]},
        {"name": "price_paid", "type": "ratio", "dims": ["region", "week"], "numerator": "revenue",
         "denominator": "rides"},
        {"name": "all_rides", "type": "sum", "dims": ["week"], "inputs": ["rides"]},
        {"name": "cancelled", "type": "neural", "dims": ["region", "week"], "inputs": ["hours", "sessions"],
         "hidden": [4], "scales": {"hours": 100.0}},
        {"name": "support_calls", "type": "tests.forecast.declared.own_module:Calls", "dims": ["region", "week"],
         "inputs": {"rides": {"dims": ["region", "week"]}}, "options": {"per_ride": 0.01}},
    ],
    "losses": [
        {"type": "fit", "node": "hours"},
        {"type": "fit", "node": "rides", "scale": "mase", "weight": 2.0},
        {"type": "agree", "weight": 2.0},
        {"type": "pool", "weight": 0.1},
        {"type": "smooth", "node": "hours", "weight": 0.01},
    ],
    "experiments": {"model": "experiments"},
    "horizon": 8,
    "decisions": ["bonus"],
    "objective": {"maximise": ["rides"]},
    "constraints": [
        {"type": "total", "of": ["bonus"], "at_most": 2e6},
        {"type": "total", "of": ["bonus"], "by": "region", "at_most": {"north": 1e6, "south": 5e5}},
        {"type": "box", "decision": "bonus", "lower": 0.0, "upper": 500.0},
        {"type": "ramp", "decision": "bonus", "dim": "week", "at_most": 0.2},
        {"type": "ratio", "numerator": "revenue", "denominator": "rides", "at_least": 3.1},
        {"type": "support"},
    ],
    "gate": {"max_width": 0.3, "fallback": "last_year"},
    "robust": {"cvar": 0.1},
}  # fmt: skip


def node(name: str, **changes: Any) -> list[dict[str, Any]]:
    """All nodes of `FORECAST`, one of them with these keys changed."""
    return [{**n, **changes} if n["name"] == name else n for n in FORECAST["nodes"]]


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in FORECAST.items() if k != key}
