"""Declared parameters: bounds, starting values, pools, and what they read as in a forward pass."""

from __future__ import annotations

import math

import pytest
import torch

from estimators import forecast as fc

DIMS = fc.Dims(region=["A", "B", "C"], week=range(10))


def declared(*dims, **options):
    """A collection of one module whose parameter `value` has these dims and options, and its only output."""

    class Constant(fc.Module):
        outputs = {"y": fc.Port("region", "week")}

        def setup(self):
            self.value_of_y = self.param("value", *dims, **options)

        def forward(self):
            return self.value_of_y

    return fc.ModelCollection(Constant(), dims=DIMS)


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({}, 0.0),
        ({"positive": True}, 1.0),
        ({"lower": 2.0}, 3.0),
        ({"upper": -2.0}, -3.0),
        ({"lower": 0.0, "upper": 4.0}, 2.0),
        ({"prior": (5.0, 1.0)}, 5.0),
        ({"positive": True, "prior": (5.0, 1.0)}, 5.0),
        ({"positive": True, "prior": (5.0, 1.0), "init": 7.0}, 7.0),
    ],
)
def test_a_parameter_starts_at_its_init_its_prior_or_within_its_bounds(options, start):
    assert declared(**options).parameter("value").item() == pytest.approx(start, abs=1e-12)


@pytest.mark.parametrize("bounds", [{"positive": True}, {"lower": -1.0}, {"upper": 3.0}, {"lower": -1.0, "upper": 3.0}])
def test_no_raw_value_leaves_the_bounds(bounds):
    model = declared("region", **bounds)
    with torch.no_grad():
        model.get_submodule("Constant")._parameters["value"].copy_(torch.tensor([-30.0, 0.0, 30.0]))
    value = model.parameter("value").data
    lower, upper = bounds.get("lower", 0.0 if "positive" in bounds else -math.inf), bounds.get("upper", math.inf)
    assert (value >= lower).all()
    assert (value <= upper).all()


@pytest.mark.parametrize(
    "bounds", [{}, {"positive": True}, {"lower": 2.0}, {"upper": 9.0}, {"lower": 2.0, "upper": 9.0}]
)
def test_starting_values_by_label_are_read_back(bounds):
    init = fc.tensor([3.0, 4.0, 5.0], DIMS, ("region",))
    value = declared("region", init=init, **bounds).parameter("value")
    torch.testing.assert_close(value.data, init.data, rtol=1e-12, atol=1e-12)


def test_a_pool_starts_at_the_mean_of_what_it_pools():
    pooled = declared("region", "week", pool="region", init=2.0).pooled()["Constant.value"]
    assert pooled.mean.dims == ("week",)
    assert pooled.mean.data.tolist() == [2.0] * 10
    assert pooled.log_sd.item() == 0.0


def test_a_pool_may_span_several_dims():
    pooled = declared("region", "week", pool=("region", "week")).pooled()["Constant.value"]
    assert pooled.mean.dims == ()


def test_an_attribute_reads_as_a_tensor_under_either_name():
    module = declared("region", init=2.0)["Constant"]
    assert torch.equal(module.value_of_y.data, module.read("value").data)
    assert module.value_of_y.labels["region"] == ("A", "B", "C")


def test_raw_parameters_are_those_of_torch():
    model = declared("region", positive=True, init=math.e)
    ((name, raw),) = model.named_parameters()
    assert (name, type(raw)) == ("Constant.value", torch.nn.Parameter)
    assert raw.detach().tolist() == pytest.approx([1.0] * 3)


def test_what_is_declared_can_be_listed():
    model = declared("region", prior=(1.0, 2.0), lower=0.0)
    ((name, (owner, parameter)),) = model.declarations().items()
    assert (name, owner) == ("Constant.value", model["Constant"])
    assert (parameter.kind, parameter.prior, parameter.lower, parameter.upper) == ("parameter", (1.0, 2.0), 0.0, None)
