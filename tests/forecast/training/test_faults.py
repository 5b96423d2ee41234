"""What training refuses, in whole messages."""

from __future__ import annotations

import pytest
import torch

from benchmarks.forecast_worlds import Hours, confounded, fitted
from estimators import forecast as fc
from estimators.errors import CausalError

MORE = "  more: docs/errors.md#causal-029"


@pytest.fixture(scope="module")
def world():
    return confounded(1, n_regions=4, n_weeks=40)


class Rooted(fc.Module):
    inputs = {"hours": fc.Port("region", "week", unit="hours")}
    outputs = {"rides": fc.Port("region", "week", unit="rides")}

    def setup(self):
        self.share = self.param("share", init=1.0)

    def forward(self, hours):
        return self.share * fc.log(hours - 1000.0)


def refused(*arguments, **options) -> str:
    with pytest.raises(CausalError) as error:
        fitted(*arguments, **options)
    return str(error.value)


def test_a_loss_that_is_not_a_number_names_the_node(world):
    model = fc.ModelCollection(Hours(), Rooted(), dims=world.dims)
    history = world.history | {"rides": world.history["hours"]}
    with pytest.raises(CausalError) as error:
        model.fit(history, fc.Fit("hours") + fc.Fit("rides"), stages=("joint",))
    assert str(error.value) == "\n".join(
        [
            "CAUSAL-029 a loss that is not a number at node rides",
            "  160 of 160 cells, the first is region r0, week 0, in step 0 of the stage joint",
            "  module Rooted: its inputs and parameters are finite",
            "  fix: look at the forward pass of Rooted: logarithms and roots below zero, divisions by zero, overflow",
            MORE,
        ]
    )


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_gradient_that_is_not_a_number_names_the_node(world, optimiser):
    class Edge(Rooted):
        def forward(self, hours):
            return fc.sqrt(fc.maximum(self.share - 1.0, 0.0)) * 1.0 + hours

    model = fc.ModelCollection(Hours(), Edge(), dims=world.dims)
    history = world.history | {"rides": world.history["hours"]}
    with pytest.raises(CausalError) as error:
        model.fit(history, fc.Fit("hours") + fc.Fit("rides"), stages=("joint",), optimiser=optimiser)
    assert str(error.value) == "\n".join(
        [
            "CAUSAL-029 a gradient that is not a number at node rides",
            "  parameters Edge.share, in step 0 of the stage joint; the loss itself is finite",
            "  fix: a square root or power at zero, or a logarithm of a node that reaches zero: "
            "keep it away with fc.maximum",
            MORE,
        ]
    )


def test_a_node_that_was_not_observed_is_named(world):
    message = refused(world, loss=fc.Fit("rides"))
    assert message.splitlines()[0] == "CAUSAL-029 unknown node rides"


def test_a_history_without_the_node_is_named(world):
    model = fc.ModelCollection(Hours(), dims=world.dims)
    with pytest.raises(CausalError) as error:
        model.fit({"bonus": world.history["bonus"]}, fc.Fit("hours"))
    assert str(error.value) == "\n".join([
        "CAUSAL-029 no history of hours", "  the history has bonus", "  fix: add it", MORE,
    ])  # fmt: skip


def test_experiments_that_do_not_fit_the_model_are_named_all_at_once(world):
    table = world.table.head(4).copy()
    table["lever"] = ["discount", "bonus", "bonus", "bonus"]
    table["region"] = ["r0", "r9", "r2", "r3"]
    table["starts"], table["ends"] = [4, 4, 100, 38], [8, 8, 104, 45]
    loss = fc.Fit("hours") + fc.Agree(fc.Experiments.from_table(table))
    assert refused(world, loss=loss) == "\n".join(
        [
            "CAUSAL-029 experiments that do not fit the model",
            "  geo 0 (region=r0): no lever discount; the model has bonus, hours",
            "  geo 1 (region=r9): region has no r9",
            "  and 2 more",
            "  fix: correct the table or the graph",
            MORE,
        ]
    )
    loss = fc.Fit("hours") + fc.Agree(fc.Experiments.from_table(table[2:]))
    assert refused(world, loss=loss).splitlines()[1:3] == [
        "  geo 2 (region=r2): no week between 100 and 104; known are 0 to 39",
        "  geo 3 (region=r3): the window 38 to 45 reaches beyond the weeks; known are 0 to 39",
    ]


def test_contradicting_experiments_cannot_be_met_exactly(world):
    table = world.table.head(2).assign(region="r0", starts=[8, 8], ends=[12, 12], effect=[10.0, 20.0])
    loss = fc.Fit("hours") + fc.Agree(fc.Experiments.from_table(table), exact=True)
    message = refused(world, loss=loss, steps=30)
    assert message.splitlines()[0] == "CAUSAL-029 experiments that cannot all be met exactly"
    assert "geo 0 (region=r0): measured 10, missed by" in message


def test_shared_controls_that_cannot_be_are_refused(world):
    table = world.table.head(2).assign(control_group="a", std_error=[1.0, 2.0], control_std_error=[0.999, 1.999])
    table = fc.Experiments.from_table(table.assign(control_std_error=[0.9999999, 1.9999999]))
    assert len(table) == 2
    loss = fc.Fit("hours") + fc.Agree(table)
    fitted(world, loss=loss, steps=1, rounds=1, stages=("joint",))


def test_smoothing_an_unknown_parameter_is_refused(world):
    message = refused(world, loss=fc.Fit("hours") + fc.Smooth("level", "week"))
    assert message.startswith("CAUSAL-029 Smooth of an unknown parameter level\n  known: Hours.slope, Hours.base")


def test_pooling_a_parameter_that_is_not_pooled_is_refused(world):
    message = refused(world, loss=fc.Fit("hours") + fc.Pool("base"))
    assert message.startswith("CAUSAL-029 Pool of a parameter that is not pooled\n  base")


def test_an_unknown_stage_is_refused(world):
    message = refused(world, stages=("together",))
    assert message.startswith("CAUSAL-029 an unknown stage together\n  modules are Hours")


def test_a_level_that_cannot_be_integrated_out_needs_smoothing(world):
    class Grown(Hours):
        def forward(self, bonus):
            return fc.exp(self.base / 100.0) * self.slope * fc.log1p(bonus / 10.0)

    message = refused(world, modules=(Grown,), loss=fc.Fit("hours"))
    assert message.startswith("CAUSAL-029 a local level that nothing holds\n  Grown.base does not simply add")


def test_a_missing_input_is_refused(world):
    bonus = world.history["bonus"].data.clone()
    bonus[0, 3] = torch.nan
    model = fc.ModelCollection(Hours(), dims=world.dims)
    with pytest.raises(CausalError, match="values in the input bonus"):
        model.fit(world.history | {"bonus": fc.Tensor(bonus, world.history["bonus"].axes)}, fc.Fit("hours"))


@pytest.mark.parametrize(
    ("options", "head"),
    [
        ({"optimiser": "sgd"}, "CAUSAL-029 an unknown optimiser"),
        ({"stages": ()}, "CAUSAL-029 no stage to train"),
        ({"rounds": 0}, "CAUSAL-029 rounds must be above 0"),
        ({"draws": -1}, "CAUSAL-029 a number of draws below zero"),
        ({"endogenous": ("price",)}, "CAUSAL-029 an unknown lever price"),
    ],
)
def test_an_option_that_cannot_be_is_refused(world, options, head):
    assert refused(world, **({"stages": ("joint",), "steps": 1} | options)).startswith(head)


def test_a_weight_below_zero_is_refused():
    with pytest.raises(CausalError, match="a weight below zero"):
        -1.0 * fc.Pool()
