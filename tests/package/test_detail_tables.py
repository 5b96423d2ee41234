"""Event times, series, sensitivity and advice: of every study, without figures where it is not published."""

from __future__ import annotations

import pytest

from tests.package.consumer import Consumer

FIGURES = {
    "event_times": ("estimate", "std_error", "ci_lower", "ci_upper", "band_lower", "band_upper", "p_value"),
    "series": (
        *("actual", "expected", "expected_lower", "expected_upper", "effect", "effect_lower", "effect_upper"),
        *("cumulative", "cumulative_lower", "cumulative_upper"),
    ),
    "sensitivity": ("value", "estimate", "ci_lower", "ci_upper", "in_words"),
}
KEPT = {
    "event_times": ("did", "ATT", "event_time", "1 after", None, 1, 7),
    "series": ("bsts", "minutes_next_7d", "3", True),
    "sensitivity": ("aipw", "e_value", "estimate", 1.5),
}
NAMES = {
    "event_times": "method, estimand, kind, name, cohort, relative_period, n_treated",
    "series": "method, outcome, period, is_post",
    "sensitivity": "method, kind, name, parameter",
}
HIDDEN = "471[0-8][.][0-9]"  # every figure of declared_results in these tables


def figures(consumer: Consumer, table: str, study: str) -> list[tuple]:
    return consumer.published(f"select {', '.join(FIGURES[table])} from {table} where study_id = '{study}'")


@pytest.mark.parametrize("table", FIGURES)
def test_a_published_study_shows_its_figures(built: Consumer, table: str) -> None:
    [row] = figures(built, table, "good")
    assert None not in row


@pytest.mark.parametrize("table", FIGURES)
def test_a_blocked_study_shows_none_of_its_figures(built: Consumer, table: str) -> None:
    assert figures(built, table, "bad") == [(None,) * len(FIGURES[table])]


@pytest.mark.parametrize("table", FIGURES)
def test_a_stale_study_shows_none_of_its_figures(consumer: Consumer, table: str) -> None:
    consumer.replace("models/studies/good/good.yml", "Does the treatment", "Did the treatment")
    consumer.build("package:causal")
    assert figures(consumer, table, "good") == [(None,) * len(FIGURES[table])]


@pytest.mark.parametrize("table", FIGURES)
def test_what_a_row_is_about_is_shown_also_when_blocked(built: Consumer, table: str) -> None:
    rows = built.published(f"select {NAMES[table]} from {table} order by study_id")
    assert rows == [KEPT[table]] * 2


def test_no_table_of_the_package_shows_a_figure_of_the_blocked_study(built: Consumer) -> None:
    """Only the study's own results hold what a library let through; here it lets through everything."""
    for read in (built.query, built.published):
        for (table,) in read(
            "select distinct table_name from information_schema.columns where column_name = 'study_id'"
        ):
            if table != "bad__results":
                where = f"study_id = 'bad' and regexp_matches(cast(t as varchar), '{HIDDEN}')"
                assert read(f"select * from {table} as t where {where}") == [], table


def test_the_same_search_finds_a_figure_that_is_published(built: Consumer) -> None:
    found = f"select count(*) from series as t where regexp_matches(cast(t as varchar), '{HIDDEN}')"
    assert built.published(found) == [(1,)]


def test_advice_is_shown_whatever_the_verdict_on_the_study(built: Consumer) -> None:
    rows = built.published("select study_id, method, verdict, reasons from study_advice order by study_id")
    advice = ("cem", "ruled_out", "no stratum holds both arms")
    assert rows == [("bad", *advice), ("good", *advice)]


@pytest.mark.parametrize("table", [*FIGURES, "study_advice"])
def test_a_study_without_such_records_has_no_rows(consumer: Consumer, table: str) -> None:
    consumer.query("delete from good__results where record in ('event_time', 'series', 'sensitivity', 'advice')")
    consumer.build("package:causal")
    assert consumer.query(f"select distinct study_id from {table}") == [("bad",)]


def test_every_study_has_a_status_and_a_reason_unless_it_is_published(built: Consumer) -> None:
    rows = built.query("select study_id, status, reason is null from study_status order by 1")
    assert rows == [("bad", "blocked", False), ("good", "published", True)]
