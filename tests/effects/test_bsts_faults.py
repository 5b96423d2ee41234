"""What BSTS refuses, with its whole message: nothing is ever filled with zeros."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import bsts
from estimators.effects.bsts_tfcausalimpact import INTERPRETER
from estimators.errors import CausalError


def daily(n: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=n)
    return pd.DataFrame({"day": pd.date_range("2026-01-01", periods=n), "y": x + random.normal(size=n), "x": x})


def refused(frame: pd.DataFrame, **options) -> str:
    asked = {"time": "day", "outcome": "y", "controls": ["x"], "intervention": "2026-02-20", **options}
    with pytest.raises(CausalError) as error:
        bsts(frame, **asked)
    return str(error.value)


def test_an_intervention_after_the_last_period():
    assert refused(daily(), intervention="2027-01-01") == (
        "CAUSAL-027 nothing after the intervention\n"
        "  60 rows of day: 60 before the intervention, 0 after it\n"
        "  fix: check intervention, gap_end and the dates\n"
        "  more: docs/errors.md#causal-027"
    )


def test_an_intervention_before_the_first_period():
    assert refused(daily(), intervention="2025-01-01").startswith("CAUSAL-027 nothing before the intervention\n")


def test_a_gap_that_ends_before_the_intervention():
    assert refused(daily(), gap_end="2026-02-01") == (
        "CAUSAL-027 gap ends before it begins\n"
        "  gap_end lies before the intervention\n"
        "  fix: correct gap_end\n"
        "  more: docs/errors.md#causal-027"
    )


def test_missing_days():
    assert refused(daily().drop(index=[10, 11, 30])) == (
        "CAUSAL-027 missing periods in day\n"
        "  3 periods before the intervention have no row, the first after row 10 there\n"
        "  fix: add a row per missing period, its outcome null if it is not known; nothing is filled with zeros\n"
        "  more: docs/errors.md#causal-027"
    )


def test_several_rows_of_one_day():
    assert refused(pd.concat([daily(), daily().head(2)])) == (
        "CAUSAL-027 several rows of one period\n"
        "  2 of 62 rows repeat a value of day\n"
        "  fix: aggregate to one row per period first\n"
        "  more: docs/errors.md#causal-027"
    )


def test_periods_that_are_not_evenly_spaced():
    frame = daily().assign(day=pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(60) ** 1.01, unit="D"))
    assert refused(frame).startswith("CAUSAL-027 periods are not evenly spaced\n")


def test_missing_values_in_controls():
    frame = daily()
    frame.loc[[3, 55], "x"] = None
    assert refused(frame) == (
        "CAUSAL-027 missing values in controls\n"
        "  x in 2 of 60 periods\n"
        "  fix: drop the control, or complete it at its source; a control is never filled with zeros\n"
        "  more: docs/errors.md#causal-027"
    )


def test_a_constant_series():
    assert refused(daily().assign(y=1.0)) == (
        "CAUSAL-027 constant series\n"
        "  y has one value in all 50 periods before the intervention\n"
        "  fix: check how the outcome is measured before the intervention\n"
        "  more: docs/errors.md#causal-027"
    )


def test_too_few_observed_periods():
    frame = daily()
    frame.loc[:47, "y"] = None
    assert refused(frame) == (
        "CAUSAL-027 too few observed periods\n"
        "  y is known in 2 periods before the intervention and 10 after it\n"
        "  fix: at least 3 before and 1 after are needed\n"
        "  more: docs/errors.md#causal-027"
    )


def test_a_pre_period_shorter_than_a_season():
    assert refused(daily(), season=52) == (
        "CAUSAL-027 pre-period shorter than a season\n"
        "  50 periods before the intervention, 52 in a cycle of the season\n"
        "  fix: leave season out, or use a longer pre-period\n"
        "  more: docs/errors.md#causal-027"
    )


def test_a_constant_control():
    assert refused(daily().assign(x=2.0)).startswith("CAUSAL-020 constant controls\n  x: one value")


def test_infinite_values():
    frame = daily()
    frame.loc[4, "y"] = np.inf
    assert refused(frame).startswith("CAUSAL-011 infinite values\n  y\n")


def test_unknown_columns_and_wrong_types_are_said_at_once():
    message = refused(daily().assign(day=lambda f: f["day"].astype(str)), controls=["z"])
    assert "CAUSAL-001 column of a wrong type\n  day is of kind text" in message
    assert "CAUSAL-003 unknown column\n  no column z" in message


def test_the_outcome_as_its_own_control():
    assert refused(daily(), controls=["x", "y"]).startswith("CAUSAL-020 collinear controls\n  y stands twice")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "prophet"}, "unknown engine"),
        ({"n_iterations": 3}, "unknown option"),
        ({"n_draws": 1}, "n_draws must be 10 or more"),
        ({"season": -7}, "season must be 2 or more"),
        ({"expected_r2": 1.5}, "expected_r2 must lie between 0 and 1"),
        ({"intervention": None}, "no intervention"),
        ({"intervention": "soon"}, "no moment of the time column"),
    ],
)
def test_options_out_of_range(options, said):
    message = refused(daily(), **options)
    assert message.startswith("CAUSAL-001 ")
    assert said in message


def test_an_engine_that_is_not_installed(monkeypatch):
    monkeypatch.delenv(INTERPRETER, raising=False)
    monkeypatch.setattr("estimators.effects.bsts_tfcausalimpact.find_spec", lambda name: None)
    assert refused(daily(), engine="tfcausalimpact") == (
        "CAUSAL-001 engine is not installed\n"
        "  engine 'tfcausalimpact' needs the package tfcausalimpact, which is not installed here\n"
        f"  fix: pip install 'dbt-causal[tfcausalimpact]', or name an interpreter that has it in {INTERPRETER}\n"
        "  more: docs/errors.md#causal-001"
    )


def test_an_engine_whose_process_fails(monkeypatch, tmp_path):
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho 'ValueError: secret value' >&2\nexit 3\n")
    failing.chmod(0o755)
    monkeypatch.setenv(INTERPRETER, str(failing))
    message = refused(daily(), engine="tfcausalimpact")
    assert message.startswith("CAUSAL-000 tfcausalimpact failed\n  its process ended with status 3 (ValueError)\n")
    assert "secret" not in message


def test_an_interpreter_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv(INTERPRETER, str(tmp_path / "nobody"))
    assert refused(daily(), engine="tfcausalimpact").startswith("CAUSAL-001 engine is not installed\n")


def test_an_engine_that_answers_becomes_the_same_kind_of_effect(monkeypatch, tmp_path):
    """Another interpreter that answers as tfcausalimpact would: the shape of the effect, without TensorFlow."""
    numbers = {"predicted": 1.0, "abs_effect": 0.5, "abs_effect_lower": 0.1, "abs_effect_upper": 0.9}
    numbers |= {"rel_effect": 0.5, "rel_effect_lower": 0.1, "rel_effect_upper": 0.9}
    names = [
        f"{a}_{b}" for a in ("complete_preds", "point_effects", "post_cum_effects") for b in ("means", "lower", "upper")
    ]
    series = {name: [0.0] * 60 for name in names}
    answer = {
        "average": numbers,
        "cumulative": numbers,
        "p_value": 0.0,
        "n_draws": 1000,
        "version": "0",
        "series": series,
    }
    double = tmp_path / "python"
    (tmp_path / "answer.json").write_text(pd.Series(answer).to_json())
    double.write_text(f'#!/bin/sh\ncp "{tmp_path}/answer.json" "$3"\n')
    double.chmod(0o755)
    monkeypatch.setenv(INTERPRETER, str(double))
    found = bsts(daily(), time="day", outcome="y", controls=["x"], intervention="2026-02-20", engine="tfcausalimpact")
    ours = bsts(daily(), "day", "y", ["x"], "2026-02-20", n_chains=1, n_draws=50, holds_out=False)
    assert (found.estimate, found.p_value, found.diagnostics["engine"]) == (0.5, 0.002, "tfcausalimpact")
    assert list(found.series.columns) == list(ours.series.columns)
