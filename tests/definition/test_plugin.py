"""dbt itself refuses faulty definitions before any node runs, in one message, and leaves other projects alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_causal.cli import main
from dbt_causal.library_version import MODEL, library_version, model_text
from dbt_causal.plugin import is_installed
from tests.definition.small_project import STUDY, write_project
from tests.definition.test_database_lock import HOLD
from tests.package.consumer import copy_of_package

PROFILE = "company: {target: d, outputs: {d: {type: duckdb, path: work.duckdb, threads: 3}}}\n"
MAIL = "ada@example.org"


def install_package(folder: Path, version: str | None = None) -> None:
    """What `dbt deps` does for a local package, with the version of the library that is installed."""
    package = copy_of_package(folder / "dbt_packages" / "causal")
    if version is not None:
        (package / MODEL).write_text(model_text(version))


def dbt(folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit status of a dbt command and all that it printed, without colours and times."""
    command = [sys.executable, "-c", "import sys; from dbt.cli.main import cli; cli(sys.argv[1:])", *arguments]
    # Its own profile, whatever the caller's environment names (`make test` names the one of the example project).
    own = {"DBT_PROFILES_DIR": str(folder), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_USE_COLORS": "false"}
    environment = {**os.environ, **own, **variables}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, re.sub(r"\d\d:\d\d:\d\d  ", "", re.sub(r"\x1b\[\d+m", "", done.stdout))


@pytest.fixture
def company(tmp_path):
    """A function that writes the small project, with the package installed, and returns its folder."""

    def write(study: str | None = STUDY, version: str | None = None) -> Path:
        folder = write_project(tmp_path / "company", study)
        (folder / "profiles.yml").write_text(PROFILE)
        install_package(folder, version)
        return folder

    return write


def test_faulty_definitions_end_dbt_with_status_2_before_any_node(company):
    folder = company(
        STUDY.replace("ATT", "ATTT")
        .replace('"2026-05-01"', "2026-05-01")
        .replace("[sessions_7d]", "[session_7d, \"{{ env_var('NO_SUCH_VARIABLE') }}\"]")
    )
    status, printed = dbt(folder, "build")
    assert status == 2
    assert printed.split("Encountered an error:\n")[1] == (
        "4 faults in the definitions of studies; nothing was run\n"
        "CAUSAL-001 value not allowed  models/push.yml:9\n"
        "  estimand is 'ATTT'; did you mean ATT?\n"
        "  fix: use one of ATT, ATE, ATO, ATC, LATE\n"
        "  more: docs/errors.md#causal-001\n"
        "CAUSAL-002 text without quotes  models/push.yml:11\n"
        "  as_of is 2026-05-01 without quotes, which dbt reads as a date\n"
        '  fix: write "2026-05-01"\n'
        "  more: docs/errors.md#causal-002\n"
        "CAUSAL-004 Jinja in a definition  models/push.yml:14\n"
        "  confounders[2] contains {{ or {%: dbt would run it while it reads the file\n"
        "  fix: write the value itself\n"
        "  more: docs/errors.md#causal-004\n"
        "CAUSAL-003 unknown confounder  models/push.yml:14\n"
        "  session_7d is not in the registry of feat_sessions; did you mean sessions_7d?\n"
        "  fix: use a registered name or label, or add its model to features=[ref(...)] in the study's .sql\n"
        "  more: docs/errors.md#causal-003\n"
    )
    assert not (folder / "work.duckdb").exists()
    assert not (folder / "target" / "run_results.json").exists()
    assert "Traceback" not in (folder / "logs" / "dbt.log").read_text()


def test_a_definition_outside_yaml_files_is_checked_once_dbt_has_the_manifest(company):
    folder = company(study=None)
    (folder / "models" / "push.sql").write_text("{{ config(meta={'study': {'estimand': 'ATTT'}}) }} select 1 as a\n")
    status, printed = dbt(folder, "parse")
    assert status == 2
    assert "CAUSAL-001 value not allowed  models/push.sql\n  estimand is 'ATTT'; did you mean ATT?" in printed


def test_a_package_of_another_version_is_refused_with_the_way_out(company):
    status, printed = dbt(company(study=None, version="0.0.9+000000000000"), "parse")
    assert status == 2
    assert printed.split("Encountered an error:\n")[1] == (
        "1 fault in the definitions of studies; nothing was run\n"
        "CAUSAL-001 package and library differ  models/registry/library_version.sql\n"
        "  the dbt package `causal` was made for dbt-causal 0.0.9+000000000000\n"
        f"  installed is {library_version()}\n"
        "  fix: install both from one version, then dbt deps; after a change of the library: "
        "causal library-version --write\n"
        "  more: docs/errors.md#causal-001\n"
    )


@pytest.mark.parametrize(
    "line", ["", "packages-install-path: vendored\n", "packages-install-path: 'vendored' # ours\n"]
)
def test_the_package_is_found_where_dbt_deps_puts_it(tmp_path, line):
    (tmp_path / "dbt_project.yml").write_text(f"name: company\n{line}")
    assert not is_installed("company", tmp_path)
    (tmp_path / ("vendored" if line else "dbt_packages") / "causal").mkdir(parents=True)
    assert is_installed("company", tmp_path)


def test_a_project_without_the_package_is_left_alone(tmp_path):
    folder = write_project(
        tmp_path, STUDY.replace("ATT", "ATTT").replace("    data_tests: [causal.has_passed_gates]\n", "")
    )
    (folder / "models" / "push.sql").write_text("select 1 as a\n")
    (folder / "profiles.yml").write_text(PROFILE)
    assert dbt(folder, "parse")[0] == 0


@pytest.fixture
def holder(tmp_path):
    """A process that holds company/work.duckdb, started by calling it."""
    started = []

    def start(path: Path) -> int:
        process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), "120"], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_locked_database_is_one_message_without_a_traceback(company, holder):
    folder = company(study=None)
    pid = holder(folder / "work.duckdb")
    status, printed = dbt(folder, "run", "-s", "feat_sessions", CAUSAL_LOCK_WAIT_SECONDS="1")
    assert status != 0
    assert printed.count("CAUSAL-032 database locked") == 1
    assert f"(PID {pid}); waiting up to 1 s for it" in printed
    assert f"(PID {pid})\n    waited 1 s; nothing was changed, old results are intact\n" in printed
    assert "Traceback" not in printed


def test_values_of_rows_reach_neither_the_terminal_nor_the_log(company):
    folder = company(study=None)
    (folder / "models" / "people.sql").write_text(
        "{{ config(materialized='table') }}\n"
        "select mail::integer as n from (select concat('ada', '@example.org') as mail) as people\n"
    )
    status, printed = dbt(folder, "run", "-s", "people")
    assert status == 1
    assert "ConversionException: a value could not be converted to the type of its column" in printed
    assert MAIL not in printed + (folder / "logs" / "dbt.log").read_text()


@pytest.mark.parametrize("shape", ["cross_section", "panel", "series"])
def test_a_new_study_builds_before_its_cohort_is_written_and_is_blocked_as_empty(company, capsys, shape):
    folder = company(study=None)
    assert main(["new", "badge", "--shape", shape, "--project-dir", str(folder)]) == 0
    status, printed = dbt(folder, "build", "--exclude-resource-type", "unit_test")
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    failed = {r["unique_id"].split(".")[2] for r in results if r["status"] not in ("success", "pass")}
    assert status == 1, printed
    assert len(failed) == 1
    assert "has_passed_gates" in failed.pop()
    capsys.readouterr()
    assert main(["status", "--database", str(folder / "work.duckdb")]) == 0
    why = {"cross_section": "sample_size: empty cohort"}.get(shape, "")
    assert f"badge: blocked\n  why: {why}" in capsys.readouterr().out
