"""What a declared forecast becomes: modules that compute what their type says, labels, history and losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from estimators import forecast as fc
from estimators.errors import CausalError
from estimators.forecast.declared.build import collection, history, labels, loss, module_name
from estimators.forecast.declared.definition import parse
from tests.forecast.declared.definitions import FORECAST, node, without

WEEKS = pd.date_range("2026-01-05", periods=6, freq="7D")


def panel() -> pd.DataFrame:
    cells = pd.MultiIndex.from_product([["north", "south"], WEEKS], names=["region", "week"]).to_frame(index=False)
    source = np.random.default_rng(0)
    values = {name: source.uniform(5, 20, len(cells)) for name in ("bonus", "price", "hours", "rides")}
    return cells.assign(**values, holiday=(cells["week"] == WEEKS[2]).astype(float))


@pytest.fixture(scope="module")
def built() -> tuple[fc.ModelCollection, dict[str, fc.Tensor]]:
    forecast = parse(FORECAST)
    dims = labels(forecast, panel())
    return collection(forecast, dims), history(forecast, panel(), dims)


def only(**nodes: Any) -> fc.ModelCollection:
    """A collection of one declared node."""
    (name,) = nodes
    definition = without("gate")
    for key in ("decisions", "objective", "constraints", "robust", "experiments"):
        definition.pop(key)
    losses = [{"type": "fit", "node": name}]
    one = {"name": name, "dims": ["region", "week"], **nodes[name]}
    forecast = parse({**definition, "nodes": [one], "losses": losses})
    return collection(forecast, labels(forecast, panel()))


def test_labels_are_sorted_and_come_from_the_frame():
    dims = labels(parse(FORECAST), panel().sample(frac=1.0, random_state=1))
    assert dims["region"] == ("north", "south")
    assert dims["week"] == tuple(w.date() for w in WEEKS)


def test_a_history_has_every_input_on_its_own_dims_and_the_nodes_that_were_observed(built):
    _, tensors = built
    assert {name: t.dims for name, t in tensors.items()} == {
        "bonus": ("region", "week"),
        "price": ("region", "week"),
        "holiday": ("week",),
        "hours": ("region", "week"),
        "rides": ("region", "week"),
    }
    assert tensors["holiday"].data.tolist() == [0, 0, 1, 0, 0, 0]


def test_every_node_is_computed_on_its_declared_dims(built):
    model, tensors = built
    values = model.forward(tensors)
    assert {name: values[name].dims for name in values} == {n["name"]: tuple(n["dims"]) for n in FORECAST["nodes"]}
    assert {name: model.nodes[name].unit for name in ("hours", "revenue")} == {"hours": "hours", "revenue": "usd"}


def test_identities_are_what_they_say(built):
    model, tensors = built
    values = model.forward(tensors)
    close = torch.testing.assert_close
    close(values["revenue"].data, (values["rides"] * tensors["price"]).data)
    close(values["price_paid"].data, tensors["price"].data)
    close(values["all_rides"].data, values["rides"].sum("region").data)
    close(values["support_calls"].data, values["rides"].data * 0.01)


def test_matching_is_the_square_root_of_both_sides():
    model = only(rides={"type": "matching", "inputs": ["bonus", "price"]})
    tensors = history(parse(FORECAST), panel(), model.dims)
    expected = model.parameter("Rides.efficiency").data * torch.sqrt(tensors["bonus"].data * tensors["price"].data)
    torch.testing.assert_close(model.forward(tensors)["rides"].data, expected)


def test_a_product_has_the_declared_powers():
    model = only(rides={"type": "product", "inputs": ["bonus", "price"], "powers": [0.25, -2]})
    tensors = history(parse(FORECAST), panel(), model.dims)
    expected = tensors["bonus"].data ** 0.25 / tensors["price"].data ** 2
    torch.testing.assert_close(model.forward(tensors)["rides"].data, expected)


def test_a_response_is_the_written_formula():
    bonus = {
        "input": "bonus",
        "sign": "positive",
        "over": ["region"],
        "carry_over": 2,
        "saturation": "log",
        "scale": 4.0,
    }
    model = only(hours={"type": "response", "inputs": [bonus, "holiday"], "baseline": {"level": False}})
    raw = model["Hours"]._parameters
    with torch.no_grad():
        raw["constant"].copy_(numbers(3.0, 5.0))
        raw["slope_bonus"].copy_(numbers(2.0, 7.0).log())
        raw["slope_holiday"].fill_(11.0)
    tensors = history(parse(FORECAST), panel(), model.dims)
    x, weights = tensors["bonus"].data, numbers(1.0, 0.5, 0.25)
    lagged = [torch.nn.functional.pad(x, (lag, 0))[:, : x.shape[1]] * weights[lag] for lag in range(3)]
    carried = sum(lagged) / weights.sum()
    expected = numbers(3.0, 5.0)[:, None] + numbers(2.0, 7.0)[:, None] * torch.log1p(carried / 4.0)
    expected = expected + 11.0 * tensors["holiday"].data
    torch.testing.assert_close(model.forward(tensors)["hours"].data, expected)


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_a_multiplicative_node_has_constant_elasticities():
    price = {"input": "price", "sign": "negative", "reference": 10.0}
    model = only(sessions={"type": "multiplicative", "inputs": [price], "baseline": {"level": False}})
    tensors = history(parse(FORECAST), panel(), model.dims)
    once = model.forward(tensors)["sessions"].data
    twice = model.forward({**tensors, "price": tensors["price"] * 2.0})["sessions"].data
    exponent = float(model.parameter("exponent").detach())
    assert exponent < 0
    torch.testing.assert_close(twice / once, torch.full_like(once, 2.0**exponent))


def test_tags_say_concave_only_where_sign_and_curve_make_it_so():
    def tags(**effect: Any) -> dict:
        inputs = [{"input": "bonus", **effect}]
        return only(hours={"type": "response", "inputs": inputs})["Hours"].shapes

    assert tags(sign="positive", saturation="log") == {("hours", "bonus"): "concave"}
    assert tags(sign="negative", saturation="log") == {("hours", "bonus"): "convex"}
    assert tags() == {("hours", "bonus"): "affine"}
    assert tags(saturation="log") == {}
    assert tags(sign="positive", saturation="hill") == {}


def test_a_sum_of_terms_is_tagged_jointly_only_if_they_bend_the_same_way():
    def together(*effects: dict) -> dict:
        return only(hours={"type": "response", "inputs": list(effects)})["Hours"].jointly

    rising = {"input": "bonus", "sign": "positive", "saturation": "log"}
    falling = {"input": "price", "sign": "negative", "saturation": "log"}
    assert together(rising, {"input": "holiday"}) == {"hours": "concave"}
    assert together({"input": "price"}, {"input": "holiday"}) == {"hours": "affine"}
    assert together(rising, falling) == {}
    assert together(rising, {"input": "price", "saturation": "hill"}) == {}


@pytest.mark.parametrize("name", ["hours", "sessions", "rides", "all_rides"])
def test_tags_of_every_type_survive_the_attempt_to_refute_them(built, name):
    model, tensors = built
    module = model[module_name(name)]
    values = {**model.forward(tensors), **tensors}
    inputs = {key: values[key].detach() for key in module.inputs}
    assert module.shapes or module.jointly or module.monotone
    assert refuted(module, name, inputs) == []


def refuted(module: fc.Module, name: str, inputs: dict[str, fc.Tensor]) -> list[tuple[str, ...]]:
    """Tags against which a second difference, or a step, along its inputs speaks at the observed point."""
    step = 0.1

    def at(keys: tuple[str, ...], size: float) -> torch.Tensor:
        moved = {k: v * (1.0 + size * (1.0 + keys.index(k))) if k in keys else v for k, v in inputs.items()}
        made = module(**moved)
        return (made if isinstance(made, fc.Tensor) else made[name]).data.detach()

    tagged = {(key,): shape for (_, key), shape in module.shapes.items()}
    tagged |= {tuple(inputs): shape for shape in module.jointly.values()}
    found = []
    for keys, shape in tagged.items():
        bend = at(keys, step) - 2 * at(keys, 0.0) + at(keys, -step)
        is_wrong = {"convex": bool((bend < -1e-9).any()), "concave": bool((bend > 1e-9).any())}
        found += [keys] * (any(is_wrong.values()) if shape not in is_wrong else is_wrong[shape])
    for (_, key), direction in module.monotone.items():
        rise = at((key,), step) - at((key,), -step)
        found += [(key,)] * bool(((rise if direction == "increasing" else -rise) < -1e-12).any())
    return found


def test_a_wrong_tag_is_refuted(built):
    model, tensors = built
    module = model[module_name("hours")]
    inputs = {key: tensors[key] for key in module.inputs}
    key = next(k for (_, k), direction in module.monotone.items() if direction == "increasing")
    right = dict(module.monotone)
    module.monotone = {("hours", key): "decreasing"}
    found = refuted(module, "hours", inputs)
    module.monotone = right
    assert (key,) in found


def test_losses_are_the_declared_ones_with_their_weights():
    definition = {**FORECAST, "losses": [part for part in FORECAST["losses"] if part["type"] != "agree"]}
    found = {(type(term).__name__, weight) for weight, term in loss(parse(definition))}
    assert found == {("Fit", 1.0), ("Fit", 2.0), ("Pool", 0.1), ("Smooth", 0.01)}


def test_a_declared_forecast_can_be_trained():
    definition = without("experiments")
    definition["losses"] = [{"type": "fit", "node": "hours"}, {"type": "fit", "node": "rides"}]
    forecast = parse(definition)
    dims = labels(forecast, panel())
    fitted = collection(forecast, dims).fit(history(forecast, panel(), dims), loss(forecast), stages=("separate",))
    assert np.isfinite(fitted.nodes()["rides"].data.numpy()).all()


def test_029_an_import_path_that_leads_nowhere_is_refused():
    forecast = parse({**FORECAST, "nodes": node("support_calls", type="tests.forecast.declared.own_module:Call")})
    with pytest.raises(CausalError) as refused:
        collection(forecast, labels(forecast, panel()))
    assert str(refused.value) == (
        "CAUSAL-029 no module at tests.forecast.declared.own_module:Call\n"
        "  AttributeError: module 'tests.forecast.declared.own_module' has no attribute 'Call'\n"
        "  fix: correct type, install its package, or correct options: they are the keywords of its constructor\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_module_with_other_ports_than_declared_is_refused():
    ports = {"rides": {"dims": ["region", "week"], "unit": "rides"}}
    forecast = parse({**FORECAST, "nodes": node("support_calls", inputs=ports)})
    with pytest.raises(CausalError) as refused:
        collection(forecast, labels(forecast, panel()))
    assert str(refused.value) == (
        "CAUSAL-029 ports of support_calls are not the declared ones\n"
        "  inputs rides: declared (region, week) in rides, of the module (region, week)\n"
        "  fix: let the definition say what the module does: it is what reviewers read\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_class_that_is_no_module_is_refused():
    forecast = parse({**FORECAST, "nodes": node("support_calls", type="builtins:dict", inputs={}, options={})})
    with pytest.raises(CausalError, match="support_calls is no module"):
        collection(forecast, labels(forecast, panel()))


def test_029_an_input_that_differs_within_its_cells_is_refused():
    frame = panel()
    frame.loc[0, "holiday"] = 5.0
    forecast = parse(FORECAST)
    with pytest.raises(CausalError) as refused:
        history(forecast, frame, labels(forecast, frame))
    assert refused.value.faults[0].subject == "holiday is not the same within its cells"


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        (lambda f: f.drop(columns="region"), "market_panel has no column for a dim"),
        (lambda f: f.assign(region=f["region"].mask(f.index == 3)), "missing labels"),
        (lambda f: f[f["week"] != WEEKS[3]], "a gap in week"),
    ],
)
def test_029_labels_that_are_not_there_are_refused(change, subject):
    with pytest.raises(CausalError) as refused:
        labels(parse(FORECAST), change(panel()))
    assert refused.value.faults[0].subject == subject


def test_029_a_missing_column_of_an_input_is_named():
    forecast, frame = parse(FORECAST), panel().drop(columns="price")
    with pytest.raises(CausalError) as refused:
        history(forecast, frame, labels(forecast, frame))
    assert refused.value.faults[0].details[0].startswith("missing: price; the frame has ")


def test_an_absent_input_counts_as_zero_only_where_that_is_declared():
    frame = panel().assign(holiday=np.nan)
    forecast = parse(FORECAST)
    assert history(forecast, frame, labels(forecast, frame))["holiday"].data.tolist() == [0.0] * 6
    gap = panel()
    gap.loc[0, "bonus"] = np.nan
    assert history(forecast, gap, labels(forecast, gap))["bonus"].data.isnan().sum() == 1
