"""The graph of modules: one forward pass, forecasts, interventions, parts of it, and modules exchanged."""

from __future__ import annotations

import pytest
import torch

from estimators import CausalError
from estimators import forecast as fc
from tests.forecast.marketplace import CELL, DIMS, LONGER, WEEKS, Demand, Supply, decisions, marketplace


@pytest.fixture
def model():
    return marketplace()


def parameters(model):
    return {name: raw.detach().clone() for name, raw in model.named_parameters()}


def moved(model, seed=1):
    """The model with every parameter shifted, so that nothing is where it started."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for raw in model.parameters():
            raw.add_(0.3 * torch.rand(raw.shape, generator=source, dtype=raw.dtype))
    return model


# --- the graph -------------------------------------------------------------------------------------------------------
def test_modules_are_ordered_after_those_that_they_need(model):
    assert [module.name for module in model.order] == ["Supply", "Demand", "Rides"]


def test_nodes_say_who_makes_them_and_in_which_unit(model):
    assert model.nodes["hours"] == ("Supply", CELL, "hours")
    assert [*model.nodes] == ["hours", "demand", "rides"]


def test_inputs_that_nobody_makes_are_exogenous(model):
    assert {*model.exogenous} == {"bonus", "coupon"}
    assert model.exogenous["bonus"].unit == "usd"


def test_upstream_are_the_nodes_and_inputs_that_a_node_depends_on(model):
    assert model.upstream("rides") == ("bonus", "coupon", "hours", "demand")
    assert model.upstream("hours") == ("bonus",)


def test_parameters_are_named_by_module(model):
    names = {name for name, _ in model.named_parameters()}
    assert {"Supply.slope", "Supply.base", "Supply.carry.decay", "Demand.answer.scale", "Demand.season"} <= names


def test_an_input_that_only_one_side_gives_a_unit_fits():
    class Unitless(Supply):
        inputs = {"bonus": fc.Port(*CELL)}

    class Other(Demand):
        inputs = {"coupon": fc.Port(*CELL), "bonus": fc.Port(*CELL, unit="usd")}

    collection = fc.ModelCollection(Unitless(), Other(), dims=DIMS)
    assert collection.exogenous["bonus"].unit == "usd"


def test_a_module_by_name(model):
    assert isinstance(model["Supply"], Supply)


# --- the forward pass ------------------------------------------------------------------------------------------------
def test_the_forward_pass_computes_every_node_from_its_formula(model):
    inputs = decisions()
    nodes = model(inputs)
    x = inputs["bonus"]
    weights = [0.5**lag for lag in range(5)]
    carried = sum(x.shift("week", lag) * weight for lag, weight in enumerate(weights)) / sum(weights)
    hours = 20.0 + 2.0 * fc.log1p(carried / 10.0)
    demand = 30.0 + fc.log1p(inputs["coupon"] / 5.0)
    torch.testing.assert_close(nodes["hours"].data, hours.data, rtol=1e-12, atol=0)
    torch.testing.assert_close(nodes["rides"].data, fc.sqrt(hours * demand).data, rtol=1e-12, atol=0)


def test_nodes_have_the_dims_of_their_ports_in_order(model):
    turned = {name: x.transpose("week", "region") for name, x in decisions().items()}
    nodes = model(turned)
    assert {x.dims for x in nodes.values()} == {CELL}
    assert torch.equal(nodes["rides"].data, model(decisions())["rides"].data)


def test_the_same_call_forecasts_the_weeks_of_its_inputs(model):
    moved(model)
    nodes, known = model(decisions(LONGER)), model(decisions())
    assert nodes["rides"].labels["week"] == tuple(WEEKS)
    later = nodes["rides"].select(week=DIMS["week"])
    torch.testing.assert_close(later.data, known["rides"].data, rtol=1e-12, atol=0)


def test_a_part_of_the_regions_gives_the_values_of_the_whole(model):
    moved(model)
    some = model({name: x.select(region=["west", "north"]) for name, x in decisions().items()})
    whole = model(decisions())["rides"].select(region=["west", "north"])
    torch.testing.assert_close(some["rides"].data, whole.data, rtol=1e-12, atol=0)


def test_an_intervention_sets_a_node_and_all_that_follows(model):
    hours = fc.tensor(torch.full((3, 20), 9.0), DIMS)
    nodes = model(decisions(), intervene={"hours": hours})
    assert torch.equal(nodes["hours"].data, hours.data)
    expected = fc.sqrt(hours * nodes["demand"])
    assert torch.equal(nodes["rides"].data, expected.data)


def test_observed_nodes_teach_what_is_downstream_and_leave_their_own_module_alone(model):
    observed = fc.tensor(torch.full((3, 20), 9.0), DIMS)
    observed.data[0, 0] = float("nan")
    free, taught = model(decisions()), model(decisions(), observed={"hours": observed})
    assert torch.equal(taught["hours"].data, free["hours"].data)
    assert taught["rides"].data[0, 0] == free["rides"].data[0, 0]
    assert taught["rides"].data[0, 1] == torch.sqrt(9.0 * free["demand"].data[0, 1])


def test_a_module_runs_by_itself(model):
    nodes = model(decisions())
    alone = model.run("Rides", {"hours": nodes["hours"], "demand": nodes["demand"]})
    assert torch.equal(alone["rides"].data, nodes["rides"].data)


def test_an_output_without_a_dim_of_its_port_is_repeated_along_it():
    class Flat(fc.Module):
        outputs = {"price": fc.Port(*CELL)}

        def setup(self):
            self.price = self.param("price", "region", init=3.0)

        def forward(self):
            return self.price

    assert fc.ModelCollection(Flat(), dims=DIMS)({})["price"].shape == (3, 20)


def test_a_module_may_have_several_outputs():
    class Both(fc.Module):
        inputs = {"bonus": fc.Port(*CELL)}
        outputs = {"hours": fc.Port(*CELL), "regional": fc.Port("region")}

        def forward(self, bonus):
            return {"hours": bonus * 2.0, "regional": bonus.sum("week")}

    nodes = fc.ModelCollection(Both(), dims=DIMS)(decisions())
    assert (nodes["hours"].dims, nodes["regional"].dims) == (CELL, ("region",))


def test_every_parameter_of_the_forward_pass_gets_a_gradient(model):
    moved(model)
    model(decisions())["rides"].sum().data.backward()
    still = [name for name, raw in model.named_parameters() if raw.grad is None or not raw.grad.abs().sum() > 0]
    assert still == ["Supply.slope_pool_mean", "Supply.slope_pool_log_sd"]


def test_parameters_can_be_exchanged_for_a_call_as_torch_does_it(model):
    state = {name: raw + 0.1 for name, raw in parameters(model).items()}
    there = torch.func.functional_call(model, state, (decisions(),))["rides"]
    model.load_state_dict(state)
    assert torch.equal(there.data, model(decisions())["rides"].data)


def test_the_forward_pass_compiles_into_one_graph_for_known_weeks_and_for_forecasts(model):
    moved(model)
    compiled = torch.compile(model.forward, backend="eager", fullgraph=True)  # raises at the first break
    for dims in (DIMS, LONGER):
        inputs = decisions(dims)
        torch.testing.assert_close(compiled(inputs)["rides"].data, model(inputs)["rides"].data)


# --- parts and changes -----------------------------------------------------------------------------------------------
def test_a_segment_shares_its_parameters_with_the_whole(model):
    segment = model.subgraph(["rides", "demand"])
    assert {*segment.exogenous} == {"hours", "coupon"}
    assert segment["Demand"] is model["Demand"]


class Steeper(fc.Module):
    inputs = {"bonus": fc.Port(*CELL, unit="usd")}
    outputs = {"hours": fc.Port(*CELL, unit="hours")}

    def setup(self):
        self.slope = self.param("slope", "region", init=1.0)

    def forward(self, bonus):
        return 20.0 + self.slope * bonus


def test_replacing_a_module_leaves_the_others_bitwise_alone(model):
    moved(model)
    before = parameters(model)
    after = parameters(model.replace(Steeper("Supply")))
    others = {name for name in before if not name.startswith("Supply.")}
    assert others == {name for name in after if not name.startswith("Supply.")}
    assert all(torch.equal(before[name], after[name]) for name in others)


def test_replacing_a_module_leaves_the_old_collection_alone(model):
    before, replaced = parameters(model), model.replace(Steeper())
    moved(replaced)
    assert all(torch.equal(raw, before[name]) for name, raw in model.named_parameters())
    assert [module.name for module in replaced.order] == ["Steeper", "Demand", "Rides"]


def test_a_copy_shares_labels_and_nothing_else(model):
    copied = model.replace(Steeper())
    assert copied["Demand"].dims is model.dims
    assert copied["Demand"].window is not model["Demand"].window


def test_a_rebuilt_model_starts_anew_on_other_dims(model):
    moved(model)
    rebuilt = model.rebuilt(LONGER)
    assert rebuilt["Supply"].base.shape == (3, 24)
    assert torch.equal(rebuilt["Supply"].slope.data, marketplace()["Supply"].slope.data)


def test_parameters_are_read_by_name_within_their_bounds(model):
    assert model.parameter("Supply.slope").data.tolist() == pytest.approx([2.0] * 3)
    assert model.parameter("slope").labels["region"] == ("north", "south", "west")


def test_pools_are_the_raw_values_around_their_mean(model):
    (name, pooled), *others = model.pooled().items()
    assert (name, others, pooled.mean.dims, pooled.log_sd.dims) == ("Supply.slope", [], (), ())
    assert pooled.raw.data.tolist() == pytest.approx([torch.tensor(2.0).log().item()] * 3)


# --- saving ----------------------------------------------------------------------------------------------------------
def test_a_saved_model_comes_back_bit_by_bit(model, tmp_path):
    moved(model).save(tmp_path / "model.pt")
    loaded = marketplace().load(tmp_path / "model.pt")
    assert all(torch.equal(raw, parameters(model)[name]) for name, raw in loaded.named_parameters())


@pytest.mark.parametrize("labels", [[1, 2], ["a", "b"], [0.5, 1.5], [True, False], [WEEKS[0], WEEKS[1]]])
def test_labels_of_any_kind_survive_saving(labels, tmp_path):
    class Constant(fc.Module):
        outputs = {"y": fc.Port("cell")}

        def setup(self):
            self.y = self.param("y", "cell")

        def forward(self):
            return self.y

    saved = moved(fc.ModelCollection(Constant(), dims=fc.Dims(cell=labels)))
    saved.save(tmp_path / "model.pt")
    loaded = fc.ModelCollection(Constant(), dims=fc.Dims(cell=labels)).load(tmp_path / "model.pt")
    assert list(loaded.dims["cell"]) == labels
    assert torch.equal(loaded({})["y"].data, saved({})["y"].data)


def test_a_refused_file_changes_nothing(model, tmp_path):
    model.replace(Steeper()).save(tmp_path / "model.pt")
    before = parameters(model)
    with pytest.raises(CausalError):
        model.load(tmp_path / "model.pt")
    assert all(torch.equal(raw, before[name]) for name, raw in model.named_parameters())
