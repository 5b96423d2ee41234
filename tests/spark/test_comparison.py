"""The comparison of two builds finds what differs, and nothing else."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.spark.clock import Clock
from tests.spark.compare import deviations

EFFECTS = pd.DataFrame(
    {
        "study_id": ["a", "b"],
        "run_id": ["r", "r"],
        "status": ["published", "blocked"],
        "estimate": [1.5, None],
        "std_error": [0.25, None],
        "diagnostics": ['{"x": 1.0, "y": [1, 2]}', None],
    }
)


def found(**changes) -> list[str]:
    return list(deviations({"effects": EFFECTS.assign(**changes)}, {"effects": EFFECTS}))


def test_what_differs_in_every_build_is_left_out():
    assert found(run_id="another") == []


def test_rows_may_come_in_any_order():
    assert list(deviations({"effects": EFFECTS.iloc[::-1]}, {"effects": EFFECTS})) == []


def test_a_json_text_may_be_written_differently():
    assert found(diagnostics=['{"y":[1,2],"x":1}', None]) == []


def test_rounding_in_the_last_digits_is_no_difference():
    assert found(estimate=[1.5 * (1 + 1e-10), None]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"estimate": [1.5 * (1 + 1e-7), None]},
        {"estimate": [1.5, 0.0]},
        {"status": ["published", "published"]},
        {"diagnostics": ['{"x": 1.1, "y": [1, 2]}', None]},
        {"study_id": ["a", "c"]},
    ],
)
def test_a_difference_is_found(changes):
    assert found(**changes) != []


def test_a_missing_row_is_found():
    assert list(deviations({"effects": EFFECTS.head(1)}, {"effects": EFFECTS})) == ["effects: 1 rows, wanted 2"]


def test_a_missing_table_is_found():
    assert list(deviations({}, {"effects": EFFECTS})) == ["effects: on one side only"]


def test_overhead_is_the_time_in_which_neither_a_query_nor_a_model_runs():
    clock = Clock(queries=[(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)], models=[(4.0, 7.0)])
    assert clock.seconds(10.0) == {"wall": 10.0, "queries": 4.0, "python": 2.0, "overhead": 4.0}
