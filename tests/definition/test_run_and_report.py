"""`run_study` blocks a study whose data the engine refuses, without a value; `causal status` prints what is out."""

from __future__ import annotations

import json

import duckdb
import pandas as pd
import pytest

from dbt_causal.cli import main
from dbt_causal.publication import replace_file
from dbt_causal.run import StudyFailed, run_study
from tests.definition.small_project import DEFINITION

CONTEXT = {
    "studies": {"push": {"definition": DEFINITION, "definition_hash": "h", "file": "models/push.yml"}},
    "invocation_id": "run-1",
    "library_version": "0.1.0+abc",
    "git_commit": "1234567",
}


def record(frame: pd.DataFrame, kind: str) -> dict:
    (text,) = frame[frame["record"] == kind]["payload"]
    return json.loads(text)


def analysing(monkeypatch, answer):
    monkeypatch.setattr("estimators.analysis.analyse", answer)


def test_an_engine_error_blocks_the_study_without_showing_a_value(monkeypatch):
    analysing(monkeypatch, lambda *a, **k: duckdb.sql("select 'ada@example.org'::integer").fetchall())
    frame = run_study(CONTEXT, None)
    assert list(frame.columns) == ["record", "study_id", "run_id", "definition_hash", "payload"]
    assert (record(frame, "check")["status"], record(frame, "check")["code"]) == ("fail", "028")
    assert (record(frame, "run")["status"], record(frame, "run")["library_version"]) == ("blocked", "0.1.0+abc")
    assert "ada" not in frame.to_string()


def test_any_other_error_stops_the_study_and_says_where_without_its_text(monkeypatch):
    def fail(*arguments, **keywords):
        raise ValueError("could not convert string to float: 'ada@example.org'")

    analysing(monkeypatch, fail)
    with pytest.raises(StudyFailed) as raised:
        run_study(CONTEXT, None)
    assert str(raised.value) == (
        "CAUSAL-000 push could not be analysed\n"
        "  ValueError\n"
        "  fix: set CAUSAL_DEBUG=1 and rerun this study to see the error (it may show values), then report it"
    )
    assert raised.value.__suppress_context__


def test_debugging_shows_the_error_as_it_is(monkeypatch):
    analysing(monkeypatch, lambda *a, **k: duckdb.sql("select 'ada'::integer").fetchall())
    monkeypatch.setenv("CAUSAL_DEBUG", "1")
    with pytest.raises(duckdb.ConversionException, match="ada"):
        run_study(CONTEXT, None)


def test_a_definition_that_became_faulty_blocks_the_study():
    entry = {**CONTEXT["studies"]["push"], "definition": {**DEFINITION, "estimand": "ATTT"}}
    frame = run_study({**CONTEXT, "studies": {"push": entry}}, None)
    assert record(frame, "check")["reason"].startswith("value not allowed; estimand is 'ATTT'; did you mean ATT?")


def test_a_results_model_refs_one_study():
    with pytest.raises(StudyFailed, match="this one: none"):
        run_study({**CONTEXT, "studies": {}}, None)


EFFECT = {
    "tier": "verified",
    "is_headline": True,
    "method": "aipw",
    "estimand": "ATT",
    "outcome": "sessions_next_7d",
    "segment": None,
    "estimate": 1794.342,
    "std_error": 671.0,
    "ci_lower": 479.2,
    "ci_upper": 3109.5,
    "p_value_adjusted": 0.0075,
    "n_units": 445,
    "reason": None,
}
NUMBERS = ("estimate", "std_error", "ci_lower", "ci_upper", "p_value_adjusted")


@pytest.fixture
def results(tmp_path):
    """A results file with a published and a blocked study, beside a database of the same stem."""
    effects = pd.DataFrame(
        [
            {"study_id": "good", "status": "published", **EFFECT},
            {"study_id": "bad", "status": "blocked", **EFFECT, **dict.fromkeys(NUMBERS), "reason": "balance: age 0.3"},
        ]
    )
    check = {"method": "aipw", "outcome": None, "is_gate": True}
    checks = pd.DataFrame(
        [
            {"study_id": "good", "check_name": "balance", "status": "pass", "reason": "", **check},
            {"study_id": "bad", "check_name": "balance", "status": "fail", "reason": "age 0.3", **check},
        ]
    )
    tables = {"published_effects": effects, "checks": checks}
    replace_file(tmp_path / "work_results.duckdb", {n: duckdb.from_df(f).to_arrow_table() for n, f in tables.items()})
    return tmp_path / "work.duckdb"


def test_the_report_shows_published_effects_and_blocked_studies_with_the_reason(results, capsys):
    assert main(["status", "--database", str(results)]) == 0
    file = results.with_name("work_results.duckdb")
    assert capsys.readouterr().out == (
        "bad: blocked\n"
        "  why: balance: age 0.3\n"
        "  FAIL: balance aipw: age 0.3\n"
        "\n"
        "good: published (verified)\n"
        "  *  sessions_next_7d  ATT by aipw  1,794.34  (671.00)  95 % [479.20, 3,109.50]  p 0.007  445 units\n"
        "  passed: balance\n"
        "\n"
        f"tables in {file}: checks, published_effects\n"
    )


def test_the_results_file_itself_may_be_named(results, capsys):
    assert main(["status", "--database", str(results.with_name("work_results.duckdb"))]) == 0


def test_without_a_results_file_the_report_says_what_to_run(tmp_path, capsys):
    assert main(["status", "--database", str(tmp_path / "work.duckdb")]) == 2
    assert capsys.readouterr().err.startswith("CAUSAL-032 no results file\n")
