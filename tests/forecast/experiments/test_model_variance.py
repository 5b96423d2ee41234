"""What the model does not know enters the experiment gate: z = (predicted − measured) / √(se² + model variance)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import forecast as fc

CELL = ("region", "week")
DIMS = fc.Dims(region=["north", "south", "west"], week=range(60))
SLOPE, NOISE, OFF = 10.0, 3.0, 1.15  # the world in which experiments are run answers more strongly than history's did


class Supply(fc.Module):
    inputs = {"bonus": fc.Port(*CELL)}
    outputs = {"hours": fc.Port(*CELL)}

    def setup(self):
        self.base = self.param("base", "region", init=50.0)
        self.slope = self.param("slope", "region", init=5.0)

    def forward(self, bonus):
        return self.base + self.slope * fc.log1p(bonus / 10.0)


def history() -> dict[str, fc.Tensor]:
    source = np.random.default_rng(4)
    bonus = source.uniform(0.0, 40.0, (3, 60))
    hours = 50.0 + SLOPE * np.log1p(bonus / 10.0) + NOISE * source.standard_normal((3, 60))
    return {"bonus": fc.tensor(bonus, DIMS), "hours": fc.tensor(hours, DIMS)}


def trials(std_error_share: float) -> fc.Experiments:
    """Four held-out experiments per region, whose effects are those of a slope that is larger by 15 %."""
    bonus, rows = history()["bonus"].data.numpy(), []
    for number in range(12):
        region, week = number % 3, 4 + 4 * number
        before = bonus[region, week : week + 4]
        effect = OFF * SLOPE * float((np.log1p((before + 20.0) / 10.0) - np.log1p(before / 10.0)).sum())
        rows.append(
            {"experiment": f"geo {number}", "lever": "bonus", "outcome": "hours", "region": DIMS["region"][region],
             "starts": week, "ends": week + 4, "delta": 20.0, "effect": effect,
             "std_error": std_error_share * effect, "source": "randomised", "split": "heldout"}
        )  # fmt: skip
    return fc.Experiments.from_table(pd.DataFrame(rows))


@pytest.fixture(scope="module")
def certain():
    return fc.ModelCollection(Supply(), dims=DIMS).fit(history(), fc.Fit("hours"), endogenous=())


@pytest.fixture(scope="module")
def unsure():
    return fc.ModelCollection(Supply(), dims=DIMS).fit(history(), fc.Fit("hours"), endogenous=(), draws=200)


def test_what_the_model_does_not_know_changes_the_verdict(certain, unsure):
    experiments = trials(0.04)
    without, with_draws = (fit.consistency(experiments) for fit in (certain, unsure))
    assert (without.status, with_draws.status) == ("fail", "pass")
    assert without.reason.endswith("without draws the model counts as certain")
    np.testing.assert_allclose(without.effects["predicted"], with_draws.effects["predicted"], rtol=1e-9)


def test_every_z_is_over_both_variances(unsure):
    frame = unsure.consistency(trials(0.04)).effects
    drawn = np.array([_predicted(unsure, state) for state in unsure.draws])
    np.testing.assert_allclose(frame["model_sd"], drawn.std(0, ddof=1), rtol=1e-9)
    by_hand = (frame["predicted"] - frame["measured"]) / np.sqrt(frame["std_error"] ** 2 + drawn.var(0, ddof=1))
    np.testing.assert_allclose(frame["z"], by_hand, rtol=1e-9)


def test_the_verdict_counts_what_experiments_share_of_the_models_error(unsure):
    """Experiments of one region hang on one slope, whose error must not count four times: the form is the joint one."""
    experiments = trials(0.04)
    verdict = unsure.consistency(experiments)
    drawn = np.array([_predicted(unsure, state) for state in unsure.draws])
    apart = (verdict.effects["predicted"] - verdict.effects["measured"]).to_numpy()
    total = np.diag(verdict.effects["std_error"] ** 2) + np.cov(drawn, rowvar=False)
    assert verdict.statistic == pytest.approx(apart @ np.linalg.solve(total, apart), rel=1e-9)
    assert verdict.statistic < 0.5 * (verdict.effects["z"] ** 2).sum()


def _predicted(fit, state) -> list[float]:
    """Effects of the trials under the slopes of one draw."""
    bonus, slopes = history()["bonus"].data.numpy(), state["Supply.slope"].numpy()
    found = []
    for number in range(12):
        before = bonus[number % 3, 4 + 4 * number : 8 + 4 * number]
        gain = (np.log1p((before + 20.0) / 10.0) - np.log1p(before / 10.0)).sum()
        found.append(float(slopes[number % 3] * gain))
    return found
