"""The ledger keeps every run, shows every edit and survives a full refresh."""

from __future__ import annotations

import pytest

from tests.package.consumer import Consumer

LINKS = "select link, record, study_id, status from ledger order by link, study_id"
TAMPERING = {
    "a status is edited": "update ledger set status = 'published' where link = 1 and study_id = 'bad'",
    "a payload is edited": "update ledger set payload = replace(payload, '\"estimate\":', '\"x\":') where link = 2",
    "a hash is edited": "update ledger set estimate_hash = 'x' where link = 2",
    "a row is deleted": "delete from ledger where link = 1 and study_id = 'bad'",
    "the first link is deleted": "delete from ledger where link = 1",
    "a link is deleted": "delete from ledger where link = 2",
    "the last link is deleted": "delete from ledger where link = 3",
    "the chain is edited": "update ledger set chain = md5('x') where link = 2",
    "a row is written twice": "insert into ledger select * from ledger where link = 2",
    "a row without hashes is added": "insert into ledger (study_id, run_id, record) values ('good', 'x', 'effect')",
}


def test_every_run_of_every_study_is_kept(logged: Consumer) -> None:
    assert logged.query(LINKS) == [
        (1, "effect", "bad", "blocked"),
        (1, "effect", "good", "published"),
        (2, "effect", "good", "published"),
        (3, "effect", "bad", "blocked"),
    ]


def test_an_untouched_ledger_is_unbroken(logged: Consumer) -> None:
    assert logged.violations("added_ledger_is_unbroken", "select 1") == 0


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING.keys())
def test_tampering_shows(logged: Consumer, statement: str) -> None:
    assert logged.violations("added_ledger_is_unbroken", statement) > 0


def test_a_build_without_new_results_adds_nothing(consumer: Consumer) -> None:
    before = consumer.query("select * from ledger order by all")
    consumer.build("package:causal")
    assert consumer.query("select * from ledger order by all") == before


def test_a_full_refresh_keeps_the_ledger(consumer: Consumer) -> None:
    before = consumer.query("select * from ledger order by all")
    consumer.dbt("build", "--select", "package:causal", "--full-refresh")
    assert consumer.query("select * from ledger order by all") == before


def test_the_ledger_holds_the_hash_of_a_blocked_estimate_and_not_the_estimate(logged: Consumer) -> None:
    estimate = "json_extract_string(payload, '$.estimate')"
    rows = logged.query(f"select distinct {estimate}, length(estimate_hash) from ledger where study_id = 'bad'")
    assert rows == [(None, 64)]


def test_a_run_without_effects_has_a_row(consumer: Consumer) -> None:
    consumer.query("delete from good__results where record = 'effect'")
    consumer.query("update good__results set run_id = 'without effects'")
    consumer.build("package:causal")
    rows = consumer.query("select record, study_id, status from ledger where run_id = 'without effects'")
    assert rows == [("run", "good", "published")]


def test_the_commit_and_the_library_of_a_run_are_kept(built: Consumer) -> None:
    [(version,)] = built.query("select library_version from library_version")
    assert built.query("select distinct git_commit, library_version from ledger") == [("abc1234", version)]


def test_a_crashed_study_is_recorded_in_the_same_chain(logged: Consumer, tmp_path) -> None:
    consumer = logged.copy_to(tmp_path / "project")
    consumer.build("bad__cohort+", variables="{bad_has_treated: false}")
    rows = consumer.query("select link, study_id, status, payload from ledger where record = 'crash'")
    assert rows == [(4, "bad", "crashed", '{"code": "CAUSAL-012", "node": "bad__results"}')]
    consumer.build("good__results+")
    assert consumer.query("select max(link) from ledger") == [(5,)]
    assert consumer.violations("added_ledger_is_unbroken", "select 1") == 0


def test_the_message_of_a_crash_is_not_kept(consumer: Consumer) -> None:
    cohort = "models/studies/bad/bad__cohort.sql"
    consumer.replace(cohort, "as treatment", "+ cast('jo@example.org' as integer) as treatment")
    assert consumer.build("bad__cohort").with_status("error") == {"bad__cohort"}
    payload = '{"code": null, "node": "bad__cohort"}'
    assert consumer.query("select payload from ledger where record = 'crash'") == [(payload,)]


def test_a_crash_before_there_is_a_ledger_only_crashes(fresh: Consumer) -> None:
    outcome = fresh.build("+bad__results", variables="{bad_has_treated: false}")
    assert outcome.with_status("error") == {"bad__results"}


def test_the_published_copy_can_be_verified_without_the_figures_it_withholds(logged: Consumer) -> None:
    hashes = "select row_hash, payload_hash, link, chain from ledger order by link, row_hash"
    assert logged.published(hashes) == logged.query(hashes)
    assert logged.published("select distinct study_id from ledger where payload is not null") == [("good",)]
