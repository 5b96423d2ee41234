"""A small randomised experiment, for the tests of randomization inference."""

from __future__ import annotations

import numpy as np
import pandas as pd


def experiment(n: int = 60, seed: int = 1, effect: float = 0.0) -> pd.DataFrame:
    """A third is treated; two covariates predict the outcome; six blocks and twelve villages of equal size."""
    random = np.random.default_rng(seed)
    x, w = random.standard_normal(n), random.exponential(size=n)
    t = random.permuted((np.arange(n) < n // 3).astype(int))
    y = 2 * x + w + effect * t + random.standard_normal(n)
    at = np.arange(n)
    return pd.DataFrame({"unit_id": at, "t": t, "y": y, "x": x, "w": w, "block": at % 6, "village": at // 5})
