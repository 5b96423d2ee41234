"""Random treatments test the standard error, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.checks.placebo_treatment import Sample, n_rejected
from estimators.draws import generator
from tests.checks.simulated import only, run, simulated


def clustered(n_clusters: int = 60, size: int = 20, seed: int = 3) -> pd.DataFrame:
    """Whole clusters treated, and a common shock in each of them."""
    random = np.random.default_rng(seed)
    frame = simulated(n_clusters * size, seed)
    of = np.arange(len(frame)) // size
    frame["cluster_id"] = [f"c{i:03d}" for i in of]
    frame["treatment"] = random.permuted(np.arange(n_clusters) % 2)[of]
    shock = 3.0 * random.normal(size=n_clusters)[of]
    return frame.assign(placebo_sales_before=shock + random.normal(size=len(frame)))


def test_a_sound_outcome_rejects_in_about_five_percent():
    check = only(run(simulated(1000)), "placebo_treatment")
    assert check.status == "pass"
    assert 0.0 < check.statistic < check.threshold == 0.105


def test_one_huge_value_among_few_treated_fails():
    frame = simulated(1000)
    frame["treatment"] = (frame.index < 10).astype(int)
    frame["placebo_sales_before"] = np.random.default_rng(3).pareto(1.0, 1000) ** 2
    results = run(frame)
    check = only(results, "placebo_treatment")
    assert (check.status, results.status) == ("fail", "blocked")
    assert check.reason.startswith("standard errors are too small for this data: ")
    assert check.reason.endswith("; fix: winsorise, declare the cluster, or use more units")


def test_the_same_study_draws_the_same_treatments():
    first, second = (only(run(simulated(500)), "placebo_treatment") for _ in range(2))
    assert first == second


def test_a_definition_may_ask_for_more_draws():
    checks = {"placebo_outcomes": [], "placebo_treatment": {"draws": 400}}
    assert "of 400 random treatments" in only(run(simulated(300), checks=checks), "placebo_treatment").reason


def test_without_a_placebo_the_first_numeric_covariate_is_used():
    assert only(run(simulated(300), checks={}), "placebo_treatment").outcome == "age"


def test_without_any_pre_treatment_number_it_is_no_gate():
    results = run(simulated(300), checks={}, confounders=[])
    check = only(results, "placebo_treatment")
    assert (check.status, check.is_gate, results.status) == ("not_evaluated", False, "published")


def test_clustered_errors_hold_where_whole_clusters_are_treated():
    assert only(run(clustered(), cluster="cluster_id"), "placebo_treatment").status == "pass"


def test_forgetting_that_clusters_were_treated_rejects_too_often():
    frame = clustered()
    codes = frame["cluster_id"].astype("category").cat.codes.to_numpy()
    y = frame["placebo_sales_before"].to_numpy()
    sample = Sample(y - y.mean(), frame["treatment"].to_numpy(float), codes)
    draws = np.random.default_rng(1).permuted(np.repeat((np.arange(60) % 2.0)[:, None], 200, axis=1), axis=0)[codes]
    by_unit = [abs(t_of(y, d)) > 1.96 for d in draws.T]
    assert n_rejected(sample, 200, generator("s", "test")) <= 21 < 80 < sum(by_unit)


def t_of(y: np.ndarray, d: np.ndarray) -> float:
    a, b = y[d == 1], y[d == 0]
    return (a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))


@pytest.mark.parametrize("seed", range(3))
def test_the_matrix_of_draws_gives_the_textbook_statistic(seed):
    random = np.random.default_rng(seed)
    sample = Sample(random.normal(size=50), (np.arange(50) < 20).astype(float), None)
    drawn = generator(str(seed), "x").permuted(np.repeat(sample.treated[:, None], 200, axis=1), axis=0)
    by_hand = sum(abs(t_of(sample.y, d)) > 1.959963984540054 for d in drawn.T)
    assert n_rejected(sample, 200, generator(str(seed), "x")) == by_hand


def test_a_large_study_is_sampled_by_hash():
    check = only(run(simulated(21_000)), "placebo_treatment")
    n_units = int(check.reason.split("treatments of ")[1].split(" units")[0].replace(",", ""))
    assert 19_000 < n_units <= 20_400
