"""The decision log only grows, shows every tampering, and says what was planned, ordered and done."""

from __future__ import annotations

from datetime import date

import duckdb
import pandas as pd
import pytest

from estimators.errors import CausalError
from estimators.forecast.diagnosis.decision_log import (
    CHAIN,
    COLUMNS,
    HASHED,
    append_decisions,
    cell_text,
    decided,
    decision_rows,
    verify_decisions,
)

WEEKS = [date(2026, 5, 4), date(2026, 5, 11)]


def bonus(*values: float, regions: str = "AB") -> dict[str, pd.DataFrame]:
    cells = [(region, week) for region in regions for week in WEEKS]
    return {"bonus": pd.DataFrame(cells, columns=["region", "week"]).assign(value=values)}


def rows(record: str = "plan", decisions=None, **changes):
    said = {"plan_id": "may", "forecast_id": "market", "decided_by": "planner", "decided_at": "2026-05-01T09:00:00Z"}
    decisions = bonus(1.0, 2.0, 3.0, 0.1) if decisions is None else decisions
    return decision_rows(decisions, record, **{**said, **changes})


@pytest.fixture
def log() -> pd.DataFrame:
    """A plan, an override of one region and what was done."""
    grown = append_decisions(None, rows())
    grown = append_decisions(
        grown, rows("override", bonus(9.0, 9.5, regions="A"), reason="strike in A", decided_by="ana")
    )
    return append_decisions(grown, rows("taken", bonus(9.0, 9.5, 3.0, 0.1), decided_by="billing"))


def test_a_first_plan_is_the_first_link_and_has_the_columns_of_the_contract():
    log = append_decisions(None, rows())
    assert list(log.columns) == list(COLUMNS)
    assert set(log["link"]) == {1}
    assert set(log["previous_chain"]) == {""}


def test_appending_leaves_the_older_rows_as_they_were(log):
    grown = append_decisions(log, rows(plan_id="june"))
    pd.testing.assert_frame_equal(grown.head(len(log)), log)


def test_an_honest_log_has_no_faults(log):
    assert verify_decisions(log, head=log["chain"].iloc[-1]) == []


@pytest.mark.parametrize("column", HASHED)
def test_an_edit_of_any_column_shows(log, column):
    log.loc[5, column] = "7"
    (fault,) = verify_decisions(log)
    assert fault.details == ("rows were edited", "links 2")


@pytest.mark.parametrize("column", CHAIN)
def test_an_edit_of_the_chain_itself_shows(log, column):
    log.loc[5, column] = 7 if column == "link" else "7"
    assert verify_decisions(log) != []


@pytest.mark.parametrize("row", range(10))
def test_a_deleted_row_shows(log, row):
    assert verify_decisions(log.drop(index=row)) != []


def test_a_deleted_link_shows(log):
    (fault,) = verify_decisions(log[log["link"] != 2])
    assert fault.details == ("links do not follow from one another", "links 3")


def test_a_row_slipped_in_shows(log):
    slipped = pd.concat([log, log.iloc[[4]].assign(cell='{"region":"C"}')], ignore_index=True)
    assert verify_decisions(slipped) != []


def test_a_missing_end_shows_only_to_who_kept_the_last_chain(log):
    short = log[log["link"] < 3]
    assert verify_decisions(short) == []
    assert (
        verify_decisions(short, head=log["chain"].iloc[-1])[0].details[0]
        == "the end of the log is not the one expected"
    )


def test_the_order_of_the_rows_in_storage_does_not_matter(log):
    assert verify_decisions(log.sample(frac=1.0, random_state=0)) == []


def test_sql_makes_the_same_chain_as_the_ledger_does(log):
    """The expressions of macros/ledger/ledger_row_hash.sql and chained.sql, written out for these columns."""
    row = " || '|' || ".join(f"coalesce('=' || cast({c} as varchar), '~')" for c in HASHED)
    query = f"""
      with hashed as (select *, md5({row}) as expected from log),
      links as (select link, any_value(previous_chain) as previous,
                  md5(string_agg(expected, '' order by expected)) as link_hash from hashed group by link)
      select bool_and(expected = row_hash) and bool_and(chain = md5(previous || link_hash))
      from hashed join links using (link)"""
    connection = duckdb.connect()
    connection.register("log", log)
    assert connection.sql(query).fetchall() == [(True,)]


def test_says_what_was_planned_ordered_and_done(log):
    found = decided(log, "may").sort_values("cell", ignore_index=True)
    assert found["cell"][0] == '{"region":"A","week":"2026-05-04"}'
    assert found["planned"].tolist() == [1.0, 2.0, 3.0, 0.1]
    assert found["ordered"].tolist() == [9.0, 9.5, 3.0, 0.1]
    assert found["ordered_as"].tolist() == ["override", "override", "plan", "plan"]
    assert found["reason"][0] == "strike in A"
    assert found["taken"].tolist() == [9.0, 9.5, 3.0, 0.1]


def test_the_latest_override_counts(log):
    grown = append_decisions(log, rows("fallback", bonus(5.0, 5.0, regions="A"), reason="interval too wide"))
    ordered = decided(grown, "may").set_index("cell")
    assert ordered.loc['{"region":"A","week":"2026-05-04"}', ["ordered", "ordered_as"]].tolist() == [5.0, "fallback"]


def test_what_was_done_is_unknown_until_it_is_logged():
    assert decided(append_decisions(None, rows()), "may").reindex(columns=["taken"])["taken"].isna().all()


def test_values_come_back_to_the_bit():
    exact = [0.1, 1 / 3, 1e-300, 123456789.123456789]
    log = append_decisions(None, rows(decisions=bonus(*exact)))
    assert decided(log, "may")["planned"].tolist() == exact


def test_a_cell_is_the_same_text_whatever_the_order_of_its_dims():
    week = pd.Timestamp("2026-05-04")
    assert cell_text({"week": week, "region": "Ä"}) == cell_text({"region": "Ä", "week": date(2026, 5, 4)})


def test_029_a_log_that_was_tampered_with_takes_no_rows(log):
    log.loc[0, "value"] = "100.0"
    with pytest.raises(CausalError) as refused:
        append_decisions(log, rows(plan_id="june"))
    assert str(refused.value) == (
        "CAUSAL-029 decision log was tampered with\n"
        "  rows were edited\n"
        "  links 1\n"
        "  fix: the log may only grow: restore it from the last copy whose chain is intact\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_an_override_of_what_was_never_planned_is_refused(log):
    with pytest.raises(CausalError) as refused:
        append_decisions(log, rows("override", bonus(1.0, 1.0, regions="C"), reason="new"))
    assert str(refused.value) == (
        "CAUSAL-029 decision on what was never planned\n"
        '  2 rows, the first of plan may: bonus at {"region":"C","week":"2026-05-04"}\n'
        "  fix: log the plan first, with these cells\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_all_faults_of_an_entry_are_said_at_once():
    with pytest.raises(CausalError) as refused:
        rows("override", bonus(1.0, float("nan"), 2.0, 3.0), decided_by=" ", decided_at="yesterday")
    subjects = [f.subject for f in refused.value.faults]
    assert subjects == [
        "entry of the log without an author",
        "override without a reason",
        "decided_at is not a UTC timestamp",
        "decisions without values",
    ]


def test_029_a_local_time_is_refused():
    with pytest.raises(CausalError) as refused:
        rows(decided_at="2026-05-01T09:00:00+02:00")
    assert str(refused.value) == (
        "CAUSAL-029 decided_at is not a UTC timestamp\n"
        "  decided_at is '2026-05-01T09:00:00+02:00'\n"
        '  fix: write it as "2026-05-01T09:00:00Z"\n'
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_cell_decided_twice_at_once_is_refused():
    with pytest.raises(CausalError) as refused:
        append_decisions(None, rows(decisions=bonus(1.0, 2.0, 3.0, 4.0, regions="AA")))
    assert refused.value.faults[0].details == ("2 of 4 rows repeat a lever and cell",)


def test_029_an_unknown_record_and_an_unknown_plan_are_refused(log):
    with pytest.raises(CausalError, match="unknown record"):
        rows("draft")
    with pytest.raises(CausalError, match="no such plan in the log"):
        decided(log, "june")
