"""The small network: seeded, cell by cell, and able to learn what nobody wrote down."""

from __future__ import annotations

import torch

from estimators import forecast as fc

DIMS = fc.Dims(region=["A", "B"], week=range(40))
CELL = ("region", "week")
INPUTS = {"bonus": fc.Port(*CELL), "weather": fc.Port("week")}


def network(**options):
    return fc.ModelCollection(fc.Neural(INPUTS, {"hours": fc.Port(*CELL)}, **options), dims=DIMS)


def history():
    source = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.rand(shape, generator=source, dtype=torch.float64)  # noqa: E731
    return {"bonus": fc.tensor(draw(2, 40) * 10, DIMS), "weather": fc.tensor(draw(40), DIMS, ("week",))}


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    first, second, other = (network(seed=seed)(history())["hours"].data for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_a_cell_sees_its_own_inputs_only():
    inputs = history()
    before = network()(inputs)["hours"].data.clone()
    inputs["bonus"].data[0, 3] += 5.0
    changed = (network()(inputs)["hours"].data != before).nonzero().tolist()
    assert changed == [[0, 3]]


def test_inputs_are_divided_by_their_scale():
    inputs = history()
    scaled = {**inputs, "bonus": inputs["bonus"] * 10.0}
    torch.testing.assert_close(
        network(scale={"bonus": 10.0})(scaled)["hours"].data, network()(inputs)["hours"].data, rtol=1e-12, atol=1e-12
    )


def test_the_network_learns_a_product_that_no_sum_can_make():
    model, inputs = network(scale={"bonus": 5.0}, hidden=(8,)), history()
    target = (inputs["bonus"] / 5.0 - 1.0) * (inputs["weather"] - 0.5)
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        error = ((model(inputs)["hours"] - target) ** 2).mean().data
        error.backward()
        return error

    optimiser.step(loss)
    assert loss().item() < 0.02 * target.data.var().item()
