"""Whole messages of parts and parameters that contradict themselves."""

from __future__ import annotations

import datetime

import pytest

from estimators import forecast as fc
from tests.forecast.refusals import refusal

CELL = ("region", "week")
DIMS = fc.Dims(region=["A", "B"], week=[1, 2, 3, 4])


def setup(declare, labels=None, dims=DIMS):
    """Builds a module that declares this in `setup`, and runs it on other labels if there are any."""

    class Given(fc.Module):
        inputs = {"x": fc.Port(*CELL)}
        outputs = {"y": fc.Port(*CELL)}

        def setup(self):
            self.part = declare(self)

        def forward(self, x):
            return self.part + x

    model = fc.ModelCollection(Given(), dims=dims)
    return model({"x": fc.tensor(0.0, fc.Dims()).broadcast(dims.replace(**(labels or {})))})


def twice(module):
    module.param("slope")
    return module.param("slope")


def named_like_a_method(module):
    module.saturation = module.saturation("log")


class Early(fc.Module):
    outputs = {"y": fc.Port(*CELL)}

    def __init__(self):
        super().__init__()
        self.slope = self.param("slope")


MONTHS = fc.Dims(region=["A"], week=[datetime.date(2024, month, 1) for month in (1, 2, 3)])
CASES = {
    "unknown dim": lambda: setup(lambda m: m.param("slope", "regoin")),
    "pooled over another dim": lambda: setup(lambda m: m.param("slope", "region", pool="week")),
    "no room between bounds": lambda: setup(lambda m: m.param("slope", lower=1.0, upper=1.0)),
    "a prior without spread": lambda: setup(lambda m: m.param("slope", prior=(1.0, 0.0))),
    "a prior of a decay outside its bounds": lambda: setup(lambda m: m.adstock("week", max_lag=1, prior=(1.5, 0.1))),
    "a prior of a steepness that is not there": lambda: setup(
        lambda m: m.saturation("log", steepness_prior=(2.0, 1.0))
    ),
    "starting outside its bounds": lambda: setup(lambda m: m.param("slope", positive=True, init=-1.0)),
    "a prior outside the bounds": lambda: setup(lambda m: m.param("slope", lower=0.0, upper=1.0, prior=(2.0, 1.0))),
    "starting values of another shape": lambda: setup(lambda m: m.param("slope", "region", init=[1.0, 2.0, 3.0])),
    "starting values on other labels": lambda: setup(
        lambda m: m.param("slope", "region", init=fc.tensor([1.0, 2.0], fc.Dims(region=["B", "A"])))
    ),
    "declared twice": lambda: setup(twice),
    "declared before setup": Early,
    "a name that is taken": lambda: setup(lambda m: m.param("outputs")),
    "a part named like a method": lambda: setup(named_like_a_method),
    "a level without a time dim": lambda: setup(lambda m: m.local_level("base")),
    "waves that cannot be told apart": lambda: setup(lambda m: m.seasonality("wave", *CELL, period=4, harmonics=3)),
    "a carry-over of negative length": lambda: setup(lambda m: m.adstock("week", max_lag=-1)),
    "a carry-over along an unknown dim": lambda: setup(lambda m: m.adstock("day", max_lag=2)),
    "an unknown saturation": lambda: setup(lambda m: m.saturation("sqrt")),
    "a saturation at a scale below zero": lambda: setup(lambda m: m.saturation("log", scale=-2.0)),
    "an elasticity around zero": lambda: setup(lambda m: m.elasticity(reference=0.0)),
    "a parameter by week that should forecast": lambda: setup(
        lambda m: m.param("shock", *CELL), labels={"week": [1, 2, 3, 4, 5]}
    ),
    "a level with weeks in between left out": lambda: setup(
        lambda m: m.local_level("base", *CELL), labels={"week": [1, 2, 3, 4, 6]}
    ),
    "a level with weeks in another order": lambda: setup(
        lambda m: m.local_level("base", *CELL), labels={"week": [1, 3, 2, 4]}
    ),
    "a level on a day within a month": lambda: setup(
        lambda m: m.local_level("base", *CELL), labels={"week": [datetime.date(2023, 12, 1)]}, dims=MONTHS
    ),
    "a level on a Tuesday between Mondays": lambda: setup(
        lambda m: m.local_level("base", *CELL),
        labels={"week": [datetime.date(2024, 1, 15), datetime.date(2024, 1, 23)]},
        dims=DIMS.replace(week=[datetime.date(2024, 1, 1 + 7 * i) for i in range(3)]),
    ),
    "text that does not follow": lambda: setup(
        lambda m: m.local_level("base", *CELL),
        labels={"week": ["a", "c"]},
        dims=DIMS.replace(week=["a", "b"]),
    ),
    "a product of one node": lambda: fc.Product("rides", output="revenue", dims=CELL),
    "a network that sees other cells": lambda: fc.Neural({"x": fc.Port("city")}, {"y": fc.Port(*CELL)}),
    "a network with a scale of an unknown input": lambda: fc.Neural(
        {"x": fc.Port(*CELL)}, {"y": fc.Port(*CELL)}, scale={"z": 2.0}
    ),
}
MESSAGES = {
    "unknown dim": """\
unknown dim regoin
  the dims here are region, week; did you mean region?
  fix: use one of these dims, or add it to fc.Dims""",
    "pooled over another dim": """\
parameter slope is pooled over a dim it does not have
  pool week, its dims are region
  fix: add the dim to the parameter, or pool over one of its dims""",
    "no room between bounds": """\
parameter slope has no room between its bounds
  lower 1, upper 1
  fix: lower < upper""",
    "a prior without spread": """\
parameter slope has a prior without spread
  mean 1, standard deviation 0
  fix: prior=(mean, sd) with sd > 0""",
    "starting outside its bounds": """\
parameter slope starts outside its bounds
  values -1 to -1, bounds 0 to inf (exclusive)
  fix: give init= or prior= within the bounds""",
    "a prior of a decay outside its bounds": """\
parameter decay starts outside its bounds
  values 1.5 to 1.5, bounds 0 to 1 (exclusive)
  fix: give init= or prior= within the bounds""",
    "a prior of a steepness that is not there": """\
a prior of what is not there
  log has no steepness
  fix: drop it, or take 'hill'""",
    "a prior outside the bounds": """\
parameter slope starts outside its bounds
  values 2 to 2, bounds 0 to 1 (exclusive)
  fix: give init= or prior= within the bounds""",
    "starting values of another shape": """\
an array of another shape
  the array is 3, its dims are region: 2
  fix: order the axes as the names, one value per label""",
    "starting values on other labels": """\
labels clash in region
  the left has 2 labels, the right has 2
  the same in another order: label 1 is A in the left, B in the right
  fix: order one by the other: x.select(region=y.labels['region'])""",
    "declared twice": """\
parameter slope is declared twice
  fix: give each its own name""",
    "declared before setup": """\
parameter slope is declared before its module has dims
  fix: declare it in setup()""",
    "a name that is taken": """\
the name outputs is taken
  every Given has an attribute or a method outputs, which would hide the parameter
  fix: choose another name, such as outputs_part""",
    "a part named like a method": """\
the name saturation is taken
  every Given has an attribute or a method saturation, which would hide the parameter
  fix: choose another name, such as saturation_part""",
    "a level without a time dim": """\
base has no time dim
  it moves in time
  fix: name its dims, the time dim last""",
    "waves that cannot be told apart": """\
a seasonality whose waves cannot be told apart
  period 4, harmonics 3
  fix: 1 ≤ harmonics ≤ period / 2""",
    "a carry-over of negative length": """\
a carry-over of negative length
  max_lag -1
  fix: max_lag ≥ 0""",
    "a carry-over along an unknown dim": """\
unknown dim day
  the dims here are region, week
  fix: use one of these dims, or add it to fc.Dims""",
    "an unknown saturation": """\
an unknown saturation
  'sqrt'; known are 'log' and 'hill'
  fix: choose one""",
    "a saturation at a scale below zero": """\
parameter scale starts outside its bounds
  values -2 to -2, bounds 0 to inf (exclusive)
  fix: give init= or prior= within the bounds""",
    "an elasticity around zero": """\
an elasticity around a reference that is not positive
  reference 0
  fix: a usual value of the input, greater than 0""",
    "a parameter by week that should forecast": """\
parameter shock has no value for every week
  1 of 5 labels asked for are unknown to it, the first is 5
  fix: pass known labels of week; beyond known weeks only levels, trends and seasons go on""",
    "a level with weeks in between left out": """\
inputs that skip labels of week
  after 4 comes 6
  fix: pass every label of week in order, and select from the result""",
    "a level with weeks in another order": """\
inputs that skip labels of week
  after 1 comes 3
  fix: pass every label of week in order, and select from the result""",
    "a level on a day within a month": """\
a label of week that is neither known nor later
  2023-12-01, where the model knows 3 labels from 2024-01-01 to 2024-03-01
  fix: ask for known labels of week, or for those that follow the last one without a gap""",
    "a level on a Tuesday between Mondays": """\
a label of week that is neither known nor later
  2024-01-23, where the model knows 3 labels from 2024-01-01 to 2024-01-15
  fix: ask for known labels of week, or for those that follow the last one without a gap""",
    "text that does not follow": """\
a label of week that is neither known nor later
  c, where the model knows 2 labels from a to b
  fix: ask for known labels of week, or for those that follow the last one without a gap""",
    "a product of one node": """\
a product revenue of fewer than two nodes
  got rides
  fix: name two or more different nodes""",
    "a network that sees other cells": """\
network Neural_y sees other cells
  inputs have city, its output has (region, week)
  fix: sum or average the input over that dim in a module of its own""",
    "a network with a scale of an unknown input": """\
network Neural_y has a scale for what it does not read
  z; its inputs are x
  fix: name inputs of the network""",
}


@pytest.mark.parametrize("case", CASES)
def test_refuses_with_the_whole_message(case):
    assert refusal(CASES[case]) == MESSAGES[case]
