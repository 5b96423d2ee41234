"""Studies of panels from table to results: structure, trends before treatment, effects, and what blocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import analyse
from estimators.study_results import Results
from tests.checks.panels import panel, panel_study


def run(frame: pd.DataFrame, **changes) -> Results:
    return analyse(frame, panel_study(**changes), study_id="shops")


def check_of(found: Results, name: str):
    return next(c for c in found.checks if c.check_name == name)


def test_a_staggered_panel_is_published_and_its_interval_covers_the_truth():
    found = run(panel())
    headline = next(e for e in found.effects if e.is_headline)
    assert (found.status, found.tier) == ("published", "verified")
    assert headline.ci_lower < 1.0 < headline.ci_upper
    assert headline.se_convention == "influence function by unit_id"


def test_two_way_fixed_effects_stand_beside_as_a_comparison():
    found = run(panel(growth=0.5))
    beside = next(e for e in found.effects if e.role == "comparison")
    headline = next(e for e in found.effects if e.is_headline)
    assert beside.method == "panel"
    assert beside.estimate < headline.estimate  # growing effects: units already treated are bad controls


def test_event_times_carry_the_growth_of_the_effect():
    found = run(panel(growth=0.5))
    by_time = {r["relative_period"]: r["estimate"] for r in found.event_times if r["kind"] == "event_time"}
    assert by_time[2] - by_time[0] == pytest.approx(1.0, abs=0.3)
    assert by_time[-1] == 0.0 or abs(by_time[-1]) < 0.2


def test_fixed_effects_may_not_lead_under_staggered_adoption():
    found = run(panel(), methods=["panel"])
    assert (found.status, check_of(found, "staggered_adoption").code) == ("blocked", "026")
    assert next(a for a in found.advice if a.method == "panel").verdict == "ruled_out"
    assert next(a for a in found.advice if a.method == "did").verdict != "ruled_out"


def test_fixed_effects_lead_where_all_start_at_the_same_time():
    found = run(panel(starts=(5, np.nan)), methods=["panel", "did"])
    assert found.status == "published"
    assert {e.method for e in found.effects} == {"panel", "did"}
    assert any(c.check_name == "second_opinion" and c.status == "pass" for c in found.checks)


def test_a_drift_before_treatment_replaces_the_interval_by_an_honest_one():
    plain, drifting = (run(panel(drift=d)) for d in (0.0, 0.3))
    widths = [e.ci_upper - e.ci_lower for f in (plain, drifting) for e in f.effects if e.is_headline]
    assert check_of(drifting, "pre_trends").status == "fail"
    assert widths[1] > 3 * widths[0]
    assert next(e for e in drifting.effects if e.is_headline).se_convention.startswith("HonestDiD")


def test_a_drift_before_treatment_blocks_fixed_effects():
    found = run(panel(starts=(5, np.nan), drift=0.3), methods=["panel"])
    assert found.status == "blocked"
    assert check_of(found, "pre_trends").status == "fail"


def test_a_blocked_panel_holds_no_number_of_its_effects():
    found = run(panel(), methods=["panel"])
    assert all(e.estimate is None for e in found.effects)
    assert (found.event_times, found.sensitivity) == ((), ())


@pytest.mark.parametrize(
    ("spoil", "subject"),
    [
        (lambda f: pd.concat([f, f.head(3)]), "duplicates of unit and period; 3 of 12,003 rows"),
        (lambda f: f[f["period"] == 8], "nothing to compare; 1 period"),
        (lambda f: f[f["period"] >= 6], "nothing to compare; all treated units were treated from the first period on"),
        (lambda f: f[f["cohort"] == 4], "nothing to compare; all units are treated at the same time"),
        (
            lambda f: f.assign(cohort=f["cohort"].where(f["period"] < 8, 2).where(f["cohort"].notna())),
            "units with several starts of treatment",
        ),
    ],
    ids=["duplicates", "one period", "treated throughout", "nobody to compare with", "two starts"],
)
def test_026_a_panel_that_cannot_be_compared_is_blocked(spoil, subject):
    found = run(spoil(panel()))
    check = check_of(found, "panel_structure")
    assert (found.status, check.status, check.code) == ("blocked", "fail", "026")
    assert check.reason.startswith(subject)


def test_026_the_message_gives_the_figures_and_the_fix():
    frame = panel()
    assert check_of(run(pd.concat([frame, frame.head(3)])), "panel_structure").reason == (
        "duplicates of unit and period; 3 of 12,003 rows; fix: make the panel one row per unit and period"
    )


def test_a_covariate_from_after_treatment_is_a_leak():
    frame = panel()
    late = frame.assign(latest_covariate_at=frame["period_starts_at"] + pd.Timedelta(days=1))
    check = check_of(run(late), "time_order")
    assert (check.status, check.code) == ("fail", "017")


def test_missing_rows_are_counted_and_do_not_block():
    frame = panel().sample(frac=0.95, random_state=1)
    found = run(frame)
    assert check_of(found, "panel_gaps").statistic == pytest.approx(0.05, abs=0.001)
    assert found.status == "published"


def test_few_clusters_warn_and_a_single_treated_one_blocks():
    frame = panel()
    few = frame.assign(cluster_id=frame["unit_id"] % 20)
    assert check_of(run(few, cluster="town"), "sample_size").status == "warn"
    lone = frame.assign(cluster_id=np.where(frame["cohort"].notna(), 0, 1 + frame["unit_id"] % 40))
    check = check_of(run(lone, cluster="town"), "sample_size")
    assert (check.status, check.code) == ("fail", "023")


def test_segments_have_effects_of_their_own():
    frame = panel()
    found = run(frame.assign(segment_size=np.where(frame["unit_id"] % 2, "large", "small")), segments=["size"])
    assert {e.segment for e in found.effects} == {"", "size=large", "size=small"}


def test_the_order_of_the_rows_changes_nothing():
    frame = panel(n_units=300)
    first, second = (run(f) for f in (frame, frame.sample(frac=1.0, random_state=2)))
    for a, b in zip(first.effects, second.effects, strict=True):
        assert a.estimate == pytest.approx(b.estimate, rel=1e-10)
    assert first.run.data_fingerprint == second.run.data_fingerprint
