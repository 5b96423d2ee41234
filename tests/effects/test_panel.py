"""Fixed-effects regressions beside pyfixest and linearmodels, on balanced, unbalanced and weighted panels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects import fixed_effects
from estimators.effects.method import PanelSpec
from estimators.effects.panel import panel, panel_design
from estimators.results import Effect
from estimators.warehouse import as_relation

NAMES = ["d", "dose", "x"]
EFFECTS = [("unit", "time"), ("unit",), ("time",), ()]
FORMULA = {("unit", "time"): "| unit + month", ("unit",): "| unit", ("time",): "| month", (): ""}
WEIGHTS = [None, "unit_weight", "row_weight"]
COVARIANCES = {
    "unadjusted": ({"cov": "unadjusted"}, "iid"),
    "robust": ({"cov": "robust"}, "hetero"),
    "unit": ({}, {"CRV1": "unit_again"}),
    "region": ({"cluster": "region"}, {"CRV1": "region"}),
    "crossing": ({"cluster": "team"}, {"CRV1": "team"}),
    "two ways": ({"cluster": ("unit", "month")}, {"CRV1": "unit_again + month_again"}),
    "two coarse ways": ({"cluster": ("region", "team")}, {"CRV1": "region + team"}),
}


def simulated(seed: int = 3, n_units: int = 60, n_periods: int = 7, missing: float = 0.35) -> pd.DataFrame:
    """A staggered treatment d of effect 1, a dose and a covariate, all related to the unit and month effects.

    The *_again columns are copies: pyfixest 0.60 mistakes which effects are nested where names of effects are clusters.
    """
    random = np.random.default_rng(seed)
    unit, month = (a.ravel() for a in np.meshgrid(np.arange(n_units), np.arange(n_periods), indexing="ij"))
    level, season = random.normal(size=n_units)[unit], random.normal(size=n_periods)[month]
    start = random.integers(2, n_periods + 3, n_units)
    frame = pd.DataFrame({"unit": unit, "month": month, "d": (month >= start[unit]).astype(int)})
    frame["dose"] = random.exponential(size=len(frame)) + 0.5 * level
    frame["x"] = random.normal(size=len(frame)) + level - season
    frame["y"] = frame["d"] + 0.3 * frame["dose"] - frame["x"] + 3 * level + season
    frame["y"] += random.normal(size=len(frame)) * (1 + frame["d"])
    frame["z"] = frame["y"] ** 2
    frame["region"] = unit % 20
    frame["team"] = random.integers(0, 15, len(frame))
    frame["kind"] = random.choice(["a", "b", "c"], len(frame))
    frame["unit_weight"] = random.uniform(0.5, 2, n_units)[unit]
    frame["row_weight"] = random.uniform(0.5, 2, len(frame))
    frame["unit_again"], frame["month_again"] = frame["unit"], frame["month"]
    return frame[random.uniform(size=len(frame)) >= missing].reset_index(drop=True)


def ours(frame: pd.DataFrame, **options) -> Effect:
    return panel(frame, "unit", "month", NAMES, "y", **options)


def pyfixest(frame: pd.DataFrame, effects: tuple[str, ...], weights: str | None, vcov) -> pd.DataFrame:
    from pyfixest import MapDemeaner, feols

    demeaner = MapDemeaner(fixef_tol=1e-13, fixef_maxiter=100_000)
    formula = f"y ~ {' + '.join(NAMES)} {FORMULA[effects]}"
    return feols(formula, frame, vcov=vcov, weights=weights, demeaner=demeaner).tidy().loc[NAMES]


def assert_equal(effect: Effect, wanted: pd.DataFrame, tolerance: float = 1e-8) -> None:
    found = effect.effects
    scale = np.maximum(np.abs(wanted["Estimate"]), wanted["Std. Error"]).to_numpy()
    assert (np.abs(found["estimate"] - wanted["Estimate"].to_numpy()) / scale).max() <= tolerance
    assert found["std_error"].tolist() == pytest.approx(wanted["Std. Error"].tolist(), rel=tolerance)


@pytest.mark.parametrize("missing", [0.0, 0.7], ids=["balanced", "mostly gaps"])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_two_way_effects_are_those_of_pyfixest(covariance, missing):
    options, vcov = COVARIANCES[covariance]
    frame = simulated(missing=missing)
    assert_equal(ours(frame, **options), pyfixest(frame, ("unit", "time"), None, vcov))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("effects", EFFECTS, ids=lambda e: " and ".join(e) or "none")
def test_any_effects_and_weights_are_those_of_pyfixest(effects, weights):
    frame = simulated(seed=4)
    wanted = pyfixest(frame, effects, weights, {"CRV1": "unit_again"})
    assert_equal(ours(frame, effects=effects, weights=weights), wanted)


def test_intervals_and_p_values_are_those_of_pyfixest():
    from pyfixest import feols

    frame = simulated(missing=0)
    found = panel(frame, "unit", "month", "d", "y", NAMES[1:])
    theirs = feols("y ~ d + dose + x | unit + month", frame, vcov={"CRV1": "unit_again"}).tidy().loc["d"]
    wanted = [theirs["2.5%"], theirs["97.5%"], theirs["Pr(>|t|)"]]
    assert [found.ci_lower, found.ci_upper, found.p_value] == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("effects", EFFECTS[:3], ids=" and ".join)
@pytest.mark.parametrize(("cov", "weights"), [("cluster", None), ("robust", "row_weight"), ("unadjusted", None)])
def test_effects_by_the_convention_of_linearmodels_are_its_own(cov, weights, effects):
    from linearmodels.panel import PanelOLS

    frame = simulated(seed=5).set_index(["unit", "month"])
    chosen = {"entity_effects": "unit" in effects, "time_effects": "time" in effects}
    model = PanelOLS(frame["y"], frame[NAMES], weights=None if weights is None else frame[weights], **chosen)
    keywords = {"cluster": {"cov_type": "clustered", "cluster_entity": True}, "robust": {"cov_type": "robust"}}
    theirs = model.fit(**keywords.get(cov, {"cov_type": "unadjusted"}))
    found = ours(frame.reset_index(), cov=cov, weights=weights, effects=effects, convention="linearmodels")
    wanted = pd.DataFrame({"Estimate": theirs.params, "Std. Error": theirs.std_errors})
    assert_equal(found, wanted)
    assert found.effects["p_value"].tolist() == pytest.approx(theirs.pvalues.tolist(), rel=1e-6, abs=1e-12)


def test_text_covariates_enter_as_dummies():
    frame = simulated(seed=6)
    dummies = frame.assign(b=(frame["kind"] == "b").astype(float), c=(frame["kind"] == "c").astype(float))
    found = panel(frame, "unit", "month", "d", "y", ["kind"])
    wanted = panel(dummies, "unit", "month", "d", "y", ["b", "c"])
    assert found.estimate == pytest.approx(wanted.estimate, rel=1e-12)
    assert set(found.diagnostics["coefficients"]) == {"d", "kind = b", "kind = c"}


def test_several_outcomes_are_each_what_they_are_alone():
    frame = simulated(seed=7)
    both = panel(frame, "unit", "month", "d", ["y", "z"])
    alone = [panel(frame, "unit", "month", "d", o) for o in ("y", "z")]
    assert both.effects["name"].tolist() == ["d on y", "d on z"]
    assert both.effects["estimate"].tolist() == pytest.approx([e.estimate for e in alone], rel=1e-12)
    assert both.effects["std_error"].tolist() == pytest.approx([e.std_error for e in alone], rel=1e-12)


def test_the_joint_covariance_of_outcomes_is_that_of_their_sum():
    frame = simulated(seed=8).assign(total=lambda f: f["y"] + 0.1 * f["z"])
    spec = PanelSpec("unit", "month", treatment="d", covariates=("x",))
    found = panel_design(as_relation(frame), spec).estimate(["y", "z"]).covariance
    error = panel(frame, "unit", "month", "d", "total", ["x"]).std_error
    assert np.array([1, 0.1]) @ found @ np.array([1, 0.1]) == pytest.approx(error**2, rel=1e-9)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("limit", [20, 4], ids=["periods absorbed, units solved for", "both in memory"])
def test_every_way_to_take_two_effects_off_gives_the_same(limit, weights, monkeypatch):
    """8 units in 40 periods: units absorbed, the other way round, or in memory by conjugate gradients."""
    frame, options = simulated(seed=9, n_units=8, n_periods=40, missing=0.5), {"weights": weights, "cluster": "team"}
    wanted = ours(frame, **options)
    monkeypatch.setattr(fixed_effects, "MAX_LEVELS", limit)
    found = ours(frame, **options)
    for column in ("estimate", "std_error", "p_value"):
        assert found.effects[column].tolist() == pytest.approx(wanted.effects[column].tolist(), rel=1e-9)
    counts = ("n_rows", "n_singletons", "n_periods", "n_clusters", "n_components", "degrees_of_freedom")
    assert {k: found.diagnostics[k] for k in counts} == {k: wanted.diagnostics[k] for k in counts}
    assert (found.n_units, found.n_treated) == (wanted.n_units, wanted.n_treated)


def test_one_pass_over_groups_gives_what_the_rows_give(monkeypatch):
    frame = simulated(seed=10)
    fast = ours(frame)
    monkeypatch.setattr(fixed_effects, "WIDEST", 0)
    slow = ours(frame)
    assert fast.effects["estimate"].tolist() == pytest.approx(slow.effects["estimate"].tolist(), rel=1e-11)
    assert fast.effects["std_error"].tolist() == pytest.approx(slow.effects["std_error"].tolist(), rel=1e-11)


@pytest.mark.parametrize("size", [1e3, 1e9])
def test_large_unit_effects_cost_no_digits_but_those_of_the_outcome(size):
    """Unit effects a billion times the noise: what is left of them is found from rows, not from sums of squares."""
    frame = simulated(seed=11, missing=0.3)
    level = np.random.default_rng(0).normal(size=60)[frame["unit"]]
    found, wanted = ours(frame.assign(y=frame["y"] + size * level)), ours(frame)
    for column in ("estimate", "std_error"):
        assert found.effects[column].tolist() == pytest.approx(wanted.effects[column].tolist(), rel=1e-15 * size + 1e-9)


def test_an_almost_perfect_fit_keeps_its_standard_error():
    frame = simulated(seed=12, missing=0)
    noise = np.random.default_rng(1).normal(size=len(frame))
    base = 2.0 * frame["d"] + frame["unit"] - frame["month"]
    large, small = (ours(frame.assign(y=base + s * noise), cov="unadjusted") for s in (1.0, 1e-6))
    assert small.std_error == pytest.approx(1e-6 * large.std_error, rel=1e-6)


def test_rows_in_parts_that_share_nothing_are_counted():
    frame = simulated(seed=13, missing=0, n_periods=8)
    apart = frame[(frame["unit"] < 30) == (frame["month"] < 4)]
    found = panel(apart, "unit", "month", "dose", "y")
    assert found.diagnostics["n_components"] == 2
    assert "the panel falls into 2 parts that share neither units nor periods" in found.diagnostics["warnings"]


def test_missing_cells_are_reported():
    frame = simulated(seed=14, missing=0)
    found = ours(frame.drop(index=[3, 50]))
    assert found.diagnostics["n_missing_cells"] == 2
    assert "2 of 420 combinations of unit and period are missing" in found.diagnostics["warnings"]


def test_singletons_are_dropped_or_kept_and_change_no_coefficient():
    frame = simulated(seed=15, missing=0.75)
    dropped, kept = (ours(frame, singletons=s) for s in ("drop", "keep"))
    assert dropped.diagnostics["n_singletons"] > 0 == kept.diagnostics["n_singletons"]
    assert dropped.diagnostics["n_rows"] + dropped.diagnostics["n_singletons"] == kept.diagnostics["n_rows"]
    assert dropped.effects["estimate"].tolist() == pytest.approx(kept.effects["estimate"].tolist(), rel=1e-10)


def test_few_clusters_are_warned_about():
    found = ours(simulated(), cluster="region")
    assert "20 clusters by region, fewer than 30: the standard error is unreliable" in found.diagnostics["warnings"]


def test_clusters_that_cut_across_units_are_warned_about():
    found = ours(simulated(), cluster="team")
    assert "clusters by team cut across units: a panel clusters at least by unit" in found.diagnostics["warnings"]


def test_a_study_with_cohorts_needs_no_treatment_column():
    frame = simulated(seed=16, missing=0)
    cohort = frame["unit"].map(frame[frame["d"] == 1].groupby("unit")["month"].min())
    relation = as_relation(frame.assign(cohort=cohort))
    found = panel_design(relation, PanelSpec("unit", "month", cohort="cohort")).estimate(["y"]).effects[0]
    assert found.estimate == pytest.approx(panel(frame, "unit", "month", "d", "y").estimate, rel=1e-12)


@pytest.mark.parametrize("as_type", ["datetime64[us]", "date", "str", "float64"])
def test_periods_may_be_dates_text_or_numbers(as_type):
    frame = simulated(seed=17)
    dates = pd.to_datetime("2026-01-01") + pd.to_timedelta(frame["month"], unit="D")
    kinds = {"date": dates.dt.date, "datetime64[us]": dates, "str": "m" + frame["month"].astype(str)}
    found = ours(frame.assign(month=kinds.get(as_type, frame["month"].astype(float))))
    assert found.effects["std_error"].tolist() == pytest.approx(ours(frame).effects["std_error"].tolist(), rel=1e-12)


def test_the_order_of_the_rows_and_the_names_of_units_are_irrelevant():
    frame = simulated(seed=18)
    renamed = frame.assign(unit="u" + (frame["unit"] * 7919 % 10007).astype(str)).sample(frac=1, random_state=1)
    for column in ("estimate", "std_error"):
        assert ours(renamed).effects[column].tolist() == pytest.approx(ours(frame).effects[column].tolist(), rel=1e-12)


def test_unit_and_period_effects_added_to_the_outcome_change_nothing():
    frame = simulated(seed=19)
    moved = frame.assign(y=frame["y"] + 7.0 * (frame["unit"] % 13) - 3.0 * frame["month"] ** 2)
    for column in ("estimate", "std_error"):
        assert ours(moved).effects[column].tolist() == pytest.approx(ours(frame).effects[column].tolist(), rel=1e-9)


def test_units_of_measurement_only_scale_their_coefficient():
    frame = simulated(seed=20)
    scaled = ours(frame.assign(dose=1e6 * frame["dose"] + 1e9, x=1e-6 * frame["x"]))
    wanted = ours(frame).effects["estimate"] * np.array([1.0, 1e-6, 1e6])
    assert scaled.effects["estimate"].tolist() == pytest.approx(wanted.tolist(), rel=1e-6)


def test_swapping_treatment_and_control_changes_the_sign():
    frame = simulated(seed=21)
    found = ours(frame.assign(d=1 - frame["d"]))
    assert found.estimate == pytest.approx(-ours(frame).estimate, rel=1e-9)
    assert found.std_error == pytest.approx(ours(frame).std_error, rel=1e-9)


def test_an_effect_that_is_there_moves_the_estimate():
    frame = simulated(seed=22)
    moved = frame.assign(y=frame["y"] + 5.0 * frame["d"])
    assert ours(moved).estimate - ours(frame).estimate == pytest.approx(5.0, rel=1e-9)
