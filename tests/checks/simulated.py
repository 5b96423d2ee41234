"""Study tables whose truth is known, and the definitions that go with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from estimators.analysis import analyse
from estimators.results import Check
from estimators.study import Study
from estimators.study_results import Results
from tests.datasets import nsw_experiment, nsw_psid

TREATED_AT = pd.Timestamp("2026-03-01")


def definition(**changes: Any) -> dict[str, Any]:
    """A small randomised study of one outcome; `changes` replace whole keys."""
    return {
        "question": "Does the push raise sessions?",
        "owner": "growth",
        "design": "randomised",
        "estimand": "ATT",
        "control_index": "calendar",
        "as_of": "2026-05-01",
        "interference": {"assumption": "none", "because": "pushes are private"},
        "methods": ["difference"],
        "confounders": ["age", "visits"],
        "outcomes": [{"feature": "sessions", "name": "sales", "window_days": 7}],
        "checks": {"placebo_outcomes": [{"feature": "sessions", "name": "sales_before", "window_days": 7}]},
        **changes,
    }


def study(**changes: Any) -> Study:
    return Study.model_validate(definition(**changes))


def simulated(n: int = 1000, seed: int = 1, confounding: float = 0.0, hidden: float = 0.0) -> pd.DataFrame:
    """A study table with an effect of 1 on sales.

    confounding: how much age and visits drive the treatment.  hidden: the same for an unmeasured trait that also
    drives sales, before and after treatment.
    """
    random = np.random.default_rng(seed)
    age, visits, trait = random.normal(40, 10, n), random.poisson(3, n).astype(float), random.normal(size=n)
    drive = confounding * ((age - 40) / 10 + (visits - 3) / 2) + hidden * trait
    treatment = (random.random(n) < 1 / (1 + np.exp(-drive))).astype(int)
    level = 0.05 * age + 0.3 * visits + trait
    frame = pd.DataFrame(
        {
            "unit_id": [f"user{i:05d}" for i in range(n)],
            "treatment": treatment,
            "covariate_age": age,
            "covariate_visits": visits,
            "placebo_sales_before": level + random.normal(size=n),
            "outcome_sales": level + treatment + random.normal(size=n),
        }
    )
    return with_audit(frame)


def with_audit(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that the study-table macro adds, in order and without faults."""
    return frame.assign(
        treated_at=TREATED_AT,
        latest_covariate_at=TREATED_AT - pd.Timedelta(days=1),
        earliest_outcome_at=TREATED_AT + pd.Timedelta(hours=1),
        outcome_ends_at=TREATED_AT + pd.Timedelta(days=7),
    )


NSW_COVARIATES = ("age", "education", "black", "hispanic", "married", "nodegree", "re74", "u74")


def nsw(kind: str) -> pd.DataFrame:
    """The job-training data as a study table: re78 after, re75 as the placebo before. kind: experiment or psid."""
    raw = nsw_experiment() if kind == "experiment" else nsw_psid()
    raw = raw.assign(u74=(raw["re74"] == 0).astype(int))
    frame = pd.DataFrame({"unit_id": np.arange(len(raw)), "treatment": raw["treat"].astype(int)})
    frame = frame.assign(**{f"covariate_{c}": raw[c] for c in NSW_COVARIATES})
    return with_audit(frame.assign(placebo_re75=raw["re75"], outcome_re78=raw["re78"]))


def nsw_study(**changes: Any) -> Study:
    return study(
        **{
            "confounders": list(NSW_COVARIATES),
            "outcomes": [{"feature": "earnings", "name": "re78", "window_days": 365}],
            "checks": {"placebo_outcomes": [{"feature": "earnings", "name": "re75", "window_days": 365}]},
            **changes,
        }
    )


def run(frame: pd.DataFrame, **changes: Any) -> Results:
    """The analysis of `frame` under `definition` with `changes`."""
    return analyse(frame, study(**changes), study_id="push")


def checks_named(results: Results, name: str) -> list[Check]:
    return [c for c in results.checks if c.check_name == name]


def only(results: Results, name: str) -> Check:
    """The one check of that name."""
    (found,) = checks_named(results, name)
    return found
