"""Levels, trends and seasons: what they are on known weeks, and how they go on."""

from __future__ import annotations

import datetime
import math

import pandas as pd
import pytest
import torch

from estimators import forecast as fc

WEEKS = [*range(12)]
DIMS = fc.Dims(region=["A", "B"], week=WEEKS[:8])
LATER = DIMS.replace(week=WEEKS)
SOURCE = torch.Generator().manual_seed(0)


def module_of(declare, dims=DIMS):
    """A collection whose only node is what `declare(module)` declares."""

    class Series(fc.Module):
        outputs = {"y": fc.Port("region", "week")}

        def setup(self):
            self.part = declare(self)

        def forward(self):
            return self.part

    model = fc.ModelCollection(Series(), dims=dims)
    with torch.no_grad():
        for raw in model.parameters():
            raw.copy_(torch.rand(raw.shape, generator=SOURCE, dtype=raw.dtype))
    return model


def raw(model):
    return next(model.parameters()).detach()


def test_a_level_has_a_value_of_its_own_in_every_week():
    model = module_of(lambda m: m.local_level("level", "region", "week"))
    assert torch.equal(model({})["y"].data, raw(model))


def test_a_level_stays_where_it_was_last():
    model = module_of(lambda m: m.local_level("level", "region", "week"))
    y = model({}, labels=LATER)["y"]
    assert y.labels["week"] == tuple(WEEKS)
    assert torch.equal(y.select(week=slice(7, 11)).data, raw(model)[:, -1:].expand(2, 5))


def test_a_level_of_later_weeks_alone_is_the_last_one():
    model = module_of(lambda m: m.local_level("level", "region", "week"))
    y = model({}, labels=DIMS.replace(week=WEEKS[8:]))["y"]
    assert torch.equal(y.data, raw(model)[:, -1:].expand(2, 4))


def test_the_gradient_of_a_forecast_goes_to_the_last_level():
    model = module_of(lambda m: m.local_level("level", "region", "week"))
    model({}, labels=DIMS.replace(week=WEEKS[8:]))["y"].sum().data.backward()
    assert next(model.parameters()).grad.tolist() == [[0.0] * 7 + [4.0]] * 2


def test_a_trend_is_a_line_that_goes_on():
    model = module_of(lambda m: m.trend("slope", "region", "week"))
    y = model({}, labels=LATER)["y"]
    expected = raw(model) * torch.arange(12.0, dtype=torch.float64) / 7
    torch.testing.assert_close(y.data, expected, rtol=1e-12, atol=1e-14)


def test_a_knot_changes_the_slope_of_a_trend():
    model = module_of(lambda m: m.trend("slope", "week", knots=1), DIMS.replace(week=range(9)))
    slope, change = raw(model)
    y = model({}, labels=DIMS.replace(week=range(12)))["y"].select(region="A").data
    steps = torch.diff(y)
    torch.testing.assert_close(steps[:4], (slope / 8).expand(4), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(steps[4:], ((slope + change) / 8).expand(7), rtol=1e-12, atol=1e-14)


def test_a_season_repeats_itself_beyond_the_known_weeks():
    model = module_of(lambda m: m.seasonality("season", "region", "week", period=4, harmonics=2))
    y = model({}, labels=LATER)["y"].data
    torch.testing.assert_close(y[:, :8], y[:, 4:], rtol=1e-12, atol=1e-12)


def test_a_season_is_a_sum_of_sines_and_cosines():
    model = module_of(lambda m: m.seasonality("season", "week", period=5.0, harmonics=1))
    a, b = raw(model).tolist()
    y = model({})["y"].select(region="B").data.tolist()
    angles = [2 * math.pi * week / 5 for week in range(8)]
    assert y == pytest.approx([a * math.sin(x) + b * math.cos(x) for x in angles], rel=1e-12)


@pytest.mark.parametrize("frequency", ["D", "W-MON", "MS", "ME", "h"])
def test_later_dates_are_counted_by_the_calendar(frequency):
    dates = pd.date_range("2024-01-31", periods=12, freq=frequency)
    dims = fc.Dims(region=["A"], week=dates[:8])
    model = module_of(lambda m: m.trend("slope", "region", "week"), dims)
    y = model({}, labels=dims.replace(week=dates[9:]))["y"].data
    torch.testing.assert_close(y, raw(model) * torch.arange(9, 12) / 7, rtol=1e-12, atol=1e-14)


def test_later_labels_that_are_text_are_counted_in_order():
    dims = fc.Dims(region=["A"], week=["w1", "w2", "w3"])
    model = module_of(lambda m: m.trend("slope", "region", "week"), dims)
    y = model({}, labels=dims.replace(week=["w2", "w3", "w4", "w5"]))["y"].data
    torch.testing.assert_close(y, raw(model) * torch.tensor([[1.0, 2.0, 3.0, 4.0]]) / 2, rtol=1e-12, atol=1e-14)


def test_a_collection_knows_the_dims_it_moves_along():
    assert module_of(lambda m: m.local_level("level", "week")).times == ("week",)
    assert module_of(lambda m: m.param("level", "region")).times == ()


def test_one_known_week_can_be_extended():
    dims = fc.Dims(region=["A"], week=[datetime.date(2024, 1, 1)])
    model = module_of(lambda m: m.local_level("level", "week"), dims)
    later = dims.extend(week=[datetime.date(2024, 1, 8)])
    assert model({}, labels=later)["y"].shape == (1, 2)
