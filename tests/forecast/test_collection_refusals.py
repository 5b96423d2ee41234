"""Whole messages of graphs that cannot be, of inputs that do not fit, and of files of other models."""

from __future__ import annotations

import pytest

from estimators import forecast as fc
from tests.forecast.marketplace import CELL, DIMS, LONGER, WEEKS, Demand, Rides, Supply, decisions, marketplace
from tests.forecast.refusals import refusal


def module(name, inputs=(), outputs=(), made=None):
    """A module with these ports (all by cell, or as given), which returns `made(inputs)`."""

    class Given(fc.Module):
        def forward(self, **values):
            return made(values)

    given = Given(name)
    ports = [fc.Port(*CELL) if isinstance(port, str) else port[1] for port in (*inputs, *outputs)]
    names = [port if isinstance(port, str) else port[0] for port in (*inputs, *outputs)]
    both = dict(zip(names, ports, strict=True))
    given.inputs = {key: both[key] for key in names[: len(inputs)]}
    given.outputs = {key: both[key] for key in names[len(inputs) :]}
    return given


def collected(*modules, **options):
    return fc.ModelCollection(*modules, dims=DIMS, **options)


def run(made, inputs=("bonus",), outputs=("hours",)):
    return collected(module("Supply", inputs, outputs, made))(decisions())


def holed():
    inputs = decisions()
    inputs["coupon"].data[1, 3:5] = float("nan")
    marketplace().check(inputs)


def loaded(tmp_path, saved, model):
    saved.save(tmp_path / "model.pt")
    model.load(tmp_path / "model.pt")


SUPPLY = module("Supply", ["rides"], ["hours"])
RIDES = module("Rides", ["hours", "price"], ["rides"])
PRICE = module("Price", ["rides"], ["price"])
CASES = {
    "cycle": lambda: collected(SUPPLY, module("Rides", ["hours"], ["rides"])),
    "longer cycle behind others": lambda: collected(Demand(), RIDES, PRICE, module("Hours", ["demand"], ["hours"])),
    "module that needs itself": lambda: collected(module("Supply", ["hours"], ["hours"])),
    "units": lambda: collected(Supply(), module("Pay", [("hours", fc.Port(*CELL, unit="days"))], ["pay"])),
    "units of an exogenous input": lambda: collected(
        Supply(), module("Other", [("bonus", fc.Port(*CELL, unit="eur"))], ["cost"])
    ),
    "dims": lambda: collected(Supply(), module("Pay", [("hours", fc.Port("week"))], [("pay", fc.Port("week"))])),
    "dim that is not there": lambda: collected(module("Supply", [("bonus", fc.Port("city", "week"))], ["hours"])),
    "output made twice": lambda: collected(Supply(), Supply("Fleet")),
    "name twice": lambda: collected(Supply(), module("Supply", ["coupon"], ["orders"])),
    "name that is no name": lambda: collected(Supply("Supply of drivers")),
    "name that torch needs": lambda: collected(Supply("forward")),
    "no outputs": lambda: collected(module("Supply", ["bonus"])),
    "input that nobody makes": lambda: collected(Supply(), Rides(), exogenous=["bonus"]),
    "several faults": lambda: collected(Supply(), Supply("Fleet"), module("Pay", [("pay", fc.Port("city"))], ["cost"])),
    "missing inputs": lambda: marketplace()({"bonus": decisions()["bonus"]}),
    "input with other dims": lambda: marketplace()({**decisions(), "bonus": decisions()["bonus"].sum("region")}),
    "inputs with other weeks": lambda: marketplace()({**decisions(), "bonus": decisions(LONGER)["bonus"]}),
    "intervention with other weeks": lambda: marketplace()(
        decisions(), intervene={"hours": decisions(LONGER)["bonus"]}
    ),
    "intervention on an unknown node": lambda: marketplace()(decisions(), intervene={"hour": decisions()["bonus"]}),
    "region that the model does not know": lambda: marketplace()(
        decisions(DIMS.replace(region=["north", "south", "east"]))
    ),
    "weeks before the known ones": lambda: marketplace()(
        decisions(DIMS.replace(week=[week - (WEEKS[20] - WEEKS[0]) for week in DIMS["week"]]))
    ),
    "weeks left out": lambda: marketplace()(
        {name: x.select(week=[*WEEKS[:5], *WEEKS[22:]]) for name, x in decisions(LONGER).items()}
    ),
    "missing values": holed,
    "several outputs as one": lambda: run(lambda values: values["bonus"], outputs=("hours", "cost")),
    "outputs under other names": lambda: run(lambda values: {"hour": values["bonus"]}),
    "output with a dim too many": lambda: run(lambda values: values["bonus"], outputs=[("hours", fc.Port("region"))]),
    "unknown node": lambda: marketplace().upstream("ride"),
    "unknown module": lambda: marketplace()["Suply"],
    "module run without an input": lambda: marketplace().run("Rides", {"hours": decisions()["bonus"]}),
    "parameter of two modules": lambda: marketplace().parameter("base"),
    "unknown parameter": lambda: marketplace().parameter("Supply.slop"),
    "replacement of nothing": lambda: marketplace().replace(module("Weather", ["bonus"], ["rain"])),
    "module of another collection": lambda: fc.ModelCollection(marketplace()["Supply"], dims=LONGER),
}
MESSAGES = {
    "cycle": """\
a cycle in the graph
  hours → rides → hours
  fix: break it: let one of them read the other's earlier weeks as an exogenous input""",
    "longer cycle behind others": """\
a cycle in the graph
  rides → price → rides
  fix: break it: let one of them read the other's earlier weeks as an exogenous input""",
    "module that needs itself": """\
a cycle in the graph
  hours → hours
  fix: break it: let one of them read the other's earlier weeks as an exogenous input""",
    "units": """\
units of hours clash
  Supply says hours, Pay says days
  fix: convert in one of the modules, and let both ports say the same unit""",
    "units of an exogenous input": """\
units of bonus clash
  Supply says usd, Other says eur
  fix: convert in one of the modules, and let both ports say the same unit""",
    "dims": """\
dims of hours clash
  Supply says (region, week), Pay says (week)
  fix: aggregate or broadcast in one of the modules, and let both ports say the same dims""",
    "dim that is not there": """\
port bonus of Supply has a dim that the collection lacks
  city is not among region, week
  fix: correct the port, or add the dim to fc.Dims""",
    "output made twice": """\
two modules make hours
  Supply and Fleet
  fix: rename the output hours of one of them""",
    "name twice": """\
two modules are called Supply
  fix: give one another name: Supply(name="Supply_north")""",
    "name that is no name": """\
a module cannot be called 'Supply of drivers'
  fix: an identifier (letters, digits, underscores) that is no attribute of a collection""",
    "name that torch needs": """\
a module cannot be called 'forward'
  fix: an identifier (letters, digits, underscores) that is no attribute of a collection""",
    "no outputs": """\
module Supply has no outputs
  fix: outputs = {"hours": fc.Port("region", "week")}""",
    "input that nobody makes": """\
nobody makes demand
  Rides needs it; exogenous inputs are bonus
  fix: correct the name, add the module that makes it, or declare it exogenous""",
    "several faults": """\
two modules make hours
  Supply and Fleet
  fix: rename the output hours of one of them
  more: docs/errors.md#causal-029
CAUSAL-029 port pay of Pay has a dim that the collection lacks
  city is not among region, week
  fix: correct the port, or add the dim to fc.Dims""",
    "missing inputs": """\
missing inputs
  coupon; needed are bonus, coupon
  fix: add coupon, a tensor over (region, week) in usd""",
    "input with other dims": """\
bonus has other dims than its port
  (week) against (region, week)
  fix: broadcast or aggregate it first""",
    "inputs with other weeks": """\
labels clash in week
  bonus has 24 labels, this forward pass has 20
  4 only in bonus, e.g. 2024-05-20
  fix: select the labels that both have, or rename one week""",
    "intervention with other weeks": """\
labels clash in week
  hours has 24 labels, this forward pass has 20
  4 only in hours, e.g. 2024-05-20
  fix: select the labels that both have, or rename one week""",
    "intervention on an unknown node": """\
unknown node hour
  there are hours, demand, rides; did you mean hours?
  fix: correct the name""",
    "region that the model does not know": """\
parameter base has no value for every region
  1 of 3 labels asked for are unknown to it, the first is east
  fix: pass known labels of region; beyond known weeks only levels, trends and seasons go on""",
    "weeks before the known ones": """\
a label of week that is neither known nor later
  2023-08-14, where the model knows 20 labels from 2024-01-01 to 2024-05-13
  fix: ask for known labels of week, or for those that follow the last one without a gap""",
    "weeks left out": """\
inputs that skip labels of week
  after 2024-01-29 comes 2024-06-03
  fix: pass every label of week in order, and select from the result""",
    "missing values": """\
missing or infinite values in the input coupon
  2 of 60 cells, the first is region south, week 2024-01-22
  fix: fill them: a decision that was not taken is 0, not missing""",
    "several outputs as one": """\
module Supply does not return its outputs
  promised hours, cost, returned one tensor
  fix: return one tensor, or a dict with a tensor per output port""",
    "outputs under other names": """\
module Supply does not return its outputs
  promised hours, returned hour
  fix: return one tensor, or a dict with a tensor per output port""",
    "output with a dim too many": """\
output hours of Supply has a dim too many
  week is not in its port (region)
  fix: sum or average over it, or add it to the port""",
    "unknown node": """\
unknown node ride
  there are hours, demand, rides; did you mean rides?
  fix: correct the name""",
    "unknown module": """\
unknown module Suply
  there are Rides, Supply, Demand; did you mean Supply?
  fix: correct the name""",
    "module run without an input": """\
missing inputs
  demand; needed are hours, demand
  fix: add demand, a tensor over (region, week)""",
    "parameter of two modules": """\
several parameters are called base
  Supply.base, Demand.base
  fix: name it in full: Supply.base""",
    "unknown parameter": """\
unknown parameter Supply.slop
  there are Supply.slope, Supply.base, Supply.carry.decay, Demand.base and 2 more; did you mean Supply.slope?
  fix: correct the name""",
    "replacement of nothing": """\
module Weather replaces nothing
  it makes rain; modules are Rides, Supply, Demand
  fix: give it the name of the module that it replaces""",
    "module of another collection": """\
module Supply already has other dims
  it was set up for Dims(region: 3, week: 20), the collection has Dims(region: 3, week: 24)
  fix: make a new module, or take model.rebuilt(dims)""",
}


@pytest.mark.parametrize("case", CASES)
def test_refuses_with_the_whole_message(case):
    assert refusal(CASES[case]) == MESSAGES[case]
