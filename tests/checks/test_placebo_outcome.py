"""A/A by placebo outcome: equivalence for observational designs, a test with a floor for randomised ones."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from estimators.checks.placebo_outcome import Placebo, judge
from estimators.results import Check
from tests.checks.simulated import checks_named, nsw, nsw_study, only, run, simulated, study

AIPW = {"name": "aipw", "repetitions": 1}
CRITICAL = {0.9: 1.645, 0.95: 1.96, 0.99: 2.576}


def verdict(design: str, estimate: float, std_error: float) -> str:
    placebo = Placebo("aipw", "sales_before", estimate, std_error, CRITICAL)
    return judge(study(design=design, estimand="ATT"), placebo).status


@pytest.mark.parametrize(
    ("estimate", "std_error", "status"),
    [
        (0.0, 0.03, "pass"),
        (0.03, 0.04, "pass"),  # 90 % interval -.036 to .096
        (0.05, 0.04, "not_evaluated"),  # reaches .116, and 95 % holds 0
        (0.0, 0.2, "not_evaluated"),
        (0.3, 0.1, "fail"),
        (0.09, 0.001, "pass"),  # significant, and smaller than the margin
        (0.11, 0.001, "fail"),
    ],
)
def test_an_observational_placebo_must_be_equivalent_to_zero(estimate, std_error, status):
    assert verdict("observational", estimate, std_error) == verdict("observational", -estimate, std_error) == status


@pytest.mark.parametrize(
    ("estimate", "std_error", "status"),
    [
        (0.0, 1.0, "pass"),  # little power is no fault of a randomised design
        (0.25, 0.1, "pass"),  # 2.5 standard errors
        (0.27, 0.1, "fail"),
        (0.019, 0.001, "pass"),  # significant, and below a fifth of the margin
        (0.021, 0.001, "fail"),
    ],
)
def test_a_randomised_placebo_fails_on_evidence_of_a_difference_that_matters(estimate, std_error, status):
    assert verdict("randomised", estimate, std_error) == verdict("randomised", -estimate, std_error) == status


def test_a_placebo_without_a_standard_error_is_not_evaluated():
    assert verdict("observational", 0.0, 0.0) == verdict("randomised", float("nan"), 0.1) == "not_evaluated"


def test_the_bias_bound_is_the_largest_end_of_the_simultaneous_interval():
    check = judge(study(design="observational"), Placebo("aipw", "x", -0.05, 0.1, CRITICAL))
    assert check.bias_bound == pytest.approx(0.05 + 0.1645)


def test_an_unmeasured_confounder_is_caught():
    check = only(run(simulated(1500, hidden=1.5), design="observational", methods=[AIPW]), "placebo_outcome")
    assert check.status == "fail"
    assert check.reason.startswith("the arms differed before treatment and aipw does not remove it: effect of 0.")


def test_a_study_that_adjusts_for_all_its_confounders_passes():
    frame = simulated(2000, confounding=0.3)
    noise = np.random.default_rng(5).normal(size=2000)
    frame["placebo_sales_before"] = 0.05 * frame["covariate_age"] + 0.3 * frame["covariate_visits"] + 0.2 * noise
    results = run(frame, design="observational", methods=[AIPW])
    assert only(results, "placebo_outcome").status == "pass"
    assert results.status == "published"
    assert 0.0 < results.bias_bound < 0.1


def test_without_a_placebo_an_observational_study_is_blocked_and_a_randomised_one_is_not():
    blocked = run(simulated(500), design="observational", methods=[AIPW], checks={})
    assert (only(blocked, "placebo_outcome").status, blocked.status) == ("not_evaluated", "blocked")
    assert run(simulated(500), checks={}).status == "published"


def test_a_placebo_that_is_a_linear_function_of_covariates_is_refused():
    frame = simulated(500).assign(placebo_sales_before=lambda f: 2 * f["covariate_age"] - f["covariate_visits"] + 7)
    results = run(frame)
    assert results.status == "blocked"
    assert only(results, "placebo_outcome").reason == (
        "placebo outcome is a covariate; sales_before is a linear function of age, visits, so its effect is 0 whatever "
        "the bias; fix: take an earlier window of the outcome's metric that is not a covariate"
    )


def test_a_placebo_that_is_constant_shows_nothing():
    results = run(simulated(500).assign(placebo_sales_before=1.0))
    assert (only(results, "placebo_outcome").status, results.status) == ("not_evaluated", "blocked")


def test_every_method_and_every_placebo_is_judged():
    placebos = [{"feature": "sessions", "name": n, "window_days": 7} for n in ("sales_before", "sales_earlier")]
    frame = simulated(500).assign(placebo_sales_earlier=np.random.default_rng(7).normal(size=500))
    results = run(frame, methods=["difference", AIPW], checks={"placebo_outcomes": placebos})
    assert [(c.method, c.outcome) for c in checks_named(results, "placebo_outcome")] == [
        ("difference", "sales_before"),
        ("difference", "sales_earlier"),
        ("aipw", "sales_before"),
        ("aipw", "sales_earlier"),
    ]


def test_a_second_method_widens_the_intervals():
    one, two = (run(simulated(500), methods=m).bias_bound for m in (["difference"], ["difference", AIPW]))
    assert two > one


def test_the_experiment_passes():  # D-AA-1: difference 265.146299 (305.044284)
    results = nsw_analysis("experiment", design="randomised", methods=["difference"])
    check = only(results, "placebo_outcome")
    assert check.statistic * sd_of_re75("experiment") == pytest.approx(265.146299, rel=1e-6)
    assert std_error_of(check, "experiment") == pytest.approx(305.044284, rel=1e-6)
    assert check.status == "pass"
    assert results.status == "published"
    assert results.effects[0].estimate == pytest.approx(1794.3423818501, rel=1e-8)
    assert results.effects[0].std_error == pytest.approx(670.9965444673, rel=1e-8)


def test_the_survey_controls_fail_by_difference():  # D-AA-2: difference -17531.282355
    results = nsw_analysis("psid", design="observational", methods=["difference"])
    check = only(results, "placebo_outcome")
    assert check.statistic * sd_of_re75("psid") == pytest.approx(-17531.282355, rel=1e-6)
    assert std_error_of(check, "psid") == pytest.approx(360.925470, rel=1e-6)
    assert check.status == "fail"


def test_the_survey_controls_do_not_pass_by_aipw():  # D-AA-2: AIPW ATT -1991.207251 (1280.434497)
    method = {"name": "aipw", "folds": 1}
    results = nsw_analysis("psid", design="observational", methods=[method])
    check = only(results, "placebo_outcome")
    assert check.statistic * sd_of_re75("psid") == pytest.approx(-1991.207251, rel=1e-4)
    assert std_error_of(check, "psid") == pytest.approx(1280.434497, rel=1e-4)
    assert (check.status, results.status) == ("not_evaluated", "blocked")
    assert only(results, "overlap").status == "fail"


def sd_of_re75(kind: str) -> float:
    frame = nsw(kind)
    return frame.loc[frame["treatment"] == 1, "placebo_re75"].std()


def std_error_of(check: Check, kind: str) -> float:
    """From the reach of the 90 % interval, for a family of one."""
    return (check.bias_bound - abs(check.statistic)) / NormalDist().inv_cdf(0.95) * sd_of_re75(kind)


def nsw_analysis(kind: str, **changes: object):
    from estimators.analysis import analyse

    return analyse(nsw(kind), nsw_study(**changes), study_id="job_training")
