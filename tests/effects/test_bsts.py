"""BSTS on simulated series of known effect: what it finds, how sure it is, and that the seed decides all of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import bsts
from estimators.effects.bsts_diagnostics import effective_sample_size, r_hat
from estimators.effects.bsts_fit import Settings
from estimators.effects.bsts_held_out import held_out

FAST = {"n_chains": 2, "n_draws": 300, "holds_out": False}


def simulated(seed: int = 0, n_pre: int = 120, n_post: int = 30, effect: float = 3.0, season: int = 1) -> pd.DataFrame:
    """A level that wanders, two controls that matter and six that do not, a weekly pattern, and an effect."""
    random, n = np.random.default_rng(seed), n_pre + n_post
    x = random.normal(size=(n, 8))
    week = np.resize(random.normal(size=season) * 2.0, n) if season > 1 else 0.0
    y = 50.0 + 2.0 * x[:, 0] - 1.0 * x[:, 1] + week + random.normal(size=n) + random.normal(size=n).cumsum() * 0.02
    y[n_pre:] += effect
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(8)])
    return frame.assign(sales=y, day=pd.date_range("2026-01-01", periods=n))


CONTROLS = [f"x{i}" for i in range(8)]
INTERVENTION = "2026-05-01"  # 120 days after the first


def fitted(frame: pd.DataFrame, **options):
    asked = {"controls": CONTROLS, "intervention": INTERVENTION, **FAST, **options}
    return bsts(frame, time="day", outcome="sales", **asked)


def test_recovers_a_planted_effect():
    found = fitted(simulated())
    assert found.ci_lower < 3.0 < found.ci_upper
    assert found.estimate == pytest.approx(3.0, abs=0.5)
    assert found.p_value < 0.01


def test_finds_nothing_where_nothing_was_planted():
    found = fitted(simulated(seed=3, effect=0.0))
    assert found.ci_lower < 0.0 < found.ci_upper
    assert found.p_value > 0.05


def test_controls_that_matter_are_included_and_the_others_are_not():
    inclusion = fitted(simulated()).diagnostics["inclusion"]
    assert min(inclusion["x0"], inclusion["x1"]) > 0.99
    assert max(inclusion[f"x{i}"] for i in range(2, 8)) < 0.2


def test_coefficients_are_in_units_of_the_outcome_and_the_control():
    frame = simulated()
    found = fitted(frame.assign(x0=frame["x0"] * 1e6)).diagnostics["coefficients"]
    assert found["x0"] == pytest.approx(2e-6, rel=0.1)


def test_a_weekly_season_is_carried_into_the_forecast():
    frame = simulated(season=7, effect=0.0)
    with_season, without = fitted(frame, season=7), fitted(frame)
    known = frame["sales"].to_numpy()[120:]
    errors = [np.abs(f.series["expected"].to_numpy()[120:] - known).mean() for f in (with_season, without)]
    assert errors[0] < 0.75 * errors[1]


def test_the_same_seed_gives_the_same_numbers():
    frame = simulated()
    first, second = fitted(frame, seed=5), fitted(frame, seed=5)
    assert first.estimate == second.estimate
    pd.testing.assert_frame_equal(first.series, second.series, check_exact=True)


def test_the_number_of_threads_changes_nothing():
    from threadpoolctl import threadpool_limits

    frame, found = simulated(), []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(fitted(frame, n_draws=100))
    assert found[0].estimate == found[1].estimate
    assert found[0].std_error == found[1].std_error


def test_the_order_of_the_rows_changes_nothing():
    frame = simulated()
    shuffled = frame.sample(frac=1.0, random_state=1)
    assert fitted(frame, n_draws=100).estimate == fitted(shuffled, n_draws=100).estimate


def test_another_seed_gives_other_draws_of_the_same_posterior():
    frame = simulated()
    first, second = fitted(frame, seed=1), fitted(frame, seed=2)
    assert first.estimate != second.estimate
    assert first.estimate == pytest.approx(second.estimate, abs=0.3 * first.std_error)


def test_the_level_variance_mixes():
    found = fitted(simulated(), n_draws=500).diagnostics
    assert max(found["r_hat"].values()) < 1.05
    assert found["effective_sample_size"]["sd_level"] > 200


def test_missing_outcomes_are_left_out_and_counted():
    frame = simulated()
    frame.loc[[20, 21, 22, 50, 130], "sales"] = None
    found = fitted(frame)
    assert (found.diagnostics["n_missing_pre"], found.diagnostics["n_missing_post"]) == (4, 1)
    assert found.estimate == pytest.approx(3.0, abs=0.5)


def test_a_missing_outcome_is_not_a_zero():
    frame = simulated()
    frame.loc[range(30, 60), "sales"] = None
    assert fitted(frame).estimate == pytest.approx(3.0, abs=0.6)


def test_a_gap_after_the_intervention_is_neither_before_nor_after():
    frame = simulated()
    frame.loc[120:129, "sales"] = 1e6
    found = fitted(frame, gap_end="2026-05-11")
    assert (found.diagnostics["n_pre"], found.diagnostics["n_gap"], found.diagnostics["n_post"]) == (120, 10, 20)
    assert found.estimate == pytest.approx(3.0, abs=0.6)


def test_rows_of_the_gap_may_be_absent():
    frame = simulated()
    whole = fitted(frame, gap_end="2026-05-11")
    without = fitted(frame.drop(index=range(120, 130)), gap_end="2026-05-11")
    assert whole.estimate == without.estimate


def test_the_series_adds_up_to_the_effect():
    found = fitted(simulated())
    after = found.series[found.series["is_post"]]
    assert after["effect"].mean() == pytest.approx(found.estimate, rel=1e-9)
    total = found.diagnostics["cumulative_effect"]
    assert after["cumulative"].iloc[-1] == pytest.approx(total["estimate"], rel=1e-9)
    assert after["cumulative_lower"].iloc[-1] == pytest.approx(total["ci_lower"], rel=1e-9)
    assert found.series["cumulative"].isna().sum() == 120


def test_relative_effects_are_shares_of_what_was_expected():
    found = fitted(simulated())
    relative = found.diagnostics["relative_effect"]
    assert relative["estimate"] == pytest.approx(found.estimate / found.control_mean)
    assert relative["ci_lower"] < relative["estimate"] < relative["ci_upper"]


def test_monthly_series_are_evenly_spaced():
    frame = simulated().assign(day=pd.date_range("2015-01-01", periods=150, freq="MS"))
    assert fitted(frame, intervention="2025-01-01").n_treated == 30


def test_without_controls_it_is_a_forecast():
    assert fitted(simulated(effect=20.0), controls=[]).estimate == pytest.approx(20.0, abs=3.0)


def test_more_controls_than_periods_are_searched_not_refused():
    random, frame = np.random.default_rng(1), simulated(n_pre=40, n_post=10)
    many = {f"z{i}": random.normal(size=50) for i in range(60)}
    frame = frame.assign(**many)
    found = fitted(frame, controls=["x0", "x1", *many], intervention="2026-02-10")
    assert found.diagnostics["inclusion"]["x0"] > 0.9


def test_the_held_out_part_is_predicted_better_than_by_repeating():
    frame = simulated(effect=0.0)
    found = held_out(frame["sales"].to_numpy()[:120], frame[CONTROLS].to_numpy()[:120], Settings())
    assert found["mase"] < 0.8
    assert (found["n_train"], found["n_held_out"]) == (90, 30)


def test_held_out_errors_one_step_ahead_are_covered_as_announced():
    """Over six series: 180 held-out days, of which 95 % and 50 % should be covered."""
    covered = np.zeros(2)
    for seed in range(6):
        frame = simulated(seed, effect=0.0)
        found = held_out(frame["sales"].to_numpy()[:120], frame[CONTROLS].to_numpy()[:120], Settings())
        covered += [found["n_covered_95"], found["n_covered_50"]]
    assert 0.90 <= covered[0] / 180 <= 0.99
    assert 0.41 <= covered[1] / 180 <= 0.59


def test_r_hat_is_one_for_chains_of_the_same_law_and_large_for_others():
    random = np.random.default_rng(0)
    chains = random.normal(size=(4, 500))
    assert r_hat(chains) < 1.01
    assert r_hat(chains + np.arange(4)[:, None]) > 1.5


def test_effective_sample_size_is_that_of_an_autoregression():
    """An AR(1) with coefficient ρ is worth (1 − ρ)/(1 + ρ) of its length."""
    random, n, rho = np.random.default_rng(0), 4000, 0.8
    chains = random.normal(size=(4, n))
    for t in range(1, n):
        chains[:, t] += rho * chains[:, t - 1]
    assert effective_sample_size(chains) == pytest.approx(4 * n * (1 - rho) / (1 + rho), rel=0.15)
