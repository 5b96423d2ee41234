"""What the Python models of a forecast call: one function per step, each from what dbt hands over to one long frame.

Nothing is computed here. The steps bring the definition, the history and the results of earlier steps to
`estimators.forecast`, and what it answers into rows.
"""

from __future__ import annotations

from typing import Any

from dbt_causal.first_import import loaded
from dbt_causal.forecast_definitions import STEPS


def __getattr__(name: str) -> Any:
    """The step of this name, loaded on first use: dbt imports the package, torch comes with the first fit."""
    if name not in STEPS:
        raise AttributeError(f"module 'dbt_causal.forecasts' has no attribute {name!r}")
    place = "after" if name in ("stability", "monitoring", "next_experiment") else "steps"
    return getattr(loaded("torch", f"dbt_causal.forecasts.{place}"), name)
