"""Coverage of difference-in-differences where trends are parallel, given a covariate where one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.coverage import Simulation
from estimators import did
from estimators.results import Effect

N_UNITS, N_PERIODS, EFFECT = 400, 6, 1.0
COHORTS = np.array([0, 3, 4, 6])


def panel(seed: int, is_confounded: bool) -> pd.DataFrame:
    """One row per unit and period: unit, time, cohort, x, state and outcome; errors are autocorrelated within units.

    is_confounded: x moves both cohort and trend.  state: eight units that share their cohort and shocks.
    """
    generator = np.random.default_rng(seed)
    x = generator.standard_normal(N_UNITS)
    if is_confounded:
        index = x[:, None] * np.linspace(-0.4, 0.4, 4) + generator.gumbel(size=(N_UNITS, 4))
        cohort = COHORTS[index.argmax(axis=1)]
    else:
        cohort = generator.choice(COHORTS, N_UNITS)
    time = np.arange(1, N_PERIODS + 1)
    noise = generator.standard_normal((N_UNITS, N_PERIODS)).cumsum(axis=1)
    noise += 3.0 * generator.standard_normal(N_UNITS)[:, None] + 0.2 * time
    if is_confounded:
        noise += 0.3 * x[:, None] * time
    treated = (cohort[:, None] > 0) & (time >= cohort[:, None])
    per_unit = {"unit": np.arange(N_UNITS), "cohort": cohort, "x": x}
    frame = pd.DataFrame({name: np.repeat(values, N_PERIODS) for name, values in per_unit.items()})
    frame["time"] = np.tile(time, N_UNITS)
    frame["outcome"] = (noise + EFFECT * treated).ravel()
    return frame


def clustered_panel(seed: int) -> pd.DataFrame:
    """80 states of five units; a state has one cohort and its own shocks."""
    generator = np.random.default_rng(seed)
    frame = panel(seed, False)
    frame["state"] = frame["unit"] // 5
    n_states = N_UNITS // 5
    cohort = generator.choice(COHORTS, n_states)
    shocks = generator.standard_normal((n_states, N_PERIODS)).cumsum(axis=1)
    before = EFFECT * ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"]))
    frame["cohort"] = cohort[frame["state"]]
    after = EFFECT * ((frame["cohort"] > 0) & (frame["time"] >= frame["cohort"]))
    frame["outcome"] += after - before + shocks[frame["state"], frame["time"] - 1]
    return frame


def estimate(seed: int, is_confounded: bool, options: Mapping[str, Any]) -> Effect:
    frame = clustered_panel(seed) if "cluster" in options else panel(seed, is_confounded)
    return did(frame, "unit", "time", "cohort", "outcome", seed=str(seed), **options)


_CASES: dict[str, tuple[bool, dict[str, Any]]] = {
    "did, average over groups": (False, {}),
    "did, event times, not yet treated": (False, {"control": "not_yet", "aggregate": "dynamic"}),
    "did, clusters": (False, {"cluster": "state"}),
    "did, doubly robust": (True, {"covariates": ["x"]}),
    "did, multiplier bootstrap": (False, {"bootstrap": 499}),
}
SIMULATIONS = [
    Simulation(name, partial(estimate, is_confounded=is_confounded, options=options), EFFECT)
    for name, (is_confounded, options) in _CASES.items()
]
