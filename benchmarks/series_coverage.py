"""Coverage of the intervals of the methods for series (BSTS: 200 simulations are enough)."""

from __future__ import annotations

from functools import partial

from benchmarks.coverage import Simulation
from benchmarks.series_data import EFFECT, panel, series
from estimators import bsts, synthetic_control
from estimators.results import Effect


def estimate_bsts(seed: int, season: int = 1) -> Effect:
    frame = series(seed, season=season)
    options = {"n_chains": 2, "n_draws": 500, "holds_out": False}
    controls = [c for c in frame.columns if c.startswith("x")]
    weekly = season if season > 1 else None
    return bsts(frame, "day", "y", controls, frame["day"].iloc[120], season=weekly, seed=seed, **options)


def estimate_synthetic_control(seed: int, demeaned: bool = False) -> Effect:
    return synthetic_control(panel(seed), "unit", "period", "y", treated=0, intervention=60, demeaned=demeaned)


SIMULATIONS: list[Simulation] = [
    Simulation("bsts", estimate_bsts, EFFECT),
    Simulation("bsts, weekly season", partial(estimate_bsts, season=7), EFFECT),
    Simulation("synthetic control", estimate_synthetic_control, EFFECT),
    Simulation("synthetic control, demeaned", partial(estimate_synthetic_control, demeaned=True), EFFECT),
]
