"""D-CAL-1: two media and a hidden confounder; history overstates one of them, and one lift test each puts it right.

Reference: the file's own potential outcomes (sales without each medium): 93.388 and 171.409 sales per unit of medium.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import forecast as fc
from tests.datasets import mmm_roas

TRUE = {"x1": 93.38813118, "x2": 171.40880380}


class Sales(fc.Module):
    """Sales answer to two media with carry-over and saturation, on a level, with a known trend and season."""

    inputs = {name: fc.Port("week") for name in ("x1", "x2", "trend", "seasonality")}
    outputs = {"sales": fc.Port("week")}

    def setup(self):
        self.base = self.local_level("base", "week")
        for medium in ("1", "2"):
            self.param(f"gain{medium}", positive=True, init=100.0)
            self.param(f"decay{medium}", lower=0.0, upper=1.0, prior=(0.4, 0.1))
            self.param(f"scale{medium}", positive=True, prior=(1.0, 0.3))
        self.slope = self.param("slope")
        self.swing = self.param("swing")

    def forward(self, x1, x2, trend, seasonality):
        known = self.slope * trend + self.swing * seasonality
        first = self.gain1 * fc.log1p(carried(x1, self.decay1) / self.scale1)
        return self.base + known + first + self.gain2 * fc.log1p(carried(x2, self.decay2) / self.scale2)


def carried(medium, decay, lags: int = 4):
    total, weight, weights = medium, decay, 1.0
    for lag in range(1, lags):
        total = total + weight * medium.shift("week", lag)
        weights = weight + weights
        weight = weight * decay
    return total / weights


@pytest.fixture(scope="module")
def data():
    table = mmm_roas().rename(columns={"date": "week", "y": "sales"})
    dims = fc.Dims(week=list(table.week))
    return table, dims, fc.history(table, dims, ["x1", "x2", "trend", "seasonality", "sales"])


def lift_tests(table: pd.DataFrame, train: str | None) -> fc.Experiments:
    """Each medium switched off in every quarter, measured to 5 %: one quarter to train on, the others held out."""
    rows = []
    for quarter, weeks in table.groupby("quarter"):
        for medium, without in (("x1", "y01"), ("x2", "y02")):
            lift = float((weeks.sales - weeks[without]).sum())
            rows.append({
                "experiment": f"{medium} {quarter}", "lever": medium, "outcome": "sales", "change": "scale",
                "starts": table.week.min(), "ends": weeks.week.max() + pd.Timedelta(days=7),
                "reads_from": weeks.week.min(), "delta": -1.0, "effect": -lift, "std_error": 0.05 * lift,
                "source": "randomised", "split": "train" if quarter == train else "heldout",
            })  # fmt: skip
    return fc.Experiments.from_table(pd.DataFrame(rows))


def trained(data, quarter: str | None) -> tuple[fc.Fitted, fc.Experiments]:
    table, dims, history = data
    experiments = lift_tests(table, quarter)
    loss = fc.Fit("sales") + fc.Agree(experiments.train)
    return fc.ModelCollection(Sales(), dims=dims).fit(history, loss, stages=("joint",)), experiments


def returns(fit: fc.Fitted, medium: str) -> float:
    """Sales per unit of a medium."""
    without = fit.nodes({**fit.history, medium: fit.history[medium] * 0.0})
    return float((fit.nodes()["sales"].data - without["sales"].data).sum() / fit.history[medium].data.sum())


@pytest.fixture(scope="module", params=["2022Q4", "2023Q2"])
def calibrated(data, request):
    return trained(data, request.param)


def test_history_alone_is_flagged_as_inconsistent(data):
    fit, experiments = trained(data, None)
    assert returns(fit, "x1") > 1.5 * TRUE["x1"]
    assert fit.consistency(experiments.heldout).status == "fail"


@pytest.mark.parametrize(("medium", "within"), [("x1", 0.15), ("x2", 0.20)])
def test_one_lift_test_each_brings_the_returns_to_the_truth(calibrated, medium, within):
    assert returns(calibrated[0], medium) == pytest.approx(TRUE[medium], rel=within)


def test_lifts_of_all_other_quarters_are_foretold_within_a_quarter(calibrated):
    fit, experiments = calibrated
    effects = fit.effect(experiments.heldout)
    assert np.abs(effects.predicted / effects.measured - 1).max() < 0.25


def test_the_calibrated_model_passes_the_gate(calibrated):
    fit, experiments = calibrated
    assert fit.consistency(experiments.heldout).status == "pass"


def test_the_file_says_what_the_reference_says(data):
    table = data[0]
    found = [(table.sales - table[y]).sum() / table[x].sum() for x, y in (("x1", "y01"), ("x2", "y02"))]
    assert found == pytest.approx(list(TRUE.values()), rel=1e-8)
