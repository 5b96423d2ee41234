"""What training finds: effects in spite of confounding, the same bits every time, and by every road."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.forecast_worlds import Hours, Rides, confounded, fitted
from estimators import forecast as fc


@pytest.fixture(scope="module")
def world():
    return confounded(0, n_weeks=60)


@pytest.fixture(scope="module")
def model(world):
    return fitted(world)


@pytest.fixture(scope="module")
def trusting(world):
    return fitted(world, loss=fc.Fit("hours") + fc.Pool())


def heldout_error(fit, world) -> float:
    predicted = fit.effect(world.experiments.heldout)["predicted"]
    return float(np.sqrt(np.mean((predicted - world.effects[8:]) ** 2)))


def parameters(fit) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1) for p in fit.model.parameters()])


def test_history_alone_finds_too_small_an_effect(world, trusting):
    assert float(trusting.model.parameter("slope").data.detach().mean()) < 0.6 * world.slope.mean()


def test_experiments_bring_the_effect_back(world, model):
    assert float(model.model.parameter("slope").data.detach().mean()) == pytest.approx(world.slope.mean(), rel=0.15)


def test_experiments_at_least_halve_the_error_of_held_out_effects(world, model, trusting):
    assert heldout_error(model, world) <= 0.5 * heldout_error(trusting, world)


def test_the_loss_of_the_issue_does_so_too(world, trusting):
    train = world.experiments.train
    loss = fc.Fit("hours", scale="mase") + 2.0 * fc.Agree(train) + 0.1 * fc.Pool() + 0.01 * fc.Smooth("base", "week")
    assert heldout_error(fitted(world, loss=loss), world) <= 0.5 * heldout_error(trusting, world)


def test_history_decides_where_a_lever_is_said_to_be_set_from_outside(world, trusting):
    loss = fc.Fit("hours") + fc.Agree(world.experiments.train) + fc.Pool()
    told = fitted(world, loss=loss, endogenous=())
    assert float(told.model.parameter("slope").data.detach().mean()) < 0.8 * world.slope.mean()


def test_training_repeats_to_the_bit(world, model):
    assert torch.equal(parameters(fitted(world)), parameters(model))


def test_draws_repeat_to_the_bit(world):
    one, other = (fitted(world, draws=3) for _ in range(2))
    for left, right in zip(one.draws, other.draws, strict=True):
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_draws_leave_the_model_at_its_best(world, model):
    assert torch.equal(parameters(fitted(world, draws=3)), parameters(model))


def test_adam_finds_what_lbfgs_finds(world, model):
    adam = fitted(world, optimiser="adam", adam_steps=300, rounds=1)
    best = model.losses[model.losses.stage == "joint"].value.sum()
    assert heldout_error(adam, world) == pytest.approx(heldout_error(model, world), rel=0.35)
    assert adam.losses[adam.losses.stage == "joint"].value.sum() < best + 15


def test_losses_are_told_by_stage_term_and_node(model):
    rows = {(row.stage, row.term, row.node) for row in model.losses.itertuples()}
    assert {("separate Hours", "fit", "hours"), ("joint", "agree", "hours"), ("joint", "pool", "Hours.slope")} <= rows


def test_a_segment_leaves_the_other_modules_alone(world):
    history = world.history | {"rides": 0.5 * world.history["hours"] + 1.0}
    model = fc.ModelCollection(Hours(), Rides(), dims=world.dims)
    before = model["Hours"].state_dict()["slope"].clone()
    model.fit(history, fc.Fit("hours") + fc.Fit("rides") + fc.Pool(), stages=(("Rides",),))
    assert torch.equal(model["Hours"].state_dict()["slope"], before)
    assert float(model.parameter("share").data.detach()) == pytest.approx(0.5, abs=0.02)


def test_modules_trained_side_by_side_are_those_trained_in_turn(world):
    history = world.history | {"rides": 0.5 * world.history["hours"]}
    found = []
    for workers in (1, 2):
        model = fc.ModelCollection(Hours(), Rides(), dims=world.dims)
        fit = model.fit(history, fc.Fit("hours") + fc.Fit("rides") + fc.Pool(), stages=("separate",), workers=workers)
        found.append(parameters(fit))
    assert torch.equal(*found)


def test_an_experiment_downstream_teaches_the_module_upstream(world):
    history = world.history | {"rides": 0.5 * world.history["hours"]}
    table = world.table.assign(outcome="rides", effect=world.table.effect / 2, std_error=world.table.std_error / 2)
    train = fc.Experiments.from_table(table).train
    model = fc.ModelCollection(Hours(), Rides(), dims=world.dims)
    model.fit(history, fc.Fit("hours") + fc.Fit("rides") + fc.Agree(train) + fc.Pool())
    assert float(model.parameter("slope").data.detach().mean()) == pytest.approx(world.slope.mean(), rel=0.2)


def test_a_module_brings_its_own_loss_and_optimiser(world):
    class Held(Rides):
        def loss(self, outputs, history):
            return 1e4 * (self.share.data - 0.3) ** 2

        def optimiser(self, parameters):
            return torch.optim.Adam(parameters, lr=0.05)

    model = fc.ModelCollection(Hours(), Held(), dims=world.dims)
    fit = model.fit(world.history, fc.Fit("hours") + fc.Pool(), rounds=1)
    assert float(model.parameter("share").data.detach()) == pytest.approx(0.3, abs=0.01)
    assert ("own", "Held") in set(zip(fit.losses.term, fit.losses.node, strict=True))


def test_progress_is_told(world):
    told = []
    fitted(world, progress=lambda stage, step, value: told.append((stage, step, value)))
    assert {stage for stage, _, _ in told} == {"Hours", "joint"}
    joint = [value for stage, _, value in told if stage == "joint"]
    assert joint[-1] <= joint[0]


def test_held_out_weeks_end_the_training_of_a_module_that_learns_by_heart(world):
    class Heart(fc.Module):
        inputs = {"bonus": fc.Port("region", "week")}
        outputs = {"hours": fc.Port("region", "week")}

        def setup(self):
            self.base = self.param("base", "region", init=100.0)
            self.waves = self.seasonality("waves", "region", "week", period=60, harmonics=25)

        def forward(self, bonus):
            return self.base + self.waves + 0.0 * bonus

    def error(**options) -> float:
        cut = dict(world.history)
        cut["hours"] = fc.Tensor(cut["hours"].data.clone(), cut["hours"].axes)
        cut["hours"].data[:, 50:] = torch.nan
        model = fc.ModelCollection(Heart(), dims=world.dims)
        made = model.fit(cut, fc.Fit("hours"), stages=("joint",), **options).nodes()["hours"].data
        return float((made - world.history["hours"].data)[:, 50:].abs().mean())

    assert error(heldout=6) < error()


def test_weights_that_are_all_one_make_a_likelihood():
    assert (fc.Fit("a") + fc.Pool()).is_likelihood
    assert not (fc.Fit("a") + 0.1 * fc.Pool()).is_likelihood


def test_series_that_never_move_are_left_out_of_a_scaled_fit_and_counted(world):
    hours = world.history["hours"].data.clone()
    hours[3] = 7.0
    history = world.history | {"hours": fc.Tensor(hours, world.history["hours"].axes)}
    model = fc.ModelCollection(Hours(), dims=world.dims)
    fit = model.fit(history, fc.Fit("hours", scale="mase") + fc.Pool(), stages=("joint",), steps=2, rounds=1)
    assert fit.excluded_series() == {"hours": 1}
    assert not bool(fit.objective.fits["hours"].observations.observed[3].any())


def test_a_known_noise_is_taken_as_it_is(world):
    model = fc.ModelCollection(Hours(), dims=world.dims)
    fit = model.fit(world.history, fc.Fit("hours", scale=2.5) + fc.Pool(), stages=("joint",), steps=2, rounds=1)
    assert fit.spreads["hours"].noise.flatten().tolist() == pytest.approx([2.5] * 12)


def test_separate_training_of_a_segment_survives_experiments_elsewhere(world):
    history = world.history | {"rides": 0.5 * world.history["hours"]}
    table = world.table.assign(source="observational", bias_bound=1.0, outcome="rides")
    loss = fc.Fit("hours") + fc.Fit("rides") + fc.Agree(fc.Experiments.from_table(table).train) + fc.Pool()
    model = fc.ModelCollection(Hours(), Rides(), dims=world.dims)
    fit = model.fit(history, loss, stages=("separate",), steps=5, rounds=1)
    assert ("separate Rides", "agree") not in set(zip(fit.losses.stage, fit.losses.term, strict=True))
