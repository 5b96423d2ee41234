"""Balance: every covariate after adjustment, or one test for a randomised design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from estimators.checks import balance, randomised_balance
from estimators.checks.moments import moments
from estimators.results import Balance
from estimators.study_table import study_table
from tests.checks.simulated import checks_named, only, run, simulated, study

AIPW = {"name": "aipw", "repetitions": 1}


def row(smd: float, ratio: float | None = 1.0) -> Balance:
    return Balance("cem", "covariate_age", 1.0, 0.0, 1.0, 0.9, 0.5, smd, ratio)


@pytest.mark.parametrize(("smd", "status"), [(0.099, "pass"), (-0.099, "pass"), (0.1, "fail"), (-0.3, "fail")])
def test_every_adjusted_difference_must_be_below_a_tenth_of_a_standard_deviation(smd, status):
    (check,) = balance.check("cem", [row(0.0), row(smd)])
    assert (check.status, check.is_gate, check.statistic) == (status, True, pytest.approx(abs(smd)))


def test_the_worst_covariates_are_named():
    (check,) = balance.check("cem", [row(0.25)])
    assert check.reason == "after cem the arms still differ by 0.1 SD or more: age 0.250"


def test_a_difference_that_cannot_be_computed_is_no_pass():
    assert balance.check("cem", [row(float("nan"))])[0].status == "fail"


@pytest.mark.parametrize(("ratio", "n_checks"), [(1.9, 1), (2.1, 2), (0.45, 2), (None, 1)])
def test_a_variance_ratio_outside_its_range_warns_and_does_not_gate(ratio, n_checks):
    checks = balance.check("cem", [row(0.0, ratio)])
    assert len(checks) == n_checks
    assert all((c.status, c.is_gate) == ("warn", False) for c in checks[1:])


def test_a_method_that_reports_no_balance_is_not_evaluated():
    assert balance.check("cem", [])[0].status == "not_evaluated"


def test_weighting_balances_a_confounded_study():
    results = run(simulated(2000, confounding=0.4), design="observational", methods=[AIPW], margin=0.5)
    assert only(results, "balance").status == "pass"
    assert max(abs(b.smd_raw) for b in results.balance) > 0.3


def test_the_raw_difference_of_a_confounded_study_fails():
    results = run(simulated(2000, confounding=0.4), design="observational", methods=["difference"])
    assert (only(results, "balance").status, results.status) == ("fail", "blocked")


def test_a_randomised_study_has_one_test_whatever_the_number_of_covariates():
    results = run(simulated(500))
    assert len(checks_named(results, "balance")) == 1
    assert only(results, "balance").status == "pass"


def test_a_broken_randomisation_fails_the_omnibus_test():
    results = run(simulated(500, confounding=0.4))
    check = only(results, "balance")
    assert (check.status, results.status) == ("fail", "blocked")
    assert check.reason.startswith("the arms differ more than randomisation allows")


def test_chi_square_and_re_randomisation_agree(monkeypatch):
    p_drawn = only(run(simulated(500, seed=4)), "balance").statistic
    monkeypatch.setattr(randomised_balance, "_MONTE_CARLO_BELOW", 0)
    assert only(run(simulated(500, seed=4)), "balance").statistic == pytest.approx(p_drawn, abs=0.04)


def test_covariates_of_the_clusters_are_judged_by_re_randomising_clusters():
    """Few clusters differ a lot by chance: by units the same data would fail."""
    frame = by_clusters()
    by_cluster, by_unit = (only(run(frame, **c), "balance") for c in ({"cluster": "cluster_id"}, {}))
    assert (by_cluster.status, by_unit.status) == ("pass", "fail")


def by_clusters() -> pd.DataFrame:
    frame = simulated(1200)
    of = np.arange(1200) // 30
    random = np.random.default_rng(2)
    frame["cluster_id"] = [f"c{i}" for i in of]
    frame["treatment"] = random.permuted(np.arange(40) % 2)[of]
    return frame.assign(covariate_age=frame["covariate_age"] + 30 * random.normal(size=40)[of])


def test_without_covariates_balance_is_no_gate():
    check = only(run(simulated(300), confounders=[], checks={}), "balance")
    assert (check.status, check.is_gate) == ("not_evaluated", False)


def test_the_omnibus_test_is_uniform_under_randomisation():
    p_values = []
    for seed in range(40):
        table = study_table(simulated(60, seed=seed), study())
        sums = moments(table, table.covariates)
        p_values.append(randomised_balance.check(table, sums, "seed")[0].statistic)
    assert kstest(p_values, "uniform").pvalue > 0.01
