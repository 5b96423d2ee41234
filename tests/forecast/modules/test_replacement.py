"""The contract test of a replacement module: what keeps it passes, and each breach is named."""

from __future__ import annotations

import pytest
import torch

from estimators import forecast as fc
from tests.forecast.marketplace import CELL, Supply, decisions, marketplace
from tests.forecast.refusals import refusal


class Fleet(fc.Module):
    """A supply that keeps the contract; the tests break one part of it each."""

    inputs = {"bonus": fc.Port(*CELL, unit="usd")}
    outputs = {"hours": fc.Port(*CELL, unit="hours")}
    shapes = {("hours", "bonus"): "concave"}
    monotone = {("hours", "bonus"): "increasing"}

    def setup(self):
        self.slope = self.param("slope", "region", pool="region", positive=True, init=2.0)
        self.base = self.local_level("base", *CELL, init=20.0)

    def forward(self, bonus):
        return self.base + self.slope * fc.log1p(bonus)


class Infinite(Fleet):
    def forward(self, bonus):
        return self.base + self.slope * fc.log(bonus - bonus)


class Random(Fleet):
    def forward(self, bonus):
        return super().forward(bonus).map(lambda data: data + torch.rand(1, dtype=data.dtype))


class Overwriting(Fleet):
    def forward(self, bonus):
        y = super().forward(bonus)
        bonus.data.mul_(2.0)
        return y


class Forgetful(Fleet):
    """Keeps a number outside its parameters, where saving does not see it."""

    factor = 1.0

    def forward(self, bonus):
        return super().forward(bonus) * self.factor


class Unused(Fleet):
    def setup(self):
        super().setup()
        self.extra = self.param("extra")


class Steep(Fleet):
    """The slope of a square root at zero is infinite."""

    shapes: dict = {}

    def forward(self, bonus):
        return self.base + fc.sqrt(self.slope * 0.0) * bonus


class Prophet(Fleet):
    def forward(self, bonus):
        return super().forward(bonus) + bonus.shift("week", -1)


class Convex(Fleet):
    def forward(self, bonus):
        return self.base + self.slope * bonus * bonus


class Falling(Fleet):
    def forward(self, bonus):
        return self.base - self.slope * bonus


class Mistagged(Fleet):
    shapes = {("hours", "coupon"): "concave"}


class Drifting(Fleet):
    outputs = {"hours": fc.Port(*CELL, unit="days")}


def checked(module, name="Supply"):
    module.name = name
    return fc.check_replacement(marketplace(), module, decisions())


def forgetful():
    module = Forgetful("Supply")
    module.factor = 1.5
    model = marketplace().replace(module)
    module.factor = 2.0
    return fc.check_replacement(model, module, decisions())


def test_a_module_that_keeps_the_contract_takes_its_place():
    replaced = checked(Fleet())
    assert [module.name for module in replaced.order] == ["Supply", "Demand", "Rides"]
    assert isinstance(replaced["Supply"], Fleet)


def test_the_module_in_place_keeps_its_own_contract():
    assert isinstance(checked(Supply())["Supply"], Supply)


def test_the_check_leaves_parameters_and_history_alone():
    model, history = marketplace(), decisions()
    fc.check_replacement(model, Fleet("Supply"), history)
    assert all(torch.equal(x.data, decisions()[name].data) for name, x in history.items())
    before = marketplace().state_dict()
    assert all(torch.equal(raw, before[name]) for name, raw in model.state_dict().items())


CASES = {
    "not finite": lambda: checked(Infinite()),
    "random": lambda: checked(Random()),
    "writes into its inputs": lambda: checked(Overwriting()),
    "does not survive saving": forgetful,
    "an unused parameter": lambda: checked(Unused()),
    "gradients that are not finite": lambda: checked(Steep()),
    "reads the future": lambda: checked(Prophet()),
    "not concave": lambda: checked(Convex()),
    "not increasing": lambda: checked(Falling()),
    "a tag of another port": lambda: checked(Mistagged()),
    "another unit": lambda: checked(Drifting()),
    "a history with holes": lambda: fc.check_replacement(
        marketplace(), Fleet("Supply"), {**decisions(), "bonus": decisions()["bonus"] * float("nan")}
    ),
}
MESSAGES = {
    "not finite": """\
module Supply gives values of hours that are not finite
  60 of 60 cells at the inputs of the history
  fix: look for log(0), 0/0 or an exponential that is too large""",
    "random": """\
module Supply gives another hours each time
  fix: draw random numbers in setup, not in forward""",
    "writes into its inputs": """\
module Supply changes its inputs bonus
  fix: compute new tensors instead of writing into them""",
    "does not survive saving": """\
module Supply gives another hours after it was saved and loaded
  fix: keep what forward needs in parameters or buffers, or make it in setup""",
    "an unused parameter": """\
module Supply does not use its parameters extra
  fix: use them in forward, or remove them""",
    "gradients that are not finite": """\
module Supply has gradients that are not finite, by slope
  fix: look for log(0), 0/0 or 0**h""",
    "reads the future": """\
module Supply knows the future of week
  hours up to 2024-03-04 depends on inputs after it
  fix: use shift, cumsum or a carry-over, which look back only""",
    "not concave": """\
module Supply is not concave as its tag says
  hours by bonus: a pair of inputs within the range of the history refutes it
  fix: remove the tag, or bound the parameters so that it holds""",
    "not increasing": """\
module Supply is not increasing as its tag says
  hours by bonus: a pair of inputs within the range of the history refutes it
  fix: remove the tag, or bound the parameters so that it holds""",
    "a tag of another port": """\
module Supply has a tag of a port that it lacks
  ('hours', 'coupon')
  fix: a tag is keyed (output, input)""",
    "another unit": """\
units of hours clash
  Supply says days, Rides says hours
  fix: convert in one of the modules, and let both ports say the same unit""",
    "a history with holes": """\
missing or infinite values in the input bonus
  60 of 60 cells, the first is region north, week 2024-01-01
  fix: fill them: a decision that was not taken is 0, not missing""",
}


@pytest.mark.parametrize("case", CASES)
def test_refuses_with_the_whole_message(case):
    assert refusal(CASES[case]) == MESSAGES[case]
