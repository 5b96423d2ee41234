"""Whole messages of labelled tensors and frames."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
import torch

from estimators import forecast as fc
from tests.forecast.refusals import refusal

DIMS = fc.Dims(region=["A", "B", "C"], week=[1, 2, 3])
X = fc.tensor(np.zeros((3, 3)), DIMS)
MONDAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(weeks=i) for i in range(4)]
FRAME = pd.DataFrame({"region": ["A", "B"], "week": [1, 2], "hours": [1.0, 2.0]})


def frame(**columns):
    return FRAME.assign(**columns)


CASES = {
    "repeated label": lambda: fc.Dims(week=[1, 2, 2]),
    "unknown dim": lambda: X.sum("weak"),
    "unknown label": lambda: X.select(region="D"),
    "unknown labels in a list": lambda: X.select(week=[3, 4, 5, 6, 7]),
    "label of another type": lambda: X.select(week="1"),
    "slice with a step": lambda: X.select(week=slice(1, 3, 2)),
    "other labels": lambda: X + fc.tensor(np.zeros(3), fc.Dims(week=[2, 3, 4])),
    "other order": lambda: X * X.select(region=["A", "C", "B"]),
    "fewer labels": lambda: fc.maximum(X, X.select(week=[1, 2])),
    "renamed onto another dim": lambda: X.rename(week="region"),
    "transposed without a dim": lambda: X.transpose("week"),
    "broadcast to fewer dims": lambda: X.broadcast(DIMS.only("region")),
    "array of another shape": lambda: fc.tensor(np.zeros((3, 2)), DIMS),
    "array without labels": lambda: X * np.ones(3),
    "list without labels": lambda: X - [1, 2, 3],
    "function of torch": lambda: torch.log1p(X),
    "joined with other dims": lambda: fc.concat([X, X.sum("region")], "week"),
    "joined with other labels": lambda: fc.concat([X, X.select(region=["A", "B"])], "week"),
    "joined twice": lambda: fc.concat([X, X], "week"),
    "frame without a column": lambda: fc.from_frame(FRAME, "bonus", DIMS),
    "duplicate cells": lambda: fc.from_frame(pd.concat([FRAME, FRAME]), "hours", DIMS),
    "frame with an unknown label": lambda: fc.from_frame(frame(region=["A", "X"]), "hours", DIMS),
    "frame with labels of another type": lambda: fc.from_frame(frame(week=["1", "2"]), "hours", DIMS),
    "frame with missing labels": lambda: fc.from_frame(frame(region=["A", None]), "hours", DIMS),
    "frame with text for numbers": lambda: fc.from_frame(frame(hours=["1", "2"]), "hours", DIMS),
    "gap in weeks": lambda: fc.history(
        frame(week=MONDAYS[:2]), DIMS.replace(week=[*MONDAYS[:2], MONDAYS[3]]), ["hours"]
    ),
}
MESSAGES = {
    "repeated label": """\
repeated label in week
  1 of 3 labels are repeated, the first is 2
  fix: pass every label once, in order""",
    "unknown dim": """\
unknown dim weak
  the dims here are region, week; did you mean week?
  fix: use one of these dims, or add it to fc.Dims""",
    "unknown label": """\
unknown label in region
  1 unknown: 'D'
  region has 3 labels, A to C
  fix: correct the label, or add it to region in fc.Dims""",
    "unknown labels in a list": """\
unknown label in week
  4 unknown: '4', '5', '6', …
  week has 3 labels, 1 to 3
  fix: correct the label, or add it to week in fc.Dims""",
    "label of another type": """\
unknown label in week
  1 unknown: '1'
  week has 3 labels, 1 to 3
  asked for: text; labels of week: whole number
  fix: correct the label, or add it to week in fc.Dims""",
    "slice with a step": """\
a slice of week with a step
  step 2
  fix: pass the list of labels""",
    "other labels": """\
labels clash in week
  the left has 3 labels, the right has 3
  1 only in the left, e.g. 1; 1 only in the right, e.g. 4
  fix: select the labels that both have, or rename one week""",
    "other order": """\
labels clash in region
  the left has 3 labels, the right has 3
  the same in another order: label 2 is B in the left, C in the right
  fix: order one by the other: x.select(region=y.labels['region'])""",
    "fewer labels": """\
labels clash in week
  the left has 3 labels, the right has 2
  1 only in the left, e.g. 3
  fix: select the labels that both have, or rename one week""",
    "renamed onto another dim": """\
a dim twice
  after renaming the dims would be region, region
  fix: choose other names""",
    "transposed without a dim": """\
transpose needs every dim once
  got week, the tensor has region, week
  fix: name all of them; sum or select to have fewer""",
    "broadcast to fewer dims": """\
a dim too many
  week is not among region
  fix: sum, average or select it away first""",
    "array of another shape": """\
an array of another shape
  the array is 3 × 2, its dims are region: 3, week: 3
  fix: order the axes as the names, one value per label""",
    "array without labels": """\
an operand without labels
  ndarray of shape (3,) has no dims
  fix: make it a labelled tensor: fc.tensor(data, dims, names)""",
    "list without labels": """\
an operand without labels
  list has no dims
  fix: make it a labelled tensor: fc.tensor(data, dims, names)""",
    "function of torch": """\
torch.log1p of a labelled tensor
  functions of torch do not know dims and labels
  fix: fc.log1p if there is one, x.map(torch.log1p) if it works by element""",
    "joined with other dims": """\
tensors with other dims in a row
  the first has region, week, another has week
  fix: broadcast them to the same dims first""",
    "joined with other labels": """\
labels clash in region
  the first has 3 labels, another has 2
  1 only in the first, e.g. C
  fix: select the labels that both have, or rename one region""",
    "joined twice": """\
repeated label in week
  3 of 6 labels are repeated, the first is 1
  fix: pass every label once, in order""",
    "frame without a column": """\
a frame without the columns it needs
  missing: bonus; the frame has region, week, hours
  fix: one row per cell: a column per dim and one per value""",
    "duplicate cells": """\
duplicate cells
  2 of 4 rows repeat a cell, the first is region A, week 1
  fix: one row per region, week: aggregate the frame first""",
    "frame with an unknown label": """\
unknown label in region
  1 unknown: 'X'
  region has 3 labels, A to C
  fix: correct the label, or add it to region in fc.Dims""",
    "frame with labels of another type": """\
unknown label in week
  2 unknown: '1', '2'
  week has 3 labels, 1 to 3
  asked for: text; labels of week: whole number
  fix: correct the label, or add it to week in fc.Dims""",
    "frame with missing labels": """\
missing labels in region
  1 of 2 rows have no region
  fix: drop these rows or give them a label""",
    "frame with text for numbers": """\
hours is not a number
  its type is str
  fix: cast it to double""",
    "gap in weeks": """\
a gap in week
  after 2024-01-08 comes 2024-01-22, 14 days; the usual step is 7 days
  fix: put every label into week in order: rows that are not there become missing values""",
}


@pytest.mark.parametrize("case", CASES)
def test_refuses_with_the_whole_message(case):
    assert refusal(CASES[case]) == MESSAGES[case]
