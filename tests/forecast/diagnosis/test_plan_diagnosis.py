"""What is asked of a plan: sensitivity to a wrong sub-model, stability, and the next experiment, on known models."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from estimators import forecast as fc
from estimators.errors import CausalError
from estimators.forecast.diagnosis.next_experiment import next_experiment
from estimators.forecast.diagnosis.replanning import on_model, with_parameter, with_residuals
from estimators.forecast.diagnosis.sensitivity import sensitivity
from estimators.forecast.diagnosis.stability import stability

CELL = ("region", "week")
DIMS = fc.Dims(region=["north", "south"], week=pd.date_range("2025-01-06", periods=30, freq="7D"))


class Sales(fc.Module):
    """sales = base + slope · log(1 + spend): the budget goes where the slope is."""

    inputs = {"spend": fc.Port(*CELL)}
    outputs = {"sales": fc.Port(*CELL)}
    shapes = {("sales", "spend"): "concave"}
    monotone = {("sales", "spend"): "increasing"}

    def setup(self):
        self.slope = self.param("slope", "region", positive=True, init=torch.tensor([3.0, 1.0]))
        self.base = self.param("base", "region", init=10.0)

    def forward(self, spend):
        return self.base + self.slope * fc.log1p(spend)


@pytest.fixture(scope="module")
def fitted():
    """Sales fitted to data with slopes 3 and 1 and little noise, with draws of the slopes alone."""
    source = np.random.default_rng(0)
    spend = source.uniform(0.0, 20.0, (2, 30))
    sales = 10.0 + np.array([[3.0], [1.0]]) * np.log1p(spend) + 0.3 * source.normal(size=(2, 30))
    history = {"spend": fc.tensor(spend, DIMS), "sales": fc.tensor(sales, DIMS)}
    made = fc.ModelCollection(Sales(), dims=DIMS).fit(history, fc.Fit("sales"), stages=("joint",))
    state = {name: value.clone() for name, value in made.model.state_dict().items()}
    north = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for z in np.linspace(-1.5, 1.5, 13):  # all that is unknown is the slope in the north
        made.draws.append({**state, "Sales.slope": state["Sales.slope"] + 0.8 * z * north})
    return made


@pytest.fixture(scope="module")
def planned(fitted):
    plan = fc.Plan(fitted, decide=("spend",), horizon=4)
    plan.maximise(fc.total("sales"))
    plan.subject_to(fc.total("spend") <= 40.0, fc.box("spend", 0.0, 20.0))
    return plan.solve()


def best_split(north: float, south: float, budget: float = 10.0) -> tuple[float, float]:
    """Per week: slopes over (1 + spend) are equal, so that spend + 1 is shared out as the slopes are."""
    share = (budget + 2.0) * north / (north + south) - 1.0
    return share, budget - share


def test_sensitivity_is_the_closed_form_of_two_regions(fitted, planned):
    slopes = fitted.model.parameter("Sales.slope").data.detach()
    found = sensitivity(planned, "Sales.slope", 0.5)
    x = best_split(*slopes.tolist())
    gain = 0.5 * 4.0 * sum(float(b) * math.log1p(s) for b, s in zip(slopes, x, strict=True))
    assert found.delivered - found.promised == pytest.approx(gain, rel=1e-6)
    assert found.loss == pytest.approx(0.0, abs=1e-4)  # both slopes alike: the same plan is still the best


def test_a_wrong_base_costs_nothing(planned):
    found = sensitivity(planned, "base", 0.3)
    assert found.loss == pytest.approx(0.0, abs=1e-4)
    assert found.share_moved == pytest.approx(0.0, abs=1e-3)


def test_a_wrong_slope_that_tilts_the_budget_costs_what_the_other_plan_would_bring(fitted, planned):
    """The slope in one region alone is off: the loss is the closed form of both splits under the changed slopes."""
    model = with_parameter(fitted.model, "Sales.slope", 0.0)
    with torch.no_grad():
        model["Sales"]._parameters["slope"][0] += math.log(0.5)
    changed = on_model(planned.plan, model)
    north, south = model.parameter("Sales.slope").data.tolist()
    again = changed.solve().decisions["spend"].data
    torch.testing.assert_close(
        again[:, 0], torch.tensor(best_split(north, south), dtype=torch.float64), rtol=1e-3, atol=0
    )


def test_a_node_may_be_wrong_as_a_whole(planned):
    found = planned.sensitivity("sales", -0.1)
    assert found.delivered == pytest.approx(0.9 * found.promised, rel=1e-9)
    assert found.share_moved == pytest.approx(0.0, abs=1e-3)


def test_the_decisions_of_both_plans_stand_side_by_side(planned):
    frame = planned.sensitivity("Sales.slope", 0.5).decisions
    assert list(frame.columns) == ["lever", "region", "week", "planned", "replanned", "change"]
    assert len(frame) == 8


def test_the_model_of_the_plan_is_left_as_it_was(fitted, planned):
    before = {name: value.clone() for name, value in planned.plan.decisions.model.state_dict().items()}
    planned.sensitivity("Sales.slope", 0.5)
    after = planned.plan.decisions.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_029_an_unknown_parameter_is_refused_with_what_there_is(planned):
    with pytest.raises(CausalError) as refused:
        planned.sensitivity("Sales.slop", 0.1)
    assert str(refused.value) == (
        "CAUSAL-029 Sales.slop is not clear\n"
        "  no parameter or node is called so\n"
        "  known: Sales.slope, Sales.base, sales\n"
        "  fix: name it in full\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_parameter_cannot_leave_its_bounds(planned):
    with pytest.raises(CausalError, match="outside its bounds"):
        planned.sensitivity("Sales.slope", -1.5)


def test_residuals_are_added_where_their_labels_are_and_nowhere_else(fitted):
    week = DIMS["week"][3]
    residual = fc.tensor([[2.0], [5.0]], DIMS.replace(week=[week]))
    added = with_residuals(fitted.model, {"sales": residual}).forward(fitted.history)["sales"]
    apart = (added - fitted.model.forward(fitted.history)["sales"]).data.detach()
    expected = torch.zeros(2, 30, dtype=torch.float64)
    expected[:, 3] = torch.tensor([2.0, 5.0])
    torch.testing.assert_close(apart, expected)


def test_a_plan_from_plenty_of_data_is_stable(planned):
    found = stability(planned, slices=3)
    assert found.plans["left_out"].str.startswith("2025-").all()
    assert found.mean_share_moved < 0.05
    assert 0.0 <= found.worst_loss + 1e-6 < 0.01 * planned.objective


def test_a_plan_on_draws_moves_with_what_is_unknown(planned):
    found = stability(planned, slices=0, draws=13)
    assert found.plans["share_moved"].iloc[0] > 0.1
    assert (found.plans["loss"] >= -1e-4).all()
    assert (found.decisions["lowest"] <= found.decisions["planned"] + 1e-3).all()
    assert (found.decisions["highest"] >= found.decisions["planned"] - 1e-3).all()


@pytest.mark.parametrize(
    ("slices", "draws", "subject"),
    [
        (1, 0, "nothing to compare the plan with"),
        (0, 99, "more draws than there are"),
        (16, 0, "slices of less than two labels"),
    ],
)
def test_029_a_comparison_that_cannot_be_made_is_refused(planned, slices, draws, subject):
    with pytest.raises(CausalError) as refused:
        stability(planned, slices=slices, draws=draws)
    assert refused.value.faults[0].subject == subject


def designs(**changes) -> pd.DataFrame:
    window = {"starts": DIMS["week"][10], "ends": DIMS["week"][14], "delta": 10.0, "std_error": 0.5}
    rows = [
        {"experiment": f"in the {r}", "lever": "spend", "outcome": "sales", "region": r, **window}
        for r in DIMS["region"]
    ]
    return pd.DataFrame(rows).assign(**changes)


def test_the_experiment_on_what_the_plan_hangs_on_comes_first(planned):
    found = next_experiment(planned, designs(), n_plans=6)
    assert found["candidate"][0] == "in the north"
    assert found["value"][0] > 0.0
    assert found["value"][1] == pytest.approx(0.0, abs=1e-6)


def test_an_experiment_that_costs_more_than_it_brings_ranks_below(planned):
    found = next_experiment(planned, designs(cost=[1e6, 0.0]), n_plans=3)
    assert found["candidate"].tolist() == ["in the south", "in the north"]


def test_029_without_draws_there_is_nothing_to_learn(fitted, planned):
    plan = on_model(planned.plan, fitted.model)
    with pytest.raises(CausalError) as refused:
        next_experiment(plan.solve(), designs())
    assert str(refused.value) == (
        "CAUSAL-029 no uncertainty to resolve\n"
        "  the fit has 0 draws\n"
        "  fix: model.fit(..., draws=50), so that the model knows what it does not know\n"
        "  more: docs/errors.md#causal-029"
    )
