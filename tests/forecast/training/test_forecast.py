"""Forecasts and their intervals: which kind, how often they cover, and what they need."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.forecast_worlds import Hours, Rides, confounded, fitted
from estimators import forecast as fc
from estimators.errors import CausalError
from estimators.forecast.training.conformal import conformal_quantile


@pytest.fixture(scope="module")
def world():
    return confounded(3, n_weeks=60)


@pytest.fixture(scope="module")
def model(world):
    return fitted(world, draws=25)


def covered(world, frame) -> float:
    both = world.future["hours"].to_frame("seen").merge(frame, on=["region", "week"])
    return float(((both.seen >= both.lower) & (both.seen <= both.upper)).mean())


def test_a_forecast_has_a_row_per_node_and_cell(world, model):
    frame = model.forecast(8, inputs={"bonus": world.future["bonus"]})
    assert list(frame.columns) == ["node", "region", "week", "point", "lower", "upper", "interval"]
    assert len(frame) == 12 * 8
    assert (frame.lower < frame.point).all()
    assert (frame.point < frame.upper).all()


def test_draws_of_a_likelihood_give_its_intervals(world, model):
    frame = model.forecast(8, inputs={"bonus": world.future["bonus"]})
    assert set(frame.interval) == {"calibrated"}
    assert 0.6 <= covered(world, frame) <= 0.95


def test_tempered_weights_give_calibrated_intervals(world):
    loss = fc.Fit("hours") + 2.0 * fc.Agree(world.experiments.train) + fc.Pool()
    frame = fitted(world, loss=loss, draws=5).forecast(8, inputs={"bonus": world.future["bonus"]})
    assert set(frame.interval) == {"conformal"}
    assert 0.65 <= covered(world, frame) <= 0.95


def test_a_wider_level_is_a_wider_interval(world, model):
    narrow, wide = (model.forecast(4, inputs={"bonus": world.future["bonus"]}, level=p) for p in (0.5, 0.9))
    assert (wide.upper - wide.lower > narrow.upper - narrow.lower).mean() > 0.95


def test_intervals_grow_with_the_horizon(world):
    frame = fitted(world).forecast(8, inputs={"bonus": world.future["bonus"]})
    width = (frame.upper - frame.lower).groupby(frame.week).mean()
    assert width.is_monotonic_increasing


def test_weeks_without_observations_are_forecast_from_the_history_itself(world):
    hours = world.history["hours"].data.clone()
    hours[:, 52:] = torch.nan
    history = world.history | {"hours": fc.Tensor(hours, world.history["hours"].axes)}
    fit = fc.ModelCollection(Hours(), dims=world.dims).fit(history, fc.Fit("hours") + fc.Pool(), draws=5)
    frame = fit.forecast(horizon=8)
    assert sorted(set(frame.week)) == list(range(52, 60))


def test_a_node_without_a_history_has_no_calibrated_interval(world):
    model = fc.ModelCollection(Hours(), Rides(), dims=world.dims)
    frame = model.fit(world.history, fc.Fit("hours") + fc.Pool()).forecast(4, inputs={"bonus": world.future["bonus"]})
    assert set(frame[frame.node == "rides"].interval) == {"none"}
    assert frame[frame.node == "rides"].lower.isna().all()


def test_samples_come_one_per_draw(world, model):
    samples = model.sample(4, inputs={"bonus": world.future["bonus"]})
    assert len(samples) == 25
    assert samples[0]["hours"].axes["week"] == tuple(range(60, 64))


def test_a_sample_without_draws_is_refused(world):
    with pytest.raises(CausalError, match="a sample without draws"):
        fitted(world, stages=("joint",), steps=1, rounds=1).sample(4, inputs={"bonus": world.future["bonus"]})


def test_a_horizon_longer_than_the_inputs_is_refused(world, model):
    with pytest.raises(CausalError) as error:
        model.forecast(9, inputs={"bonus": world.future["bonus"]})
    assert str(error.value) == "\n".join(
        [
            "CAUSAL-029 a horizon longer than the known inputs",
            "  9 labels of week asked for, bonus is known for 8 after the history",
            "  fix: give bonus for the whole horizon, or ask for at most 8",
            "  more: docs/errors.md#causal-029",
        ]
    )


def test_inputs_of_the_horizon_that_are_infinite_are_refused(world, model):
    future = world.future["bonus"]
    wrong = fc.Tensor(torch.full_like(future.data, float("inf")), future.axes)
    with pytest.raises(CausalError, match="missing or infinite values in the input bonus"):
        model.forecast(4, inputs={"bonus": wrong})


def test_a_horizon_without_inputs_is_refused(model):
    with pytest.raises(CausalError) as error:
        model.forecast(4)
    assert str(error.value) == "\n".join(
        [
            "CAUSAL-029 a horizon longer than the known inputs",
            "  4 labels of week asked for, the history has 0 after the last observation",
            "  fix: pass inputs= with bonus for the horizon",
            "  more: docs/errors.md#causal-029",
        ]
    )


def test_a_history_too_short_to_calibrate_is_refused(world):
    fit = fitted(world, stages=("joint",), steps=1, rounds=1)
    with pytest.raises(CausalError, match="a history too short for calibrated intervals"):
        fit.calibration(31)


def test_the_conformal_quantile_covers_as_often_as_it_says():
    source = np.random.default_rng(1)
    hits = []
    for _ in range(400):
        errors = torch.from_numpy(np.abs(source.standard_t(3, 31)))
        hits.append(float(errors[-1]) <= conformal_quantile(errors[:-1], 0.8))
    assert np.mean(hits) == pytest.approx(25 / 31, abs=0.05)
