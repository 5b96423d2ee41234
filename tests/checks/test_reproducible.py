"""The same study table gives the same results, whatever the number of threads and the order of its rows."""

from __future__ import annotations

import json

import duckdb
import pytest

from estimators.analysis import analyse
from tests.checks.simulated import simulated, study

N = 120_000  # enough for the sums to be made by the engine, in parallel


def frame(threads: int, order: str) -> list[dict]:
    rows = simulated(N, confounding=0.3)  # noqa: F841 - read by name
    connection = duckdb.connect(config={"threads": threads})
    connection.execute(f"create table study as select * from rows order by {order}")
    asked = study(design="observational", methods=["aipw", {"name": "cem", "bins": 4}])
    results = analyse(connection.table("study"), asked, study_id="repeat", definition_hash="h")
    found = results.frame("run", "version", "commit")
    return [json.loads(p) for p in found["payload"]]


def assert_same(first: dict, second: dict, scale: float = 0.0) -> None:
    """Text and counts exactly; numbers to 1e-12 of the larger of themselves and their standard error."""
    assert first.keys() == second.keys()
    scale = max(scale, abs(first.get("std_error") or 0.0))
    if first.get("check_name") == "second_opinion":
        scale = 1.0  # its statistic counts standard errors, and is a difference of two numbers that agree
    for key, value in first.items():
        other = second[key]
        if isinstance(value, dict):
            assert_same(value, other, scale)
        elif isinstance(value, float) and isinstance(other, float):
            assert other == pytest.approx(value, rel=1e-12, abs=1e-12 * scale), key
        elif key not in ("reason", "data_fingerprint"):
            assert value == other, key


def test_one_thread_and_two_and_another_order_of_rows_give_the_same_results():
    first = frame(1, "unit_id")
    for other in (frame(2, "unit_id"), frame(2, "covariate_age")):
        assert len(other) == len(first)
        for mine, theirs in zip(first, other, strict=True):
            assert_same(mine, theirs, scale=1e-3)


def test_another_study_name_gives_another_split():
    rows = simulated(5_000, confounding=0.3)
    asked = study(design="observational", methods=["aipw"])
    estimates = {analyse(rows, asked, study_id=name).estimates[0] for name in ("one", "two")}
    assert len(estimates) == 2
