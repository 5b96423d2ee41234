"""The simulated company: the same for the same seed, in order of time, and with effects that can be checked."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.source_tree import ROOT

EVENTS = {
    "sessions": "started_at",
    "messages": "sent_at",
    "purchases": "purchased_at",
    "pushes": "sent_at",
    "profile_photos": "uploaded_at",
    "group_joins": "joined_at",
}


def content(tables) -> dict[str, str]:
    """One hash of the sorted rows per table."""
    rows = {name: sorted(map(str, zip(*table.to_pydict().values(), strict=True))) for name, table in tables.items()}
    return {name: hashlib.sha256("\n".join(lines).encode()).hexdigest() for name, lines in rows.items()}


@pytest.fixture(scope="module")
def tables(simulate):
    return simulate.simulate(n_users=1500, n_days=120, seed=11)


def test_the_same_seed_gives_the_same_tables(simulate, tables):
    assert content(simulate.simulate(n_users=1500, n_days=120, seed=11)) == content(tables)


def test_another_seed_gives_other_tables(simulate, tables):
    other = content(simulate.simulate(n_users=1500, n_days=120, seed=12))
    assert all(other[name] != mine for name, mine in content(tables).items())


def test_the_script_writes_every_table(tmp_path, tables):
    options = ["--users", "300", "--days", "110", "--seed", "3", "--out", str(tmp_path)]
    subprocess.run([sys.executable, str(ROOT / "dbt_project" / "simulate.py"), *options], check=True)
    written = {path.stem: pq.read_table(path) for path in tmp_path.iterdir()}
    assert {name: table.schema.names for name, table in written.items()} == {
        name: table.schema.names for name, table in tables.items()
    }


def test_days_that_do_not_hold_all_studies_are_refused(simulate):
    with pytest.raises(ValueError, match="at least 104"):
        simulate.simulate(n_users=100, n_days=60, seed=1)


@pytest.mark.parametrize(("name", "event_at"), EVENTS.items())
def test_events_come_in_order_and_after_signing_up(tables, name, event_at):
    users, events = tables["users"], tables[name]
    early, unsorted = duckdb.sql(
        f"""select count(*) filter (where e.{event_at} < u.signed_up_at),
            count(*) filter (where e.{event_at} < e.previous)
        from (select *, lag({event_at}) over (order by rowid) as previous from
            (select *, row_number() over () as rowid from events)) as e
        join users as u using (user_id)"""
    ).fetchall()[0]
    assert (early, unsorted) == (0, 0), (users.num_rows, events.num_rows)


def test_every_simulated_effect_is_positive(tables):
    assert all(effect > 0 for effect in tables["truth"]["effect"].to_pylist())
