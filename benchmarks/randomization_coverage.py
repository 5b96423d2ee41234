"""Coverage of the intervals that invert a randomization test, and the size of the test."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.coverage import Simulation
from benchmarks.simulated import randomised
from estimators.checks.randomization import RandomizationTest, randomization_test

N_DRAWS = 400


def adjusted_experiment(seed: int, law: str, n_units: int = 300) -> pd.DataFrame:
    """A third is treated, in each of six blocks or of all units; effects differ by a covariate and average 1."""
    random = np.random.default_rng(seed)
    block = np.arange(n_units) % 6
    x = random.standard_normal(n_units) + 0.3 * block
    drawn_in = block if law == "stratified" else np.zeros(n_units)
    treatment = np.zeros(n_units, dtype=int)
    for b in np.unique(drawn_in):
        inside = random.permuted(np.flatnonzero(drawn_in == b))
        treatment[inside[: len(inside) // 3]] = 1
    outcome = 2 * x + block + (1 + 0.5 * (x - x.mean())) * treatment + random.standard_normal(n_units)
    return pd.DataFrame({"unit_id": range(n_units), "treatment": treatment, "outcome": outcome, "x": x, "block": block})


def clustered_experiment(seed: int, n_clusters: int = 40) -> pd.DataFrame:
    """Half of the clusters, of 5 to 30 units with a common shock, are treated; the effect is 1."""
    random = np.random.default_rng(seed)
    sizes = random.integers(5, 31, n_clusters)
    cluster = np.repeat(np.arange(n_clusters), sizes)
    arms, shocks = random.permuted(np.arange(n_clusters) % 2), random.standard_normal(n_clusters)
    treatment = arms[cluster]
    outcome = treatment + shocks[cluster] + random.standard_normal(len(cluster))
    columns = {"treatment": treatment, "outcome": outcome, "cluster_id": cluster}
    return pd.DataFrame({"unit_id": range(len(cluster)), **columns})


def complete(seed: int) -> RandomizationTest:
    return randomization_test(randomised(seed), "treatment", "outcome", n_draws=N_DRAWS, seed=str(seed))


def adjusted(seed: int, law: str) -> RandomizationTest:
    strata = "block" if law == "stratified" else None
    return randomization_test(
        adjusted_experiment(seed, law), "treatment", "outcome", ["x"], law, strata, n_draws=N_DRAWS, seed=str(seed)
    )


def clusters(seed: int) -> RandomizationTest:
    return randomization_test(
        clustered_experiment(seed), "treatment", "outcome", law="clustered", cluster="cluster_id", n_draws=N_DRAWS,
        seed=str(seed),
    )  # fmt: skip


SIMULATIONS = [
    Simulation("randomization inference", complete, 1.0),
    Simulation("randomization inference, adjusted", partial(adjusted, law="complete"), 1.0),
    Simulation("randomization inference, adjusted within strata", partial(adjusted, law="stratified"), 1.0),
    Simulation("randomization inference, whole clusters", clusters, 1.0),
]
