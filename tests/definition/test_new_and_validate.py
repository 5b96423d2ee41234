"""`causal new` writes a study that is valid and loses nothing; `causal validate` answers within a second."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dbt_causal.cli import main
from tests.definition.small_project import STUDY, write_project

FILES = [
    "models/studies/badge/badge.sql",
    "models/studies/badge/badge.yml",
    "models/studies/badge/badge__cohort.sql",
    "models/studies/badge/badge__published.sql",
    "python_models/badge__results.py",
]


def snapshot(folder: Path) -> dict[str, str]:
    return {f.relative_to(folder).as_posix(): f.read_text() for f in sorted(folder.rglob("*")) if f.is_file()}


def run(folder: Path, *arguments: str) -> int:
    return main([arguments[0], *arguments[1:], "--project-dir", str(folder)])


def test_a_new_study_is_five_files_that_validate(tmp_path, capsys):
    write_project(tmp_path)
    before = snapshot(tmp_path)
    assert run(tmp_path, "new", "badge") == 0
    assert sorted(set(snapshot(tmp_path)) - set(before)) == sorted(FILES)
    assert run(tmp_path, "validate") == 0
    assert capsys.readouterr().out.endswith("2 studies and 1 registries are valid\n")


@pytest.mark.parametrize(
    "options",
    [
        ["--method", "cem", "--estimand", "ATC"],
        ["--method", "difference", "--design", "randomised"],
        ["--method", "aipw", "--method", "difference", "--estimand", "ATO"],
        ["--owner", 'me "and" {{ you }} \\'],
        ["--features", "feat_sessions"],
        ["--method", "iv"],
        ["--shape", "panel"],
        ["--shape", "series"],
        ["--method", "panel", "--design", "randomised", "--estimand", "ATE"],
        ["--method", "bsts"],
    ],
)
def test_what_it_writes_validates_whatever_the_options(tmp_path, options):
    write_project(tmp_path, study=None)
    assert run(tmp_path, "new", "badge", *options) == 0
    assert run(tmp_path, "validate") == 0


@pytest.mark.parametrize(
    ("shape", "macro", "methods"),
    [
        ("cross_section", "study_table", "aipw, cem"),
        ("panel", "panel_table", "did"),
        ("series", "series_table", "synthetic_control, bsts"),
    ],
)
def test_a_shape_has_its_macro_and_its_methods(tmp_path, shape, macro, methods):
    write_project(tmp_path, study=None)
    assert run(tmp_path, "new", "badge", "--shape", shape) == 0
    folder = tmp_path / "models/studies/badge"
    assert f"causal.{macro}(" in (folder / "badge.sql").read_text()
    assert f"methods: [{methods}]" in (folder / "badge.yml").read_text()


@pytest.mark.parametrize("options", [["--method", "did", "--method", "bsts"], ["--shape", "panel", "--method", "bsts"]])
def test_methods_of_different_shapes_are_refused_and_nothing_written(tmp_path, capsys, options):
    write_project(tmp_path)
    before = snapshot(tmp_path)
    assert run(tmp_path, "new", "badge", *options) == 2
    assert snapshot(tmp_path) == before
    assert "bsts reads a table of shape series, and the study is to be a panel" in capsys.readouterr().err


def test_it_uses_the_features_that_the_project_has(tmp_path):
    write_project(tmp_path, study=None)
    run(tmp_path, "new", "badge")
    assert "ref('feat_sessions')" in (tmp_path / "models/studies/badge/badge.sql").read_text()
    assert "confounders: [sessions_7d, sessions]" in (tmp_path / "models/studies/badge/badge.yml").read_text()


def test_it_lists_the_study_and_keeps_every_comment(tmp_path):
    write_project(tmp_path)
    before = (tmp_path / "dbt_project.yml").read_text()
    run(tmp_path, "new", "badge")
    after = (tmp_path / "dbt_project.yml").read_text()
    assert after.replace("] #", "]  #") == before.replace("[push]", "[push, badge]")  # comments keep their column


def test_it_makes_the_list_of_studies_where_there_is_none(tmp_path):
    write_project(tmp_path, study=None)
    file = tmp_path / "dbt_project.yml"
    file.write_text("name: company  # ours\nmodel-paths: [models]\n")
    assert run(tmp_path, "new", "badge") == 0
    assert file.read_text() == "name: company  # ours\nmodel-paths: [models]\nvars:\n  studies:\n  - badge\n"


def test_it_overwrites_nothing(tmp_path, capsys):
    write_project(tmp_path)
    run(tmp_path, "new", "badge")
    (tmp_path / "models/studies/badge/badge.sql").write_text("-- mine\n")
    before = snapshot(tmp_path)
    capsys.readouterr()
    assert run(tmp_path, "new", "badge") == 2
    assert snapshot(tmp_path) == before
    assert capsys.readouterr().err == (
        "CAUSAL-001 the study has files already\n"
        "  models/studies/badge/badge__cohort.sql, models/studies/badge/badge.sql, models/studies/badge/badge.yml\n"
        "  fix: choose another name; nothing was written\n"
        "  more: docs/errors.md#causal-001\n"
    )


def test_one_file_that_is_there_already_is_enough_to_write_none(tmp_path):
    write_project(tmp_path)
    (tmp_path / "python_models").mkdir()
    (tmp_path / "python_models/badge__results.py").write_text("# mine\n")
    before = snapshot(tmp_path)
    assert run(tmp_path, "new", "badge") == 2
    assert snapshot(tmp_path) == before


def test_a_failure_half_way_leaves_nothing_behind(tmp_path, monkeypatch):
    write_project(tmp_path)
    before = snapshot(tmp_path)

    def fail(source, target):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        run(tmp_path, "new", "badge")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ["Badge", "../badge", "a b", "badge__results", "x" * 60, "{{ badge }}", "1st", ""])
def test_a_hostile_name_is_refused_and_nothing_written(tmp_path, capsys, name):
    write_project(tmp_path)
    before = snapshot(tmp_path)
    assert run(tmp_path, "new", name) == 2
    assert capsys.readouterr().err.startswith("CAUSAL-004 name not allowed")
    assert snapshot(tmp_path) == before


def test_an_unknown_feature_model_is_refused(tmp_path, capsys):
    write_project(tmp_path)
    assert run(tmp_path, "new", "badge", "--features", "feat_x") == 2
    assert "those that do: feat_sessions" in capsys.readouterr().err


def test_a_method_that_cannot_estimate_the_estimand_is_refused(tmp_path, capsys):
    write_project(tmp_path)
    assert run(tmp_path, "new", "badge", "--method", "aipw", "--estimand", "ATC") == 2
    assert "aipw estimates ATT, ATE, ATO" in capsys.readouterr().err


def test_validate_prints_all_faults_and_ends_with_status_2(tmp_path, capsys):
    write_project(tmp_path, STUDY.replace("ATT", "ATTT").replace("sessions_7d", "session_7d"))
    assert run(tmp_path, "validate") == 2
    assert capsys.readouterr().err == (
        "CAUSAL-001 value not allowed  models/push.yml:9\n"
        "  estimand is 'ATTT'; did you mean ATT?\n"
        "  fix: use one of ATT, ATE, ATO, ATC, LATE\n"
        "  more: docs/errors.md#causal-001\n"
        "CAUSAL-003 unknown confounder  models/push.yml:14\n"
        "  session_7d is not in the registry of feat_sessions; did you mean sessions_7d?\n"
        "  fix: use a registered name or label, or add its model to features=[ref(...)] in the study's .sql\n"
        "  more: docs/errors.md#causal-003\n"
        "2 faults\n"
    )


def test_validate_outside_a_project_says_so(tmp_path, capsys):
    assert run(tmp_path, "validate") == 2
    assert "has no dbt_project.yml\n  fix: pass --project-dir <folder>" in capsys.readouterr().err


def test_validate_of_twenty_studies_takes_less_than_a_second(tmp_path):
    write_project(tmp_path)
    for i in range(19):
        run(tmp_path, "new", f"study_{i}")
    code = "import sys; from dbt_causal.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "validate", "--project-dir", str(tmp_path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.returncode, done.stdout) == (0, "20 studies and 1 registries are valid\n")
    # processor time, since other work on the machine is not ours; the command runs on one core and waits for nothing
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_validate_loads_neither_dbt_nor_an_engine(tmp_path):
    write_project(tmp_path)
    code = "import sys; from dbt_causal.cli import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "validate", "--project-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"dbt", "duckdb", "pandas", "numpy", "sklearn"} & set(done.stdout.split()) == set()


def test_the_installed_command_is_there():
    assert shutil.which("causal", path=str(Path(sys.executable).parent)) is not None
