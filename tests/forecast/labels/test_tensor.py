"""Labelled tensors: arithmetic by name, gradients through it, and labels in and out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from estimators import forecast as fc
from tests.forecast.refusals import refusal

DIMS = fc.Dims(region=["A", "B"], week=[1, 2, 3])
X = fc.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], DIMS)
SLOPE = fc.tensor([10.0, 100.0], DIMS, ("region",))


def test_dims_of_a_result_are_the_left_ones_then_the_new_ones_of_the_right():
    week = fc.tensor([1.0, 2.0, 3.0], DIMS, ("week",))
    assert (week * SLOPE).dims == ("week", "region")
    assert (SLOPE * week).dims == ("region", "week")


def test_broadcasts_by_name_whatever_the_order_of_the_axes():
    assert (X.transpose("week", "region") * SLOPE).select(region="B", week=3).item() == 600.0


def test_a_gradient_flows_through_labels_to_the_cells_it_came_from():
    raw = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    y = (fc.Tensor(raw, DIMS) * SLOPE).select(region=["B"], week=slice(2, 3)).sum()
    y.data.backward()
    assert raw.grad.tolist() == [[0.0, 0.0, 0.0], [0.0, 100.0, 100.0]]


def test_equal_labels_of_other_objects_are_the_same_labels():
    same = fc.tensor(np.ones((2, 3)), fc.Dims(region=["A", "B"], week=[1, 2, 3]))
    assert (X + same).data.sum().item() == 27.0


def test_numbers_are_float64_and_truth_stays_truth():
    assert fc.tensor([1, 2], DIMS, ("region",)).data.dtype == torch.float64
    assert fc.tensor([True, False], DIMS, ("region",)).data.dtype == torch.bool


def test_missing_values_spread_instead_of_being_skipped():
    y = fc.where(X > 5.0, float("nan"), X)
    assert torch.isnan(y.sum("week").data).tolist() == [False, True]
    assert fc.isnan(y).sum().item() == 1


@pytest.mark.parametrize("n", [-4, -1, 0, 2, 3, 7])
def test_a_shift_moves_by_labels_and_fills_the_rest(n):
    numbers = {week: float(week) for week in DIMS["week"]}
    y = fc.tensor([1.0, 2.0, 3.0], DIMS, ("week",)).shift("week", n, fill=-1.0)
    assert y.data.tolist() == [numbers.get(week - n, -1.0) for week in DIMS["week"]]


def test_a_slice_of_labels_includes_both_ends():
    assert X.select(week=slice(2, 3)).labels["week"] == (2, 3)
    assert X.select(week=slice(None, 2)).labels["week"] == (1, 2)


def test_a_slice_against_the_order_of_labels_is_empty():
    assert X.select(week=slice(3, 1)).shape == (2, 0)


def test_a_tuple_can_be_one_label():
    pairs = fc.Dims(cell=[("A", 1), ("B", 2)])
    y = fc.tensor([1.0, 2.0], pairs)
    assert y.select(cell=("B", 2)).item() == 2.0
    assert y.select(cell=(("B", 2),)).shape == (1,)


def test_numbers_of_torch_combine_from_both_sides():
    two = torch.tensor(2.0, dtype=torch.float64)
    for left, right in [
        (two * X, X * 2.0),
        (two - X, 2.0 - X),
        (two / X, 2.0 / X),
        (two**X, 2.0**X),
        (X / two, X / 2.0),
    ]:
        assert torch.equal(left.data, right.data)
    assert torch.equal((two < X).data, (X > 2.0).data)


def test_renamed_dims_no_longer_meet_the_old_ones():
    assert (X.rename(region="origin") + SLOPE).dims == ("origin", "week", "region")


def test_bounds_of_a_clip_may_be_tensors():
    y = fc.clip(X, lower=2.0, upper=fc.tensor([2.5, 5.0], DIMS, ("region",)))
    assert y.data.tolist() == [[2.0, 2.0, 2.5], [4.0, 5.0, 5.0]]


def test_a_row_of_tensors_has_the_labels_of_all():
    later = fc.tensor([[7.0], [8.0]], DIMS.replace(week=[4])).transpose("week", "region")
    y = fc.concat([X, later], "week")
    assert y.labels["week"] == (1, 2, 3, 4)
    assert y.select(week=4).data.tolist() == [7.0, 8.0]


def test_a_function_by_element_keeps_the_labels():
    assert X.map(torch.sin).labels is X.labels


def test_a_refused_operand_is_refused_from_both_sides():
    assert refusal(lambda: np.ones(3) * X) == refusal(lambda: X * np.ones(3))
