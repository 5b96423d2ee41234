"""Intervals that say 80 %: how often they hold over many worlds, and what makes them hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.forecast_worlds import Hours, confounded, fitted
from estimators import forecast as fc

N_WORLDS = 12
HORIZON = 8


def steady(seed: int) -> tuple[fc.ModelCollection, dict, dict]:
    """A world in which all that the model supposes is true: a bonus set at random, a walking level, Normal noise."""
    source = np.random.default_rng(seed)
    n, total = 8, 60 + HORIZON
    bonus = source.uniform(5, 40, (n, total))
    level = 100 + 0.5 * source.standard_normal((n, total)).cumsum(1)
    slope = 11 + source.standard_normal((n, 1))
    hours = level + slope * np.log1p(bonus / 10) + 2 * source.standard_normal((n, total))
    regions = [f"r{i}" for i in range(n)]
    past, after = fc.Dims(region=regions, week=range(60)), fc.Dims(region=regions, week=range(60, total))
    seen = {"bonus": bonus, "hours": hours}
    history, future = (
        {name: fc.tensor(values[:, cut], dims) for name, values in seen.items()}
        for dims, cut in ((past, slice(60)), (after, slice(60, None)))
    )
    return fc.ModelCollection(Hours(), dims=past), history, future


def share_inside(frame, future: dict) -> float:
    both = future["hours"].to_frame("seen").merge(frame, on=["region", "week"])
    return float(((both.seen >= both.lower) & (both.seen <= both.upper)).mean())


@pytest.fixture(scope="module")
def confounded_worlds():
    worlds = [confounded(100 + seed, n_weeks=60) for seed in range(N_WORLDS)]
    return [(fitted(world, draws=20), world.future) for world in worlds]


@pytest.mark.slow
def test_four_of_five_observations_lie_inside_where_the_model_is_right():
    found = []
    for seed in range(N_WORLDS):
        model, history, future = steady(seed)
        fit = model.fit(history, fc.Fit("hours") + fc.Pool(), draws=20)
        found.append(share_inside(fit.forecast(HORIZON, inputs={"bonus": future["bonus"]}), future))
    assert 0.75 <= np.mean(found) <= 0.85


@pytest.mark.slow
def test_four_of_five_observations_lie_inside_where_shocks_last_and_fewer_without_the_factors(monkeypatch):
    worlds = [confounded(100 + seed, n_weeks=60) for seed in range(N_WORLDS)]
    fits = [(fitted(world, draws=20), world.future) for world in worlds]

    def found() -> tuple[set[str], float]:
        frames = [(fit.forecast(HORIZON, inputs={"bonus": future["bonus"]}), future) for fit, future in fits]
        return {kind for frame, _ in frames for kind in frame.interval}, np.mean([share_inside(*one) for one in frames])

    kinds, share = found()
    monkeypatch.setattr(fc.Fitted, "stretch", lambda *arguments: {})
    kinds_without, share_without = found()
    assert (kinds, kinds_without) == ({"calibrated"}, {"model"})
    assert 0.75 <= share <= 0.85
    assert share_without <= share - 0.02


def test_looking_back_leaves_the_model_as_it_was():
    model, history, _ = steady(1)
    fit = model.fit(history, fc.Fit("hours") + fc.Pool(), draws=5)
    before = {name: value.clone() for name, value in fit.model.state_dict().items()}
    first = fit.stretch(HORIZON)
    assert all(torch.equal(before[name], value) for name, value in fit.model.state_dict().items())
    fit._stretches.clear()
    assert torch.equal(fit.stretch(HORIZON)["hours"], first["hours"])


def test_weeks_that_come_later_move_no_level_before_them():
    from estimators.forecast.training.stretch import _filter

    model, history, _ = steady(2)
    later = history["hours"].data.clone()
    later[:, 50:] += 500.0
    own = model.fit(history, fc.Fit("hours"))
    scale = own.objective.fits["hours"].observations.scale
    levels = []
    for hours in (history["hours"].data, later):
        residual = own.weighed["hours"].residual + (hours - history["hours"].data) / scale
        _filter(own, {"hours": residual}, 50)
        levels.append(own.model.parameter("Hours.base").data.detach().clone())
    assert torch.equal(*levels)


def test_a_horizon_longer_than_half_the_history_leaves_the_intervals_of_the_model():
    model, history, _ = steady(3)
    fit = model.fit(history, fc.Fit("hours") + fc.Pool(), draws=5)
    assert fit.stretch(31) == {}
