"""The package by itself: a fresh clone builds it with the example profile and no studies."""

from __future__ import annotations

from pathlib import Path

from tests.package.consumer import ROOT, Consumer


def test_the_package_builds_without_studies_and_with_the_example_profile(
    package: Path, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CAUSAL_DB", str(tmp_path / "root.duckdb"))
    (package / "profiles.yml").write_text((ROOT / "profiles.example.yml").read_text())
    outcome = Consumer(package, package).build()
    assert outcome.success, outcome.text
    assert (tmp_path / "root_results.duckdb").exists()


def test_only_the_window_macros_compare_a_moment_with_treatment() -> None:
    """Outside macros/windows nobody orders an expression against treated_at or its micros."""
    import re

    compared = re.compile(r"(treated_(at|micros)\b[\w.\s)]*[<>])|([<>]=?[\w.\s(]*treated_(at|micros)\b)")
    places = [
        *(ROOT / "macros").rglob("*.sql"),
        *(ROOT / "models").rglob("*.sql"),
        *(ROOT / "tests/dbt").rglob("*.sql"),
    ]
    offenders = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in places
        if file.parent.name != "windows"
        for line in file.read_text().splitlines()
        if compared.search(line)
    ]
    assert offenders == []


def test_each_macro_file_holds_the_macro_it_is_named_after() -> None:
    import re

    for file in (ROOT / "macros").rglob("*.sql"):
        names = re.findall(r"{%-? (?:macro|materialization) (\w+)", file.read_text())
        assert names[0] == file.stem
        assert set(names[1:]) <= {f"default__{file.stem}", f"spark__{file.stem}"}, file


def test_sql_models_and_macros_stay_short() -> None:
    long_models = [f.name for f in (ROOT / "models").rglob("*.sql") if len(f.read_text().splitlines()) > 120]
    long_macros = [f.name for f in (ROOT / "macros").rglob("*.sql") if len(f.read_text().splitlines()) > 60]
    assert (long_models, long_macros) == ([], [])
