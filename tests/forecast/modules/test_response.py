"""Carry-over, saturation and elasticity against their formulas."""

from __future__ import annotations

import pytest
import torch

from estimators import forecast as fc

DIMS = fc.Dims(region=["A", "B"], week=range(6))
X = fc.tensor(torch.tensor([[4.0, 0.0, 1.0, 2.0, 0.0, 8.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]), DIMS)


def answer(declare, x=X, dims=DIMS, **raw):
    """What a part declared by `declare(module)` makes of `x`, its raw parameters set to those given."""

    class Answer(fc.Module):
        inputs = {"x": fc.Port("region", "week")}
        outputs = {"y": fc.Port("region", "week")}

        def setup(self):
            self.part = declare(self)

        def forward(self, x):
            return self.part(x)

    model = fc.ModelCollection(Answer(), dims=dims)
    with torch.no_grad():
        for name, value in raw.items():
            model.get_submodule("Answer.part")._parameters[name].copy_(torch.as_tensor(value))
    return model({"x": x})["y"].data


def test_a_carry_over_weighs_earlier_weeks_geometrically():
    y = answer(lambda m: m.adstock("week", max_lag=2, init=0.5, normalised=False))
    first = X.data[0]
    expected = [sum(0.5**lag * first[t - lag] for lag in range(3) if t >= lag) for t in range(6)]
    assert y[0].tolist() == pytest.approx([float(value) for value in expected], rel=1e-12)


def test_normalised_weights_keep_the_size_of_a_constant_lever():
    y = answer(lambda m: m.adstock("week", max_lag=3, init=0.7), fc.tensor(torch.full((2, 6), 5.0), DIMS))
    assert y[:, 3:].flatten().tolist() == pytest.approx([5.0] * 6, rel=1e-12)


def test_a_decay_may_differ_by_region():
    y = answer(lambda m: m.adstock("week", "region", max_lag=1, normalised=False), decay=[-40.0, 40.0])
    torch.testing.assert_close(y[0], X.data[0], rtol=1e-12, atol=1e-12)
    assert y[1].tolist() == pytest.approx([1.0, 3.0, 5.0, 7.0, 9.0, 11.0])


def test_without_lags_nothing_is_carried_over():
    assert torch.equal(answer(lambda m: m.adstock("week", max_lag=0)), X.data)


def test_a_carry_over_is_the_same_whatever_the_order_of_the_axes():
    turned = answer(lambda m: m.adstock("week", "region", max_lag=2), X.transpose("week", "region"))
    assert torch.equal(turned, answer(lambda m: m.adstock("week", "region", max_lag=2)))


def test_log_saturation_is_the_logarithm_of_one_plus_the_share():
    y = answer(lambda m: m.saturation("log", scale=2.0))
    torch.testing.assert_close(y, torch.log(1 + X.data / 2), rtol=1e-12, atol=1e-14)


def test_hill_saturation_is_one_half_at_its_scale():
    y = answer(lambda m: m.saturation("hill", "region", scale=4.0), steepness=[0.0, 1.0])
    assert y[0, 0].item() == pytest.approx(0.5)
    assert y[1, 3].item() == pytest.approx(0.5)
    u = (X.data[1] / 4) ** torch.e
    torch.testing.assert_close(y[1], u / (1 + u), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("steepness", [1.0, 2.5])
def test_hill_saturation_has_finite_slopes_at_zero(steepness):
    x = X.data.clone().requires_grad_()
    saturation = {"steepness": torch.tensor(steepness).log()}
    y = answer(lambda m: m.saturation("hill", scale=4.0), fc.Tensor(x, DIMS), **saturation)
    y.sum().backward()
    assert x.grad.isfinite().all()
    assert x.grad[0, 1].item() == pytest.approx(0.25 if steepness == 1.0 else 0.0, abs=1e-6)


def test_an_elasticity_is_the_change_in_percent_per_percent():
    y = answer(lambda m: m.elasticity(reference=2.0, init=-1.5), X + 1.0)
    up = answer(lambda m: m.elasticity(reference=2.0, init=-1.5), (X + 1.0) * 1.01)
    assert (torch.log(up / y) / torch.log(torch.tensor(1.01))).flatten().tolist() == pytest.approx([-1.5] * 12)


@pytest.mark.parametrize(("sign", "raw"), [(1, 5.0), (1, -5.0), (-1, 5.0), (-1, -5.0)])
def test_an_elasticity_keeps_its_sign(sign, raw):
    y = answer(lambda m: m.elasticity("region", sign=sign), X + 1.0, exponent=[raw, raw])
    rises = (y[1].diff() * sign >= 0).all()
    assert rises


def test_products_and_ratios_follow_from_their_nodes():
    cell = ("region", "week")
    model = fc.ModelCollection(
        fc.Product("price", "rides", output="revenue", dims=cell, unit="usd"),
        fc.Ratio("revenue", "hours", output="pay", dims=cell),
        dims=DIMS,
    )
    nodes = model({"price": X + 1.0, "rides": X * 2.0, "hours": X + 2.0})
    revenue = (X + 1.0) * X * 2.0
    assert torch.equal(nodes["revenue"].data, revenue.data)
    assert torch.equal(nodes["pay"].data, (revenue / (X + 2.0)).data)
    assert model.nodes["revenue"].unit == "usd"


@pytest.mark.parametrize(("raw", "scale"), [(-60.0, 0.02), (60.0, 200.0)])
def test_a_saturation_within_bounds_cannot_run_away(raw, scale):
    y = answer(lambda m: m.saturation("log", scale=2.0, within=100.0), scale=raw)
    torch.testing.assert_close(y, torch.log(1 + X.data / scale), rtol=1e-9, atol=1e-12)
    free = answer(lambda m: m.saturation("log", scale=2.0), scale=raw)
    assert not torch.allclose(free, y)


def test_log_saturation_goes_on_straight_below_zero():
    below = fc.tensor(torch.linspace(-20.0, 0.0, 12, dtype=torch.float64).reshape(2, 6), DIMS)
    y = answer(lambda m: m.saturation("log", scale=2.0), below)
    torch.testing.assert_close(y, below.data / 2.0, rtol=1e-12, atol=1e-12)


def test_the_slope_of_log_saturation_is_whole_at_zero():
    x = torch.zeros(2, 6, dtype=torch.float64, requires_grad=True)
    answer(lambda m: m.saturation("log", scale=2.0), fc.Tensor(x, DIMS)).sum().backward()
    assert x.grad.flatten().tolist() == [0.5] * 12
