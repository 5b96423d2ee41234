"""What the worked example must show: ten published studies, one blocked by its own checks, a ledger of all of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from dbt_causal.expected import main as accept
from estimators import cem

pytestmark = [pytest.mark.demo, pytest.mark.slow]

BLOCKED = "job_training_observational"
ALARMS = (f"has_passed_gates_{BLOCKED}", "agrees_with_experiments_marketplace_without_experiments")
STUDIES = {
    *("job_training_experiment", BLOCKED, "push_campaign", "profile_photo", "group_joined"),
    *("college_returns", "minimum_wage", "tobacco_programme", "moderation_tool", "live_rooms", "shared_discount"),
}
FIGURES = ("estimate", "std_error", "ci_lower", "ci_upper", "p_value", "p_value_adjusted", "control_mean")
SIMULATED = ("push_campaign", "group_joined")


def effects(demo, study: str) -> pd.DataFrame:
    return demo.query(f"select * from published_effects where study_id = '{study}'")


def truth(demo, study: str) -> pd.DataFrame:
    return pd.read_parquet(demo.folder / "data" / "truth.parquet").query("study_id == @study")


def check(demo, study: str, name: str) -> pd.DataFrame:
    found = demo.query(f"select * from checks where study_id = '{study}' and check_name like '{name}%'")
    assert len(found), f"{study} has no check {name}"
    return found


def test_the_build_ends_with_status_1(demo):
    assert demo.exit_status == 1, demo.output


def test_only_the_alarms_of_the_blocked_study_and_of_the_withheld_plan_fail(demo):
    bad = [r["unique_id"] for r in demo.artifact("run_results")["results"] if r["status"] not in ("success", "pass")]
    assert {i.split(".")[2] for i in bad} == {f"causal_{name}__published_" for name in ALARMS}


def test_the_two_failing_tests_are_accepted_by_name(demo):
    assert accept(["--project-dir", str(demo.folder), "--only", *ALARMS]) == 0


def test_the_build_is_not_accepted_with_one_of_them_named(demo):
    assert accept(["--project-dir", str(demo.folder), "--only", ALARMS[0]]) == 1


def test_the_build_is_not_accepted_without_naming_the_failing_tests(demo):
    assert accept(["--project-dir", str(demo.folder)]) == 1


def test_the_output_says_why_the_study_is_blocked(demo):
    assert BLOCKED in demo.output
    assert "overlap" in demo.output


@pytest.mark.parametrize("database", ["causal", "causal_results"])
def test_ten_studies_are_published_and_one_is_blocked(demo, database):
    status = demo.query("select distinct study_id, status from published_effects", database)
    assert dict(zip(status["study_id"], status["status"], strict=True)) == {
        study: "blocked" if study == BLOCKED else "published" for study in STUDIES
    }


def test_the_experiment_gives_the_published_difference_in_means(demo):
    row = effects(demo, "job_training_experiment").query("is_headline").iloc[0]
    assert (f"{row.estimate:,.2f}", f"{row.std_error:,.2f}") == ("1,794.34", "671.00")


@pytest.mark.parametrize("study", SIMULATED)
@pytest.mark.parametrize("method", ["aipw", "cem"])
def test_the_interval_covers_the_true_effect(demo, study, method):
    row = effects(demo, study).query("method == @method").iloc[0]
    assert row.ci_lower <= truth(demo, study)["effect"].iloc[0] <= row.ci_upper


@pytest.mark.parametrize("study", SIMULATED)
def test_the_interval_of_the_raw_difference_does_not_cover_the_true_effect(demo, study):
    outcome = truth(demo, study)["outcome"].iloc[0]
    arms = demo.query(
        f"""select avg(outcome_{outcome}) as mean, var_samp(outcome_{outcome}) / count(*) as variance
        from {study} where exclusion is null group by treatment order by treatment desc"""
    )
    difference, std_error = arms["mean"][0] - arms["mean"][1], np.sqrt(arms["variance"].sum())
    assert abs(difference - truth(demo, study)["effect"].iloc[0]) > 1.96 * std_error


def test_the_study_of_many_outcomes_finds_every_true_effect(demo):
    rows = effects(demo, "profile_photo").query("role == 'primary'")
    merged = rows.assign(segment=rows["segment"].fillna("")).merge(
        truth(demo, "profile_photo"), on=["outcome", "segment"]
    )
    assert len(merged) == 12  # three outcomes; everyone and three platforms
    deviation = (merged["estimate"] - merged["effect"]).abs() / merged["std_error"]
    assert deviation.max() < 2.87  # 1 - 0.05/12, two-sided: all twelve intervals at once


def test_a_model_built_on_the_studies_shows_which_intervals_cover_the_truth(demo):
    found = demo.query("select * from fct_effects_against_truth where study_id in ('push_campaign', 'group_joined')")
    assert found.query("role == 'primary'")["is_covered"].all()
    assert not found.query("role == 'comparison'")["is_covered"].any()


def test_p_values_are_adjusted_over_outcomes_and_segments(demo):
    rows = effects(demo, "profile_photo").query("role == 'primary'")
    assert (rows["p_value_adjusted"] >= rows["p_value"]).all()
    assert (rows["p_value_adjusted"] > rows["p_value"]).any()


def test_the_blocked_study_fails_overlap(demo):
    overlap = check(demo, BLOCKED, "overlap").query("method == 'aipw'").iloc[0]
    assert (overlap.status, overlap.code, overlap.is_gate) == ("fail", "014", True)


def test_the_blocked_study_does_not_pass_the_placebo_of_1975_earnings(demo):
    placebo = check(demo, BLOCKED, "placebo_outcome")
    assert (placebo["status"] != "pass").any()
    assert placebo["is_gate"].all()


def test_the_experiment_passes_the_same_placebo(demo):
    assert set(check(demo, "job_training_experiment", "placebo_outcome")["status"]) == {"pass"}


def test_a_placebo_in_time_would_mislead_and_only_warns(demo):
    assert "warn" in set(check(demo, "push_campaign", "placebo_in_time")["status"])


def test_index_dates_are_balanced_between_arms_treated_on_different_days(demo):
    assert demo.query("select count(distinct treated_at) as n from group_joined where treatment = 1")["n"][0] > 14
    assert set(check(demo, "group_joined", "index_dates")["status"]) == {"pass"}


def tables(demo, database: str, column: str) -> list[str]:
    """Names of the tables and views that have a column of this name."""
    sql = f"select distinct table_name from information_schema.columns where column_name = '{column}'"
    return demo.query(sql, database)["table_name"].tolist()


@pytest.mark.parametrize("database", ["causal", "causal_results"])
def test_no_table_shows_a_figure_of_the_blocked_study(demo, database):
    of_studies = tables(demo, database, "study_id")
    rows = {t: demo.query(f"select * from {t} where study_id = '{BLOCKED}'", database) for t in of_studies}
    found = [
        f"{t}.{name}" for t, frame in rows.items() for row in frame.to_dict("records") for name in shown_figures(row)
    ]
    assert found == []
    assert len(of_studies) >= 8


def shown_figures(row: dict) -> list[str]:
    """Names of the columns, or of the keys of a payload, that show an estimate of the blocked study."""
    if row.get("study_id") != BLOCKED:
        return []
    payload = json.loads(row["payload"]) if isinstance(row.get("payload"), str) else {}
    effect = payload if row.get("record", "effect") == "effect" else {}
    return [name for name in FIGURES for source in (row, effect) if not pd.isna(source.get(name))]


def tables_that_hold(demo, database: str, figure: float) -> list[str]:
    """Names of the tables in which any cell shows the first digits of `figure`; staging has no results to show."""
    digits = f"{figure:.6f}"[:9]
    holds = "select count(*) as n from {} as cells where cast(cells as varchar) like '%{}%'"
    names = demo.query("select distinct table_name from information_schema.tables", database)["table_name"]
    names = [name for name in names if not name.startswith("stg_")]
    return [name for name in names if demo.query(holds.format(name, digits), database)["n"][0]]


@pytest.mark.parametrize("database", ["causal", "causal_results"])
def test_the_matching_estimate_that_was_withheld_is_in_no_cell(demo, database):
    table = demo.query(f"select * from {BLOCKED}")
    covariates = [c for c in table if c.startswith("covariate_")]
    withheld = cem(table, treatment="treatment", outcome="outcome_earnings_1978", covariates=covariates).estimate
    assert tables_that_hold(demo, database, withheld) == []


@pytest.mark.parametrize("database", ["causal", "causal_results"])
def test_a_figure_that_is_published_is_found_by_the_same_search(demo, database):
    published = effects(demo, "job_training_experiment").query("is_headline")["estimate"].iloc[0]
    assert "published_effects" in tables_that_hold(demo, database, published)


@pytest.mark.parametrize(
    "row",
    [
        {"study_id": BLOCKED, "ci_lower": 1.0},
        {"study_id": BLOCKED, "payload": '{"ci_lower": 1.0}', "record": "effect"},
        {"study_id": BLOCKED, "payload": '{"ci_lower": 1.0}'},
    ],
)
def test_a_figure_of_the_blocked_study_would_be_seen(row):
    assert shown_figures(row) == ["ci_lower"]


def test_the_ledger_has_the_runs_of_all_studies(demo):
    ledger = demo.query("select study_id, status from ledger", "causal_results").drop_duplicates()
    assert set(ledger["study_id"]) == STUDIES
    assert set(ledger.query("study_id == @BLOCKED")["status"]) == {"blocked"}


def test_every_model_seed_and_source_is_described(demo):
    manifest = demo.artifact("manifest")
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    own = [n for n in nodes if n["package_name"] == "social_product" and n["resource_type"] != "test"]
    assert [n["name"] for n in own if n["resource_type"] != "operation" and not n["description"].strip()] == []


def test_every_column_that_is_written_by_hand_is_described(demo):
    nodes = demo.artifact("manifest")["nodes"].values()
    by_hand = [n for n in nodes if n["package_name"] == "social_product" and is_by_hand(n["name"])]
    columns = demo.query("select table_name, column_name from information_schema.columns")
    written = {name: set(group) for name, group in columns.groupby("table_name")["column_name"]}
    missing = {n["name"]: written[n["name"]] - described(n) for n in by_hand}
    assert {name: found for name, found in missing.items() if found} == {}
    assert len(by_hand) >= 15


def is_by_hand(name: str) -> bool:
    return name.startswith(("stg_", "feat_", "fct_", "nsw_")) or name.endswith("__cohort")


def described(node: dict) -> set[str]:
    return {name for name, column in node["columns"].items() if column["description"].strip()}
