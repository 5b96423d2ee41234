"""Markets in which nothing was done, and series of known effect: how often the methods for series are wrong."""

from __future__ import annotations

import numpy as np

from benchmarks.series_data import CONTROLS, EFFECT, series
from benchmarks.series_null import placebo_market
from estimators import bsts
from tests.datasets import geolift_pretest


def test_untreated_pairs_of_markets_have_effects_as_often_as_the_level_says():
    """D-AA-3 in small: 30 of the pairs and dates, of which 300 are run by the benchmarks (18 of them rejected)."""
    markets = geolift_pretest()
    p_values = np.array([placebo_market(seed, markets, n_placebos=39).p_value for seed in range(30)])
    assert (p_values <= 0.05).sum() <= 5
    assert 0.3 < p_values.mean() < 0.7


def test_intervals_of_bsts_cover_the_effect():
    """25 series; in at least 20 of them a 95 % interval covers with probability .998."""
    covered = 0
    for seed in range(25):
        frame = series(seed, n_pre=80, n_post=20)
        options = {"n_chains": 1, "n_draws": 200, "n_burn": 60, "holds_out": False, "seed": seed}
        found = bsts(frame, "day", "y", CONTROLS, frame["day"].iloc[80], **options)
        covered += found.ci_lower <= EFFECT <= found.ci_upper
    assert covered >= 20
