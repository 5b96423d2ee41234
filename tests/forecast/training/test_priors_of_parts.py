"""Priors of carry-overs, saturations and elasticities: what they do to a fit, and to its draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from estimators import forecast as fc

CELL = ("region", "week")
DIMS = fc.Dims(region=["A", "B"], week=range(80))
TRUTH = {"decay": 0.6, "scale": 10.0, "steepness": 2.0, "exponent": -0.5}
ELSEWHERE = {"decay": 0.3, "scale": 16.0, "steepness": 3.0, "exponent": -0.9}


class Answer(fc.Module):
    """y = 100 × the part + 20, where one parameter of the part has a prior."""

    inputs = {"x": fc.Port(*CELL)}
    outputs = {"y": fc.Port(*CELL)}

    def __init__(self, parameter: str, prior: tuple[float, float] | None) -> None:
        super().__init__()
        self.parameter, self.prior = parameter, prior

    def setup(self):
        if self.parameter == "decay":
            self.part = self.adstock("week", max_lag=6, prior=self.prior)
        elif self.parameter == "exponent":
            self.part = self.elasticity(reference=20.0, sign=-1, prior=self.prior)
        else:
            both = {"prior": (10.0, 0.01), "steepness_prior": (2.0, 0.01)}
            key = "prior" if self.parameter == "scale" else "steepness_prior"
            self.part = self.saturation("hill", scale=10.0, **(both | {key: self.prior}))

    def forward(self, x):
        return self.part(x) * 100.0 + 20.0


def world(parameter: str, flat: bool = False) -> dict[str, fc.Tensor]:
    """A history in which the parameter has its true value; flat: of a lever that nobody moved."""
    source = np.random.default_rng(0)
    x = np.zeros((2, 80)) if flat else source.uniform(5.0, 40.0, (2, 80))
    lever = fc.tensor(x, DIMS)
    model = fc.ModelCollection(Answer(parameter, (TRUTH[parameter], 0.1)), dims=DIMS)
    with torch.no_grad():
        y = model({"x": lever})["y"].data.numpy()
    return {"x": lever, "y": fc.tensor(y + source.standard_normal((2, 80)), DIMS)}


def fitted(parameter: str, prior: tuple[float, float] | None, flat: bool = False, **options):
    model = fc.ModelCollection(Answer(parameter, prior), dims=DIMS)
    return model.fit(world(parameter, flat), fc.Fit("y"), endogenous=(), **options)


def value(fit, parameter: str) -> float:
    return float(fit.model.parameter(f"Answer.part.{parameter}").data.detach())


@pytest.mark.parametrize("parameter", TRUTH)
def test_a_wide_prior_leaves_the_word_to_the_history(parameter):
    fit = fitted(parameter, (ELSEWHERE[parameter], 100.0))
    assert value(fit, parameter) == pytest.approx(TRUTH[parameter], rel=0.05)


@pytest.mark.parametrize("parameter", TRUTH)
def test_a_narrow_prior_is_kept_against_the_history(parameter):
    fit = fitted(parameter, (ELSEWHERE[parameter], 1e-4))
    assert value(fit, parameter) == pytest.approx(ELSEWHERE[parameter], rel=0.01)
    assert ("prior", f"Answer.part.{parameter}") in set(zip(fit.losses.term, fit.losses.node, strict=True))


@pytest.mark.parametrize("uncertainty", ["laplace", "ensemble"])
def test_draws_of_what_history_does_not_tell_are_as_wide_as_the_prior(uncertainty):
    fit = fitted("decay", (0.5, 0.05), flat=True, draws=100, uncertainty=uncertainty)
    draws = [torch.sigmoid(state["Answer.part.decay"]).item() for state in fit.draws]
    assert np.mean(draws) == pytest.approx(0.5, abs=0.03)
    assert np.std(draws) == pytest.approx(0.05, rel=0.3)
