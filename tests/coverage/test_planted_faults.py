"""A small version of ``python -m benchmarks.error_rates``: a sound check misses these limits once in 10,000 times."""

from __future__ import annotations

from functools import partial

import pytest
from scipy.stats import binom

from benchmarks.coverage import covers
from benchmarks.error_rates import CAUGHT_AT_LEAST, PLANTED, SOUND
from benchmarks.randomization_coverage import SIMULATIONS

pytestmark = pytest.mark.slow
RISK = 1e-4
STUDIES = 12
INTERVALS = 30


@pytest.mark.parametrize(("what", "happens"), PLANTED, ids=[what for what, _ in PLANTED])
def test_a_planted_fault_is_caught(what, happens):
    assert sum(map(happens, range(STUDIES))) >= binom.ppf(RISK, STUDIES, CAUGHT_AT_LEAST), what


@pytest.mark.parametrize(("what", "happens"), SOUND, ids=[what for what, _ in SOUND])
def test_what_is_sound_passes(what, happens):
    assert sum(map(happens, range(STUDIES))) <= binom.ppf(1 - RISK, STUDIES, 0.077), what


@pytest.mark.parametrize("simulation", SIMULATIONS, ids=lambda s: s.name)
def test_intervals_by_inversion_cover_the_truth(simulation):
    n_covered = sum(map(partial(covers, simulation=simulation), range(INTERVALS)))
    assert n_covered >= binom.ppf(RISK, INTERVALS, 0.95)
