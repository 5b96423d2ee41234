"""Simulated panels on which the intervals of fixed-effects regressions are held to their level."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.coverage import Simulation
from estimators import panel
from estimators.results import Effect

EFFECT = 1.0


def simulated_panel(seed: int, n_units: int = 150, n_periods: int = 8, missing: float = 0.0) -> pd.DataFrame:
    """Half of the units treated from the middle on, a constant effect, and errors that persist within units.

    Errors: AR(1) with coefficient 0.6, twice as large in every fourth unit. Selection into treatment follows the units'
    level, which their effects take off. Cells are missing at random.
    """
    random = np.random.default_rng(seed)
    level, season = random.normal(size=(n_units, 1)), random.normal(size=(1, n_periods))
    treated = level[:, 0] + random.normal(size=n_units) > 0
    on = treated[:, None] & (np.arange(n_periods) >= n_periods // 2)
    noise = random.normal(size=(n_units, n_periods))
    for t in range(1, n_periods):
        noise[:, t] = 0.6 * noise[:, t - 1] + 0.8 * noise[:, t]
    noise[::4] *= 2
    unit, period = np.indices(noise.shape)
    columns = {
        "unit": unit,
        "period": period,
        "treatment": on.astype(int),
        "outcome": EFFECT * on + level + season + noise,
    }
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
    return frame[random.uniform(size=len(frame)) >= missing]


def estimate_balanced(seed: int) -> Effect:
    return panel(simulated_panel(seed), "unit", "period", "treatment", "outcome")


def estimate_unbalanced(seed: int) -> Effect:
    return panel(simulated_panel(seed, missing=0.3), "unit", "period", "treatment", "outcome")


SIMULATIONS: list[Simulation] = [
    Simulation("panel, clustered by unit", estimate_balanced, EFFECT),
    Simulation("panel with gaps, clustered by unit", estimate_unbalanced, EFFECT),
]
