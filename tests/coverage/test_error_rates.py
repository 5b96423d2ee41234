"""A small version of ``make coverage``: enough simulations to see an interval or a check that is plainly wrong.

Seeds are fixed and limits are wide: a correct estimator fails one of these in ten thousand times at most.
"""

from __future__ import annotations

from functools import partial

import pytest
from scipy.stats import binom

from benchmarks.coverage import MARGIN, NULLS_BLOCKED_AT_MOST, SIMULATIONS, covers, is_blocked
from benchmarks.simulated import COMMON

pytestmark = pytest.mark.slow
RISK = 1e-4
INTERVALS = 60
STUDIES = 30


@pytest.mark.parametrize("simulation", SIMULATIONS, ids=lambda s: s.name)
def test_intervals_cover_the_truth(simulation):
    n_covered = sum(map(partial(covers, simulation=simulation), range(INTERVALS)))
    assert n_covered >= binom.ppf(RISK, INTERVALS, 0.95)


def test_studies_of_no_effect_are_published():
    n_blocked = sum(map(partial(is_blocked, bias=0.0), range(STUDIES)))
    assert n_blocked <= binom.ppf(1 - RISK, STUDIES, NULLS_BLOCKED_AT_MOST)


def test_a_bias_of_twice_the_margin_is_caught():
    n_caught = sum(map(partial(is_blocked, bias=2 * MARGIN), range(STUDIES)))
    assert n_caught >= binom.ppf(RISK, STUDIES, 0.95)


def test_the_estimands_of_the_simulation_differ():
    truths = {estimand: COMMON.truth(estimand) for estimand in ("ATE", "ATT", "ATO")}
    assert truths["ATE"] == pytest.approx(1.0)
    assert truths["ATT"] > truths["ATO"] > truths["ATE"]


@pytest.mark.parametrize("estimand", ["ATE", "ATT", "ATO"])
def test_the_truth_by_quadrature_is_the_mean_of_many_draws(estimand):
    weights = {"ATE": lambda e: e * 0 + 1, "ATT": lambda e: e, "ATO": lambda e: e * (1 - e)}
    frame = COMMON.__class__(400_000, COMMON.intercept).draw(0)
    group = frame["group"].map({"low": -1, "middle": 0, "high": 1}).to_numpy()
    h = weights[estimand](COMMON.propensity(frame["x"].to_numpy(), group))
    assert COMMON.truth(estimand) == pytest.approx((h * (1 + 0.5 * frame["x"])).sum() / h.sum(), abs=0.01)
