"""Regret of real plans: a planted case against the truth, and the same against the refitted model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from estimators import forecast as fc
from estimators.errors import CausalError
from estimators.forecast.diagnosis.hindsight import regret
from tests.forecast.diagnosis.test_plan_diagnosis import CELL, DIMS, Sales

HORIZON = tuple(pd.date_range("2025-08-04", periods=4, freq="7D"))
LATER = DIMS.replace(week=HORIZON)


def sales(north: float, south: float, dims: fc.Dims = DIMS) -> fc.ModelCollection:
    """The module with these slopes."""
    model = fc.ModelCollection(Sales(), dims=dims)
    with torch.no_grad():
        model["Sales"]._parameters["slope"].copy_(torch.tensor([north, south], dtype=torch.float64).log())
    return model


class Known:
    """What a plan asks of a fit."""

    def __init__(self, model, spend=None):
        values = np.random.default_rng(0).uniform(0.0, 20.0, (2, 30)) if spend is None else spend
        self.model, self.time, self.draws, self.loss = model, "week", [], None
        self.history = {"spend": fc.tensor(values, DIMS)}


def planned(model, budget: float = 40.0):
    plan = fc.Plan(Known(model), decide=("spend",), horizon=4)
    plan.maximise(fc.total("sales")).subject_to(fc.total("spend") <= budget, fc.box("spend", 0.0, 20.0))
    return plan.solve(tol=1e-9)


def spent(*values: float) -> fc.Tensor:
    """Spend by region, the same in each week of the horizon."""
    return fc.tensor(np.repeat(np.array(values)[:, None], 4, axis=1), LATER)


def total(model: fc.ModelCollection, north: float, south: float) -> float:
    with torch.no_grad():
        return float(model.forward({"spend": spent(north, south)})["sales"].data.sum())


@pytest.fixture(scope="module")
def believed():
    """The model that planned believes in equal slopes; the truth is 3 and 1."""
    return planned(sales(2.0, 2.0))


def test_a_wrong_model_and_disobedience_are_told_apart(believed):
    truth = sales(3.0, 1.0)
    found = regret(believed, {"spend": spent(2.0, 8.0)}, truth=truth)
    assert found.kind == "truth"
    assert found.noise == pytest.approx(0.0, abs=1e-6)
    assert found.model == pytest.approx(total(truth, 8.0, 2.0) - total(truth, 5.0, 5.0), rel=1e-5)
    assert found.solver == pytest.approx(0.0, abs=1e-5)
    assert found.execution == pytest.approx(total(truth, 5.0, 5.0) - total(truth, 2.0, 8.0), rel=1e-5)
    assert sum(found.terms.values()) == found.total


def test_a_plan_from_the_truth_that_was_followed_has_no_regret():
    truth = sales(3.0, 1.0)
    best = planned(truth)
    found = regret(best, best.decisions, truth=truth)
    assert found.total == pytest.approx(0.0, abs=1e-5)


class Shaken(Sales):
    """Sales whose slope the noise multiplies: what was best in hindsight nobody could know."""

    inputs = {"spend": fc.Port(*CELL), "mood": fc.Port(*CELL)}

    def forward(self, spend, mood):
        return self.base + self.slope * mood * fc.log1p(spend)


def test_luck_that_nobody_could_foresee_is_noise():
    model = fc.ModelCollection(Shaken(), dims=DIMS)
    fitted = Known(model)
    fitted.history["mood"] = fc.tensor(np.ones((2, 30)), DIMS)
    plan = fc.Plan(fitted, decide=("spend",), horizon=4, inputs={"mood": fc.tensor(np.ones((2, 4)), LATER)})
    plan.maximise(fc.total("sales")).subject_to(fc.total("spend") <= 40.0, fc.box("spend", 0.0, 20.0))
    best = plan.solve(tol=1e-9)
    mood = fc.tensor(np.array([[0.2] * 4, [3.0] * 4]), LATER)
    found = regret(best, {**best.decisions, "mood": mood}, truth=model)
    assert found.noise > 1.0
    assert found.terms == pytest.approx({"noise": found.total, "model": 0.0, "solver": 0.0, "execution": 0.0}, abs=1e-4)


def test_noise_on_a_node_that_adds_up_changes_no_plan(believed):
    noise = {"sales": fc.tensor(np.random.default_rng(1).normal(size=(2, 4)), LATER)}
    quiet = regret(believed, {"spend": spent(2.0, 8.0)}, truth=sales(3.0, 1.0))
    noisy = regret(believed, {"spend": spent(2.0, 8.0)}, truth=sales(3.0, 1.0), noise=noise)
    assert noisy.total == pytest.approx(quiet.total, abs=1e-4)
    assert noisy.values["actual"] - quiet.values["actual"] == pytest.approx(float(noise["sales"].data.sum()))


def test_regret_by_week_adds_up_to_the_whole(believed):
    found = regret(believed, {"spend": spent(2.0, 8.0)}, truth=sales(3.0, 1.0), by="week")
    assert found.by["cell"].tolist() == [w.date() for w in HORIZON]
    assert found.by["total"].sum() == found.total


def test_an_override_counts_as_execution():
    truth = sales(3.0, 1.0)
    overridden = planned(truth).override({"spend": spent(2.0, 8.0)}, who="ana", why="strike")
    found = regret(overridden, overridden.decisions, truth=truth)
    assert found.execution == pytest.approx(found.total, rel=1e-4)
    assert found.execution > 1.0


@pytest.fixture(scope="module")
def after_refit():
    """A plan of a model whose history hid the slopes, and what happened under the true slopes 3 and 1."""
    source = np.random.default_rng(2)
    spend = source.uniform(0.0, 20.0, (2, 30))
    noise = 0.5 * source.normal(size=(2, 30))
    history = {
        "spend": fc.tensor(spend, DIMS),
        "sales": fc.tensor(10.0 + np.array([[3.0], [1.0]]) * np.log1p(spend) + noise, DIMS),
    }
    fitted = fc.ModelCollection(Sales(), dims=DIMS).fit(history, fc.Fit("sales"), stages=("joint",))
    plan = fc.Plan(fitted, decide=("spend",), horizon=4)
    plan.maximise(fc.total("sales")).subject_to(fc.total("spend") <= 40.0, fc.box("spend", 0.0, 20.0))
    best = plan.solve(tol=1e-8)
    outcome = sales(3.0, 1.0).forward({"spend": spent(2.0, 8.0)})["sales"].detach()
    return regret(best, {"spend": spent(2.0, 8.0), "sales": outcome}, by="week")


def test_outside_a_simulator_the_regret_says_that_it_is_relative_to_the_model(after_refit):
    assert after_refit.kind == "model-relative"
    assert sum(after_refit.terms.values()) == after_refit.total


def test_the_refitted_model_finds_what_disobedience_cost(after_refit):
    truth = sales(3.0, 1.0)
    expected = total(truth, 8.0, 2.0) - total(truth, 2.0, 8.0)
    assert after_refit.total == pytest.approx(expected, rel=0.2)
    assert after_refit.execution > 0.0


def test_what_happened_is_valued_as_it_happened(after_refit):
    assert after_refit.values["actual"] == pytest.approx(total(sales(3.0, 1.0), 2.0, 8.0), rel=1e-6)


def test_029_regret_needs_what_was_really_decided(believed):
    with pytest.raises(CausalError) as refused:
        regret(believed, {}, truth=sales(3.0, 1.0))
    assert str(refused.value) == (
        "CAUSAL-029 regret of decisions that nobody noted\n"
        "  missing: spend\n"
        "  fix: take them from the log of decisions: what was really done, not what was planned\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_actuals_must_reach_the_end_of_the_horizon(believed):
    short = spent(2.0, 8.0).select(week=list(HORIZON[:2]))
    with pytest.raises(CausalError) as refused:
        regret(believed, {"spend": short}, truth=sales(3.0, 1.0))
    assert refused.value.faults[0].details == ("spend has none of 2 of 4 labels of week, the first is 2025-08-18",)


def test_029_without_a_truth_there_must_be_outcomes(believed):
    with pytest.raises(CausalError, match="no outcome to learn from"):
        regret(believed, {"spend": spent(2.0, 8.0)})
