"""How often the synthetic control finds an effect in markets where nothing was done (D-AA-3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim
from estimators import synthetic_control
from estimators.results import Effect

if TYPE_CHECKING:
    import pandas as pd

REJECTIONS = (0.02, 0.09)
_LAST, _WINDOW = 90, 15


def placebo_market(seed: int, markets: pd.DataFrame, n_placebos: int = 99) -> Effect:
    """Two markets drawn at random as treated in the last 15 days before a date drawn at random (D-AA-3).

    markets: columns location, date, Y, without any treatment.
    """
    random = np.random.default_rng([2021, seed])
    dates = np.sort(markets["date"].unique())
    end = int(random.integers(_LAST - 30, _LAST + 1))
    treated = random.choice(np.sort(markets["location"].unique()), 2, replace=False).tolist()
    return synthetic_control(
        markets[markets["date"] < dates[end - 1] + np.timedelta64(1, "D")],
        unit="location",
        time="date",
        outcome="Y",
        treated=treated,
        intervention=dates[end - _WINDOW],
        demeaned=True,
        n_placebos=n_placebos,
        seed=seed,
    )


def rejects(seed: int, markets: pd.DataFrame, n_placebos: int = 99) -> bool:
    return placebo_market(seed, markets, n_placebos).p_value <= 0.05


def placebo_rejections(markets: pd.DataFrame, n_simulations: int = 300) -> Claim:
    """How often the synthetic control finds an effect at 5 % where nothing was done."""
    from benchmarks.coverage import share

    rate = share(partial(rejects, markets=markets), n_simulations)
    low, high = REJECTIONS
    text = f"synthetic control finds effects in {low:.0%} to {high:.0%} of {n_simulations} untreated pairs of markets"
    return Claim(text, f"{rate:.1%}", low <= rate <= high)
