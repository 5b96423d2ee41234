"""What bad input gets, as one table: the whole message, as a user meets it, for every way in which 029 can come about.

Three ways lead to it: a definition (with file and line, before anything runs), a step of dbt (a check row, in one line)
and a call in Python. What only Python can do wrong stands beside the code: test_collection_refusals.py (the graph),
labels/test_refusals.py (labels), planning/test_refusals.py (plans), training/test_faults.py (losses).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dbt_causal.definitions import faults
from dbt_causal.project_files import definitions_in
from estimators import forecast as fc
from estimators.errors import MOST_LINES, CausalError, Fault
from tests.forecast_steps.shop import DEFINITION, REGIONS, SLOPE, WEEKS, Shop, checks
from tests.source_tree import ROOT

PROBE = ROOT / "tests/package/forecast_probe"
HELD = "models/forecasts/held.yml"
PROJECT = """
name: shop
version: 0.1.0
profile: causal
model-paths: [models, python_models]
vars:
  forecasts: {held: [fit, consistency, plan], unheld: [fit, consistency, plan]}
"""
NODE = "{name: hours, type: response, dims: [region, week], inputs: [bonus]}"
CONSTRAINTS = "horizon: 2\n          constraints:\n            - "
UNKNOWN_NODE = "  fix: nodes: hours, bonus\n"


# --- a definition: file and line, and nothing has run ----------------------------------------------------------------
def defined(folder: Path, old: str, new: str) -> list[str]:
    """The messages of a project in whose definition `held` this text has been replaced."""
    shutil.copytree(PROBE, folder, dirs_exist_ok=True)
    (folder / "dbt_project.yml").write_text(PROJECT)
    path = folder / HELD
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    return [str(fault) for fault in faults(definitions_in(folder))]


DEFINITIONS = {
    "a cycle": (
        NODE,
        "{name: hours, type: sum, dims: [region, week], inputs: [rides]}\n"
        "            - {name: rides, type: sum, dims: [region, week], inputs: [hours]}",
        f"a cycle in the graph  {HELD}:14\n  hours → rides → hours\n"
        "  fix: break it: let one of them read the other's earlier periods, as an input of the history",
    ),
    "a node that needs itself": (
        "inputs: [bonus]",
        "inputs: [hours]",
        f"a cycle in the graph  {HELD}:14\n  hours → hours\n"
        "  fix: break it: let one of them read the other's earlier periods, as an input of the history",
    ),
    "a missing input": (
        "inputs: [bonus]",
        "inputs: [bonos]",
        f"missing input  {HELD}:14\n  hours reads bonos, which is no node and no input; did you mean bonus?\n"
        "  fix: correct the name, or declare it under inputs",
    ),
    "units that clash": (
        "inputs: {bonus: {dims: [region, week]}}\n          nodes:\n            - " + NODE,
        "inputs: {bonus: {dims: [region, week], unit: usd}}\n          nodes:\n            - "
        "{name: hours, type: response, dims: [region, week], inputs: [{input: bonus, unit: eur}]}",
        f"units clash  {HELD}:14\n  bonus is in usd, hours expects eur\n"
        "  fix: convert it in a node between the two",
    ),
    "a dim too many": (
        "dims: [region, week], inputs: [bonus]",
        "dims: [week], inputs: [bonus]",
        f"an input with a dim too many  {HELD}:14\n  hours (week) reads bonus (region, week)\n"
        "  fix: add a node of type sum that adds up bonus over region",
    ),
    "a constraint on an unknown node": (
        "horizon: 2",
        CONSTRAINTS + "{type: total, of: [bonuss], at_most: 5}",
        f"unknown node  {HELD}:20\n  constraints[1] (total) names bonuss; did you mean bonus?\n"
        "  fix: nodes: hours, bonus",
    ),
    "a ratio of an unknown node": (
        "horizon: 2",
        CONSTRAINTS + "{type: ratio, numerator: revenue, denominator: hours, at_least: 3}",
        f"unknown node  {HELD}:20\n  constraints[1] (ratio) names revenue\n  fix: nodes: hours, bonus",
    ),
    "a ramp of what is not decided": (
        "horizon: 2",
        CONSTRAINTS + "{type: ramp, decision: hours, dim: week, at_most: 0.2}",
        f"unknown decision  {HELD}:20\n  constraints[1] (ramp) names hours; did you mean bonus?\n"
        "  fix: decisions: bonus",
    ),
    "a ramp along an unknown dim": (
        "horizon: 2",
        CONSTRAINTS + "{type: ramp, decision: bonus, dim: weeks, at_most: 0.2}",
        f"unknown dim  {HELD}:20\n  constraints[1] (ramp): bonus has no dim weeks; did you mean week?\n"
        "  fix: dims of bonus: region, week",
    ),
    "limits that exclude one another": (
        "horizon: 2",
        CONSTRAINTS + "{type: total, of: [bonus], at_least: 9, at_most: 5}",
        f"limits that exclude one another  {HELD}:20\n  constraints[1] (total): at least 9 and at most 5\n"
        "  fix: exchange or correct them",
    ),
    "an objective that is no node": (
        "maximise: [hours]",
        "maximise: [hour]",
        f"unknown node  {HELD}:17\n  objective.maximise names hour; did you mean hours?\n  fix: nodes: hours",
    ),
    "powers that do not fit": (
        NODE,
        "{name: hours, type: product, dims: [region, week], inputs: [bonus, bonus], powers: [0.5]}",
        f"powers that do not fit their inputs  {HELD}:14\n  hours has inputs bonus, bonus and powers 0.5\n"
        "  fix: give each input a number other than 0",
    ),
    "more draws than there are": (
        "horizon: 2",
        "horizon: 2\n          stability: {slices: 2, draws: 5}",
        f"more draws than there are  {HELD}:19\n  stability asks for 5, the fit makes 0\n"
        "  fix: add training: {draws: 5}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEFINITIONS)
def test_a_definition_is_refused_at_its_line(tmp_path, case):
    old, new, message = DEFINITIONS[case]
    assert defined(tmp_path, old, new) == [f"CAUSAL-029 {message}\n  more: docs/errors.md#causal-029"]


# --- a step of dbt: a check row that blocks this forecast and no other ------------------------------------------------
def of_history(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Shop], Shop]:
    return lambda shop: Shop(history=change(shop.tables["history"]))


def of_experiments(**changes: Any) -> Callable[[Shop], Shop]:
    """The first experiment with other values."""

    def changed(shop: Shop) -> Shop:
        frame = shop.tables["experiments"].copy()
        for column, value in changes.items():
            frame[column] = frame[column].astype(object)
            frame.loc[0, column] = value
        return Shop(experiments=frame)

    return changed


def some_week(history: pd.DataFrame) -> pd.DataFrame:
    return history["week"] == WEEKS[7]


UNFIT = "experiments that do not fit the model; "
UNUSABLE = "experiments that cannot be used; "
ROWS = "; fix: correct these rows of the model `experiments`"
FITS = {
    "a row without its region": (
        of_history(lambda h: h.assign(region=h["region"].mask(some_week(h)))),
        "missing labels; region: 4 of 240 rows; fix: drop these rows or give them a label",
    ),
    "two rows of one cell": (
        of_history(lambda h: pd.concat([h, h[some_week(h)]], ignore_index=True)),
        "duplicate cells; 4 of 212 rows repeat a cell, the first is region east, week 2026-02-23; "
        "fix: one row per region, week: aggregate the frame first",
    ),
    "a week that is not there": (
        of_history(lambda h: h[~some_week(h)]),
        "a gap in week; after 2026-02-16 comes 2026-03-02, 14 days; the usual step is 7 days; "
        "fix: put every label into week in order: rows that are not there become missing values",
    ),
    "an input that is not there": (
        of_history(lambda h: h.drop(columns="holiday")),
        "shop has no column for an input; missing: holiday; the frame has region, week, bonus, hours; "
        "fix: add it, or correct inputs",
    ),
    "an input with a hole": (
        of_history(lambda h: h.assign(bonus=h["bonus"].mask(some_week(h) & (h["region"] == "north")))),
        "missing or infinite values in the input bonus; 1 of 208 cells, the first is region north, week 2026-02-23; "
        "fix: fill them: a decision that was not taken is 0, not missing",
    ),
    "an experiment on no lever": (
        of_experiments(lever="discount"),
        UNFIT + "east_0 (region=east): no lever discount; the model has bonus, holiday, hours; "
        "fix: correct the table or the graph",
    ),
    "an experiment in no region": (
        of_experiments(region="mars"),
        UNFIT + "east_0 (region=mars): region has no mars; fix: correct the table or the graph",
    ),
    "an experiment of no node": (
        of_experiments(outcome="rides"),
        UNFIT + "east_0 (region=east): no node rides; the model has hours; fix: correct the table or the graph",
    ),
    "a standard error of zero": (
        of_experiments(std_error=0.0),
        UNUSABLE + "row 1 (east_0): std_error is 0, it must be above 0" + ROWS,
    ),
    "a standard error below zero": (
        of_experiments(std_error=-2.0),
        UNUSABLE + "row 1 (east_0): std_error is -2, it must be above 0" + ROWS,
    ),
    "a standard error that is missing": (
        of_experiments(std_error=None),
        UNUSABLE + "row 1 (east_0): std_error is not a finite number" + ROWS,
    ),
}


@pytest.fixture(scope="module")
def whole() -> Shop:
    made = Shop()
    made.step("fit")
    made.step("consistency", "fit")
    return made


@pytest.mark.parametrize("case", FITS)
def test_a_fit_of_bad_data_is_a_check_that_says_why(whole, case):
    change, message = FITS[case]
    check = checks(change(whole).step("fit"))["step_completes"]
    assert (check["status"], check["code"], check["is_gate"]) == ("fail", "029", True)
    assert check["reason"] == message


def test_a_plan_that_cannot_be_names_the_constraints_that_contradict_one_another(whole):
    constraints = [
        {"type": "total", "of": ["bonus"], "at_most": 100},
        {"type": "box", "decision": "bonus", "lower": 20.0},
        {"type": "total", "of": ["bonus"], "by": "region", "at_most": dict.fromkeys(REGIONS, 1e4)},
        {"type": "support", "stretch": 1.0},
    ]
    other = Shop(DEFINITION | {"constraints": constraints})
    other.frames = whole.frames
    found = checks(other.step("plan", "fit", "consistency"))
    assert (found["is_feasible"]["status"], found["is_feasible"]["is_gate"]) == ("fail", True)
    assert found["is_feasible"]["reason"] == (
        "no plan satisfies these together; box(bonus); total(bonus) <= 100; fix: loosen one of them"
    )


@pytest.mark.parametrize("step", ["forecast", "plan"])
def test_a_horizon_longer_than_the_known_inputs_is_refused(whole, step):
    other = Shop(DEFINITION | {"horizon": 12})
    other.frames = whole.frames
    earlier = ("fit", "consistency") if step == "plan" else ("fit",)
    assert checks(other.step(step, *earlier))["step_completes"]["reason"] == (
        "a horizon longer than the known inputs; horizon is 12, shop names 8 after the history; "
        "fix: a row per cell of every week ahead, with nulls for what is not known"
    )


# --- a call in Python ------------------------------------------------------------------------------------------------
def refusal(work: Callable[[], Any]) -> str:
    with pytest.raises(CausalError) as refused:
        work()
    return str(refused.value)


def test_many_faulty_rows_are_counted_in_a_message_of_six_lines():
    bad = Shop().tables["experiments"].assign(std_error=0.0)
    assert refusal(lambda: fc.Experiments.from_table(bad)) == (
        "CAUSAL-029 experiments that cannot be used\n"
        "  row 1 (east_0): std_error is 0, it must be above 0\n"
        "  row 2 (east_1): std_error is 0, it must be above 0\n"
        "  and 22 more\n"
        "  fix: correct these rows of the model `experiments`\n"
        "  more: docs/errors.md#causal-029"
    )


@pytest.mark.parametrize(
    ("n_details", "fix"), [(0, ""), (3, "do it"), (4, ""), (4, "do it"), (500, ""), (500, "do it")]
)
def test_no_message_has_more_than_six_lines(n_details, fix):
    details = tuple(f"detail {i}" for i in range(n_details))
    lines = str(Fault("029", "a subject", details, fix)).splitlines()
    assert len(lines) <= MOST_LINES
    shown = [line for line in lines if line.startswith("  detail ")]
    rest = [int(line.split()[1]) for line in lines if line.startswith("  and ")]
    assert len(shown) + sum(rest) == n_details


def test_a_loss_that_is_not_a_number_names_its_node():
    cell = ("region", "week")

    class Root(fc.Module):
        inputs = {"bonus": fc.Port(*cell)}
        outputs = {"hours": fc.Port(*cell)}

        def setup(self):
            self.slope = self.param("slope", init=SLOPE)

        def forward(self, bonus):
            return self.slope * fc.log(bonus)

    dims = fc.Dims(region=["north"], week=range(8))
    history = {name: fc.tensor(np.full((1, 8), -1.0), dims) for name in ("bonus", "hours")}
    model = fc.ModelCollection(Root(), dims=dims)
    assert refusal(lambda: model.fit(history, fc.Fit("hours"), stages=("joint",))) == (
        "CAUSAL-029 a loss that is not a number at node hours\n"
        "  8 of 8 cells, the first is region north, week 0, in step 0 of the stage joint\n"
        "  module Root: its inputs and parameters are finite\n"
        "  fix: look at the forward pass of Root: logarithms and roots below zero, divisions by zero, overflow\n"
        "  more: docs/errors.md#causal-029"
    )
