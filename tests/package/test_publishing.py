"""Gates withhold in data: what a build with one good and one bad study publishes, and what it does not."""

from __future__ import annotations

import pytest

from tests.package.consumer import UNITED, Consumer, Outcome

STATUSES = "select study_id, status from published_effects order by study_id"


def test_a_passing_study_is_published(built: Consumer) -> None:
    rows = built.published("select status, estimate, std_error from published_effects where study_id = 'good'")
    assert [(status, estimate is not None, std_error) for status, estimate, std_error in rows] == [
        ("published", True, 1.0)
    ]


def test_a_failing_study_is_blocked_with_null_figures(built: Consumer) -> None:
    figures = "estimate, std_error, ci_lower, ci_upper, p_value, p_value_adjusted"
    rows = built.published(f"select status, n_units, {figures} from published_effects where study_id = 'bad'")
    assert rows == [("blocked", 200, *[None] * 6)]


def test_a_blocked_study_says_why(built: Consumer) -> None:
    [(reason,)] = built.published("select reason from published_effects where study_id = 'bad'")
    assert reason.startswith("balance of age does not hold")


def test_one_test_fails_and_nothing_is_skipped(first_build: tuple[Consumer, Outcome]) -> None:
    outcome = first_build[1]
    assert outcome.with_status("fail") == {"bad_has_passed_gates"}
    assert outcome.with_status("skipped", "error") == set()
    assert not outcome.success


def test_the_alarm_shows_the_blocking_check_on_the_terminal(first_build: tuple[Consumer, Outcome]) -> None:
    lines = first_build[1].text
    assert "balance: balance of age does not hold  models/studies/bad/bad.yml\n  1.73 against 0.3\n" in lines
    assert "  fix: restrict the cohort\n  more: docs/checks.md#balance" in lines
    assert "bad is blocked; a reviewed `acknowledged_block: " in lines


def test_the_estimate_of_a_blocked_study_is_in_no_table(built: Consumer) -> None:
    [(estimate,)] = built.query(
        "select avg(outcome_minutes_next_7d) filter (where treatment = 1)"
        " - avg(outcome_minutes_next_7d) filter (where treatment = 0) from bad"
    )
    shown = repr(estimate)[:9]
    for read in (built.query, built.published):
        for (table,) in read("select table_name from information_schema.tables"):
            assert read(f"select * from {table} as t where cast(t as varchar) like '%{shown}%'") == [], table


def test_the_united_tables_withhold_what_a_results_frame_lets_through(consumer: Consumer) -> None:
    consumer.write(
        "python_models/bad__results.py",
        "from tests.package.declared_results import difference_in_means\n\n\n"
        "def model(dbt, session):\n"
        '    dbt.config(materialized="causal")\n'
        '    dbt.ref("causal", "library_version")\n'
        '    study_table = dbt.ref("bad")\n'
        "    frame = difference_in_means(dbt.causal, study_table)\n"
        "    frame['payload'] = frame['payload'].str.replace('\"estimate\": null', '\"estimate\": 4711.5')\n"
        "    return frame\n",
    )
    consumer.build("bad__results+")
    for table in ("effects", "published_effects", "bad__published"):
        assert consumer.query(f"select estimate from {table} where study_id = 'bad'") == [(None,)]
    assert consumer.query("select count(*) from ledger where payload like '%4711%'") == [(0,)]


def test_a_study_that_raises_does_not_stop_the_other(fresh: Consumer) -> None:
    crashed = fresh.build(variables="{bad_has_treated: false}")
    assert crashed.with_status("error") == {"bad__results"}
    assert "CAUSAL-012" in crashed.text
    fresh.build("package:causal", variables="{bad_has_treated: false}")
    assert fresh.published(STATUSES) == [("bad", "not_built"), ("good", "published")]


def test_a_crash_keeps_the_results_of_the_run_before(consumer: Consumer) -> None:
    before = consumer.query("select * from bad__results order by all")
    assert consumer.build("bad__cohort+", variables="{bad_has_treated: false}").with_status("error") == {"bad__results"}
    assert consumer.query("select * from bad__results order by all") == before


def test_an_edited_definition_makes_a_study_stale(consumer: Consumer) -> None:
    consumer.replace("models/studies/good/good.yml", "Does the treatment", "Did the treatment")
    consumer.build("package:causal")
    rows = consumer.published("select status, estimate, reason from published_effects where study_id = 'good'")
    assert rows == [("stale", None, "the definition changed after this run")]


def test_an_edited_feature_model_makes_a_study_stale(consumer: Consumer) -> None:
    consumer.replace("models/confounders/feat_profile.sql", "20 + unit_id", "21 + unit_id")
    consumer.build("package:causal")
    assert consumer.published(STATUSES) == [("bad", "stale"), ("good", "stale")]


def test_figures_of_a_stale_study_are_in_no_published_table(consumer: Consumer) -> None:
    [(estimate,)] = consumer.published("select estimate from published_effects where study_id = 'good'")
    consumer.replace("models/studies/good/good.yml", "Does the treatment", "Did the treatment")
    consumer.build("package:causal")
    shown = repr(estimate)[:12]
    for (table,) in consumer.published("select table_name from information_schema.tables"):
        assert consumer.published(f"select * from {table} as t where cast(t as varchar) like '%{shown}%'") == [], table


def test_an_acknowledged_block_quiets_the_alarm_and_publishes_nothing(consumer: Consumer) -> None:
    [(fingerprint,)] = consumer.query("select definition_hash from runs where study_id = 'bad'")
    consumer.replace(
        "models/studies/bad/bad.yml",
        "          checks:",
        f'          acknowledged_block: "{fingerprint}"\n          checks:',
    )
    outcome = consumer.build("bad+")
    assert outcome.statuses["bad_has_passed_gates"] == "pass"
    assert consumer.published(STATUSES) == [("bad", "blocked"), ("good", "published")]


def test_a_block_acknowledged_for_another_definition_stays_loud(consumer: Consumer) -> None:
    consumer.replace(
        "models/studies/bad/bad.yml",
        "          checks:",
        f'          acknowledged_block: "{"0" * 32}"\n          checks:',
    )
    assert consumer.build("bad+").statuses["bad_has_passed_gates"] == "fail"


def test_what_builds_on_a_blocked_leaf_is_skipped(consumer: Consumer) -> None:
    consumer.write("models/decisions.sql", "select * from {{ ref('bad__published') }}\n")
    assert consumer.build("bad__published+").statuses["decisions"] == "skipped"


@pytest.mark.parametrize("table", UNITED)
def test_every_united_table_is_built_beside_a_failed_gate(first_build: tuple[Consumer, Outcome], table: str) -> None:
    assert first_build[1].statuses[table] == "success"


@pytest.mark.parametrize("table", ["effects", "checks", "balance", "overlap", "attrition", "runs"])
def test_united_tables_hold_both_studies(built: Consumer, table: str) -> None:
    assert built.query(f"select distinct study_id from {table} order by 1") == [("bad",), ("good",)]
