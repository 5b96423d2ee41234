"""Studies with an instrument from table to results: its strength and balance first, then the effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import Study, advise, analyse
from estimators.study_results import Results

DEFINITION = {
    "question": "Does the course raise earnings?",
    "owner": "growth",
    "design": "observational",
    "estimand": "LATE",
    "control_index": "calendar",
    "as_of": "2026-06-01",
    "interference": {"assumption": "none", "because": "courses are taken alone"},
    "methods": ["iv"],
    "instruments": ["lottery"],
    "confounders": [{"feature": "age", "name": "age"}],
    "outcomes": [{"feature": "earnings", "name": "earnings", "window_days": 28}],
    "assumptions": {"exclusion": "the lottery only opens the course"},
    "checks": {"placebo_outcomes": [{"feature": "earnings", "name": "earnings_before", "window_days": 28}]},
}


def study(**changes) -> Study:
    return Study.model_validate({**DEFINITION, **changes})


def table(n: int = 20_000, strength: float = 0.4, seed: int = 0, **truth: float) -> pd.DataFrame:
    """A lottery that opens a course; ability, which nobody sees, drives both taking it and earnings (effect 1)."""
    random = np.random.default_rng(seed)
    age, ability = random.normal(size=n), random.normal(size=n)
    lottery = (random.uniform(size=n) < 0.5).astype(int)
    propensity = 0.3 + strength * lottery + 0.1 * (ability > 0)
    treatment = (random.uniform(size=n) < propensity).astype(int)
    before = ability + truth.get("leak", 0.0) * lottery + random.normal(size=n)
    treated_at = pd.Timestamp("2026-03-01")
    return pd.DataFrame(
        {
            "unit_id": np.arange(n),
            "treatment": treatment,
            "treated_at": treated_at,
            "instrument_lottery": lottery,
            "covariate_age": age,
            "outcome_earnings": treatment + ability + 0.5 * age + random.normal(size=n),
            "placebo_earnings_before": before,
            "latest_covariate_at": treated_at - pd.Timedelta(days=1),
            "earliest_outcome_at": treated_at,
            "outcome_ends_at": treated_at + pd.Timedelta(days=28),
        }
    )


def run(frame: pd.DataFrame, **changes) -> Results:
    return analyse(frame, study(**changes), study_id="course")


def check_of(found: Results, name: str):
    return next(c for c in found.checks if c.check_name == name)


def test_an_instrument_recovers_the_effect_that_a_comparison_overstates():
    found = run(table(), margin=0.2)
    headline = next(e for e in found.effects if e.is_headline)
    raw = next(e for e in found.effects if e.role == "comparison")
    assert (found.status, headline.estimand) == ("published", "LATE")
    assert headline.ci_lower < 1.0 < headline.ci_upper
    assert raw.ci_lower > 1.0


def test_the_referee_confirms_two_stage_least_squares():
    opinions = [c for c in run(table(), margin=0.2).checks if c.check_name == "second_opinion"]
    assert {c.status for c in opinions} == {"pass"}


def test_an_instrument_that_is_not_as_good_as_random_blocks():
    found = run(table(leak=0.3), margin=0.2)
    assert (found.status, check_of(found, "instrument_balance").status) == ("blocked", "fail")


def test_without_a_held_out_variable_the_balance_of_the_instrument_is_not_known():
    found = run(table(), checks={})
    assert (found.status, check_of(found, "instrument_balance").status) == ("blocked", "not_evaluated")


def test_025_a_weak_instrument_withholds_the_estimate_and_publishes_its_set():
    waived = [{"check": "instrument_balance", "reason": "too little power with so weak an instrument"}]
    found = run(table(n=2000, strength=0.02), waivers=waived)
    headline = next(e for e in found.effects if e.is_headline)
    assert (found.status, found.tier) == ("published", "unverified")
    assert check_of(found, "instrument").code == "025"
    assert np.isnan(headline.estimate)
    assert "anderson_rubin" in str(headline.diagnostics)


def test_a_dose_is_taken_as_it_is():
    frame = table()
    random = np.random.default_rng(1)
    years = 10 + 2 * frame["instrument_lottery"] + random.normal(size=len(frame))
    frame = frame.assign(treatment=years, outcome_earnings=0.1 * years + random.normal(size=len(frame)))
    found = run(frame, treatment_kind="continuous", margin=0.2)
    headline = next(e for e in found.effects if e.is_headline)
    assert found.status == "published"
    assert headline.estimate == pytest.approx(0.1, abs=0.03)


def test_advice_rules_out_what_the_data_do_not_allow():
    advice = {a.method: a for a in advise(table(), study())}
    assert advice["iv"].verdict == "recommended"
    assert advice["difference"].verdict == "ruled_out"
    assert advice["did"].verdict == "ruled_out"
    weak = {a.method: a for a in advise(table(n=2000, strength=0.01), study())}
    assert weak["iv"].verdict == "ruled_out"
    assert "Anderson-Rubin" in weak["iv"].reasons


def test_an_assumption_that_is_not_argued_is_said():
    (found,) = [a for a in advise(table(), study(assumptions={})) if a.method == "iv"]
    assert found.verdict == "possible"
    assert "exclusion" in found.reasons
