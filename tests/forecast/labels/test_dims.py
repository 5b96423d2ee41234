"""Dims and their labels: one form for the same day, lookups made once, no label twice."""

from __future__ import annotations

import copy
import datetime
import pickle

import numpy as np
import pandas as pd
import pytest

from estimators import forecast as fc

MONDAY = datetime.date(2024, 1, 1)


@pytest.mark.parametrize(
    "label",
    [
        MONDAY,
        datetime.datetime(2024, 1, 1),
        pd.Timestamp("2024-01-01"),
        np.datetime64("2024-01-01"),
        np.datetime64("2024-01-01", "ns"),
    ],
    ids=["date", "datetime", "pandas", "numpy days", "numpy nanoseconds"],
)
def test_a_day_is_the_same_label_however_it_is_written(label):
    assert fc.Dims(day=[label])["day"] == (MONDAY,)


def test_a_time_of_day_is_kept():
    assert fc.Dims(hour=[pd.Timestamp("2024-01-01 06:00")])["hour"] == (datetime.datetime(2024, 1, 1, 6),)


def test_labels_from_numpy_are_those_of_python():
    (label,) = fc.Dims(week=np.array([7]))["week"]
    assert type(label) is int


def test_labels_of_a_pandas_column_are_found_again():
    column = pd.Series(pd.date_range("2024-01-01", periods=3, freq="W-MON"))
    dims = fc.Dims(week=column)
    assert [dims.position("week", label) for label in column] == [0, 1, 2]


def test_replaced_dims_keep_their_order_and_their_other_labels():
    dims = fc.Dims(region=["A", "B"], week=[1, 2]).replace(region=["C"])
    assert (dims.names, dims["region"], dims["week"]) == (("region", "week"), ("C",), (1, 2))


def test_extended_dims_have_the_new_labels_at_the_end():
    dims = fc.Dims(week=[1, 2]).extend(week=[3, 4])
    assert dims["week"] == (1, 2, 3, 4)
    assert dims.size("week") == 4


def test_a_part_of_dims_is_the_same_object_every_time():
    dims = fc.Dims(region=["A"], week=[1])
    assert dims.only("week") is dims.only("week")
    assert dims.without("region") is dims.only("week")


def test_copies_share_their_labels_so_that_identity_still_tells():
    dims = fc.Dims(week=[1, 2])
    assert copy.deepcopy({"dims": dims})["dims"] is dims
    assert copy.deepcopy(dims["week"]) is dims["week"]


def test_dims_survive_pickling():
    dims = fc.Dims(region=["A", "B"], week=[MONDAY])
    assert pickle.loads(pickle.dumps(dims)) == dims


def test_remembered_alignments_do_not_pile_up():
    dims = fc.Dims(week=[1, 2])
    x = fc.tensor([1.0, 2.0], dims)
    for _ in range(1000):
        x + fc.tensor([1.0, 2.0], fc.Dims(week=[1, 2]))
    assert len(dims._remembered) <= 128
