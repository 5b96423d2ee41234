"""Products and ratios say how they bend only where that is proven; a search for counterexamples must not find one."""

from __future__ import annotations

import itertools

import pytest
import torch

from estimators import forecast as fc
from estimators.forecast.modules.module import Claim
from estimators.forecast.planning.composition import shapes_of
from tests.forecast.planning.panels import CELL, DIMS, Demand, Known, Rides, Supply, known

POWERS = (-1.0, 0.3, 0.5, 0.7, 1.0, 2.0)


def product(*factors, powers=None):
    return fc.Product(*factors, output="made", dims=CELL, powers=powers, name="Made")


def shape(made, decided, **signs):
    model = fc.ModelCollection(Supply(), Demand(), made, dims=DIMS)
    return shapes_of(model, decided, lambda name: signs.get(name, 0))["made"]


# --- what is claimed -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("sign", "curvature"), [(1, "concave"), (-1, "convex"), (0, "unknown")])
def test_times_what_no_decision_reaches_keeps_or_turns_a_concave_node(sign, curvature):
    assert shape(product("hours", "price"), ["bonus"], price=sign).curvature == curvature


def test_times_anything_given_a_lever_stays_affine():
    assert shape(product("bonus", "price"), ["bonus"]).curvature == "affine"


def test_the_sign_that_was_needed_is_in_the_words():
    found = shape(product("hours", "price"), ["bonus"], price=1)
    assert found.why == (
        "made is affine in hours (Made; price is nowhere negative); hours is concave in bonus (Supply)"
    )
    missing = shape(product("hours", "price"), ["bonus"])
    assert missing.why == "made is affine in hours (Made), but hours concave, and monotone tags do not fit"


@pytest.mark.parametrize(
    ("powers", "curvature"),
    [((0.5, 0.5), "concave"), ((0.3, 0.3), "concave"), ((0.7, 0.5), "unknown"), ((1.0, 1.0), "unknown"),
     ((0.5, -0.5), "unknown"), ((2.0, 0.1), "unknown")],
)  # fmt: skip
def test_positive_powers_that_add_up_to_at_most_one_are_concave_together(powers, curvature):
    assert shape(product("hours", "orders", powers=powers), ["bonus", "coupon"]).curvature == curvature


def test_an_even_power_of_what_is_given_needs_no_sign():
    assert shape(product("hours", "price", powers=(1.0, 2.0)), ["bonus"]).curvature == "concave"


@pytest.mark.parametrize(("sign", "curvature"), [(1, "concave"), (-1, "convex"), (0, "unknown")])
def test_a_ratio_over_what_is_given_keeps_or_turns_its_numerator(sign, curvature):
    ratio = fc.Ratio("hours", "price", output="made", dims=CELL)
    assert shape(ratio, ["bonus"], price=sign).curvature == curvature


@pytest.mark.parametrize("numerator", ["price", "orders"])
def test_a_ratio_whose_denominator_moves_is_not_proven(numerator):
    ratio = fc.Ratio(numerator, "hours", output="made", dims=CELL, name="Pay")
    found = shape(ratio, ["bonus", "coupon"], price=1)
    assert found.curvature == "unknown"
    assert found.why.endswith("(Pay; a ratio is not concave in its denominator hours, which moves)")


def test_an_author_may_say_more_of_a_product_than_its_powers_do():
    class Known(fc.Product):
        jointly = {"made": "concave"}

    claim = Known("hours", "orders", output="made", dims=CELL).claim("made", ["hours", "orders"], lambda name: 0)
    assert claim == Claim("concave", {})


# --- a search for counterexamples ------------------------------------------------------------------------------------
def counterexample(made, moving, still, claim) -> bool:
    """Whether random pairs of points refute a claim: bends along the way between them, and directions by input.

    moving inputs are anywhere where the output has a value; still ones are held at the given numbers.
    """
    source = torch.Generator().manual_seed(7)
    whole = all(power == int(power) for power in getattr(made, "powers", {"": 1.0}).values())
    shift = 10.0 if whole and claim.curvature == "affine" else 0.0  # a power that is no integer has no value below 0

    def at(points):
        return made(**{name: fc.Tensor(points[:, i], AXES) for i, name in enumerate(moving)}, **still).data

    one, two = (30.0 * torch.rand(400, len(moving), generator=source, dtype=torch.float64) - shift for _ in range(2))
    low, high, middle = at(one), at(two), at((one + two) / 2)
    slack = 1e-9 * (1.0 + torch.maximum(low.abs(), high.abs()))
    bend = middle - (low + high) / 2
    wrong = {"concave": bend < -slack, "convex": bend > slack, "affine": bend.abs() > slack}[claim.curvature].any()
    for i, name in enumerate(moving):
        if name in claim.directions:
            further = one.clone()
            further[:, i] += 5.0
            rise = (at(further) - low) * (1 if claim.directions[name] == "increasing" else -1)
            wrong = wrong | (rise < -slack).any()
    return bool(wrong)


AXES = fc.Dims(cell=range(400))
CASES = [
    (powers, n_moving, signs)
    for powers in itertools.product(POWERS, repeat=3)
    for n_moving in (1, 2, 3)
    for signs in ((1, 1), (-1, 1))
]


def claim_of(powers, n_moving, signs):
    """The module, what moves, the given inputs with these signs, and what it claims."""
    names = ("a", "b", "c")
    made = fc.Product(*names, output="made", dims=("cell",), powers=powers)
    moving, still = names[:n_moving], names[n_moving:]
    signed = dict(zip(still, signs, strict=False))
    size = 0.5 + torch.arange(400, dtype=torch.float64) / 100.0
    given = {name: fc.Tensor(sign * size, AXES) for name, sign in signed.items()}
    return made, moving, given, made.claim("made", list(moving), lambda name: signed[name])


def test_no_claim_of_a_product_has_a_counterexample():
    n_claims = 0
    for powers, n_moving, signs in CASES:
        if any(s < 0 and p != int(p) for p, s in zip(powers[n_moving:], signs, strict=False)):
            continue  # no value: a root of what is negative
        made, moving, given, claim = claim_of(powers, n_moving, signs)
        if claim.curvature is not None:
            n_claims += 1
            assert not counterexample(made, moving, given, claim), (powers, moving, signs, claim)
    assert n_claims > 200


def test_the_search_finds_what_is_wrong_with_powers_that_are_not_claimed():
    """Where positive powers add up to more than one, a claim of concavity would be refuted: the search can fail."""
    for powers, n_moving, _ in CASES:
        moved = powers[:n_moving]
        if min(moved) > 0 and sum(moved) > 1.05:
            made, moving, given, claim = claim_of(powers, n_moving, (1, 1))
            assert claim.curvature is None
            assert counterexample(made, moving, given, Claim("concave"))


@pytest.mark.parametrize("sign", [1, -1])
def test_no_claim_of_a_ratio_has_a_counterexample(sign):
    ratio = fc.Ratio("a", "b", output="made", dims=("cell",))
    claim = ratio.claim("made", ["a"], lambda name: sign)
    given = {"b": fc.Tensor(sign * (0.5 + torch.arange(400, dtype=torch.float64)), AXES)}
    assert not counterexample(ratio, ("a",), given, claim)
    turned = Claim("affine", {"a": "decreasing" if sign > 0 else "increasing"})
    assert counterexample(ratio, ("a",), given, turned)


# --- in a plan -------------------------------------------------------------------------------------------------------
def with_price(price, n_draws=0):
    """Revenue of rides at a price that nobody decides, for the whole of history and horizon."""
    revenue = fc.Product("rides", "price", output="revenue", dims=CELL)
    fitted = known(Supply(), Demand(), Rides(), revenue, n_draws=n_draws)
    return Known(
        fitted.model, fitted.history | {"price": fc.tensor(price, fc.Dims()).broadcast(DIMS)}, draws=fitted.draws
    )


def planned(fitted, price):
    """A plan of both levers for the four weeks after the history, at this price in them."""
    step = DIMS["week"][1] - DIMS["week"][0]
    ahead = DIMS.replace(week=[DIMS["week"][-1] + step * i for i in range(1, 5)])
    given = {"price": fc.tensor(price, fc.Dims()).broadcast(ahead)}
    return fc.Plan(fitted, decide=("bonus", "coupon"), horizon=4, inputs=given)


def certified(fitted, price):
    plan = planned(fitted, price)
    plan.maximise(fc.total("revenue")).subject_to(fc.total("bonus", "coupon") <= 100.0)
    return plan.solve().certificate


def test_a_plan_for_revenue_at_given_prices_is_certified_globally():
    found = certified(with_price(4.0), 4.0)
    assert found.kind == "global"
    assert found.value <= 1e-6
    assert "revenue is affine in rides (Product_revenue; price is nowhere negative)" in found.why


def test_a_price_that_turns_negative_takes_the_proof_away():
    assert certified(with_price(4.0), -1.0).kind == "local"


class Level(fc.Module):
    """A factor that no decision reaches, with a parameter of its own."""

    inputs = {"price": fc.Port(*CELL)}
    outputs = {"level": fc.Port(*CELL)}

    def setup(self):
        self.size = self.param("size", init=1.0)

    def forward(self, price):
        return self.size * price


def test_a_sign_that_differs_between_draws_is_no_sign():
    value = fc.Product("rides", "level", output="value", dims=CELL)
    fitted = known(Supply(), Demand(), Rides(), Level(), value, n_draws=1)
    fitted.history["price"] = fc.tensor(2.0, fc.Dims()).broadcast(DIMS)

    def kind(size):
        for state in fitted.draws:
            state["Level.size"] = torch.tensor(size, dtype=torch.float64)
        return planned(fitted, 2.0).shapes["value"].curvature

    assert (kind(0.5), kind(-0.5)) == ("concave", "unknown")
