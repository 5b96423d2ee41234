"""What stands beside an estimate in a study: other methods, an experiment, negative controls, random assignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from estimators import analyse
from estimators.study_results import Results
from tests.checks.simulated import simulated, study


def run(frame: pd.DataFrame, **changes) -> Results:
    return analyse(frame, study(**changes), study_id="push")


def found(results: Results, name: str):
    return [c for c in results.checks if c.check_name == name]


def test_methods_that_agree_are_said_to():
    checks = found(run(simulated(2000), estimand="ATE", methods=["difference", "aipw"]), "triangulation")
    assert [c.status for c in checks] == ["pass"]


def test_an_experiment_that_found_something_else_blocks():
    experiment = {"estimate": 2.0, "std_error": 0.05, "source": "holdout of March"}
    base = {"placebo_outcomes": [{"feature": "sessions", "name": "sales_before", "window_days": 7}]}
    apart = run(simulated(4000), checks={**base, "experiment": experiment})
    agreeing = run(simulated(4000), checks={**base, "experiment": {**experiment, "estimate": 1.0}})
    assert (apart.status, found(apart, "agreement_with_experiment")[0].status) == ("blocked", "fail")
    assert (agreeing.status, found(agreeing, "agreement_with_experiment")[0].status) == ("published", "pass")


def with_controls(frame: pd.DataFrame, shift: float) -> pd.DataFrame:
    random = np.random.default_rng(5)
    columns = {f"negative_control_c{i}": shift * frame["treatment"] + random.normal(size=len(frame)) for i in range(6)}
    return frame.assign(**columns)


CONTROLS = [{"feature": f"control{i}", "name": f"c{i}", "window_days": 7} for i in range(6)]
PLACEBO = {"placebo_outcomes": [{"feature": "sessions", "name": "sales_before", "window_days": 7}]}


def test_negative_controls_without_an_effect_pass():
    results = run(with_controls(simulated(2000), 0.0), checks={**PLACEBO, "negative_controls": CONTROLS})
    assert [c.status for c in found(results, "negative_controls")] == ["pass"]


def test_negative_controls_that_all_move_block():
    results = run(with_controls(simulated(2000), 0.5), checks={**PLACEBO, "negative_controls": CONTROLS})
    assert [c.status for c in found(results, "negative_controls")] == ["fail"]
    assert results.status == "blocked"


def test_random_assignment_is_gone_through_under_the_declared_law():
    checks = {**PLACEBO, "randomization": {"law": "complete", "n_draws": 200}}
    (check,) = found(run(simulated(400), checks=checks), "randomization_inference")
    assert (check.status, check.statistic) == ("pass", 1 / 201)


def test_sensitivity_is_said_in_words_where_confounding_is_possible():
    frame = simulated(3000, confounding=0.3)
    (check,) = found(run(frame, design="observational", methods=["aipw"], margin=1.0), "sensitivity")
    assert "unobserved confounder would have to explain" in check.reason
    assert found(run(simulated(400)), "sensitivity") == []  # randomised


def test_no_second_opinion_is_asked_for_when_the_definition_declines_it():
    declined = {**PLACEBO, "second_opinion": {"enabled": False}}
    assert found(run(simulated(400), checks=declined), "second_opinion") == []
    assert found(run(simulated(400)), "second_opinion") != []
