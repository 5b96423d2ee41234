"""Frames in and out: one row per cell."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
import torch

from estimators import forecast as fc
from tests.forecast.refusals import refusal

WEEKS = pd.date_range("2024-01-01", periods=4, freq="W-MON")
DIMS = fc.Dims(region=["A", "B"], week=WEEKS)


def panel(**columns):
    cells = pd.MultiIndex.from_product([["B", "A"], WEEKS[::-1]], names=["region", "week"]).to_frame(index=False)
    return cells.assign(hours=np.arange(8.0), **columns)


def test_a_frame_in_any_order_of_rows_finds_its_cells():
    hours = fc.from_frame(panel().sample(frac=1, random_state=0), "hours", DIMS)
    assert hours.select(region="B", week=WEEKS[3]).item() == 0.0
    assert hours.select(region="A", week=datetime.date(2024, 1, 1)).item() == 7.0


def test_a_frame_comes_back_as_it_was():
    back = fc.from_frame(panel(), "hours", DIMS).to_frame("hours")
    expected = panel().sort_values(["region", "week"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(back, expected, check_dtype=False)
    assert back["week"].dtype.kind == "M"


def test_a_cell_without_a_row_is_missing():
    hours = fc.from_frame(panel().iloc[1:], "hours", DIMS)
    assert torch.isnan(hours.data).sum() == 1


def test_a_frame_without_rows_is_all_missing():
    assert fc.from_frame(panel().iloc[:0], "hours", DIMS).data.isnan().all()


def test_whole_numbers_with_missing_values_are_read():
    frame = panel(rides=pd.array([1, None, *range(6)], dtype="Int64"))
    assert fc.from_frame(frame, "rides", DIMS).data.isnan().sum() == 1


def test_a_history_reads_several_columns_of_one_frame():
    found = fc.history(panel(bonus=1.0), DIMS, ["hours", "bonus"])
    assert [*found] == ["hours", "bonus"]
    assert found["hours"].labels is DIMS


def test_a_tensor_without_dims_is_a_frame_of_one_row():
    assert fc.from_frame(panel(), "hours", DIMS).sum().to_frame("total")["total"].tolist() == [28.0]


def test_a_frame_of_a_slice_has_its_cells_only():
    frame = fc.from_frame(panel(), "hours", DIMS).select(region="B", week=slice(WEEKS[1], WEEKS[2])).to_frame("hours")
    assert frame["hours"].tolist() == [2.0, 1.0]


@pytest.mark.parametrize("frequency", ["h", "D", "W-MON", "MS", "ME", "QS", "YE"])
def test_even_calendars_have_no_gap(frequency):
    days = pd.date_range("2023-01-31", periods=30, freq=frequency)
    frame = pd.DataFrame({"day": days, "y": 1.0})
    y = fc.history(frame, fc.Dims(day=days), ["y"])["y"]
    assert y.to_frame("y")["day"].tolist() == days.tolist()


@pytest.mark.parametrize("frequency", ["h", "D", "W-MON", "MS", "ME"])
def test_a_period_left_out_is_a_gap(frequency):
    days = pd.date_range("2023-01-31", periods=30, freq=frequency).delete(17)
    frame = pd.DataFrame({"day": days, "y": 1.0})
    assert "a gap in day" in refusal(lambda: fc.history(frame, fc.Dims(day=days), ["y"]))
