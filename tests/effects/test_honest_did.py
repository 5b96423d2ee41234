"""HonestDiD beside linear programmes, cases that can be worked by hand, and its coverage.

No implementation of it can be installed without PyTorch or CVXPY, so the referee is the definition itself: linear
programmes for the test statistic, its truncation and the worst bias. One comparison with moderndid 0.2.0 outside the
suite: 3,936 decisions of the hybrid test equal, fixed-length intervals equal to 1e-7.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from estimators.effects.did import did_design
from estimators.effects.event_study import EventStudy
from estimators.effects.honest_did import honest_did
from estimators.effects.honest_did_magnitudes import Magnitudes
from estimators.effects.honest_did_smoothness import Smoothness, folded_quantile
from estimators.effects.method import PanelSpec
from estimators.errors import CausalError
from estimators.warehouse import as_relation
from tests.datasets import mpdta
from tests.effects.simulated_panels import staggered

TARGETS = {
    "average": np.full(3, 1 / 3),
    "first": np.eye(3)[0],
    "last": np.eye(3)[2],
    "contrast": np.array([1, -0.5, 0.2]),
}


def study(seed: int = 0, before: int = 3, after: int = 3, sd: float = 0.1) -> EventStudy:
    generator = np.random.default_rng(seed)
    k = before + after
    root = generator.standard_normal((k, k)) + 2.0 * np.eye(k)
    covariance = sd**2 * root @ root.T / k
    times = (*range(-before - 1, -1), *range(after))
    return EventStudy("y", times, generator.normal(0.0, 2.0 * sd, k), covariance)


def inequalities(event: EventStudy, bound: float, position: int, sign: float) -> np.ndarray:
    """A of A(β − τ) ≤ 0: changes after the reference at most `bound` times that change before it."""
    k, before = len(event.estimates), event.n_before
    changes = np.diff(np.insert(np.eye(k), before, 0.0, axis=0), axis=0)
    limit = bound * sign * changes[position]
    return np.vstack([changes[before:] - limit, -changes[before:] - limit])


def programme(event: EventStudy, a: np.ndarray, weights: np.ndarray, moments: np.ndarray, theta: float):
    """min η subject to moments − A τ ≤ η sd over effects τ with weights'τ = θ."""
    sd = np.sqrt(np.diag(a @ event.covariance @ a.T))
    return linprog(
        np.eye(1 + len(weights))[0],
        A_ub=np.column_stack([-sd, -a[:, event.n_before :]]),
        b_ub=-moments,
        A_eq=np.insert(weights, 0, 0.0)[None, :],
        b_eq=[theta],
        bounds=[(None, None)] * (1 + len(weights)),
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bound", [0.3, 1.0])
def test_the_statistic_is_the_linear_programme(target, bound):
    event, weights = study(1), TARGETS[target]
    for at, test in enumerate(Magnitudes(event, weights, 0.05, "").restrictions(bound)):
        a = inequalities(event, bound, at // 2, 1.0 if at % 2 == 0 else -1.0)
        for theta in (-0.3, 0.0, 0.4):
            expected = programme(event, a, weights, a @ event.estimates, theta).fun
            assert np.max(test.moments - theta * test.slope) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("target", TARGETS)
def test_the_statistic_is_free_to_move_exactly_where_its_truncation_says(target):
    """Along the direction on which the test conditions, the programme's value stays the vertex's own up to the ends."""
    event, weights = study(2), TARGETS[target]
    test, a = Magnitudes(event, weights, 0.05, "").restrictions(1.0)[0], inequalities(event, 1.0, 0, 1.0)
    found = programme(event, a, weights, a @ event.estimates, 0.1)
    gamma = -found.ineqlin.marginals
    direction = a @ event.covariance @ a.T @ gamma / (gamma @ a @ event.covariance @ a.T @ gamma)
    values = test.moments - 0.1 * test.slope
    winner = int(np.argmax(values))
    ratio = test.covariance[winner] / test.covariance[winner, winner]
    rest, room = values - ratio * values[winner], 1.0 - ratio
    lows, highs = (rest[side] / room[side] for side in (room > 1e-9, room < -1e-9))
    ends = [(lows.max(), 1.0)] if len(lows) else []
    ends += [(highs.min(), -1.0)] if len(highs) else []
    for end, inwards in ends:
        for shift, is_free in ((0.01 * inwards, True), (-0.01 * inwards, False)):
            moved = end + shift
            other = programme(event, a, weights, a @ event.estimates + direction * (moved - found.fun), 0.1)
            assert (abs(other.fun - moved) < 1e-8) == is_free


def test_without_drift_one_period_gives_the_usual_interval():
    event = study(3, before=2, after=1)
    found = honest_did(event, relative_magnitudes=[0.0]).at(0.0)
    expected = honest_did(event, relative_magnitudes=[0.0]).original
    assert (found.lower, found.upper) == pytest.approx(expected, abs=0.02 * (expected[1] - expected[0]))


def test_a_linear_trend_is_extrapolated_when_slopes_do_not_change():
    """One period before and one after: the effect is β₁ + β₋₁, with its own standard error."""
    event = study(4, before=1, after=1)
    found = honest_did(event, relative_magnitudes=[], smoothness=[0.0]).at(0.0, "smoothness")
    center, half = event.estimates.sum(), 1.959963984540054 * np.sqrt(event.covariance.sum())
    assert (found.lower, found.upper) == pytest.approx((center - half, center + half), rel=1e-9)


def worst_bias(event: EventStudy, line: np.ndarray) -> float:
    """The largest |line'δ| over trends whose second differences are at most 1, by linear programming."""
    k, before = len(event.estimates), event.n_before
    second = np.diff(np.insert(np.eye(k), before, 0.0, axis=0), n=2, axis=0)
    found = linprog(-line, A_ub=np.vstack([second, -second]), b_ub=np.ones(2 * len(second)), bounds=[(None, None)] * k)
    return -found.fun


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("bound", [0.0, 0.02, 0.2])
def test_the_fixed_length_interval_is_the_shortest(target, bound):
    event, weights = study(5, before=4), TARGETS[target]
    ours = Smoothness(event, weights)
    lower, upper = ours.interval(bound, 0.95)

    def half_length(free: np.ndarray) -> float:
        return ours.half_length(np.append(free, ours.last), bound, 0.95)

    generator = np.random.default_rng(0)
    starts = [generator.normal(0.0, 1.0, 3) for _ in range(6)]
    best = min(minimize(half_length, s, method="Nelder-Mead", options={"maxiter": 4000}).fun for s in starts)
    assert (upper - lower) / 2.0 <= best * (1.0 + 1e-7)


def test_its_worst_bias_is_that_of_a_linear_programme():
    event = study(6, before=4)
    for weights in TARGETS.values():
        ours = Smoothness(event, weights)
        for c in (*ours.path[::20], np.append([0.5, -1.0, 2.0], ours.last)):
            line = np.concatenate([ours.lines @ c, weights])
            assert ours.bias(c) == pytest.approx(worst_bias(event, line), rel=1e-7)


@pytest.mark.parametrize("mean", [0.0, 0.3, 2.0, 40.0])
def test_the_folded_quantile_holds_its_share(mean):
    quantile = folded_quantile(mean, 0.95)
    draws = np.abs(np.random.default_rng(0).normal(mean, 1.0, 400_000))
    assert (draws <= quantile).mean() == pytest.approx(0.95, abs=2e-3)


def test_intervals_grow_with_the_bound():
    found = honest_did(study(7), relative_magnitudes=[0.0, 0.5, 1.0, 2.0], smoothness=[0.0, 0.1, 1.0])
    for kind in ("relative magnitudes", "smoothness"):
        widths = [i.upper - i.lower for i in found.intervals if i.restriction == kind]
        assert widths == sorted(widths)


def test_the_interval_holds_the_set_that_estimates_without_error_would_give():
    for found in honest_did(study(8), relative_magnitudes=[0.5, 1.0, 2.0]).intervals:
        assert found.lower <= found.set_lower <= found.set_upper <= found.upper


def test_the_breakdown_value_is_where_zero_enters():
    event = study(9)
    strong = EventStudy("y", event.relative_periods, event.estimates + np.repeat([0.0, 1.5], 3), event.covariance)
    found = honest_did(strong)
    assert 0.1 < found.breakdown < 32.0
    around = honest_did(strong, relative_magnitudes=[0.97 * found.breakdown, 1.03 * found.breakdown]).intervals
    assert [i.excludes_zero for i in around] == [True, False]
    smooth = [0.97 * found.smoothness_breakdown, 1.03 * found.smoothness_breakdown]
    around = honest_did(strong, relative_magnitudes=[], smoothness=smooth).intervals
    assert [i.excludes_zero for i in around] == [True, False]


def test_nothing_breaks_down_that_never_stood():
    event = study(10)
    null = EventStudy("y", event.relative_periods, 0.0 * event.estimates, event.covariance)
    found = honest_did(null)
    assert (found.breakdown, found.smoothness_breakdown) == (0.0, 0.0)
    assert found.in_words == "The effect cannot be told from 0 even if the trends would have been parallel."


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_scale_of_the_outcome_changes_nothing(factor):
    event = study(11)
    scaled = EventStudy("y", event.relative_periods, factor * event.estimates, factor**2 * event.covariance)
    for small, large in zip(honest_did(event).intervals, honest_did(scaled).intervals, strict=True):
        assert (large.lower / factor, large.upper / factor) == pytest.approx((small.lower, small.upper), rel=1e-6)


@pytest.mark.parametrize(("restriction", "bound"), [("relative magnitudes", 1.0), ("smoothness", 0.1)])
def test_intervals_cover_when_the_trend_is_as_bad_as_allowed(restriction, bound):
    """The trend's slope is 0.3 before; after it, its worst: the same change again, or a bend of 0.1 per period."""
    before, after = np.array([0.3, 0.0, -0.3]), np.array([0.3, 0.6, 0.9])
    if restriction == "smoothness":
        before, after = np.array([0.9, 0.6, 0.3]), -np.array([0.3, 0.6, 0.9]) + 0.1 * np.array([1.0, 3.0, 6.0])
    trend, event, weights = np.concatenate([before, after]), study(12, sd=0.2), np.full(3, 1 / 3)
    draws = np.random.default_rng(0).multivariate_normal(trend + np.repeat([0.0, 1.0], 3), event.covariance, 150)
    covered = 0
    for draw in draws:
        now = EventStudy("y", event.relative_periods, draw, event.covariance)
        if restriction == "smoothness":
            lower, upper = Smoothness(now, weights).interval(bound, 0.95)
        else:
            lower, upper = Magnitudes(now, weights, 0.05, "").interval(bound)
        covered += lower <= 1.0 <= upper
    assert covered / len(draws) >= 0.92


def test_an_interval_that_trusts_parallel_trends_misses_where_the_honest_one_does_not():
    """A drift of 0.2 per period before and after treatment, and an effect of 1."""
    frame = staggered(seed=4, n_units=3000, cohorts=(0, 4), drift=0.2)
    event = did_design(as_relation(frame), PanelSpec("unit", "time", "cohort", covariates=("x",)), ("y",)).event_study(
        "y"
    )
    found = honest_did(event, relative_magnitudes=[1.0, 2.0], smoothness=[0.0])
    assert found.original[0] > 1.0
    assert found.at(2.0).lower < 1.0 < found.at(2.0).upper
    assert found.at(0.0, "smoothness").lower < 1.0 < found.at(0.0, "smoothness").upper


def test_the_minimum_wage_study_breaks_down_at_half_the_drift_before_it():
    spec = PanelSpec("countyreal", "year", "first.treat")
    event = did_design(as_relation(mpdta()), spec, ("lemp",)).event_study("lemp")
    found = honest_did(event)
    assert found.estimate == pytest.approx(-0.0772398215, abs=1e-9)
    assert found.breakdown == pytest.approx(0.49, abs=0.03)


def test_periods_of_anticipation_get_no_weight():
    event = EventStudy("y", (-4, -3, -1, 0, 1), np.array([0.0, 0.0, 5.0, 1.0, 3.0]), 0.01 * np.eye(5), reference=-2.0)
    assert honest_did(event).estimate == pytest.approx(2.0)
    assert honest_did(event, "first").estimate == pytest.approx(1.0)


def test_gaps_are_refused():
    event = study(0)
    gaps = EventStudy("y", (-6, -5, -2, 0, 1, 2), event.estimates, event.covariance)
    with pytest.raises(CausalError) as caught:
        honest_did(gaps)
    assert str(caught.value) == (
        "CAUSAL-026 panel gaps\n"
        "  relative periods -6, -5, -2, -1, 0, 1, 2 have gaps\n"
        "  fix: number the periods 1, 2, 3, ... without gaps\n"
        "  more: docs/errors.md#causal-026"
    )


def test_one_period_before_treatment_is_refused():
    event = EventStudy("y", (0, 1), np.zeros(2), np.eye(2))
    with pytest.raises(CausalError, match="CAUSAL-026 no trend to compare with\n  0 periods before the reference"):
        honest_did(event)


def test_weights_of_another_length_are_refused():
    with pytest.raises(CausalError, match="CAUSAL-001 target of another length\n  2 weights for 3 periods"):
        honest_did(study(0), [0.5, 0.5])
