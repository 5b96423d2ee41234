"""Priors of a declared forecast: where they arrive, and the whole message where they cannot."""

from __future__ import annotations

from typing import Any

import pytest

from estimators.forecast.declared.build import collection, labels
from estimators.forecast.declared.definition import definition_faults, parse
from tests.forecast.declared.definitions import FORECAST, node
from tests.forecast.declared.test_build import panel

BONUS: dict[str, Any] = {"input": "bonus", "sign": "positive", "carry_over": 2, "saturation": "hill", "scale": 10.0}
PRICE: dict[str, Any] = {"input": "price", "sign": "negative"}


def messages(name: str, given: dict[str, Any], **changes: Any) -> str:
    definition = {**FORECAST, "nodes": node(name, inputs=[given | changes])}
    return "\n".join(str(fault) for fault in definition_faults(definition))


def test_priors_arrive_at_their_parameters_which_start_at_their_means():
    priors = {"prior": [40, 30], "decay_prior": [0.3, 0.1], "scale_prior": [12, 4], "steepness_prior": [1.5, 0.2]}
    nodes = node("hours", inputs=[BONUS | priors])
    nodes = [n if n["name"] != "sessions" else n | {"inputs": [PRICE | {"prior": [-1.2, 0.3]}]} for n in nodes]
    forecast = parse({**FORECAST, "nodes": nodes})
    model = collection(forecast, labels(forecast, panel()))
    found = {name: declared.prior for name, (_, declared) in model.declarations().items() if declared.prior}
    assert found == {
        "Hours.slope_bonus": (40.0, 30.0),
        "Hours.carry_bonus.decay": (0.3, 0.1),
        "Hours.saturation_bonus.scale": (12.0, 4.0),
        "Hours.saturation_bonus.steepness": (1.5, 0.2),
        "Sessions.elasticity_price.exponent": (-1.2, 0.3),
    }
    for name, (mean, _) in found.items():
        assert model.parameter(name).data.detach().flatten()[0].item() == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "detail", "fix"),
    [
        (
            {"decay_prior": [0.3, 0.1], "carry_over": 0},
            "decay_prior of bonus in hours: it has no decay",
            "add carry_over: <lags>, or drop decay_prior",
        ),
        (
            {"scale_prior": [12, 4], "saturation": "none"},
            "scale_prior of bonus in hours: it has no scale",
            "add saturation: log, or drop scale_prior",
        ),
        (
            {"steepness_prior": [1.5, 0.2], "saturation": "log"},
            "steepness_prior of bonus in hours: it has no steepness",
            "add saturation: hill, or drop steepness_prior",
        ),
    ],
)
def test_029_a_prior_without_its_parameter_is_refused(changes, detail, fix):
    assert messages("hours", BONUS, **changes) == (
        f"CAUSAL-029 a prior of what is not there\n  {detail}\n  fix: {fix}\n  more: docs/errors.md#causal-029"
    )


@pytest.mark.parametrize(
    ("name", "given", "changes", "detail"),
    [
        ("hours", BONUS, {"prior": [-40, 30]}, "prior of bonus in hours has mean -40, bounds 0 to inf"),
        ("hours", BONUS, {"decay_prior": [1, 0.1]}, "decay_prior of bonus in hours has mean 1, bounds 0 to 1"),
        ("hours", BONUS, {"scale_prior": [2000, 4]}, "scale_prior of bonus in hours has mean 2000, bounds 0.1 to 1000"),
        ("hours", BONUS, {"steepness_prior": [0, 1]}, "steepness_prior of bonus in hours has mean 0, bounds 0 to inf"),
        ("sessions", PRICE, {"prior": [0.5, 0.1]}, "prior of price in sessions has mean 0.5, bounds -inf to 0"),
    ],
)
def test_029_a_prior_outside_of_its_bounds_is_refused(name, given, changes, detail):
    (key,) = changes
    assert messages(name, given, **changes) == (
        f"CAUSAL-029 a prior outside of its bounds\n  {detail} (exclusive)\n"
        f"  fix: correct {key}: [mean, sd]\n  more: docs/errors.md#causal-029"
    )


@pytest.mark.parametrize("prior", [[40, 0], [40, -1], [40], 40, [float("nan"), 1]])
def test_001_a_prior_is_a_mean_and_a_positive_standard_deviation(prior):
    found = messages("hours", BONUS, prior=prior)
    assert found.startswith("CAUSAL-001 ")
    assert len(found.splitlines()) == 4
    assert "nodes[1].inputs[1].prior" in found
