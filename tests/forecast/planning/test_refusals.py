"""What a plan refuses, with the whole message."""

from __future__ import annotations

import datetime

import pytest
import torch

from estimators import forecast as fc
from tests.forecast.planning.panels import DIMS, REGIONS, WEEKS, known, plan
from tests.forecast.refusals import refusal

FIRST = WEEKS[-1] + datetime.timedelta(weeks=1)


def solving(*constraints):
    return lambda: plan(*constraints, horizon=2).solve()


def test_an_unknown_node_in_a_constraint():
    assert refusal(solving(fc.total("ridez") <= 3)) == (
        "unknown node ridez\n  there are hours, orders, rides, revenue; did you mean rides?\n  fix: correct the name"
    )


def test_an_unknown_node_in_the_objective():
    message = refusal(lambda: fc.Plan(known(), decide=("bonus", "coupon"), horizon=2).maximise(fc.total("ridez")))
    assert message.startswith("unknown node ridez\n")


def test_a_lever_that_is_no_input():
    assert refusal(lambda: fc.Plan(known(), decide=("rides",), horizon=2)) == (
        "a plan cannot decide rides\n  inputs of the model are bonus, coupon\n  fix: decide inputs that no module makes"
    )


def test_a_box_on_what_is_not_decided():
    assert refusal(solving(fc.box("hours", 0, 1))) == (
        "a constraint on hours, which the plan does not decide\n  decided are bonus, coupon\n"
        "  fix: add it to decide=(…) or drop the constraint"
    )


def test_inputs_that_nobody_knows_over_the_horizon():
    assert refusal(lambda: fc.Plan(known(), decide=("bonus",), horizon=2)) == (
        f"inputs that nobody knows over the horizon\n  coupon from {FIRST} to {FIRST + datetime.timedelta(weeks=1)}; "
        'decided are bonus\n  fix: pass inputs={"coupon": tensor over the horizon}, or decide them'
    )


def test_a_horizon_longer_than_the_known_inputs():
    coupon = fc.tensor(torch.ones(3, 1), fc.Dims(region=REGIONS, week=[FIRST]))
    second = FIRST + datetime.timedelta(weeks=1)
    assert refusal(lambda: fc.Plan(known(), decide=("bonus",), horizon=2, inputs={"coupon": coupon})) == (
        "the horizon is longer than what is known of coupon\n"
        f"  1 of 2 labels of week are missing, the first is {second}\n"
        f"  fix: pass coupon up to {second}, or shorten the horizon"
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_known_inputs_that_are_missing_or_infinite(value):
    cells = torch.ones(3, 2, dtype=torch.float64)
    cells[1, 1] = value
    coupon = fc.tensor(cells, fc.Dims(region=REGIONS, week=[FIRST, FIRST + datetime.timedelta(weeks=1)]))
    said = refusal(lambda: fc.Plan(known(), decide=("bonus",), horizon=2, inputs={"coupon": coupon}))
    n_cells = said.split("1 of ")[1].split(" ")[0]
    assert said == (
        f"missing or infinite values in the input coupon\n  1 of {n_cells} cells, the first is region {REGIONS[1]}, "
        f"week {FIRST + datetime.timedelta(weeks=1)}\n  fix: fill them: a decision that was not taken is 0, not missing"
    )


def test_a_horizon_of_nothing():
    assert refusal(lambda: plan(horizon=0)) == (
        "a horizon of 0\n  nothing is left to decide\n  fix: a horizon of at least 1"
    )


def test_a_horizon_in_the_past():
    assert refusal(lambda: plan(horizon=[WEEKS[3]])) == (
        f"a horizon that does not follow the history\n  {WEEKS[3]} is history\n  fix: labels after {WEEKS[-1]}"
    )


def test_weeks_without_an_even_spacing():
    from estimators.forecast.labels.dims import Index
    from estimators.forecast.planning.horizon import labels_after

    assert refusal(lambda: labels_after(Index(("a", "b", "d")), 2)) == (
        "the labels after the history are not known\n"
        "  the last ones are a, b, d, without an even spacing to continue\n"
        '  fix: pass the labels themselves: horizon=["2026W31", "2026W32"]'
    )


def test_missing_labels_in_bounds():
    rule = fc.by("region", fc.total("bonus")) <= {"north": 1.0}
    assert refusal(solving(rule)) == (
        "missing labels in the bounds of by(region, total(bonus)) <= bounds by region\n"
        "  2 of 3 labels of region: south, west\n  fix: give every label a bound"
    )


def test_an_unknown_label_in_a_total():
    message = refusal(solving(fc.total("bonus", region="nowhere") <= 1))
    assert message.startswith("unknown label in region\n  1 unknown: 'nowhere'")


def test_bounds_by_label_of_one_total():
    assert refusal(lambda: fc.total("bonus") <= {"north": 1.0}) == (
        "a bound per label of one total\n  total(bonus) <= …\n  fix: wrap the total in fc.by(dim, …)"
    )


def test_a_ramp_without_a_limit():
    assert refusal(lambda: fc.ramp("bonus", "week")) == (
        "a ramp of bonus without a limit\n  share None, absolute None\n"
        "  fix: give one of both, not negative: fc.ramp(lever, dim, 0.2) or fc.ramp(lever, dim, absolute=5)"
    )


def test_two_constraints_with_one_name():
    assert refusal(solving((fc.total("bonus") <= 1).named("cap"), (fc.total("coupon") <= 1).named("cap"))) == (
        'two constraints with one name\n  cap\n  fix: name one of them: (…).named("…")'
    )


def test_a_plan_without_an_objective():
    made = fc.Plan(known(), decide=("bonus", "coupon"), horizon=2)
    assert refusal(made.solve) == 'a plan without an objective\n  fix: plan.maximise(fc.total("rides"))'


def test_a_constraint_that_is_none():
    assert refusal(lambda: plan(True)) == (
        'a constraint that is none\n  got bool True\n  fix: compare a total with a number: fc.total("bonus") <= 2e6'
    )


def test_a_constraint_that_does_not_depend_on_the_decisions():
    coupon = fc.tensor(torch.ones(3, 1), fc.Dims(region=REGIONS, week=[FIRST]))
    made = fc.Plan(known(), decide=("bonus",), horizon=1, inputs={"coupon": coupon}).maximise(fc.total("rides"))
    assert refusal(made.subject_to(fc.total("orders") <= 9).solve) == (
        "total(orders) <= 9 does not depend on the decisions\n  decided are bonus\n"
        "  fix: drop it, or decide what it constrains"
    )


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_buffer_that_is_no_share(share):
    assert refusal(lambda: (fc.total("bonus") <= 1).with_buffer(share)) == (
        f"a buffer of {share:g} on total(bonus) <= 1\n  fix: a share of at least 0 and below 1 of a <= or >="
    )


def test_a_robust_plan_without_draws():
    best = plan(horizon=2).solve()
    assert refusal(lambda: best.robust(0.1)) == (
        "too few draws for a robust plan\n  0 of 16: half choose the plan, half judge it\n"
        "  fix: model.fit(..., draws=50)"
    )


def test_a_gate_without_draws():
    best = plan(horizon=2).solve()
    assert refusal(lambda: best.gate(0.3)) == (
        "no draws to judge the plan by\n  its uncertainty is unknown\n  fix: model.fit(..., draws=50)"
    )


def test_an_unknown_fallback():
    made = fc.Plan(known(n_draws=4), decide=("bonus", "coupon"), horizon=2).maximise(fc.total("rides"))
    assert refusal(lambda: made.solve().gate(0.0, fallback="last_decade")) == (
        "an unknown fallback last_decade\n  known are status_quo, last_year\n  fix: one of them, or decisions"
    )


def test_an_override_without_a_reason():
    best = plan(horizon=2).solve()
    assert refusal(lambda: best.override({"bonus": 1.0}, who="ops", why="")) == (
        'an override without who and why\n  fix: plan.override({...}, who="…", why="…")'
    )


def test_an_override_of_what_is_not_decided():
    best = plan(horizon=2).solve()
    assert refusal(lambda: best.override({"fare": 1.0}, who="ops", why="strike")) == (
        "an override of fare, which the plan does not decide\n  decided are bonus, coupon\n"
        "  fix: override what the plan decides"
    )


def test_a_constraint_with_two_sides():
    assert refusal(lambda: 1 <= fc.total("bonus") <= 3) == (
        "a constraint read as true or false\n"
        "  total(bonus) >= 1; Python splits a <= x <= b in two and keeps the second\n  fix: write two constraints"
    )


def test_a_group_that_a_node_does_not_have():
    class Sum(fc.Module):
        inputs = {"bonus": fc.Port("region", "week")}
        outputs = {"spend": fc.Port("week")}
        shapes = {("spend", "bonus"): "affine"}

        def forward(self, bonus):
            return bonus.sum("region")

    made = fc.Plan(known(Sum()), decide=("bonus",), horizon=2).maximise(fc.total("spend"))
    assert DIMS.size("region") == 3
    assert refusal(made.subject_to(fc.by("region", fc.total("spend")) <= dict.fromkeys(REGIONS, 1.0)).solve).startswith(
        "unknown dim region\n"
    )
