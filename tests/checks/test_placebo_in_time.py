"""The study repeated earlier: for a cross-section it warns and never blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.checks.simulated import checks_named, only, run, simulated

AIPW = {"name": "aipw", "repetitions": 1}
SHIFTED = {
    "placebo_outcomes": [{"feature": "sessions", "name": "sales_before", "window_days": 7}],
    "placebo_in_time": {"shift_days": 28},
}


def shifted(gap: float, n: int = 2000) -> pd.DataFrame:
    """An earlier outcome that differs by `gap` between the arms beyond what the shifted covariates say."""
    frame, random = simulated(n), np.random.default_rng(9)
    age, visits = frame["covariate_age"], frame["covariate_visits"]
    sales = 0.05 * age + 0.3 * visits + gap * frame["treatment"] + 0.2 * random.normal(size=n)
    return frame.assign(shifted_covariate_age=age, shifted_covariate_visits=visits, shifted_outcome_sales=sales)


def test_an_earlier_effect_warns_and_publishes():
    results = run(shifted(1.0), checks=SHIFTED)
    check = only(results, "placebo_in_time")
    assert (check.status, check.is_gate, results.status) == ("warn", False, "published")
    assert check.reason.startswith("28 days earlier: ")


def test_no_earlier_effect_passes():
    assert only(run(shifted(0.0), checks=SHIFTED), "placebo_in_time").status == "pass"


def test_the_shifted_covariates_are_those_adjusted_for():
    """Earlier visits decide the treatment and earlier sales: only adjusting for them, not for later ones, helps."""
    frame = shifted(0.0)
    random = np.random.default_rng(4)
    earlier = random.poisson(3, len(frame)).astype(float)
    treatment = (random.random(len(frame)) < 1 / (1 + np.exp(3 - earlier))).astype(int)
    sales = 0.05 * frame["covariate_age"] + 2 * earlier + 0.2 * random.normal(size=len(frame))
    frame = frame.assign(treatment=treatment, shifted_covariate_visits=earlier, shifted_outcome_sales=sales)
    adjusted, raw = (only(run(frame, checks=SHIFTED, methods=[m]), "placebo_in_time") for m in (AIPW, "difference"))
    assert (adjusted.status, raw.status) == ("pass", "warn")


def test_cutpoints_of_the_definition_hold_for_the_shifted_covariates():
    method = {"name": "cem", "cutpoints": {"age": [30, 50]}, "exact": ["visits"]}
    frame = shifted(0.0).assign(shifted_covariate_visits=lambda f: f["covariate_visits"].clip(0, 6))
    assert only(run(frame, checks=SHIFTED, methods=[method]), "placebo_in_time").status == "pass"


def test_units_without_an_earlier_window_are_left_out():
    frame = shifted(0.0)
    frame.loc[:99, "shifted_outcome_sales"] = None
    assert only(run(frame, checks=SHIFTED), "placebo_in_time").status == "pass"


def test_an_earlier_outcome_that_does_not_vary_is_not_evaluated():
    check = only(run(shifted(0.0).assign(shifted_outcome_sales=0.0), checks=SHIFTED), "placebo_in_time")
    assert (check.status, check.is_gate) == ("not_evaluated", False)


def test_it_runs_only_where_it_is_declared():
    assert checks_named(run(simulated(200)), "placebo_in_time") == []
