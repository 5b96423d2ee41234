"""Plans on a model: what they decide, what they obey, and what they say of themselves."""

from __future__ import annotations

import datetime

import pytest
import torch

from estimators import forecast as fc
from estimators.forecast.experiments.table import Experiment
from estimators.forecast.planning.support import share_outside
from tests.forecast.planning.panels import REGIONS, WEEKS, known, plan

BUDGET = fc.total("bonus", "coupon") <= 100.0


def spent(best, name, region=None):
    value = best.decisions[name]
    return float((value if region is None else value.select(region=region)).sum())


def test_a_concave_plan_is_certified_globally():
    best = plan(BUDGET).solve(tol=1e-6)
    assert best.certificate.kind == "global"
    assert best.gap <= 1e-6
    assert "rides is concave in hours and orders (Rides)" in best.certificate.why


def test_a_plan_beats_every_plan_that_is_tried_at_random():
    made = plan(BUDGET)
    best = made.solve()
    region = made.compiled().region(made.decisions.size)
    source = torch.Generator().manual_seed(0)
    for _ in range(50):
        x = torch.rand(region.size, generator=source, dtype=torch.float64) * region.upper
        x = region.lower + (x - region.lower).clamp_min(0) * min(1.0, 100.0 / float(x.sum()))
        assert float(made.value_at(x)) <= best.objective * (1 + best.gap)


def test_a_search_that_starts_at_the_optimum_ends_there_sooner():
    slow = fc.ramp("bonus", "week", 0.5, from_history=False)
    made = plan(BUDGET, slow, horizon=6)
    cold = made.solve()
    warm = made.solve(start=cold.vector())
    assert warm.iterations < cold.iterations
    assert warm.objective == pytest.approx(cold.objective, rel=2e-6)
    assert warm.certificate.kind == "global"


def test_a_start_outside_the_region_is_brought_inside():
    made = plan(BUDGET)
    far = made.solve(start=torch.full_like(made.as_last(), 1e9))
    assert far.objective == pytest.approx(made.solve().objective, rel=2e-6)
    assert max(far.violations.values()) <= 1e-6


def test_decisions_have_the_labels_of_the_weeks_after_the_history():
    best = plan(BUDGET, horizon=3).solve()
    assert best.decisions["bonus"].dims == ("region", "week")
    assert list(best.decisions["bonus"].labels["week"]) == [WEEKS[-1] + datetime.timedelta(weeks=i) for i in (1, 2, 3)]


def test_a_plan_counts_what_carries_over_from_the_history():
    made = fc.Plan(known(), decide=("bonus",), horizon=2, inputs={"coupon": coupons(2)}).maximise(fc.total("hours"))
    assert float(made.value_at(torch.zeros(6, dtype=torch.float64))) > 5.0 * 6 + 0.1


def coupons(n):
    weeks = [WEEKS[-1] + datetime.timedelta(weeks=i + 1) for i in range(n)]
    dims = fc.Dims(region=REGIONS, week=weeks)
    return fc.tensor(torch.ones(3, n), dims)


def test_the_objective_is_the_models_own_total():
    made = plan(BUDGET, horizon=4)
    best = made.solve()
    past = made.fitted.history
    inputs = {name: fc.concat([past[name], best.decisions[name]], "week") for name in ("bonus", "coupon")}
    rides = made.fitted.model(inputs)["rides"].select(week=list(best.decisions["bonus"].labels["week"]))
    assert float(rides.sum().detach()) == pytest.approx(best.objective, rel=1e-12)


def test_every_constraint_holds_at_the_plan():
    best = plan(
        BUDGET, fc.by("region", fc.total("bonus")) <= {"north": 10.0, "south": 15.0, "west": 20.0},
        fc.ramp("bonus", "week", 0.5, from_history=False), fc.box("coupon", 1.0, 6.0),
        fc.total("revenue") / fc.total("rides") >= 3.85, fc.total("hours") >= 60.0,
    ).solve()  # fmt: skip
    assert best.is_feasible
    assert max(best.violations.values()) <= 1e-6
    assert spent(best, "bonus", "north") <= 10.0 + 1e-6
    steps = best.decisions["bonus"].data
    assert bool((steps[:, 1:] <= 1.5 * steps[:, :-1] + 1e-6).all())


def test_a_ratio_that_binds_is_met_and_has_a_price():
    free = plan(BUDGET).solve()
    made = plan(BUDGET, fc.total("revenue") / fc.total("rides") >= 3.95)
    best = made.solve()
    values = made.decisions.outcomes(best.vector())
    rides, revenue = (float(made.decisions.over_horizon(values[name]).sum()) for name in ("rides", "revenue"))
    assert revenue / rides == pytest.approx(3.95, abs=1e-5)
    assert best.objective < free.objective
    more = plan(BUDGET, fc.total("revenue") / fc.total("rides") >= 3.951).solve()
    price = best.shadow_prices["total(revenue) / total(rides) >= 3.95"]
    assert price == pytest.approx((more.objective - best.objective) / 0.001, rel=0.05)


def test_a_convex_constraint_through_the_dag_is_certified_globally():
    made = plan(fc.total("revenue") >= 295.0, BUDGET)
    made.maximise(fc.total("bonus") * -1.0)
    best = made.solve(tol=1e-5)
    assert best.certificate.kind == "global"
    assert best.gap <= 1e-4


def test_a_constraint_of_unknown_shape_leaves_a_local_certificate():
    best = plan(BUDGET, fc.total("revenue") <= 380.0).solve()
    assert best.certificate.kind == "local"
    assert best.gap is None


def test_shadow_prices_are_what_one_more_dollar_adds():
    best = plan(BUDGET).solve(tol=1e-8)
    more = plan(fc.total("bonus", "coupon") <= 100.1).solve(tol=1e-8)
    price = best.shadow_prices["total(bonus) + total(coupon) <= 100"]
    assert price == pytest.approx((more.objective - best.objective) / 0.1, rel=1e-2)


def test_totals_are_compared_with_totals():
    best = plan(BUDGET, fc.total("coupon") <= 0.25 * fc.total("bonus")).solve()
    assert spent(best, "coupon") <= 0.25 * spent(best, "bonus") + 1e-6


def test_a_buffer_keeps_a_share_of_the_budget_free():
    best = plan(BUDGET.with_buffer(0.1)).solve()
    assert spent(best, "bonus") + spent(best, "coupon") == pytest.approx(90.0)


def test_the_trust_region_is_on_by_default():
    best = plan(fc.total("bonus", "coupon") <= 1e6).solve()
    history = known().history["bonus"].data
    assert float(best.decisions["bonus"].data.max()) <= 1.1 * float(history.max())
    assert best.share_outside == 0.0


def test_what_lies_outside_the_trust_region_is_counted_where_it_is_taken_off():
    best = plan(fc.support(None), fc.box("bonus", 0, 50), fc.box("coupon", 0, 5)).solve()
    assert best.share_outside == pytest.approx(0.5, abs=0.2)


def test_experiments_decide_the_trust_region_where_there_were_any():
    one = Experiment("lift", "bonus", "hours", {"region": ("north",)}, WEEKS[0], WEEKS[4], 30.0, 5.0, 1.0)
    made = fc.Plan(known(), decide=("bonus",), horizon=1, inputs={"coupon": coupons(1)}, experiments=[one])
    tried = known().history["bonus"].select(region="north").data[:4]
    low, high = float(tried.min()), float(tried.max()) + 30.0
    assert float(made.tried.upper[0]) == pytest.approx(high + 0.1 * (high - low))
    assert float(made.tried.upper[1]) <= 11.0


def test_the_share_outside_counts_decisions():
    made = plan(BUDGET)
    x = made.tried.upper.clone()
    x[:9] += 1.0
    assert share_outside(x, made.tried) == pytest.approx(0.25)


def test_conflicting_totals_are_named_and_nothing_else_is():
    best = plan(
        BUDGET, fc.total("bonus") >= 60.0, fc.total("coupon") >= 50.0, fc.box("bonus", 0, 9),
        fc.ramp("coupon", "week", 0.9),
    ).solve()  # fmt: skip
    assert best.infeasible_because == (
        "total(bonus) + total(coupon) <= 100", "total(bonus) >= 60", "total(coupon) >= 50"
    )  # fmt: skip
    assert best.status == "infeasible"
    assert best.certificate.kind == "none"
    assert best.decisions == {}


def test_a_conflict_through_the_dag_is_named():
    best = plan(BUDGET, (fc.total("rides") >= 300.0).named("many rides"), fc.box("coupon", 0, 9)).solve()
    assert "many rides" in best.infeasible_because
    assert not best.is_feasible


def test_a_nearly_empty_region_reports_the_slack_of_each_constraint():
    best = plan(
        BUDGET, fc.total("bonus") >= 50.0, fc.total("coupon") >= 49.99, fc.total("bonus", region="west") <= 30
    ).solve()
    assert best.slack["total(bonus) + total(coupon) <= 100"] == pytest.approx(1e-4, rel=0.05)
    assert best.slack["total(bonus, region=west) <= 30"] > 0.5


def test_a_roomy_region_reports_no_slack():
    assert plan(BUDGET).solve().slack == {}


def test_a_robust_plan_is_better_on_the_worst_draws():
    best = plan(BUDGET, n_draws=40).solve()
    robust = best.robust(cvar=0.2)
    assert robust.is_feasible
    assert robust.certificate.kind == "global"
    assert robust.gap <= 1e-3
    assert robust.fresh is not None
    assert len(robust.fresh.values) == 20


def test_the_gate_lets_a_sure_plan_pass_and_records_it():
    best = plan(BUDGET, n_draws=20).solve().gate(max_width=0.3)
    assert best.status == "optimised"
    assert best.record[-1].startswith("gate passed: 80% interval is ")


def test_the_gate_puts_last_year_in_place_of_an_unsure_plan():
    best = plan(BUDGET, n_draws=20).solve().gate(max_width=1e-6, fallback="last_year")
    year_ago = known().history["bonus"].data[:, 8:14]
    assert best.status == "fallback"
    assert torch.equal(best.decisions["bonus"].data, year_ago)
    assert best.certificate.kind == "none"
    assert best.record[-1].endswith("fallback last_year")


def test_an_override_is_recorded_with_who_and_why_and_judged():
    best = plan(BUDGET).solve().override({"bonus": 20.0}, who="ops", why="strike in the west")
    assert best.status == "override"
    assert best.record == ("override of bonus by ops: strike in the west",)
    assert best.violations["total(bonus) + total(coupon) <= 100"] > 200
    assert not best.is_feasible


def test_decisions_come_as_a_frame():
    frame = plan(BUDGET, horizon=2).solve().to_frame()
    assert list(frame.columns) == ["lever", "region", "week", "value"]
    assert len(frame) == 2 * 3 * 2
