"""Drift alarms: planted drifts are found, stationary series raise false alarms at the stated rate and no more often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from estimators.errors import CausalError
from estimators.forecast.diagnosis.drift import Drift, drift_of

N_REFERENCE, N_NEW, N_LOOKS, RATE = 104, 8, 100, 0.1
MOST_FALSE_ALARMS = 19  # of 100 looks at a rate of 10 %: exceeded with probability 0.002


def look(residuals: np.ndarray, n_new: int = N_NEW, **options) -> Drift:
    options = {"n_permutations": 99, "false_alarm_rate": RATE, **options}
    return drift_of(residuals[:-n_new], residuals[-n_new:], **options)


def normal(source: np.random.Generator) -> np.ndarray:
    return source.normal(size=(N_REFERENCE + N_NEW, 6))


def heavy_tailed(source: np.random.Generator) -> np.ndarray:
    return source.standard_t(3, size=(N_REFERENCE + N_NEW, 6))


def moving_together(source: np.random.Generator) -> np.ndarray:
    return normal(source) + 3.0 * source.normal(size=(N_REFERENCE + N_NEW, 1))


def autocorrelated(source: np.random.Generator) -> np.ndarray:
    series = normal(source)
    for t in range(1, len(series)):
        series[t] += 0.5 * series[t - 1]
    return series


def with_gaps(source: np.random.Generator) -> np.ndarray:
    series = normal(source)
    return np.where(source.random(series.shape) < 0.2, np.nan, series)


@pytest.mark.parametrize("law", [normal, heavy_tailed, moving_together, autocorrelated, with_gaps])
def test_stationary_series_raise_false_alarms_at_the_stated_rate(law: Callable):
    source = np.random.default_rng(5)
    alarms = sum(not look(law(source), seed=i, n_permutations=39).alarms.empty for i in range(N_LOOKS))
    assert 2 <= alarms <= MOST_FALSE_ALARMS


def planted(seed: int, law: Callable = normal, series: int = 2, since: int = 3, shift: float = 2.0) -> np.ndarray:
    residuals = law(np.random.default_rng(seed))
    residuals[N_REFERENCE + since :, series] += shift
    return residuals


def test_a_planted_drift_is_found_where_it_is():
    named = [look(planted(seed), seed=seed).alarms for seed in range(40)]
    assert sum(("mean", 2) in set(zip(a["kind"], a["series"], strict=True)) for a in named) >= 36


def test_the_beginning_and_the_size_of_a_drift_are_told():
    first = look(planted(1, shift=6.0), periods=[f"week {i}" for i in range(N_NEW)], names=list("abcdef")).alarms.iloc[
        0
    ]
    assert (first["series"], first["since"]) == ("c", "week 3")
    assert first["size"] == pytest.approx(6.0, abs=1.5)


def test_a_spread_that_grows_is_found():
    residuals = normal(np.random.default_rng(2))
    residuals[N_REFERENCE:, 4] *= 6.0
    alarms = look(residuals).alarms
    assert ("spread", 4) in set(zip(alarms["kind"], alarms["series"], strict=True))


def test_a_drift_is_found_between_gaps():
    residuals = planted(3, with_gaps, since=0, shift=4.0)
    assert 2 in set(look(residuals).alarms["series"])


def test_a_trend_that_was_there_before_is_no_news():
    """What drifts all the time is exchangeable neither before nor since: whitening leaves no jump to be found."""
    source = np.random.default_rng(8)
    walks = np.cumsum(source.normal(size=(N_REFERENCE + N_NEW, 1)), axis=0)
    assert look(walks, n_permutations=199, false_alarm_rate=0.01).alarms.empty


def test_the_same_look_gives_the_same_numbers():
    first, second = (look(planted(4), seed="market").series for _ in range(2))
    assert first.equals(second)


def test_scale_and_shift_of_a_series_change_no_statistic():
    residuals = planted(6)
    moved = residuals * np.array([1e-6, 1.0, 1e6, 3.0, 7.0, 0.1]) + 5.0
    np.testing.assert_allclose(look(moved).series["statistic"], look(residuals).series["statistic"], rtol=1e-8)


def test_a_constant_series_raises_no_alarm():
    residuals = normal(np.random.default_rng(9))
    residuals[:, 0] = 1.0
    rows = look(residuals).series
    assert not rows.loc[rows["series"] == 0, "is_alarm"].any()


def test_029_all_faults_of_a_look_are_said_at_once():
    with pytest.raises(CausalError) as refused:
        drift_of(np.full((5, 2), np.inf), np.zeros((1, 3)), false_alarm_rate=0.001, n_permutations=99)
    assert str(refused.value) == (
        "CAUSAL-029 too short a past to see drift\n"
        "  5 periods before, 20 are needed\n"
        "  fix: look again later, or take more history\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 nothing new to see drift in\n"
        "  1 new periods, 2 are needed\n"
        "  fix: look again when there are more\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 series before and since differ\n"
        "  2 series before, 3 since\n"
        "  fix: give the same series in the same order\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 infinite residuals\n"
        "  10 values\n"
        "  fix: correct the forecasts they come from\n"
        "  more: docs/errors.md#causal-029\n"
        "CAUSAL-029 false-alarm rate out of reach\n"
        "  rate 0.001 with 99 permutations: the smallest p-value is 1/100\n"
        "  fix: take a rate in (0, 1) and more permutations\n"
        "  more: docs/errors.md#causal-029"
    )
