"""Simulated units and study tables with known effects: what coverage and error rates are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

QUADRATURE_POINTS = 60
TREATED_AT = pd.Timestamp("2026-03-01")


@dataclass(frozen=True)
class Population:
    """Units with a standard normal confounder x and a category g that both drive treatment and outcome.

    e(x, g) = 1 / (1 + exp(−(intercept + 0.5 x + 0.4 g))) with g ∈ {−1, 0, 1}, τ(x) = 1 + 0.5 x,
    y = 2 x + g + τ(x) T + ε, where ε has sd 1 among controls and 2 among the treated.
    """

    n_units: int
    intercept: float

    def propensity(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(-(self.intercept + 0.5 * x + 0.4 * g)))

    def draw(self, seed: int) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        x, g = random.standard_normal(self.n_units), random.integers(-1, 2, self.n_units)
        treatment = (random.random(self.n_units) < self.propensity(x, g)).astype(int)
        noise = random.standard_normal(self.n_units) * (1 + treatment)
        outcome = 2 * x + g + (1 + 0.5 * x) * treatment + noise
        group = np.array(["low", "middle", "high"])[g + 1]
        unit = np.arange(self.n_units)
        return pd.DataFrame({"unit_id": unit, "treatment": treatment, "outcome": outcome, "x": x, "group": group})

    def truth(self, estimand: str) -> float:
        """E[h(e) τ] / E[h(e)] with h = 1 (ATE), e (ATT) or e(1 − e) (ATO), by Gauss-Hermite quadrature over x."""
        points, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_POINTS)
        x, g = np.meshgrid(points, [-1, 0, 1])
        e = self.propensity(x, g)
        h = {"ATE": np.ones_like(e), "ATT": e, "ATO": e * (1 - e)}[estimand] * weights
        return float((h * (1 + 0.5 * x)).sum() / h.sum())


COMMON = Population(n_units=2_000, intercept=-0.3)
RARE = Population(n_units=60_000, intercept=-6.02)  # 0.3 % treated


def randomised(seed: int, n_units: int = 400) -> pd.DataFrame:
    """A randomised experiment with unequal arms and unequal variances; the effect is 1."""
    random = np.random.default_rng(seed)
    treatment = (random.random(n_units) < 0.3).astype(int)
    outcome = treatment + random.standard_normal(n_units) * (1 + 2 * treatment)
    return pd.DataFrame({"unit_id": np.arange(n_units), "treatment": treatment, "outcome": outcome})


def discrete(seed: int, n_units: int = 2_000) -> pd.DataFrame:
    """Confounding by two discrete covariates only, so that exact matching removes it; the effect is 1."""
    random = np.random.default_rng(seed)
    a, b = random.integers(0, 4, n_units), random.integers(0, 3, n_units)
    treatment = (random.random(n_units) < 1 / (1 + np.exp(1.2 - 0.4 * a - 0.3 * b))).astype(int)
    outcome = 1.5 * a * (b + 1) + treatment + random.standard_normal(n_units) * (1 + 0.5 * b)
    return pd.DataFrame({"unit_id": np.arange(n_units), "treatment": treatment, "outcome": outcome, "a": a, "b": b})


def study_table(seed: int, bias: float = 0.0, n_units: int = 2_800) -> pd.DataFrame:
    """An observational study of no effect, just large enough to be judged: its standard error is a 3.6th of the margin.

    bias: planted in placebo and outcome alike, in SDs of the placebo.
    """
    random = np.random.default_rng(seed)
    x, z = random.standard_normal(n_units), random.standard_normal(n_units)
    treatment = (random.random(n_units) < 1 / (1 + np.exp(-(0.4 * x + 0.3 * z)))).astype(int)
    level, sd = x + 0.5 * z, np.sqrt(1 + 0.25 + 1)
    planted = bias * sd * treatment
    times: dict[str, Any] = {
        "treated_at": TREATED_AT,
        "latest_covariate_at": TREATED_AT - pd.Timedelta(days=1),
        "earliest_outcome_at": TREATED_AT + pd.Timedelta(hours=1),
        "outcome_ends_at": TREATED_AT + pd.Timedelta(days=7),
    }
    columns = {
        "unit_id": [f"unit{i}" for i in range(n_units)],
        "treatment": treatment,
        "covariate_x": x,
        "covariate_z": z,
        "placebo_before": level + planted + random.standard_normal(n_units),
        "outcome_after": level + planted + random.standard_normal(n_units),
    }
    return pd.DataFrame(columns).assign(**times)


def definition(method: str) -> dict[str, Any]:
    """The definition of the study that `study_table` simulates, with every A/A check that it can have."""
    return {
        "question": "Does nothing do anything?",
        "owner": "benchmarks",
        "design": "observational",
        "estimand": "ATT",
        "control_index": "calendar",
        "as_of": "2026-05-01",
        "interference": {"assumption": "none", "because": "units are drawn independently"},
        "methods": [method],
        "confounders": ["x", "z"],
        "outcomes": [{"feature": "y", "name": "after", "window_days": 7}],
        "checks": {
            "placebo_outcomes": [{"feature": "y", "name": "before", "window_days": 7, "gap_days": 28}],
            "placebo_treatment": {"draws": 200},
        },
    }
