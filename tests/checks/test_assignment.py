"""How units came into the arms: their share, their dates, who was lost, and whom the treatment reached."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.checks.simulated import TREATED_AT, only, run, simulated

AIPW = {"name": "aipw", "repetitions": 1}


def dated(shift_days: float, n: int = 1000, spread_days: float = 10.0) -> pd.DataFrame:
    """Index dates over some weeks, those of the treated `shift_days` later."""
    frame = simulated(n)
    days = np.random.default_rng(1).normal(0, spread_days, n) + shift_days * frame["treatment"]
    at = TREATED_AT + pd.to_timedelta((days.clip(-50, 50) * 86_400).round(), unit="s")
    late, early = at - pd.Timedelta(days=1), at + pd.Timedelta(hours=1)
    ends = at + pd.Timedelta(days=7)
    return frame.assign(treated_at=at, latest_covariate_at=late, earliest_outcome_at=early, outcome_ends_at=ends)


# --- sample ratio ----------------------------------------------------------------------------------------------------
def test_a_share_as_announced_passes():
    assert only(run(simulated(1000), expected_share=0.5), "sample_ratio").status == "pass"


def test_a_share_far_from_the_announced_one_blocks():
    results = run(simulated(1000), expected_share=0.6)
    check = only(results, "sample_ratio")
    assert (check.status, results.status) == ("fail", "blocked")
    assert check.reason.startswith("sample-ratio mismatch: 468 of 1,000 treated (46.80%), 60.00% expected (p = ")


def test_without_an_announced_share_the_sample_ratio_is_no_gate():
    results = run(simulated(300))
    assert (only(results, "sample_ratio").status, results.status) == ("not_evaluated", "published")


# --- index dates -----------------------------------------------------------------------------------------------------
def test_one_common_index_date_passes():
    assert only(run(simulated(300)), "index_dates").statistic == 0.0


def test_treated_units_that_are_dated_later_fail():
    results = run(dated(3.0), design="observational", methods=[AIPW], margin=0.5)
    check = only(results, "index_dates")
    assert (check.status, results.status) == ("fail", "blocked")
    assert check.reason.startswith("index dates differ between the arms: treated units are indexed ")
    assert 0.2 < check.statistic < 0.4


def test_dates_that_differ_a_little_pass():
    assert only(run(dated(0.0, n=2000), design="observational", methods=[AIPW]), "index_dates").status == "pass"


def test_two_different_constant_dates_fail():
    frame = simulated(300)
    frame["treated_at"] = TREATED_AT + pd.to_timedelta(frame["treatment"], unit="h")
    check = only(run(frame), "index_dates")
    assert (check.status, check.statistic) == ("fail", np.inf)


def test_a_small_randomised_study_may_differ_in_dates_by_chance():
    frame = dated(2.0, n=60)
    check = only(run(frame), "index_dates")
    assert abs(check.statistic) > 0.1
    assert check.status == "pass"


def test_a_large_difference_in_dates_fails_in_a_randomised_study_too():
    assert only(run(dated(5.0)), "index_dates").status == "fail"


# --- attrition -------------------------------------------------------------------------------------------------------
def losing(treated: int, control: int) -> pd.DataFrame:
    frame = simulated(1000).sort_values("treatment").reset_index(drop=True)
    frame.loc[: control - 1, "covariate_age"] = None
    frame.loc[1000 - treated :, "covariate_age"] = None
    return frame


def test_equal_losses_pass():
    check = only(run(losing(20, 20)), "attrition")
    assert (check.status, check.is_gate) == ("pass", False)


def test_losing_more_of_one_arm_warns_and_publishes():
    results = run(losing(40, 2))
    check = only(results, "attrition")
    assert (check.status, results.status) == ("warn", "published")
    assert "lost: 40 treated (8.5%) and 2 controls (0.4%)" in check.reason


def test_units_that_were_never_eligible_are_not_lost():
    frame = simulated(600).assign(exclusion=None).astype({"exclusion": object})
    frame.loc[frame["treatment"] == 1, "exclusion"] = np.where(
        np.arange((frame["treatment"] == 1).sum()) < 99, "not eligible", None
    )
    assert only(run(frame), "attrition").reason.startswith("lost: 0 treated (0.0%) and 0 controls")


def test_exclusions_are_counted_one_after_the_other():
    frame = simulated(600).assign(exclusion=None).astype({"exclusion": object})
    frame.loc[:9, "exclusion"] = "treated later"
    frame.loc[10:14, "exclusion"] = "not eligible"
    steps = [(a.step, a.step_name, a.n_treated + a.n_control) for a in run(frame).attrition]
    assert steps == [(0, "cohort", 600), (1, "without: not eligible", 595), (2, "without: treated later", 585)]


# --- interference ----------------------------------------------------------------------------------------------------
def in_clusters(spillover: float, n_clusters: int = 60, size: int = 20) -> pd.DataFrame:
    """Clusters treated to different degrees; controls' sales rise by `spillover` times the share treated."""
    random = np.random.default_rng(6)
    frame = simulated(n_clusters * size)
    of = np.arange(len(frame)) // size
    share = random.uniform(0.1, 0.9, n_clusters)[of]
    frame["treatment"] = (random.random(len(frame)) < share).astype(int)
    frame["cluster_id"] = [f"c{i}" for i in of]
    treated_share = frame.groupby("cluster_id")["treatment"].transform("mean")
    sales = random.normal(size=len(frame)) + frame["treatment"] + spillover * treated_share
    return frame.assign(outcome_sales=sales, placebo_sales_before=random.normal(size=len(frame)))


WITHIN = {"interference": {"assumption": "within", "cluster": "cluster_id"}}


def test_spillovers_within_clusters_warn_and_publish():
    results = run(in_clusters(2.0), cluster="cluster_id", **WITHIN)
    check = only(results, "interference")
    assert (check.status, check.is_gate, results.status) == ("warn", False, "published")
    assert "spillovers within clusters" in check.reason


def test_without_spillovers_interference_passes():
    assert only(run(in_clusters(0.0), cluster="cluster_id", **WITHIN), "interference").status == "pass"


def test_the_regression_of_the_controls_is_that_of_statsmodels():
    import statsmodels.api as sm

    frame = in_clusters(1.0)
    check = only(run(frame, cluster="cluster_id", **WITHIN), "interference")
    n, treated = (frame.groupby("cluster_id")["treatment"].transform(f) for f in ("size", "sum"))
    control = frame["treatment"] == 0
    design = sm.add_constant((treated / (n - 1))[control].to_numpy())
    fit = sm.OLS(frame.loc[control, "outcome_sales"].to_numpy(), design)
    robust = fit.fit(
        cov_type="cluster", cov_kwds={"groups": frame.loc[control, "cluster_id"].astype("category").cat.codes}
    )
    n_clusters = frame.loc[control, "cluster_id"].nunique()
    assert f"differ by {robust.params[1]:.4g} (SE {robust.bse[1]:.4g}, CRV1, {n_clusters} clusters" in check.reason
    assert check.statistic == pytest.approx(2 * (1 - _normal(abs(robust.tvalues[1]))), rel=1e-6)


def _normal(z: float) -> float:
    from statistics import NormalDist

    return NormalDist().cdf(z)


def test_unknown_interference_warns():
    check = only(run(simulated(300), interference={"assumption": "unknown"}), "interference")
    assert (check.status, check.is_gate) == ("warn", False)


def test_an_assumption_that_cannot_be_tested_says_so():
    check = only(run(simulated(300)), "interference")
    assert check.reason == "assumed none, because pushes are private; without clusters it cannot be tested"


def test_clusters_treated_as_a_whole_show_no_spillover():
    frame = in_clusters(0.0)
    frame["treatment"] = frame["cluster_id"].str[-1].isin(list("13579")).astype(int)
    assert only(run(frame, cluster="cluster_id", **WITHIN), "interference").status == "not_evaluated"
