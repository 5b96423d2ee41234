"""The table of experiments: what it accepts, what it refuses, and the covariance of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.errors import CausalError
from estimators.forecast.experiments.table import Experiments


def table(**changes) -> pd.DataFrame:
    row = {
        "experiment": "geo 1", "lever": "bonus", "outcome": "hours", "region": "A", "starts": 10, "ends": 14,
        "delta": 2.0, "effect": 30.0, "std_error": 3.0, "source": "randomised",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def test_reads_cells_from_columns_of_dims():
    (row,) = Experiments.from_table(table())
    assert (row.cells, row.starts, row.ends, row.delta) == ({"region": ("A",)}, 10, 14, 2.0)


def test_reads_cells_from_json():
    frame = table(cells='{"region": ["A", "B"]}').drop(columns="region")
    assert Experiments.from_table(frame)[0].cells == {"region": ("A", "B")}


def test_a_null_in_a_dim_means_all_of_it():
    assert Experiments.from_table(table(region=None))[0].cells == {}


def test_reads_the_outcome_in_the_window_of_the_change_unless_told():
    assert Experiments.from_table(table())[0].reading == (10, 14)
    assert Experiments.from_table(table(reads_until=18))[0].reading == (10, 18)


def test_an_observational_effect_carries_its_bias_bound_in_the_variance():
    frame = table(source="observational", bias_bound=4.0)
    assert Experiments.from_table(frame).covariance == pytest.approx(np.array([[25.0]]))


def test_a_shared_control_arm_makes_effects_covary():
    shared = {"control_group": "north", "control_std_error": 2.0}
    frame = pd.concat([table(**shared), table(region="B", **shared), table(region="C")])
    expected = np.array([[9.0, 4.0, 0.0], [4.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
    assert Experiments.from_table(frame).covariance == pytest.approx(expected)


def test_sides_of_the_split_and_sources_are_slices():
    frame = pd.concat(
        [
            table(split="train"),
            table(region="B", split="heldout"),
            table(region="C", split="heldout", source="observational", bias_bound=1.0),
        ]
    )
    experiments = Experiments.from_table(frame)
    assert [len(experiments.train), len(experiments.heldout), len(experiments.heldout.randomised)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"std_error": 0.0}, "row 1 (geo 1): std_error is 0, it must be above 0"),
        ({"std_error": -1.0}, "row 1 (geo 1): std_error is -1, it must be above 0"),
        ({"std_error": None}, "row 1 (geo 1): std_error is not a finite number"),
        ({"effect": np.inf}, "row 1 (geo 1): effect is not a finite number"),
        ({"delta": 0.0}, "row 1 (geo 1): delta is 0, nothing was changed"),
        ({"ends": 10}, "row 1 (geo 1): ends is not after starts (windows are half-open)"),
        ({"source": "guess"}, "row 1 (geo 1): source is 'guess', it must be randomised or observational"),
        ({"source": "observational"}, "row 1 (geo 1): an observational effect needs a bias_bound above 0"),
        ({"split": "test"}, "row 1 (geo 1): split is 'test', it must be train, heldout or null"),
        ({"change": "set"}, "row 1 (geo 1): change is 'set', it must be add or scale"),
        ({"lever": None}, "row 1 (geo 1): lever is missing"),
        ({"control_std_error": 3.0}, "row 1 (geo 1): control_std_error must be at least 0 and below std_error"),
    ],
)
def test_refuses_a_row_that_cannot_be(changes, line):
    with pytest.raises(CausalError) as refused:
        Experiments.from_table(table(**changes))
    assert str(refused.value) == "\n".join(
        [
            "CAUSAL-029 experiments that cannot be used",
            f"  {line}",
            "  fix: correct these rows of the model `experiments`",
            "  more: docs/errors.md#causal-029",
        ]
    )


def test_names_all_faulty_rows_at_once():
    with pytest.raises(CausalError) as refused:
        Experiments.from_table(pd.concat([table(delta=0.0), table(region="B", std_error=0.0), table(region="B")]))
    details = refused.value.faults[0].details
    assert [line.split(":")[0] for line in details] == ["row 1 (geo 1)", "row 2 (geo 1)", "row 3 (geo 1)"]


def test_refuses_a_table_without_its_columns():
    with pytest.raises(CausalError, match="the table lacks lever, std_error"):
        Experiments.from_table(table().drop(columns=["lever", "std_error"]))
