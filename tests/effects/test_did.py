"""Difference-in-differences: planted effects, what must not change an answer, and its two ways of working."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import did
from estimators.effects import group_time_small
from estimators.effects.did import did_design
from estimators.effects.group_time_blocks import signs
from estimators.effects.group_time_cells import before_treatment
from estimators.effects.group_time_passes import from_passes
from estimators.effects.method import PanelSpec
from estimators.warehouse import as_relation
from tests.effects.simulated_panels import staggered

COLUMNS = {"unit": "unit", "time": "time", "cohort": "cohort", "outcome": "y"}
SPEC = PanelSpec("unit", "time", "cohort", options={"control": "not_yet"})


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return staggered(seed=1)


def numbers(effect) -> list[float]:
    """All figures of the frame, NaN as 0."""
    columns = ["estimate", "std_error", "ci_lower", "band_upper"]
    return np.nan_to_num(effect.effects[columns].to_numpy(dtype=float)).ravel().tolist()


@pytest.mark.parametrize("method", ["dr", "reg", "ipw"])
def test_recovers_a_planted_effect_when_trends_depend_on_a_covariate(method):
    effect = did(staggered(seed=2, n_units=4000, effect=1.5), **COLUMNS, covariates=["x"], method=method)
    assert abs(effect.estimate - 1.5) < 3.5 * effect.std_error < 0.2


def test_misses_it_without_the_covariate_that_drives_trend_and_cohort():
    effect = did(staggered(seed=2, n_units=4000, effect=1.5), **COLUMNS)
    assert effect.estimate - 1.5 > 2.0 * effect.std_error


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_doubly_robust_needs_only_one_of_its_two_models(way):
    """Trends or cohorts depend on exp(x), which the other model, linear in x, gets wrong."""
    generator = np.random.default_rng(5)
    n = 20_000
    x = generator.uniform(-1.5, 1.5, n)
    curve = np.exp(x)
    trend, index = (curve, x) if way > 0 else (x, 0.5 * (curve - curve.mean()))
    cohort = np.where(generator.random(n) < 1.0 / (1.0 + np.exp(0.5 - index)), 2, 0)
    y = np.stack([np.zeros(n), trend + 1.0 * (cohort == 2)], axis=1) + 0.1 * generator.standard_normal((n, 2))
    frame = pd.DataFrame({"unit": np.repeat(np.arange(n), 2), "time": np.tile([1, 2], n), "y": y.ravel()})
    frame["cohort"], frame["x"] = np.repeat(cohort, 2), np.repeat(x, 2)
    effect = did(frame, **COLUMNS, covariates=["x"])
    assert abs(effect.estimate - 1.0) < 4.0 * effect.std_error < 0.2


def test_two_groups_and_two_periods_are_the_difference_of_differences():
    frame = staggered(seed=3, n_periods=2, cohorts=(0, 2))
    means = frame.groupby(["cohort", "time"])["y"].mean()
    by_hand = (means[2, 2] - means[2, 1]) - (means[0, 2] - means[0, 1])
    assert did(frame, **COLUMNS).estimate == pytest.approx(by_hand, rel=1e-12)


def test_two_groups_and_two_periods_are_the_regression_on_unit_and_period_dummies():
    frame = staggered(seed=3, n_units=60, n_periods=2, cohorts=(0, 2))
    treated = ((frame["cohort"] == 2) & (frame["time"] == 2)).to_numpy(dtype=float)
    dummies = pd.get_dummies(frame[["unit", "time"]].astype(str), dtype=float).to_numpy()
    coefficient = np.linalg.lstsq(np.column_stack([treated, dummies]), frame["y"], rcond=None)[0][0]
    assert did(frame, **COLUMNS).estimate == pytest.approx(coefficient, rel=1e-9)


@pytest.mark.parametrize("weights", [None, "weight"])
@pytest.mark.parametrize("cluster", [None, "state"])
def test_sums_and_passes_agree(panel, weights, cluster):
    spec = PanelSpec("unit", "time", "cohort", cluster=cluster, weights=weights)
    design = did_design(as_relation(panel), spec, ("y",))
    sums = design._group_time(design.cells, "y")
    passes = from_passes(design.panel, design.cells, "y", "dr")
    np.testing.assert_allclose(sums.att, passes.att, rtol=1e-10)
    np.testing.assert_allclose(sums.covariance, passes.covariance, atol=1e-12 * sums.covariance.max())


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("options", [{}, {"weights": "weight"}, {"covariates": ("x", "v"), "cluster": "state"}])
def test_panels_that_the_warehouse_pivots_give_the_same(panel, options, before, monkeypatch):
    design = did_design(as_relation(panel), PanelSpec("unit", "time", "cohort", **options), ("y",))
    cells = before_treatment(design.cells, design.panel, 0.0) if before else design.cells
    small = design._group_time(cells, "y", before)
    monkeypatch.setattr(group_time_small, "SMALL", 0)
    large = design._group_time(cells, "y", before)
    np.testing.assert_allclose(small.att, large.att, rtol=1e-10)
    np.testing.assert_allclose(small.covariance, large.covariance, atol=1e-12 * large.covariance.max())


def test_the_names_of_units_change_nothing(panel):
    """Numbers far apart, in no order, and text take other ways into memory."""
    scattered = panel.assign(unit=(panel["unit"] * 7_919 + 13) % 1_000_003 * 10**9).sample(frac=1.0, random_state=1)
    named = panel.assign(unit="u" + panel["unit"].astype(str))
    expected = numbers(did(panel, **COLUMNS))
    for other in (scattered, named):
        assert numbers(did(other, **COLUMNS)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"covariates": ["x", "v"]}, {"bootstrap": 200, "seed": "s"}])
def test_the_order_of_rows_changes_nothing(panel, options):
    shuffled = panel.sample(frac=1.0, random_state=0)
    assert numbers(did(shuffled, **COLUMNS, **options)) == pytest.approx(
        numbers(did(panel, **COLUMNS, **options)), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize("options", [{}, {"covariates": ["x"]}])
def test_a_constant_per_unit_or_per_period_changes_nothing(panel, options):
    moved = panel.assign(y=panel["y"] + 1e3 * np.sin(panel["unit"]) + 7.0 * panel["time"] ** 2)
    assert numbers(did(moved, **COLUMNS, **options)) == pytest.approx(
        numbers(did(panel, **COLUMNS, **options)), rel=1e-7, abs=1e-9
    )


@pytest.mark.parametrize("options", [{}, {"covariates": ["x"]}])
def test_effects_scale_with_the_outcome(panel, options):
    scaled = panel.assign(y=1e6 * panel["y"])
    expected = [1e6 * value for value in numbers(did(panel, **COLUMNS, **options))]
    assert numbers(did(scaled, **COLUMNS, **options)) == pytest.approx(expected, rel=1e-8, abs=1e-4)


def test_the_scale_of_a_covariate_changes_nothing(panel):
    scaled = panel.assign(x=1e6 + 1e-3 * panel["x"])
    assert numbers(did(scaled, **COLUMNS, covariates=["x"])) == pytest.approx(
        numbers(did(panel, **COLUMNS, covariates=["x"])), rel=1e-5, abs=1e-6
    )


def test_clusters_of_one_unit_are_no_clusters(panel):
    assert numbers(did(panel.assign(c=panel["unit"]), **COLUMNS, cluster="c")) == pytest.approx(
        numbers(did(panel, **COLUMNS)), rel=1e-9, abs=1e-12
    )


def test_clusters_that_share_a_trend_widen_the_interval():
    frame = staggered(seed=8, n_units=800).assign(cohort=lambda d: np.where(d["state"] % 2, 4, 0))
    assert did(frame, **COLUMNS, cluster="state").std_error > 1.2 * did(frame, **COLUMNS).std_error


def test_null_and_zero_both_mean_never_treated(panel):
    nulls = panel.assign(cohort=panel["cohort"].where(panel["cohort"] > 0))
    assert numbers(did(nulls, **COLUMNS)) == numbers(did(panel, **COLUMNS))


def test_dates_give_the_same_as_the_numbers_of_their_periods(panel):
    months = pd.date_range("2025-01-01", periods=6, freq="MS")
    begun = panel["cohort"].map(lambda g: months[g - 1] - pd.Timedelta(days=9) if g else pd.NaT)
    dated = panel.assign(time=months[panel["time"] - 1], cohort=begun)
    found = did(dated, **COLUMNS)
    assert numbers(found) == pytest.approx(numbers(did(panel, **COLUMNS)), rel=1e-12, abs=1e-15)
    assert found.effects.query("kind == 'calendar'")["period"].tolist()[0] == "2025-03-01"


def test_units_treated_from_the_first_period_on_are_left_out(panel):
    early = panel[panel["unit"] < 30].assign(unit=lambda d: d["unit"] + 10_000, cohort=1)
    design = did_design(as_relation(pd.concat([panel, early])), PanelSpec("unit", "time", "cohort"), ("y",))
    effect = design.estimate(("y",)).effects[0]
    assert effect.estimate == pytest.approx(did(panel, **COLUMNS).estimate, rel=1e-12)
    assert effect.diagnostics["n_always_treated"] == 30
    assert [check.check_name for check in design.checks] == ["always_treated"]


def test_units_treated_after_the_last_period_are_controls(panel):
    late = panel.assign(cohort=panel["cohort"].replace({0: 99}))
    assert numbers(did(late, **COLUMNS)) == numbers(did(panel, **COLUMNS))


def test_an_unbalanced_panel_uses_the_units_seen_in_both_periods(panel):
    lost = panel[
        ~((panel["unit"] % 5 == 0) & (panel["time"] == 5)) & ~((panel["unit"] % 7 == 0) & (panel["time"] == 2))
    ]
    found = did(lost, **COLUMNS).effects.query("kind == 'group_time' and cohort == 4 and period == 5").iloc[0]
    wide = lost.pivot(index="unit", columns="time", values="y")
    change = (wide[5] - wide[3]).dropna()
    cohort = panel.groupby("unit")["cohort"].first().reindex(change.index)
    treated, control = change[cohort == 4], change[cohort == 0]
    assert found["estimate"] == pytest.approx(treated.mean() - control.mean(), rel=1e-12)
    variance = sum(((part - part.mean()) ** 2).sum() / len(part) ** 2 for part in (treated, control))
    assert found["std_error"] == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_anticipation_moves_the_base_period_back(panel):
    early = panel.assign(y=panel["y"] + 1.0 * ((panel["cohort"] > 0) & (panel["time"] == panel["cohort"] - 1)))
    biased, robust = (did(early, **COLUMNS, anticipation=a).diagnostics["averages"]["simple"] for a in (0, 1))
    assert biased["estimate"] < 0.5
    assert abs(robust["estimate"] - 1.0) < 0.6


def test_several_outcomes_are_each_estimated_as_alone(panel):
    two = panel.assign(z=2.0 * panel["y"])
    design = did_design(as_relation(two), PanelSpec("unit", "time", "cohort"), ("y", "z"))
    first, second = design.estimate(("y", "z")).effects
    assert second.estimate == pytest.approx(2.0 * first.estimate, rel=1e-12)


def test_trends_before_treatment_never_read_an_outcome_under_treatment(panel):
    spoilt = panel.assign(y=panel["y"].where((panel["cohort"] == 0) | (panel["time"] < panel["cohort"]), 1e9))
    before = did_design(as_relation(panel), SPEC, ("y",)).pre_trends(("y",))[0]
    after = did_design(as_relation(spoilt), SPEC, ("y",)).pre_trends(("y",))[0]
    assert after.estimates.tolist() == before.estimates.tolist()
    assert after.covariance.tolist() == before.covariance.tolist()
    assert before.relative_periods == (-5, -4, -3, -2)


def test_trends_before_treatment_are_those_of_the_event_study(panel):
    design = did_design(as_relation(panel), SPEC, ("y",))
    before, study = design.pre_trends(("y",))[0], design.event_study("y")
    np.testing.assert_allclose(before.estimates, study.estimates[study.is_before], rtol=1e-10)


def test_the_band_is_wider_than_the_interval_and_narrower_than_bonferroni(panel):
    times = did(panel, **COLUMNS).effects.query("kind == 'event_time'")
    ratio = (times["band_upper"] - times["estimate"]) / times["std_error"]
    assert ratio.std() < 1e-9
    assert 1.96 < ratio.iloc[0] < 2.85  # Bonferroni over 9 or 10


def test_the_reference_period_has_an_effect_of_zero_and_no_error(panel):
    row = did(panel, **COLUMNS, base_period="universal").effects.query("kind == 'event_time' and relative_period == -1")
    assert row["estimate"].tolist() == [0.0]
    assert row["std_error"].isna().all()


@pytest.mark.parametrize("cluster", [None, "state"])
def test_the_bootstrap_follows_from_its_seed(panel, cluster):
    first, again, other = (
        did(panel, **COLUMNS, cluster=cluster, bootstrap=200, seed=s).std_error for s in ("a", "a", "b")
    )
    assert first == again != other


def test_bootstrap_bands_are_near_the_analytic_ones(panel):
    analytic, drawn = (did(panel, **COLUMNS, bootstrap=b, seed="a").effects for b in (0, 4000))
    assert (drawn["band_upper"] - drawn["estimate"]).tolist() == pytest.approx(
        (analytic["band_upper"] - analytic["estimate"]).tolist(), rel=0.12
    )


def test_multipliers_are_signs_without_correlation():
    keys = np.arange(20_000, dtype=np.uint64) * np.uint64(2**33 + 1)
    drawn = signs(keys, 100)
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert np.abs(np.corrcoef(drawn.T) - np.eye(100)).max() < 0.04
    assert np.abs(drawn.mean(axis=0)).max() < 0.04


def test_a_group_of_one_is_flagged(panel):
    one = panel[(panel["cohort"] != 6) | (panel["unit"] == panel.loc[panel["cohort"] == 6, "unit"].min())]
    checks = did_design(as_relation(one), PanelSpec("unit", "time", "cohort"), ("y",)).checks
    assert [(check.check_name, check.status) for check in checks] == [("group_size", "warn")]
    assert "6" in checks[0].reason
