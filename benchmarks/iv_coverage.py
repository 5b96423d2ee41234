"""Simulated studies with an instrument, whose effect is known: what the coverage of their intervals is measured on."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.coverage import Simulation
from estimators import iv
from estimators.results import Effect

EFFECT = 1.0


def instrumented(seed: int, n_units: int = 1000, strength: float = 1.0) -> pd.DataFrame:
    """A dose that a hidden variable confounds, two instruments, clusters of ten, and errors of unequal variance."""
    random = np.random.default_rng(seed)
    home = np.arange(n_units) // 10
    x, hidden, second = random.standard_normal((3, n_units))
    instrument = (random.random(n_units // 10)[home] < 0.5).astype(float)
    shared = random.standard_normal(n_units // 10)[home]
    dose = strength * (instrument + 0.3 * second) + hidden + 0.5 * x + random.standard_normal(n_units)
    noise = random.standard_normal(n_units) * (1 + (x > 0))
    outcome = EFFECT * dose + hidden + x + noise
    frame = {"dose": dose, "outcome": outcome, "instrument": instrument, "second": second, "x": x, "home": home}
    return pd.DataFrame({**frame, "clustered_outcome": outcome + shared})


def uptake(seed: int, n_units: int = 2000) -> pd.DataFrame:
    """Random encouragement of a 0/1 treatment that 40 % take up because of it; the effect is 1 for everybody."""
    random = np.random.default_rng(seed)
    hidden, kind = random.standard_normal(n_units), random.random(n_units)
    instrument = random.integers(0, 2, n_units)
    treatment = np.where(kind < 0.4, instrument, (kind < 0.4 + 0.3 / (1 + np.exp(-2 * hidden))).astype(int))
    outcome = EFFECT * treatment + hidden + random.standard_normal(n_units)
    return pd.DataFrame({"treatment": treatment, "outcome": outcome, "instrument": instrument})


def estimate(seed: int, **options: object) -> Effect:
    return iv(instrumented(seed), "dose", **{"outcome": "outcome", "covariates": ["x"], **options})


def estimate_uptake(seed: int) -> Effect:
    return iv(uptake(seed), "treatment", "outcome", "instrument")


def estimate_weak(seed: int) -> Effect:
    """The Anderson-Rubin set, as an interval that holds the effect if the set does: a set may have two pieces."""
    effect = iv(instrumented(seed, n_units=500, strength=0.1), "dose", "outcome", "instrument", ["x"])
    pieces = effect.diagnostics["anderson_rubin"]
    covers = any(low <= EFFECT <= high for low, high in pieces)
    ends = (-np.inf, np.inf) if covers else (np.nan, np.nan)
    return Effect(**{**vars(effect), "ci_lower": ends[0], "ci_upper": ends[1]})


SIMULATIONS = [
    Simulation("iv, 2SLS with HC1", partial(estimate, instruments=["instrument", "second"]), EFFECT),
    Simulation("iv, LIML", partial(estimate, instruments=["instrument", "second"], estimator="liml"), EFFECT),
    Simulation(
        "iv, clustered",
        partial(estimate, instruments="instrument", outcome="clustered_outcome", cluster="home"),
        EFFECT,
    ),
    Simulation("iv, binary treatment", estimate_uptake, EFFECT),
    Simulation("iv, weak: Anderson-Rubin", estimate_weak, EFFECT),
]
