"""Studies of series from table to results: placebos before the intervention first, then the effect and its path."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import analyse
from estimators.study_results import Results
from tests.checks.panels import series, series_study


def run(frame: pd.DataFrame, **changes) -> Results:
    return analyse(frame, series_study(**changes), study_id="town")


def check_of(found: Results, name: str):
    return next(c for c in found.checks if c.check_name == name)


BSTS = [{"name": "bsts", "n_chains": 2, "n_draws": 300}]


def test_a_synthetic_control_is_published_and_covers_the_truth():
    found = run(series())
    headline = next(e for e in found.effects if e.is_headline)
    assert found.status == "published"
    assert headline.ci_lower < 3.0 < headline.ci_upper
    assert headline.estimate == pytest.approx(3.0, abs=0.5)


def test_the_path_of_the_series_is_kept_with_its_days():
    found = run(series())
    assert len(found.series) == 68
    assert found.series[0]["period"].startswith("2026-01-05")
    assert sum(r["is_post"] for r in found.series) == 8


def test_bsts_is_published_beside_it_with_rows_for_what_it_withstands():
    found = run(series(n_controls=4, noise=1.5), methods=BSTS)
    headline = next(e for e in found.effects if e.is_headline)
    assert found.status == "published", found.reason
    assert headline.estimate == pytest.approx(3.0, abs=1.5)
    assert {r.kind for r in found.sensitivity} == {"breakdown_bias"}


def test_the_same_seed_gives_the_same_numbers():
    first, second = (run(series(n_controls=3), methods=BSTS) for _ in range(2))
    assert [e.estimate for e in first.effects] == [e.estimate for e in second.effects]


def test_a_touched_control_blocks():
    frame = series(n_controls=3)
    moved = (frame["series_id"] == "town 01") & (frame["period"] > 60)
    found = run(frame.assign(outcome_sales=frame["outcome_sales"] + 6.0 * moved), methods=BSTS)
    failed = [c.outcome for c in found.checks if c.check_name == "controls_not_affected" and c.status == "fail"]
    assert found.status == "blocked"
    assert "control town 01" in failed


@pytest.mark.parametrize(
    ("spoil", "subject"),
    [
        (lambda f: f.assign(treatment=0), "no series is touched"),
        (lambda f: f[f["series_id"] == "home"], "no control series"),
        (lambda f: f.assign(treated_at=f["period_starts_at"].min()), "the intervention is not within the periods"),
    ],
    ids=["nobody touched", "no controls", "no periods before"],
)
def test_027_series_that_cannot_be_compared_are_blocked(spoil, subject):
    found = run(spoil(series()))
    check = check_of(found, "series_structure")
    assert (found.status, check.status, check.code) == ("blocked", "fail", "027")
    assert check.reason.startswith(subject)


def test_026_a_series_that_has_a_period_twice_is_refused():
    frame = series()
    found = run(pd.concat([frame, frame.head(2)]))
    assert (found.status, found.checks[0].code) == ("blocked", "026")


def test_several_touched_series_count_by_their_units():
    frame = series()
    twin = frame[frame["series_id"] == "home"].assign(series_id="home 2", n_units=3)
    twin["outcome_sales"] += 4.0
    found = run(pd.concat([frame, twin]))
    row = next(r for r in found.series if not r["is_post"])
    one = frame.query("series_id == 'home' and period == 1")["outcome_sales"].iloc[0]
    assert row["actual"] == pytest.approx(one + 3.0)


def test_advice_names_what_is_missing():
    found = run(series(n_controls=5, n_before=20, n_after=8))
    advice = {a.method: a for a in found.advice}
    assert advice["synthetic_control"].verdict == "possible"
    assert "5 control series" in advice["synthetic_control"].reasons
    assert advice["cem"].verdict == "ruled_out"
    assert np.isfinite(len(found.checks))


def test_the_referee_of_bsts_is_asked_and_said_to_be_absent_where_it_is_not_installed():
    found = run(series(n_controls=3, noise=1.5), methods=BSTS)
    opinions = [c for c in found.checks if c.check_name == "second_opinion"]
    assert all(not c.is_gate for c in opinions)
    assert "tfcausalimpact" in opinions[0].reason
