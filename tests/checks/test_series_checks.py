"""Checks of studies on series: each has a case that must fail, and one that must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from estimators import bsts
from estimators.checks.series_controls import controls_not_affected
from estimators.checks.series_held_out import coverage_p_values, held_out_fit
from estimators.checks.series_lengths import chain_convergence, pre_period_fit, pre_period_length
from estimators.checks.series_placebo import (
    Window,
    bsts_placebo_in_time,
    judge,
    n_disjoint,
    synthetic_control_placebo_in_time,
    windows,
)
from estimators.results import Effect
from tests.datasets import california

QUICK = {"n_chains": 1, "n_draws": 200, "n_burn": 100}
EFFECT = Effect(1.0, 0.5, 0.02, 1.98, 0.045, 150, 30, "bsts", "ATT", "sales")


def simulated(seed: int = 0, n_pre: int = 150, n_post: int = 30) -> pd.DataFrame:
    random, n = np.random.default_rng(seed), n_pre + n_post
    common = random.normal(size=n)
    frame = pd.DataFrame({f"x{i}": common + 0.5 * random.normal(size=n) for i in range(3)})
    sales = 50 + 2 * common + random.normal(size=n)
    return frame.assign(sales=sales, day=pd.date_range("2026-01-01", periods=n))


CALL = {"time": "day", "outcome": "sales", "controls": ["x0", "x1", "x2"], "intervention": "2026-05-31"}


def with_held_out(**figures) -> Effect:
    found = {"n_held_out": 30, "n_covered_95": 29, "n_covered_50": 15, "width_ratio": 1.1, "mase": 0.7, "coverage": 1.0}
    return replace(EFFECT, diagnostics={"held_out": {**found, **figures}})


# --- held-out fit ---------------------------------------------------------------------------------------------


def test_bands_that_cover_as_announced_pass():
    assert held_out_fit(with_held_out()).status == "pass"


def test_bands_that_cover_too_little_fail():
    check = held_out_fit(with_held_out(n_covered_95=22, n_covered_50=9))
    assert check.status == "fail"
    assert check.reason.startswith("intervals are too narrow (exact binomial p = ")


def test_full_coverage_by_a_band_four_times_too_wide_is_no_pass():
    check = held_out_fit(with_held_out(n_covered_95=30, n_covered_50=30, width_ratio=4.0))
    assert check.status == "fail"
    assert check.reason.startswith("intervals are wider than needed, so that their coverage means nothing")


def test_full_coverage_by_a_band_of_the_right_width_passes():
    assert held_out_fit(with_held_out(n_covered_95=30, n_covered_50=17)).status == "pass"


def test_coverage_is_judged_by_the_exact_binomial():
    """P(X ≤ 26 | 30, .95) and P(X ≥ 20 | 30, .5), as tables have them."""
    narrow, wide = coverage_p_values({"n_held_out": 30, "n_covered_95": 26, "n_covered_50": 20})
    assert narrow == pytest.approx(0.0608, abs=1e-4)
    assert wide == pytest.approx(0.0494, abs=1e-4)


def test_a_forecast_no_better_than_the_past_warns():
    assert held_out_fit(with_held_out(mase=1.3)).status == "warn"


def test_a_short_pre_period_is_not_evaluated():
    check = held_out_fit(replace(EFFECT, diagnostics={"held_out": None}))
    assert (check.status, check.blocks) == ("not_evaluated", True)


def test_a_series_whose_noise_grows_at_the_end_fails():
    frame, random = simulated(), np.random.default_rng(7)
    frame.loc[112:149, "sales"] += 12 * random.standard_t(3, size=38)
    assert held_out_fit(bsts(frame, **CALL, **QUICK)).status == "fail"


def test_a_well_behaved_series_passes_its_held_out_fit():
    assert held_out_fit(bsts(simulated(), **CALL, **QUICK)).status == "pass"


# --- placebo in time ------------------------------------------------------------------------------------------


def test_no_earlier_effect_passes():
    check = bsts_placebo_in_time(simulated(), **CALL, **QUICK)
    assert (check.status, check.is_gate) == ("pass", True)
    assert "8 placebo windows of 30 periods, 3 of them disjoint" in check.reason


def test_an_earlier_shift_fails():
    frame = simulated()
    frame.loc[100:149, "sales"] += 6.0
    check = bsts_placebo_in_time(frame, **CALL, **QUICK)
    assert check.status == "fail"
    assert check.reason.startswith("bsts finds effects where nothing happened: 8 placebo windows")


def test_an_effect_no_larger_than_its_placebos_warns():
    found = [Window(0, 10), Window(5, 15), Window(10, 20)]
    placebos = [replace(EFFECT, estimate=e, std_error=2.0) for e in (1.5, -1.2, 0.3)]
    check = judge(found, placebos, [np.inf] * 3, "bsts", "sales", EFFECT)
    assert check.status == "warn"
    assert check.reason.endswith("2 of 3 placebo effects are as large as the study's (rank p = 0.75)")


def test_an_effect_larger_than_its_placebos_passes_and_says_its_rank():
    placebos = [replace(EFFECT, estimate=0.1 * i, std_error=2.0) for i in range(8)]
    check = judge([Window(i, i + 5) for i in range(8)], placebos, [np.inf] * 8, "bsts", "sales", EFFECT)
    assert check.status == "pass"
    assert check.reason.endswith("0 of 8 placebo effects are as large as the study's (rank p = 0.11)")


def test_windows_lie_in_the_pre_period_and_leave_a_third_of_it():
    found = windows(n_pre=90, length=15, fewest_before=10)
    assert (found[0].start, found[-1].end) == (30, 90)
    assert all(w.end - w.start == 15 for w in found)
    assert n_disjoint(found) == 3


def test_a_pre_period_without_room_for_a_window_is_not_evaluated():
    frame = simulated(n_pre=40, n_post=38)
    check = bsts_placebo_in_time(frame, **{**CALL, "intervention": "2026-02-10"}, **QUICK)
    assert (check.status, check.blocks) == ("not_evaluated", True)
    assert "too short for a placebo window" in check.reason


def test_california_has_no_earlier_effect():
    call = {"unit": "State", "time": "Year", "outcome": "PacksPerCapita", "treated": "California"}
    frame = california()[lambda f: f["Year"] <= 1994]
    check = synthetic_control_placebo_in_time(frame, **call, intervention=1989)
    assert check.status == "pass"
    assert "placebo windows of 6 periods" in check.reason


def test_a_synthetic_control_with_an_earlier_shift_fails():
    frame = california()[lambda f: f["Year"] <= 1994].copy()
    frame.loc[(frame["State"] == "California") & (frame["Year"] >= 1983), "PacksPerCapita"] -= 60.0
    call = {"unit": "State", "time": "Year", "outcome": "PacksPerCapita", "treated": "California"}
    assert synthetic_control_placebo_in_time(frame, **call, intervention=1989).status == "fail"


# --- controls, lengths, chains, fit ---------------------------------------------------------------------------


def test_untouched_controls_pass():
    checks = controls_not_affected(simulated(), **CALL, **QUICK)
    assert [c.status for c in checks] == ["pass"] * 3
    assert checks[0].reason.startswith("x0 moved by ")


def test_a_control_that_the_intervention_moved_fails_alone():
    frame = simulated()
    frame.loc[150:, "x1"] += 3.0
    checks = {c.outcome: c for c in controls_not_affected(frame, **CALL, **QUICK)}
    assert checks["x1"].status == "fail"
    assert checks["x1"].reason.endswith("fix: leave this control out")


def test_a_study_without_controls_warns():
    (check,) = controls_not_affected(simulated(), **{**CALL, "controls": []})
    assert (check.status, check.is_gate) == ("warn", False)


def lengths(n_pre: int, n_post: int, season: int | None = None) -> Effect:
    settings = {"season": season, "season_duration": 1}
    return replace(EFFECT, diagnostics={"n_pre": n_pre, "n_post": n_post, "settings": settings})


def test_a_pre_period_under_three_times_the_post_period_warns():
    check = pre_period_length(lengths(80, 30))
    assert check.status == "warn"
    assert "shorter than 3 times the post-period: 80 periods before the intervention, 30 after it" in check.reason


def test_a_pre_period_under_two_seasons_warns():
    check = pre_period_length(lengths(90, 10, season=52))
    assert (check.status, check.code) == ("warn", "027")
    assert check.reason.startswith("fewer than 2 seasons before the intervention")


def test_a_long_pre_period_passes():
    assert pre_period_length(lengths(120, 30, season=7)).status == "pass"


@pytest.mark.parametrize(
    ("r_hat", "draws", "status"), [(1.01, 900, "pass"), (1.1, 900, "warn"), (1.3, 900, "fail"), (1.0, 40, "fail")]
)
def test_chains_that_disagree_do_not_pass(r_hat, draws, status):
    found = {"r_hat": {"average_effect": r_hat}, "effective_sample_size": {"average_effect": draws}}
    assert chain_convergence(replace(EFFECT, diagnostics=found)).status == status


@pytest.mark.parametrize(("rmspe", "status"), [(1.0, "pass"), (4.0, "warn"), (12.0, "fail")])
def test_a_synthetic_control_that_does_not_fit_does_not_pass(rmspe, status):
    found = {"pre_rmspe": rmspe, "outcome_sd": 10.0}
    assert pre_period_fit(replace(EFFECT, diagnostics=found)).status == status
