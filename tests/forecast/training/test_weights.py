"""Weights chosen by blocked validation, and what the data say of each parameter."""

from __future__ import annotations

import pytest

from benchmarks.forecast_worlds import Hours, confounded, fitted
from estimators import forecast as fc
from estimators.errors import CausalError


@pytest.fixture(scope="module")
def world():
    return confounded(2, n_regions=6, n_weeks=48)


def test_hidden_experiments_choose_the_weight_of_experiments(world):
    loss = fc.Fit("hours") + fc.Agree(world.experiments.train) + fc.Pool()
    fit = fitted(world, loss=loss, stages=("joint",), rounds=2, endogenous=(), weights={"agree": (0.01, 1.0, 1000.0)})
    chosen = fit.weights[fit.weights.is_chosen]
    assert list(fit.weights.columns) == ["agree", "weeks_score", "experiments_score", "score", "is_chosen"]
    assert len(chosen) == 1
    assert chosen.score.item() == fit.weights.score.min()
    assert chosen.agree.item() == 1000.0  # history misleads here: the more weight experiments have, the better
    assert [weight for weight, _ in fit.loss] == [1.0, 1000.0, 1.0]


def test_weights_of_an_unknown_kind_are_refused(world):
    with pytest.raises(CausalError) as error:
        fitted(world, weights={"fit": (1.0,)})
    assert str(error.value) == "\n".join(
        [
            "CAUSAL-029 weights of unknown terms fit",
            "  known are agree, pool, smooth",
            "  more: docs/errors.md#causal-029",
        ]
    )


def test_a_parameter_that_nothing_speaks_of_is_called_flat(world):
    class Idle(Hours):
        def setup(self):
            super().setup()
            self.idle = self.param("idle", init=1.0)

        def forward(self, bonus):
            return super().forward(bonus) + 0.0 * self.idle

    frame = fitted(world, modules=(Idle,), stages=("joint",)).identification().set_index("parameter")
    assert frame.status.to_dict() == {"Idle.slope": "known", "Idle.idle": "flat"}
    assert frame.loc["Idle.idle", "node"] == "hours"


def test_a_training_that_was_cut_short_is_called_steep(world):
    frame = fitted(world, stages=("joint",), steps=1, rounds=1).identification()
    assert frame.status.tolist() == ["steep"]
