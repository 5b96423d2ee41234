"""Code 032: a DuckDB file that another process holds is waited for, its holder named, and nothing else printed."""

from __future__ import annotations

import subprocess
import sys
import time

import duckdb
import pytest

from dbt_causal import database_lock
from dbt_causal.redaction import engine_fault, quotes_data, redacted

HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def _fresh():
    database_lock._given_up.clear()
    database_lock._announced.clear()


@pytest.fixture
def hold(tmp_path):
    """Starts a process that holds the database for some seconds; returns its path and the process."""
    started = []

    def start(seconds: float):
        path = str(tmp_path / "work.duckdb")
        process = subprocess.Popen([sys.executable, "-c", HOLD, path, str(seconds)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return path, process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_locked_file_fails_after_the_wait_and_names_its_holder(hold, monkeypatch, capsys):
    path, process = hold(60)
    monkeypatch.setenv(database_lock.WAIT_VARIABLE, "0.7")
    start = time.monotonic()
    with pytest.raises(Exception, match="CAUSAL-032") as raised:
        database_lock.wait_for(lambda: duckdb.connect(path), path)
    assert 0.7 <= time.monotonic() - start < 5
    holder = str(raised.value).split(" is held by ")[1].split(" (PID")[0]
    assert str(raised.value) == (
        "CAUSAL-032 database locked\n"
        f"  {path} is held by {holder} (PID {process.pid})\n"
        "  waited 0.7 s; nothing was changed, old results are intact\n"
        "  fix: let that process end, or stop it; to read results while dbt builds, open the file "
        "<name>_results.duckdb\n"
        "  more: docs/errors.md#causal-032"
    )
    assert (
        capsys.readouterr().err
        == f"causal: {path} is held by {holder} (PID {process.pid}); waiting up to 0.7 s for it\n"
    )


def test_a_lock_that_is_released_in_time_costs_only_the_wait(hold, monkeypatch):
    path, _ = hold(1)
    monkeypatch.setenv(database_lock.WAIT_VARIABLE, "30")
    connection = database_lock.wait_for(lambda: duckdb.connect(path), path)
    assert connection.execute("select 1").fetchone() == (1,)
    connection.close()


def test_further_threads_do_not_wait_again(hold, monkeypatch):
    path, _ = hold(60)
    monkeypatch.setenv(database_lock.WAIT_VARIABLE, "0.6")
    seconds = []
    for _ in range(2):
        start = time.monotonic()
        with pytest.raises(Exception, match="CAUSAL-032"):
            database_lock.wait_for(lambda: duckdb.connect(path), path)
        seconds.append(time.monotonic() - start)
    assert seconds[1] < 0.3 < seconds[0]


def test_any_other_error_passes_through_at_once(tmp_path):
    with pytest.raises(duckdb.IOException, match="directory"):
        database_lock.wait_for(lambda: duckdb.connect(str(tmp_path / "no" / "x.duckdb")), "x")


def test_a_full_disk_is_named():
    def full():
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    with pytest.raises(Exception, match="CAUSAL-032") as raised:
        database_lock.wait_for(full, "work.duckdb")
    assert str(raised.value) == (
        "CAUSAL-032 disk full\n"
        "  no space left while writing work.duckdb\n"
        "  the transaction was rolled back, old results are intact\n"
        "  fix: free some space, or point the profile's path to a larger disk; then rerun\n"
        "  more: docs/errors.md#causal-032"
    )


def test_a_wait_that_is_no_number_is_the_default(monkeypatch):
    monkeypatch.setenv(database_lock.WAIT_VARIABLE, "soon")
    assert database_lock._wait_seconds() == 60.0


def test_without_dbt_duckdb_nothing_is_wrapped(monkeypatch):
    for name in ("connections", "environments", "environments.local"):
        monkeypatch.delitem(sys.modules, f"dbt.adapters.duckdb.{name}", raising=False)
    assert database_lock.install() is None
    assert "dbt.adapters.duckdb.environments" not in sys.modules


@pytest.mark.parametrize("query", ["select cast('ada@example.org' as integer)", "select 'ada@example.org'::date"])
def test_a_conversion_error_loses_its_value(query):
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql(query).fetchall()
    assert quotes_data(raised.value)
    assert "ada" not in redacted(raised.value) + str(engine_fault(raised.value))


def test_an_error_about_a_name_keeps_its_text():
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql("select no_such_column from range(3)")
    assert not quotes_data(raised.value)


def test_running_out_of_memory_has_its_own_code():
    assert engine_fault(duckdb.OutOfMemoryException("Out of Memory Error: could not allocate")).code == "031"
