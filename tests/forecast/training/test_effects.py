"""Effects of experiments from a trained model, and the gate on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.forecast_worlds import Hours, Rides, confounded, fitted
from estimators import forecast as fc
from estimators.forecast.losses.effects import Effects


@pytest.fixture(scope="module")
def world():
    return confounded(0, n_weeks=60)


@pytest.fixture(scope="module")
def model(world):
    return fitted(world, draws=25)


def test_the_true_effects_come_out_of_the_true_parameters(world):
    model = fc.ModelCollection(Hours(), dims=world.dims)
    with torch.no_grad():
        model["Hours"]._parameters["slope"].copy_(torch.from_numpy(world.slope))
        effects = Effects(model, world.history, world.experiments, "week").predicted(model(world.history), {})
    assert effects.numpy() == pytest.approx(world.effects)


def test_a_calibrated_model_passes_the_gate(world, model):
    verdict = model.consistency(world.experiments.heldout)
    assert (verdict.status, verdict.degrees) == ("pass", 12)
    assert verdict.detectable < 0.5


def test_a_planted_inconsistent_model_fails_the_gate(world, model):
    state = {name: value.clone() for name, value in model.model.state_dict().items()}
    state["Hours.slope"] *= 2.0
    with model.at(state):
        planted = model.consistency(world.experiments.heldout)
    assert planted.status == "fail"
    assert model.consistency(world.experiments.heldout).status == "pass"


def test_a_model_that_believed_its_history_fails_the_gate(world):
    believed = fitted(world, loss=fc.Fit("hours") + fc.Pool(), draws=25)
    assert believed.consistency(world.experiments.heldout).status == "fail"


def test_observational_effects_never_enter_the_gate(world, model):
    table = world.table.tail(12).assign(source="observational", bias_bound=1.0)
    verdict = model.consistency(fc.Experiments.from_table(table))
    assert (verdict.status, verdict.degrees) == ("not_evaluated", 0)


def test_the_gate_says_when_experiments_were_open_to_training(world, model):
    assert "8 of them were open to training" in model.consistency(world.experiments).reason


def test_the_gate_says_when_the_model_was_taken_for_certain(world):
    quick = fitted(world, stages=("joint",), steps=2, rounds=1)
    assert quick.consistency(world.experiments.heldout).reason.endswith("; without draws the model counts as certain")


def test_effects_are_told_beside_what_was_measured(world, model):
    frame = model.effect(world.experiments.heldout)
    by_hand = (frame.predicted - frame.measured) / np.sqrt(frame.std_error**2 + frame.model_sd**2)
    assert frame.z.to_numpy() == pytest.approx(by_hand.to_numpy())
    assert (frame.model_sd > 0).all()


def test_laplace_and_an_ensemble_agree_on_how_sure_effects_are(world, model):
    ensemble = fitted(world, draws=25, uncertainty="ensemble")
    ours, theirs = (fit.effect(world.experiments.heldout).model_sd.mean() for fit in (model, ensemble))
    assert theirs == pytest.approx(ours, rel=0.35)


def test_exact_agreement_meets_every_experiment(world):
    loss = fc.Fit("hours") + fc.Agree(world.experiments.train, exact=True) + fc.Pool()
    frame = fitted(world, loss=loss).effect(world.experiments.train)
    assert frame.predicted.to_numpy() == pytest.approx(frame.measured.to_numpy(), rel=1e-8)


def test_a_lever_can_be_a_node_in_the_middle_of_the_graph(world):
    model = fc.ModelCollection(Hours(), Rides(), dims=world.dims)
    row = world.table.head(1).assign(lever="hours", outcome="rides", delta=3.0)
    with torch.no_grad():
        model["Rides"]._parameters["share"].fill_(np.log(0.25))
        effects = Effects(model, world.history, fc.Experiments.from_table(row), "week")
        predicted = effects.predicted(model(world.history), {})
    assert float(predicted) == pytest.approx(4 * 3.0 * 0.25)


def test_a_change_can_be_a_share_of_the_lever(world):
    model = fc.ModelCollection(Hours(), dims=world.dims)
    row = world.table.head(1).assign(change="scale", delta=-1.0)
    bonus = world.history["bonus"].select(region="r0").data[row.starts[0] : row.ends[0]]
    with torch.no_grad():
        predicted = Effects(model, world.history, fc.Experiments.from_table(row), "week").predicted(
            model(world.history), {}
        )
    assert float(predicted) == pytest.approx(-5.0 * float(torch.log1p(bonus / 10).sum()))


class Spread(fc.Module):
    """Hours answer to the bonus of all regions: what happens in one is felt in the others."""

    inputs = {"bonus": fc.Port("region", "week", unit="usd")}
    outputs = {"hours": fc.Port("region", "week", unit="hours")}

    def setup(self):
        self.slope = self.param("slope", init=1.0)

    def forward(self, bonus):
        return self.slope * bonus * fc.log1p(bonus.sum("region"))


@pytest.mark.parametrize(("module", "n_packs"), [(Hours, 2), (Spread, 20)])
def test_experiments_share_a_pass_only_if_nothing_crosses_between_their_cells(world, module, n_packs):
    model = fc.ModelCollection(module(), dims=world.dims)
    with torch.no_grad():
        base = model(world.history)
        effects = Effects(model, world.history, world.experiments, "week")
        alone = effects.predicted(base, {})
        effects.pack(base, {})
        together = effects.predicted(base, {})
    assert len(effects.packs) == n_packs
    assert together.numpy() == pytest.approx(alone.numpy(), rel=1e-9)


def test_windows_of_observational_effects_leave_the_fit(world):
    table = pd.concat([world.table.head(8), world.table.tail(2).assign(source="observational", bias_bound=1.0)])
    rows = fc.Experiments.from_table(table.assign(split="train"))
    fit = fitted(world, loss=fc.Fit("hours") + fc.Agree(rows) + fc.Pool(), stages=("joint",), steps=5, rounds=1)
    observed = fit.objective.fits["hours"].observations.observed
    assert int((~observed).sum()) == 2 * 4
    assert fit.counted_twice() == tuple(world.table.experiment[:8])


@pytest.mark.parametrize("wrt", ["bonus", "slope", "hours"])
def test_a_jacobian_is_the_difference_that_a_small_change_makes(world, model, wrt):
    slope = model.jacobian("hours", wrt)
    if wrt == "hours":
        assert float(slope.data.min()) == float(slope.data.max()) == 1.0
        return
    if wrt == "bonus":
        changed = world.history["bonus"].data.clone()
        changed[2, 30] += 1e-4
        after = model.nodes(world.history | {"bonus": fc.Tensor(changed, world.history["bonus"].axes)})
        expected, got = after["hours"].data.sum() - model.nodes()["hours"].data.sum(), slope.data[2, 30]
    else:
        state = {k: v.clone() for k, v in model.model.state_dict().items()}
        state["Hours.slope"][2] += 1e-4
        before = model.nodes()["hours"].data.sum()
        with model.at(state):
            expected, got = model.nodes()["hours"].data.sum() - before, slope.data[2]
    assert float(got) == pytest.approx(float(expected) / 1e-4, rel=1e-4)
