"""The results file: what readers see while it is replaced, and which clients open it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import duckdb
import pytest

from tests.package.consumer import ROOT, Consumer

OLDER_DUCKDB = "1.4.5"
READER = """
import json, sys, time
from pathlib import Path
import duckdb

file, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads, errors, mixed, seen = 0, [], 0, set()
while not stop.exists():
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            runs = {}
            for table in ("runs", "checks", "published_effects", "balance"):
                for study, run in connection.execute(f"select distinct study_id, run_id from {table}").fetchall():
                    runs.setdefault(study, set()).add(run)
            mixed += any(len(found) > 1 for found in runs.values())
            seen.add(tuple(sorted(next(iter(found)) for found in runs.values())))
            reads += 1
    except duckdb.Error as error:
        errors.append(str(error)[:200])
    time.sleep(0.02)  # two readers and a build share two cores
print(json.dumps({"reads": reads, "errors": errors, "mixed": mixed, "versions": len(seen)}))
"""


@pytest.fixture(scope="module")
def older_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose DuckDB is of the 1.4 line, as older BI tools bring along."""
    folder = tmp_path_factory.mktemp("older")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"duckdb=={OLDER_DUCKDB}"]
    subprocess.run(install, check=True, timeout=300)
    return python


@pytest.mark.slow
def test_readers_see_no_error_and_no_mixed_run_during_ten_builds(consumer: Consumer, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(consumer.results_file), str(stop)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for _ in range(10):
            outcome = consumer.build("good__results", "bad__results", "package:causal")
            assert outcome.statuses["publication"] == "success"
    finally:
        stop.touch()
        found = [json.loads(reader.communicate(timeout=60)[0]) for reader in readers]
    for reader in found:
        assert (reader["errors"], reader["mixed"]) == ([], 0)
        assert reader["reads"] > 10
        assert reader["versions"] >= 5


@pytest.mark.slow
def test_an_older_duckdb_opens_the_results_file(built: Consumer, older_python: Path) -> None:
    query = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=True);"
        "rows = connection.execute('select study_id, status from published_effects order by 1').fetchall();"
        "print(duckdb.__version__, rows)"
    )
    shown = subprocess.run(
        [str(older_python), "-c", query, str(built.results_file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert shown.stdout.strip() == f"{OLDER_DUCKDB} [('bad', 'blocked'), ('good', 'published')]"


def test_the_file_lies_beside_the_database_and_not_in_the_current_directory(fresh: Consumer, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    profile = fresh.folder / "profiles.yml"
    profile.write_text(profile.read_text().replace('path: "causal.duckdb"', f"path: {elsewhere}/company.duckdb"))
    fresh.build("package:causal")
    assert sorted(f.name for f in elsewhere.iterdir()) == ["company.duckdb", "company_results.duckdb"]
    assert not fresh.results_file.exists()


def test_nothing_is_left_beside_the_results_file(built: Consumer) -> None:
    left = [f.name for f in built.folder.iterdir() if "results" in f.name or f.suffix == ".tmp"]
    assert left == ["causal_results.duckdb"]


def test_a_publication_that_fails_leaves_the_file_before_it(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt_causal import publication

    def full_disk(file: Path, rows: object) -> None:
        file.write_bytes(b"half a file")
        raise OSError(28, os.strerror(28))

    before = consumer.published("select * from published_effects order by all")
    monkeypatch.setattr(publication, "_write", full_disk)
    outcome = consumer.build("publication")
    assert outcome.with_status("error") == {"publication"}
    assert consumer.published("select * from published_effects order by all") == before
    assert not list(consumer.folder.glob(".*.tmp"))


def test_it_never_waits_for_a_gate(built: Consumer) -> None:
    rows = built.query("select table_name, n_rows, file_name from publication where table_name = 'published_effects'")
    assert rows == [("published_effects", 2, "causal_results.duckdb")]


def test_a_database_in_memory_publishes_no_file() -> None:
    from dbt_causal.publication import results_file

    with duckdb.connect(":memory:") as connection:
        assert results_file(connection) is None


def test_two_libraries_do_not_mix() -> None:
    from dbt_causal.library_version import library_version, require_same

    require_same(library_version())
    with pytest.raises(RuntimeError, match=r"CAUSAL-001 package and library differ: .* expects dbt-causal 0\.0\.9"):
        require_same("0.0.9+abc")


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_tables(consumer: Consumer, tmp_path: Path) -> None:
    other = consumer.copy_to(tmp_path / "other")
    consumer.dbt("build", "--full-refresh", threads=1)
    other.dbt("build", "--full-refresh", threads=2)
    for table in ("good", "bad", "published_effects", "effects", "checks", "balance", "overlap", "attrition", "runs"):
        columns = [name for name, *_ in consumer.query(f"describe {table}") if name != "run_id"]
        query = f"select {', '.join(columns)} from {table} order by all"
        assert consumer.query(query) == other.query(query), table


def test_the_version_of_the_library_is_the_version_of_the_package() -> None:
    from dbt_causal.library_version import VERSION

    assert f"version: {VERSION}\n" in (ROOT / "dbt_project.yml").read_text()
    assert f'version = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()


def test_the_hash_of_the_library_changes_with_its_code_only(tmp_path: Path) -> None:
    from dbt_causal.library_version import library_hash

    code = tmp_path / "estimators" / "effects" / "cem.py"
    code.parent.mkdir(parents=True)
    code.write_text("x = 1\n")
    (tmp_path / "dbt_causal").mkdir()
    (tmp_path / "dbt_causal" / "run.py").write_text("y = 1\n")
    before = library_hash(tmp_path)
    (tmp_path / "README.md").write_text("words\n")
    assert library_hash(tmp_path) == before
    code.write_bytes(b"x = 1\r\n")
    assert library_hash(tmp_path) == before
    code.write_text("x = 2\n")
    assert library_hash(tmp_path) != before
