"""Simulated panels and series with a known effect, and the definitions that go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from estimators import Study

MONDAY = pd.Timestamp("2026-01-05")
BASE = {
    "question": "Does it raise sales?",
    "owner": "growth",
    "design": "observational",
    "estimand": "ATT",
    "as_of": "2026-06-01",
    "interference": {"assumption": "none", "because": "shops sell to different towns"},
    "outcomes": [{"feature": "sales", "name": "sales"}],
    "periods": {"first_on": "2026-01-05", "every": "week", "n_periods": 8},
    "margin": 0.3,
}


def panel_study(**changes: Any) -> Study:
    return Study.model_validate({**BASE, "methods": ["did"], **changes})


def series_study(**changes: Any) -> Study:
    return Study.model_validate({**BASE, "methods": ["synthetic_control"], **changes})


def panel(
    seed: int = 0, n_units: int = 1500, starts: tuple[float, ...] = (4, 6, np.nan), **truth: float
) -> pd.DataFrame:
    """Eight weeks of a panel with unit and week effects. truth: `effect` (1), its `growth` per week, a `drift` of the
    treated units per week that treatment does not cause.
    """
    effect, growth, drift = (truth.get(k, d) for k, d in (("effect", 1.0), ("growth", 0.0), ("drift", 0.0)))
    random = np.random.default_rng(seed)
    start, of_unit = random.choice(starts, size=n_units), random.normal(size=n_units)
    weeks = []
    for week in range(1, 9):
        since = week - start
        is_treated = since >= 0
        gain = np.where(is_treated, effect + growth * np.nan_to_num(since), 0.0)
        trend = 0.2 * week + drift * week * ~np.isnan(start)
        weeks.append(
            pd.DataFrame(
                {
                    "unit_id": np.arange(n_units),
                    "period": week,
                    "cohort": start,
                    "treatment": is_treated.astype(int),
                    "outcome_sales": of_unit + trend + gain + random.normal(size=n_units),
                    "period_starts_at": MONDAY + pd.Timedelta(weeks=week - 1),
                }
            )
        )
    frame = pd.concat(weeks, ignore_index=True)
    days = pd.to_timedelta(7 * (frame["cohort"] - 1), unit="D")
    return frame.assign(
        cohort=frame["cohort"].astype("Int64"),
        treated_at=MONDAY + days,
        latest_covariate_at=pd.NaT,
        earliest_outcome_at=frame["period_starts_at"],
    )


def series(
    seed: int = 0, n_controls: int = 22, n_before: int = 60, n_after: int = 8, effect: float = 3.0, noise: float = 0.3
) -> pd.DataFrame:
    """Weekly series that share two factors; the first one, `home`, gains `effect` in the last `n_after` weeks."""
    random = np.random.default_rng(seed)
    n = n_before + n_after
    factors = random.normal(size=(n, 2)).cumsum(axis=0)
    loadings = random.uniform(0.5, 1.5, size=(n_controls + 1, 2))
    values = 20.0 + factors @ loadings.T + random.normal(scale=noise, size=(n, n_controls + 1))
    values[n_before:, 0] += effect
    names = ["home", *(f"town {i:02d}" for i in range(n_controls))]
    starts = [MONDAY + pd.Timedelta(weeks=i) for i in range(n)]
    rows = [
        {
            "series_id": name,
            "period": i + 1,
            "period_starts_at": starts[i],
            "treated_at": starts[n_before],
            "treatment": int(j == 0),
            "n_units": 1,
            "outcome_sales": values[i, j],
        }
        for i in range(n)
        for j, name in enumerate(names)
    ]
    return pd.DataFrame(rows)
