"""After deployment: actuals beside forecasts, and drift of single sub-models of a fitted model."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from benchmarks.forecast_market import N_HISTORY, NODES, World, modules, world
from estimators import forecast as fc
from estimators.errors import CausalError
from estimators.forecast.diagnosis.drift import Drift
from estimators.forecast.diagnosis.monitoring import actual_against_predicted, drift
from tests.forecast.diagnosis.test_attribution import Wandering

WEEKS = tuple(pd.date_range("2026-01-05", periods=2, freq="7D"))
DIMS = fc.Dims(region=["A", "B"], week=WEEKS)


def forecast(**columns) -> pd.DataFrame:
    cells = pd.MultiIndex.from_product([["A", "B"], WEEKS], names=["region", "week"]).to_frame(index=False)
    return cells.assign(node="rides", point=[10.0, 20.0, 30.0, 40.0], **columns)


def seen(*values: float) -> dict[str, fc.Tensor]:
    return {"rides": fc.tensor(np.reshape(values, (2, 2)), DIMS)}


def test_errors_are_actual_minus_predicted_cell_by_cell():
    found = actual_against_predicted(forecast().sample(frac=1.0, random_state=0), seen(11.0, 18.0, 30.0, 44.0)).cells
    errors = found.set_index(["region", "week"])["error"].sort_index()
    assert errors.tolist() == [1.0, -2.0, 0.0, 4.0]


def test_a_node_is_summed_up_with_its_bias_and_coverage():
    intervals = forecast(lower=[9.0, 19.0, 29.0, 39.0], upper=[11.0, 21.0, 31.0, 41.0])
    (row,) = actual_against_predicted(intervals, seen(11.0, 18.0, 30.0, 44.0)).nodes.to_dict("records")
    assert row == {
        "node": "rides",
        "n": 4,
        "n_missing": 0,
        "mean_error": 0.75,
        "mean_absolute_error": 1.75,
        "share_error": pytest.approx(0.75 / 25.75),
        "coverage": 0.5,
    }


def test_what_is_not_known_yet_is_counted_and_not_judged():
    found = actual_against_predicted(forecast(lower=0.0, upper=100.0), seen(11.0, math.nan, 30.0, math.nan))
    assert found.nodes[["n", "n_missing", "coverage"]].to_numpy().tolist() == [[2, 2, 1.0]]
    assert found.cells["is_inside"].isna().tolist() == [False, True, False, True]


def test_029_a_forecast_without_actuals_is_named():
    with pytest.raises(CausalError) as refused:
        actual_against_predicted(forecast(), {})
    assert str(refused.value) == (
        "CAUSAL-029 forecasts without actuals\n"
        "  missing: rides\n"
        "  fix: add what was observed of them, NaN where it is not known yet\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_actuals_with_other_labels_are_refused():
    with pytest.raises(CausalError) as refused:
        actual_against_predicted(forecast().replace("B", "C"), seen(1.0, 2.0, 3.0, 4.0))
    assert refused.value.faults[0].details == ("rides has no region C; 2 of 4 forecasts are about such labels",)


@pytest.fixture(scope="module")
def fitted():
    past = list(world(0).weeks[:N_HISTORY])
    history = {name: tensor.select(week=past) for name, tensor in world(0).actual.items()}
    model = fc.ModelCollection(*modules(), dims=world(0).dims.replace(week=past))
    return model.fit(history, sum((fc.Fit(n) for n in NODES[1:]), 1.0 * fc.Fit(NODES[0])), stages=("separate",))


def since(drawn: World) -> dict[str, fc.Tensor]:
    return {name: tensor.select(week=list(drawn.window)) for name, tensor in drawn.actual.items()}


def looked(fitted, drawn: World, **options) -> Drift:
    return drift(fitted, since(drawn), **{"n_permutations": 199, **options})


def test_sub_models_that_hold_raise_no_alarm(fitted):
    alarms = [len(looked(fitted, world(0, seed)).alarms) for seed in range(8)]
    assert sum(n > 0 for n in alarms) <= 2


@pytest.mark.parametrize("fault", NODES)
def test_the_sub_model_that_drifts_raises_the_alarm_and_no_other_does(fitted, fault):
    """What is downstream of it is given what was really observed, so that it is not blamed."""
    alarms = looked(fitted, world(0, 1, fault=fault)).alarms
    assert {name.split(":")[0] for name in alarms["series"]} == {fault}
    assert len(set(alarms["series"])) == 4


def test_the_series_and_the_week_of_a_drift_are_named(fitted):
    alarms = looked(fitted, world(0, 2, fault="rides", regions=1, size=6.0)).alarms
    first = alarms[alarms["kind"] == "mean"].iloc[0]
    assert first["series"] == "rides: r0"
    assert first["since"] == world(0).window[0]
    assert first["size"] == pytest.approx(6.0, rel=0.3)


def level_model(seed: int, jump: float) -> tuple[object, dict[str, fc.Tensor]]:
    """A node that wanders, which jumps in the third week of the new history."""
    source = np.random.default_rng(seed)
    drawn = world(0)
    steps = source.normal(size=(4, N_HISTORY + 8))
    steps[:, N_HISTORY + 2] += jump
    wander = 100.0 + np.cumsum(steps, axis=1) + 0.5 * source.normal(size=steps.shape)
    whole = {"bonus": drawn.actual["bonus"], "hours": fc.tensor(wander, drawn.dims)}
    past = list(drawn.weeks[:N_HISTORY])
    history = {name: tensor.select(week=past) for name, tensor in whole.items()}
    model = fc.ModelCollection(Wandering(), dims=drawn.dims.replace(week=past))
    fit = model.fit(history, 1.0 * fc.Fit("hours"), stages=("joint",))
    return fit, {name: tensor.select(week=list(drawn.window)) for name, tensor in whole.items()}


def test_a_level_that_wanders_as_it_always_did_is_no_drift():
    assert drift(*level_model(1, jump=0.0), n_permutations=199, false_alarm_rate=0.01).alarms.empty


def test_a_level_that_jumps_as_it_never_did_is_one():
    assert not drift(*level_model(1, jump=15.0), n_permutations=199).alarms.empty


def test_029_missing_inputs_are_named(fitted):
    new = {name: tensor for name, tensor in since(world(0)).items() if name != "bonus"}
    with pytest.raises(CausalError) as refused:
        drift(fitted, new)
    assert str(refused.value) == (
        "CAUSAL-029 missing inputs\n"
        "  since the fit: bonus\n"
        "  fix: add them to new_history\n"
        "  more: docs/errors.md#causal-029"
    )
