"""The arithmetic of the experiment gate: its size, its power, and when it says that it cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from estimators.forecast.experiments.consistency import detectable_error, judge

TRUE = np.linspace(8.0, 20.0, 12)
NOISE = np.diag(np.full(12, 1.5**2))
NOTHING = np.zeros((12, 12))


def measured(source: np.random.Generator) -> np.ndarray:
    return TRUE + 1.5 * source.standard_normal(12)


def test_the_sum_of_squares_is_the_one_by_hand():
    seen = measured(np.random.default_rng(1))
    verdict = judge(TRUE, seen, NOISE, NOTHING)
    by_hand = (((TRUE - seen) / 1.5) ** 2).sum()
    assert verdict.statistic == pytest.approx(by_hand)
    assert verdict.p_value == pytest.approx(chi2.sf(by_hand, 12))


def test_a_true_model_fails_in_one_of_a_hundred():
    source = np.random.default_rng(2)
    failed = [judge(TRUE, measured(source), NOISE, NOTHING).status == "fail" for _ in range(2000)]
    assert np.mean(failed) == pytest.approx(0.01, abs=0.007)


def test_a_model_that_is_off_by_half_fails():
    source = np.random.default_rng(3)
    failed = [judge(1.5 * TRUE, measured(source), NOISE, NOTHING).status == "fail" for _ in range(200)]
    assert np.mean(failed) > 0.99


def test_finds_the_error_that_it_calls_detectable_in_eight_of_ten():
    source = np.random.default_rng(4)
    error = detectable_error(TRUE, NOISE + 0.0, NOISE)
    failed = [judge((1 + error) * TRUE, measured(source), NOISE, NOTHING).status == "fail" for _ in range(2000)]
    assert np.mean(failed) == pytest.approx(0.8, abs=0.08)


def test_uncertainty_of_the_model_widens_what_is_accepted():
    wide = 4.0 * np.eye(12)
    seen = measured(np.random.default_rng(5))
    assert judge(1.3 * TRUE, seen, NOISE, wide).p_value > judge(1.3 * TRUE, seen, NOISE, NOTHING).p_value


def test_four_experiments_judge_nothing():
    verdict = judge(TRUE[:4], 3 * TRUE[:4], NOISE[:4, :4], NOTHING[:4, :4])
    assert (verdict.status, verdict.reason) == ("not_evaluated", "4 randomised experiments, the gate needs 5")


def test_a_gate_too_weak_to_see_half_the_effect_judges_nothing():
    verdict = judge(TRUE, TRUE, 400 * NOISE, NOTHING)
    assert verdict.status == "not_evaluated"
    assert "above 50%" in verdict.reason


def test_a_model_that_knows_nothing_cannot_pass():
    assert judge(TRUE, TRUE, NOISE, 1e6 * np.eye(12)).status == "not_evaluated"


def test_a_predicted_effect_that_is_no_number_fails():
    assert judge(np.full(12, np.nan), TRUE, NOISE, NOTHING).status == "fail"


@pytest.mark.parametrize("where", ["predicted", "model"])
def test_what_is_not_a_number_fails(where):
    predicted, model = TRUE.copy(), NOTHING.copy()
    (predicted if where == "predicted" else model.reshape(-1))[3] = np.nan
    assert judge(predicted, TRUE, NOISE, model).status == "fail"
