"""What the worked studies of instruments, panels and series must show: published figures, the truth, and the advice."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = [pytest.mark.demo, pytest.mark.slow]

ROLLOUTS = ("moderation_tool", "live_rooms")


def headline(demo, study: str) -> pd.Series:
    rows = demo.query(f"select * from published_effects where study_id = '{study}' and is_headline", "causal_results")
    assert len(rows) == 1
    return rows.iloc[0]


def truth(demo, study: str) -> float:
    rows = pd.read_parquet(demo.folder / "data" / "rollout_truth.parquet").query("study_id == @study")
    return rows["effect"].iloc[0]


def advice(demo, study: str) -> dict[str, str]:
    rows = demo.query(f"select method, verdict from study_advice where study_id = '{study}'", "causal_results")
    return dict(zip(rows["method"], rows["verdict"], strict=True))


def test_the_returns_to_schooling_are_the_published_ones(demo):
    """Card (1995), as Wooldridge reports it: 0.132 with a standard error of 0.055."""
    row = headline(demo, "college_returns")
    assert (round(row.estimate, 4), row.estimand) == (0.1315, "LATE")


def test_teen_employment_falls_by_the_published_share(demo):
    """Callaway and Sant'Anna (2021), doubly robust given population, averaged by group."""
    row = headline(demo, "minimum_wage")
    assert row.estimate == pytest.approx(-0.0328195972, abs=1e-9)


def test_california_smokes_as_much_less_as_published(demo):
    """Abadie, Diamond and Hainmueller (2010): about 20 packs per head and year, about 26 in 2000."""
    row = headline(demo, "tobacco_programme")
    path = demo.query("select effect from series where method = 'synthetic_control' order by period", "causal_results")
    assert (row.estimate, path["effect"].iloc[-1]) == (pytest.approx(-19.5, abs=1.0), pytest.approx(-26.6, abs=1.5))


def test_two_methods_agree_on_california(demo):
    rows = demo.query("select method, estimate from published_effects where study_id = 'tobacco_programme'")
    found = dict(zip(rows["method"], rows["estimate"], strict=True))
    assert found["bsts"] == pytest.approx(found["synthetic_control"], abs=10.0)


@pytest.mark.parametrize("study", ROLLOUTS)
def test_the_interval_covers_the_effect_of_the_rollout(demo, study):
    row = headline(demo, study)
    assert row.ci_lower <= truth(demo, study) <= row.ci_upper


def test_fixed_effects_miss_the_effect_of_the_waves(demo):
    rows = demo.query("select * from published_effects where study_id = 'live_rooms' and method = 'panel'")
    assert (rows["ci_upper"] < truth(demo, "live_rooms")).all()
    assert len(rows) == 1


def test_the_advice_rules_out_what_an_analyst_would_try_first(demo):
    found = advice(demo, "live_rooms")
    assert (found["panel"], found["did"]) == ("ruled_out", "recommended")


def test_the_advice_recommends_the_same_regression_where_all_were_treated_at_once(demo):
    assert advice(demo, "moderation_tool")["panel"] == "recommended"


def test_studies_with_a_waived_gate_are_published_as_unverified(demo):
    rows = demo.query("select study_id from runs where status = 'published' and tier = 'unverified' order by 1")
    assert rows["study_id"].tolist() == ["college_returns", "tobacco_programme"]


@pytest.mark.parametrize(
    ("table", "studies"),
    [
        ("event_times", {"minimum_wage", "live_rooms"}),
        ("series", {"tobacco_programme"}),
        ("sensitivity", {"college_returns", "push_campaign"}),
    ],
)
def test_the_details_of_a_method_are_published_with_it(demo, table, studies):
    found = demo.query(f"select distinct study_id from {table}", "causal_results")
    assert studies <= set(found["study_id"])


def test_event_times_before_a_rollout_are_near_zero_and_grow_after_it(demo):
    rows = demo.query(
        """select relative_period, estimate from event_times
        where study_id = 'live_rooms' and kind = 'event_time' order by relative_period""",
        "causal_results",
    ).set_index("relative_period")["estimate"]
    assert rows[rows.index < 0].abs().max() < 2.0
    assert rows[0] < rows[3] < rows[5]


def test_every_study_has_advice_on_every_method(demo):
    rows = demo.query("select study_id, count(*) as n from study_advice group by all", "causal_results")
    assert (len(rows), set(rows["n"])) == (11, {8})


@pytest.mark.parametrize(
    ("table", "column"), [("event_times", "estimate"), ("series", "effect"), ("sensitivity", "in_words")]
)
def test_the_blocked_study_has_no_figures_in_the_details(demo, table, column):
    where = f"study_id = 'job_training_observational' and {column} is not null"
    assert demo.query(f"select count(*) as n from {table} where {where}", "causal_results")["n"][0] == 0
