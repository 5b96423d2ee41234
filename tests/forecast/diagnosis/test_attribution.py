"""Attribution of errors: parts that add up, the faulty sub-model named first, what is usual taken from its own past."""

from __future__ import annotations

import pytest
import torch

from benchmarks.forecast_market import N_HISTORY, NODES, World, fitted_model, modules, world
from estimators import forecast as fc
from estimators.errors import CausalError
from estimators.forecast.diagnosis.attribution import Attribution, attribute, attribute_error, contributions
from estimators.forecast.diagnosis.held_levels import levels_held

MAKERS = {name: module.name for module in modules() for name in module.outputs}


@pytest.fixture(scope="module")
def model() -> fc.ModelCollection:
    return fitted_model(world(0))


def attributed(model: fc.ModelCollection, drawn: World, target: str = "completed") -> Attribution:
    return attribute_error(model, drawn.actual, target, drawn.window, "week")


def test_the_parts_add_up_to_the_error_of_every_cell(model):
    drawn = world(0, fault="waiting")
    parts = contributions(model, drawn.actual, "completed")
    error = drawn.actual["completed"] - model.forward(drawn.actual)["completed"]
    torch.testing.assert_close(sum(part.data for part in parts.values()), error.data.detach())


@pytest.mark.parametrize("fault", NODES)
@pytest.mark.parametrize("regions", [4, 1])
def test_the_faulty_module_is_named_first(model, fault, regions):
    named = [attributed(model, world(0, seed, fault=fault, regions=regions)).first for seed in range(2)]
    assert named == [MAKERS[fault]] * 2


def test_a_fault_in_one_series_is_located(model):
    found = attributed(model, world(0, fault="rides", regions=1, size=5.0))
    assert found.modules["series"][0] == "r0"


def test_without_a_fault_no_module_is_as_suspect_as_with_one(model):
    calm = [attributed(model, world(0, seed)).modules["score"].max() for seed in range(3)]
    faulty = [attributed(model, world(0, seed, fault="hours")).modules["score"].max() for seed in range(3)]
    assert max(calm) < min(faulty)


def test_a_module_downstream_of_the_target_is_no_suspect(model):
    found = attributed(model, world(0, fault="completed"), target="rides")
    assert set(found.modules["module"]) == {"Supply", "Demand", "Rides"}


def test_a_module_whose_output_nobody_observes_shows_in_the_next_one(model):
    drawn = world(0, fault="waiting")
    actual = {name: tensor for name, tensor in drawn.actual.items() if name != "waiting"}
    found = attribute_error(model, actual, "completed", drawn.window, "week")
    assert found.first == "Cancellations"
    assert found.modules.set_index("module")["unseen"].to_dict() == {
        **dict.fromkeys(["Supply", "Demand", "Rides", "Completion"], ""),
        "Cancellations": "Waiting",
    }


def test_cells_that_were_not_observed_are_left_out(model):
    drawn = world(0, fault="rides")
    blank = drawn.actual["completed"].data.clone()
    blank[0, -3:] = torch.nan
    actual = {**drawn.actual, "completed": fc.Tensor(blank, drawn.actual["completed"].axes)}
    found = attribute_error(model, actual, "completed", drawn.window, "week")
    assert found.first == "Rides"
    assert int(found.cells["contribution"].isna().sum()) == 3 * len(NODES)


class Wandering(fc.Module):
    """Follows its past: a local level and nothing else."""

    inputs = {"bonus": fc.Port("region", "week")}
    outputs = {"hours": fc.Port("region", "week")}

    def setup(self) -> None:
        self.base = self.local_level("base", "region", "week")

    def forward(self, bonus: fc.Tensor) -> fc.Tensor:
        return self.base + bonus * 0.0


def test_a_level_is_held_from_the_origin_while_a_window_is_judged_and_no_longer():
    drawn = world(0)
    dims = drawn.dims.replace(week=drawn.weeks[:N_HISTORY])
    model = fc.ModelCollection(Wandering(), dims=dims)
    with torch.no_grad():
        model["Wandering"]._parameters["base"].copy_(torch.arange(4.0 * N_HISTORY).reshape(4, N_HISTORY))
    before = model.forward(drawn.actual)["hours"].data.detach().clone()
    with levels_held(model, "week", 10):
        held = model.forward(drawn.actual)["hours"].data.detach()
    torch.testing.assert_close(held[:, :10], before[:, :10])
    torch.testing.assert_close(held[:, 10:], before[:, 9:10].expand(4, held.shape[1] - 10))
    torch.testing.assert_close(model.forward(drawn.actual)["hours"].data.detach(), before)


def test_029_a_node_that_nobody_observed_has_no_known_error(model):
    drawn = world(0)
    actual = {name: tensor for name, tensor in drawn.actual.items() if name not in ("completed", "rides")}
    with pytest.raises(CausalError) as refused:
        attribute_error(model, actual, "completed", drawn.window, "week")
    assert str(refused.value) == (
        "CAUSAL-029 an error that nobody can know\n"
        "  completed has no observed values; observed are hours, sessions, waiting, cancelled\n"
        "  fix: add the node to the history\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_too_short_a_past_is_refused(model):
    drawn = world(0)
    with pytest.raises(CausalError) as refused:
        attribute_error(model, drawn.actual, "completed", drawn.weeks[20:40], "week")
    assert refused.value.faults[0].subject == "too short a past to say what is usual"


def test_029_an_unknown_node_is_refused(model):
    with pytest.raises(CausalError, match="unknown node complete"):
        attribute_error(model, world(0).actual, "complete", world(0).window, "week")


def fit_of(drawn: World):
    past = list(drawn.weeks[:N_HISTORY])
    history = {name: tensor.select(week=past) for name, tensor in drawn.actual.items()}
    empty = fc.ModelCollection(*modules(), dims=drawn.dims.replace(week=past))
    loss = sum((fc.Fit(node) for node in NODES[1:]), 1.0 * fc.Fit(NODES[0]))
    return empty.fit(history, loss, stages=("separate",)), history, loss


def test_a_fit_is_told_what_came_since():
    drawn = world(0, fault="sessions")
    fitted, _, _ = fit_of(drawn)
    since = {name: tensor.select(week=list(drawn.window)) for name, tensor in drawn.actual.items()}
    found = attribute(fitted, "completed", since)
    assert (found.first, found.window) == ("Demand", drawn.window)


def test_a_backtest_is_asked_about_its_last_origin_and_its_inputs_count_too():
    drawn = world(0, fault="sessions")
    empty = fc.ModelCollection(*modules(), dims=drawn.dims)
    _, _, loss = fit_of(drawn)
    made = fc.backtest(empty, drawn.actual, loss, origins=1, horizon=8, baselines=(), level=None, stages=("separate",))
    found = attribute(made, "completed")
    assert found.first == "Demand"
    assert found.modules["module"].tolist()[-1] == "inputs"
    forecast = made.forecasts[made.forecasts["node"] == "completed"]
    assert found.error == pytest.approx(float((forecast["actual"] - forecast["point"]).sum()))


def test_029_a_fit_alone_knows_no_error(model):
    with pytest.raises(CausalError) as refused:
        attribute(model, "completed")
    assert str(refused.value) == (
        "CAUSAL-029 an error that nobody can know\n"
        "  a fit knows nothing of what came after it\n"
        "  fix: pass new_history: inputs and observed nodes since the fit\n"
        "  more: docs/errors.md#causal-029"
    )
