"""Anderson-Rubin sets of every shape, against a brute-force search over effects."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from estimators.effects.anderson_rubin import ReducedForm, classical_set, robust_set
from estimators.effects.iv import iv

INFINITE = math.inf


def form(g_d, g_y, dd=None, yd=None, yy=None) -> ReducedForm:
    """Moments of the treatment and the outcome, with unit variances unless given."""
    k = len(g_d)
    one, zero = np.eye(k), np.zeros((k, k))
    covariance = [one if dd is None else dd, zero if yd is None else yd, one if yy is None else yy]
    return ReducedForm(np.array([g_d, g_y], dtype=float), np.array(covariance, dtype=float))


def shapes() -> dict[str, ReducedForm]:
    return {
        "bounded": form([10.0], [20.0]),
        "disjoint": form([1.0], [10.0]),
        "unbounded": form([0.1], [0.2]),
        "bounded, three instruments": form([10.0, 8.0, 12.0], [20.0, 16.0, 24.0]),
        "disjoint, two instruments": form([1.0, 0.5], [10.0, 4.0]),
        "unbounded, two instruments": form([0.1, 0.1], [0.2, 0.1]),
        "empty, two instruments": form([10.0, 10.0], [50.0, -50.0]),
    }


@pytest.mark.parametrize("name", shapes())
def test_the_set_has_the_shape_that_the_strength_of_the_instruments_gives_it(name):
    assert robust_set(shapes()[name]).shape == name.split(",")[0]


def test_a_strong_instrument_gives_an_interval_around_the_ratio():
    ((low, high),) = robust_set(form([10.0], [20.0])).intervals
    assert low < 2.0 < high


def test_a_weak_instrument_with_a_large_reduced_form_excludes_only_a_middle():
    below, above = robust_set(form([1.0], [10.0])).intervals
    assert (below[0], above[1]) == (-INFINITE, INFINITE)
    assert below[1] < above[0]


def test_an_instrument_without_any_strength_excludes_nothing():
    assert robust_set(form([0.1], [0.2])).intervals == ((-INFINITE, INFINITE),)


def random_form(seed: int, k: int) -> ReducedForm:
    """Of any strength, with a covariance of scores as a sample of them would have it."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(6 * k, 2 * k)) @ random.normal(size=(2 * k, 2 * k))
    joint = scores.T @ scores / (6 * k)
    mixed = joint[:k, k:]
    covariance = [joint[:k, :k], (mixed + mixed.T) / 2.0, joint[k:, k:]]
    strength = random.choice([0.5, 3.0, 10.0])
    return ReducedForm(strength * random.normal(size=(2, k)), np.array(covariance))


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_membership_agrees_with_the_statistic_at_every_effect(k):
    grid = np.tan(np.linspace(-np.pi / 2 + 1e-4, np.pi / 2 - 1e-4, 801))
    limit = chi2.ppf(0.95, k)
    for seed in range(25):
        one = random_form(seed, k)
        found = robust_set(one)
        inside = np.array([any(low <= b <= high for low, high in found.intervals) for b in grid])
        statistic = np.array([one.statistic(b) for b in grid])
        clear = np.abs(statistic - limit) > 1e-6
        np.testing.assert_array_equal(inside[clear], statistic[clear] <= limit)


@pytest.mark.parametrize("k", [2, 4])
def test_every_finite_end_is_where_the_test_turns(k):
    limit = chi2.ppf(0.95, k)
    for seed in range(40):
        one = random_form(seed, k)
        ends = [end for interval in robust_set(one).intervals for end in interval if math.isfinite(end)]
        assert [one.statistic(end) for end in ends] == pytest.approx([limit] * len(ends), rel=1e-8)


def test_all_four_shapes_occur_among_random_ones():
    assert {robust_set(random_form(seed, 2)).shape for seed in range(60)} == {
        "bounded",
        "unbounded",
        "disjoint",
        "empty",
    }


@pytest.mark.parametrize(
    ("fitted", "shape"),
    [
        ([400.0, 800.0, 1600.5], "bounded"),
        ([0.5, 0.4, 0.6], "unbounded"),
        ([1.0, 20.0, 401.0], "disjoint"),
        ([400.0, 0.0, 400.0], "empty"),
    ],
)
def test_the_classical_set_has_every_shape_too(fitted, shape):
    assert classical_set(np.array(fitted), np.array([100.0, 0.0, 100.0]), 2, 100).shape == shape


def test_the_interval_of_a_strong_instrument_is_close_to_walds():
    random = np.random.default_rng(1)
    z, u = random.normal(size=(2, 5000))
    d = z + u
    frame = pd.DataFrame({"z": z, "d": d, "y": d + u + random.normal(size=5000)})
    found = iv(frame, "d", "y", "z")
    assert found.diagnostics["anderson_rubin"] == [
        pytest.approx([found.ci_lower, found.ci_upper], abs=0.1 * found.std_error)
    ]


def test_instruments_that_contradict_each_other_empty_the_set():
    random = np.random.default_rng(2)
    a, b, u = random.normal(size=(3, 2000))
    d = a + b + u
    frame = pd.DataFrame({"a": a, "b": b, "d": d, "y": d + 2.0 * a - 2.0 * b + u})
    found = iv(frame, "d", "y", ["a", "b"]).diagnostics
    assert (found["anderson_rubin"], found["anderson_rubin_shape"]) == ([], "empty")
    assert found["hansen_j_p_value"] < 1e-6
