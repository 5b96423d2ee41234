"""Curvature comes from the authors' tags by the rules of composition, and from nothing else."""

from __future__ import annotations

import pytest

from estimators import forecast as fc
from estimators.forecast.planning.composition import combined, shapes_of
from tests.forecast.planning.panels import DIMS, Demand, Money, Rides, Supply, known
from tests.forecast.refusals import refusal

LEVERS = ("bonus", "coupon")


def shape(node, *modules):
    return shapes_of(fc.ModelCollection(*modules, dims=DIMS), LEVERS)[node]


def without(tags, module):
    return type(module.__name__, (module,), {tags: {}})


def test_a_rising_concave_function_of_concave_nodes_is_concave():
    found = shape("rides", Supply(), Demand(), Rides())
    assert found.curvature == "concave"
    assert found.why == (
        "rides is concave in hours and orders (Rides); hours is concave in bonus (Supply); "
        "orders is concave in coupon (Demand)"
    )


def test_an_affine_function_that_rises_in_what_is_concave_is_concave():
    assert shape("revenue", Supply(), Demand(), Rides(), Money()).curvature == "concave"


def test_a_product_of_decided_nodes_is_neither():
    class Value(fc.Product):
        shapes = {("value", "hours"): "affine", ("value", "orders"): "affine"}

    product = Value("hours", "orders", output="value", dims=("region", "week"), name="Value")
    found = shape("value", Supply(), Demand(), product)
    assert found.curvature == "unknown"
    assert found.why == (
        "value of hours and orders (Value; a product is concave in positive powers of hours and orders that add up to "
        "at most 1)"
    )


def test_a_missing_tag_is_named():
    found = shape("rides", without("shapes", Supply)(), Demand(), Rides())
    assert found.curvature == "unknown"
    assert found.why == 'Supply does not say how hours bends in bonus (shapes = {("hours", "bonus"): …})'


def test_concave_of_concave_without_a_direction_is_unknown():
    assert shape("rides", Supply(), Demand(), without("monotone", Rides)()).curvature == "unknown"


def test_what_is_not_decided_does_not_bend():
    model = fc.ModelCollection(Supply(), Demand(), Rides(), dims=DIMS)
    found = shapes_of(model, ("coupon",))
    assert found["hours"].curvature == "constant"
    assert found["orders"].curvature == "concave"


@pytest.mark.parametrize(
    ("factors", "curvature"), [((1, 1), "concave"), ((1, -1), "unknown"), ((-1, -1), "convex"), ((0, -1), "convex")]
)
def test_sums_keep_curvature_only_if_their_parts_bend_alike(factors, curvature):
    found = shapes_of(known().model, LEVERS)
    assert combined(list(zip(factors, (found["hours"], found["orders"]), strict=True))).curvature == curvature


def test_a_false_tag_is_refuted_by_name():
    class Steep(Demand):
        def forward(self, coupon):
            return self.slope * coupon**2 / 25.0 + 4.0

    steep = Steep(name="Demand")
    plan = fc.Plan(known(Supply(), steep), decide=LEVERS, horizon=2).maximise(fc.total("orders"))
    message = refusal(plan.solve)
    assert message.startswith("a tag that the model refutes\n  the objective is said to be concave: orders is concave")
    assert message.endswith("fix: correct `shapes`, `jointly` or `monotone` of the module that says so")
