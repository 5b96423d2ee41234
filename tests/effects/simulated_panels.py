"""Panels with staggered treatment and a known effect."""

from __future__ import annotations

import numpy as np
import pandas as pd


def staggered(
    seed: int,
    n_units: int = 400,
    n_periods: int = 6,
    cohorts: tuple[int, ...] = (0, 3, 4, 6),
    effect: float = 1.0,
    drift: float = 0.0,
) -> pd.DataFrame:
    """One row per unit and period: unit, time (1..), cohort (0 = never), x, v, weight, state and y.

    x is constant and moves cohort and trend; v changes over time and does nothing; state groups 8 units and shifts
    their trends. The effect is the same everywhere.  drift: how much the treated gain on the others per period anyway.
    """
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(n_units)
    late = (x[:, None] * np.linspace(-0.4, 0.4, len(cohorts)) + generator.gumbel(size=(n_units, len(cohorts)))).argmax(
        1
    )
    state = np.arange(n_units) // 8
    per_unit = {
        "unit": np.arange(n_units),
        "cohort": np.array(cohorts)[late],
        "x": x,
        "weight": generator.uniform(0.5, 2.0, n_units),
        "state": state,
        "level": 3.0 * generator.standard_normal(n_units),
        "trend": 0.2 * generator.standard_normal(state.max() + 1)[state],
    }
    frame = pd.DataFrame({name: np.repeat(values, n_periods) for name, values in per_unit.items()})
    frame["time"] = np.tile(np.arange(1, n_periods + 1), n_units)
    frame["v"] = generator.standard_normal(len(frame))
    is_ever = frame["cohort"] > 0
    is_treated = is_ever & (frame["time"] >= frame["cohort"])
    growth = frame["time"] * (0.3 + 0.3 * frame["x"] + frame["trend"] + drift * is_ever)
    frame["y"] = frame["level"] + growth + effect * is_treated + generator.standard_normal(len(frame))
    return frame.drop(columns=["level", "trend"])
