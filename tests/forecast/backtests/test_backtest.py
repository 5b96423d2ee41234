"""`fc.backtest` on a small world whose policy is confounded: what it may see, what it scores, and what may choose."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from benchmarks.forecast_worlds import Hours, confounded
from estimators import forecast as fc
from estimators.forecast.backtests.backtest import Backtest, choose
from estimators.forecast.backtests.windows import known_loss, windows
from tests.forecast.refusals import refusal

WORLD = confounded(n_regions=6, n_weeks=60)
PLAIN = fc.Fit("hours") + fc.Pool()
HELD = PLAIN + fc.Agree(WORLD.experiments.train)
AS_LAST = fc.Decisions(policy=fc.as_last(4))


def model() -> fc.ModelCollection:
    return fc.ModelCollection(Hours(), dims=WORLD.dims)


def backtest(history=None, loss=PLAIN, **settings) -> Backtest:
    settings = {"origins": 1, "horizon": 4, "level": None, "baselines": (), "decisions": AS_LAST} | settings
    return fc.backtest(model(), history or WORLD.history, loss, **settings)


@cache
def plain() -> Backtest:
    return backtest(origins=2, experiments=WORLD.experiments.heldout, baselines=("seasonal_naive", "combination"))


@cache
def held() -> Backtest:
    return backtest(loss=HELD, origins=2, experiments=WORLD.experiments.heldout)


@cache
def with_draws() -> Backtest:
    return backtest(draws=20, level=0.8, baselines=("seasonal_naive", "ets"))


def as_they_were(loss) -> Backtest:
    return backtest(loss=loss, decisions=None)


def test_every_method_is_scored_by_origin_and_step_and_over_all():
    scores = plain().scores
    per_method = scores.groupby("method").size()
    assert per_method.to_dict() == dict.fromkeys(("model", "seasonal_naive", "combination"), (2 + 1) * (4 + 1))


def test_the_models_mase_is_that_of_its_forecasts():
    bt = plain()
    rows = bt.forecasts[bt.forecasts["method"] == "model"]
    by_origin = []
    for origin, own in rows.groupby("origin"):
        error = (own["actual"] - own["point"]).abs().groupby(own["region"]).mean()
        past = WORLD.history["hours"].data.numpy()[:, : origin + 1]
        scale = pd.Series(np.abs(np.diff(past, axis=1)).mean(axis=1), index=WORLD.dims["region"])
        by_origin.append((error / scale).mean())
    assert bt.score("hours") == pytest.approx(np.mean(by_origin), rel=1e-12)


def test_scores_state_season_origins_and_series():
    first = plain().scores.iloc[0]
    assert (first["season"], first["n_series"], first["n_excluded"]) == (1, 6, 0)
    assert [run.window.last_known for run in plain().runs] == [51, 55]


def test_what_comes_after_an_origin_changes_nothing_there():
    cut = plain().runs[0].window.origin.cut
    changed = dict(WORLD.history)
    for name, tensor in WORLD.history.items():
        data = tensor.data.clone()
        data[:, cut:] = 1e3 + data[:, cut:]
        changed[name] = fc.tensor(data, WORLD.dims, ("region", "week"))
    first = plain().forecasts.query("origin == 51 and method == 'model'")["point"].to_numpy()
    again = backtest(history=changed, origins=2).forecasts.query("origin == 51")["point"].to_numpy()
    assert np.array_equal(first, again)


def test_experiments_read_after_an_origin_are_not_in_its_loss():
    origin = fc.rolling_origins(60, origins=3, horizon=10)[0]
    window = windows(WORLD.history, WORLD.dims["week"], "week", [origin])[0]
    kept = known_loss(HELD, window).terms[-1].term.experiments
    assert {row.ends <= origin.cut for row in kept} == {True}
    assert len(kept) == sum(row.ends <= origin.cut for row in WORLD.experiments.train) < len(WORLD.experiments.train)


def test_a_term_whose_experiments_all_come_later_is_left_out():
    origin = fc.rolling_origins(60, origins=14, horizon=4)[0]
    window = windows(WORLD.history, WORLD.dims["week"], "week", [origin])[0]
    assert [type(term).__name__ for _, term in known_loss(HELD, window).terms] == ["Fit", "Pool"]


def test_the_gate_passes_the_model_that_was_held_to_experiments():
    assert held().gate.status == "pass"


def test_the_gate_fails_the_model_that_was_not():
    assert plain().gate.status == "fail"
    assert plain().effect_error > 2 * held().effect_error


def test_decisions_as_they_really_were_reward_confounding_and_are_marked():
    confounded_model, causal = as_they_were(PLAIN), as_they_were(HELD)
    assert confounded_model.score("hours") < causal.score("hours")
    assert confounded_model.is_conditional
    assert set(confounded_model.scores["decisions"]) == {"as they really were"}


def test_conditional_scores_choose_no_model():
    conditional = replace(plain(), is_conditional=True)
    assert refusal(lambda: choose({"plain": conditional, "held": held()}, "hours")) == (
        "a choice by conditional scores\n"
        "  plain used the decisions that were really taken, which carry news of the outcome\n"
        "  fix: backtest with known= or policy= for every input, then choose"
    )


def test_the_choice_is_among_models_that_agree_with_experiments():
    assert plain().score("hours") < held().score("hours")
    assert choose({"plain": plain(), "held": held()}, "hours") == "held"


def test_the_choice_is_by_mase_where_all_agree():
    sound = replace(plain(), gate=None)
    assert choose({"plain": sound, "held": held()}, "hours") == "plain"


def test_no_model_is_chosen_when_all_disagree_with_experiments():
    assert refusal(lambda: choose({"plain": plain()}, "hours")) == (
        "no model to choose\n"
        "  all of plain disagree with experiments\n"
        "  fix: fit with these experiments in the loss, or correct the model"
    )


def test_intervals_and_draws_are_scored_where_there_are_some():
    scores = with_draws().scores.query("origin.isna() and horizon.isna()")
    found = scores.groupby("method")["metric"].apply(set).to_dict()
    assert set(found) == {"model", "seasonal_naive", "ets"}
    assert all(metrics == {"mase", "coverage", "interval_score", "crps"} for metrics in found.values())


def test_coverage_is_the_share_of_the_values_that_it_counts():
    found = backtest(origins=2, draws=20, level=0.8, baselines=("ets",))
    for (method, step), rows in found.forecasts.groupby(["method", "step"]):
        inside = rows["actual"].between(rows["lower"], rows["upper"])
        (shown,) = found.scores[
            (found.scores["metric"] == "coverage")
            & (found.scores["method"] == method)
            & (found.scores["horizon"] == step)
            & found.scores["origin"].isna()
        ].itertuples()
        assert (shown.value, shown.n_values) == (pytest.approx(inside.mean()), 2 * 6)
    total = found.scores.query("metric == 'coverage' and origin.isna() and horizon.isna()")
    assert set(total["n_values"]) == {2 * 6 * 4}


def test_values_that_were_not_observed_are_not_counted():
    hours = WORLD.history["hours"].data.clone()
    hours[2, -1] = np.nan
    history = dict(WORLD.history) | {"hours": fc.tensor(hours, WORLD.dims, ("region", "week"))}
    scores = backtest(history=history).scores.query("metric == 'mase' and origin.isna()")
    by_step = scores.set_index(scores["horizon"].fillna(0).astype(int))["n_values"]
    assert by_step.to_dict() == {0: 4 * 6 - 1, 1: 6, 2: 6, 3: 6, 4: 5}


@pytest.mark.parametrize("weight", [1.0, 0.5], ids=["draws, stretched", "conformal"])
def test_intervals_are_calibrated_on_what_came_before_the_origin_they_are_scored_at(weight):
    settings = {"loss": weight * fc.Fit("hours") + fc.Pool(), "draws": 20, "level": 0.8}
    cut = plain().runs[-1].window.origin.cut
    changed = WORLD.history["hours"].data.clone()
    changed[:, cut:] = 1e3 * changed[:, cut:]
    history = dict(WORLD.history) | {"hours": fc.tensor(changed, WORLD.dims, ("region", "week"))}
    first, again = (backtest(history=h, **settings).forecasts for h in (None, history))
    assert not np.array_equal(first["actual"], again["actual"])
    for column in ("lower", "upper"):
        assert first[column].notna().all()
        assert np.array_equal(first[column], again[column])


def test_crps_of_the_model_is_below_its_mase():
    assert with_draws().score("hours", metric="crps") < with_draws().score("hours")


def test_an_input_known_at_every_origin_makes_no_score_conditional():
    made = backtest(decisions=fc.Decisions(known=("bonus",)))
    assert (made.decisions, made.is_conditional) == ("known at the origin", False)


def test_as_usual_is_the_mean_of_the_last_periods():
    dims = fc.Dims(region=["a", "b"], week=range(6))
    past = {
        "x": fc.tensor([[0, 0, 1, 2, 3, 6], [0, 0, 4, 4, 4, 4]], dims),
        "size": fc.tensor([1, 2], dims.only("region")),
    }
    made = fc.as_usual(4)(past, "week", (6, 7))
    assert made["x"].data.tolist() == [[3, 3], [4, 4]]
    assert made["x"].axes["week"] == (6, 7)
    assert made["size"] is past["size"]


def test_as_last_repeats_the_last_periods():
    run = plain().runs[0]
    bonus = WORLD.history["bonus"].data.numpy()
    assert np.array_equal(run.inputs["bonus"].data.numpy(), bonus[:, 48:52])
    assert list(run.inputs["bonus"].labels["week"]) == [52, 53, 54, 55]


def test_a_policy_that_leaves_an_input_open_is_refused():
    silent = fc.Decisions(policy=lambda past, time, ahead: {})
    assert refusal(lambda: backtest(decisions=silent)) == (
        "a policy that leaves inputs open\n"
        "  from 56 on it says nothing of bonus\n"
        "  fix: return a tensor for each, or name those known at the origin in known="
    )


def test_a_known_input_that_the_model_lacks_is_refused():
    assert refusal(lambda: backtest(decisions=fc.Decisions(known=("coupon",)))) == (
        "inputs that are not there\n  known= names coupon; the model's inputs are bonus\n  fix: correct the names"
    )


def test_an_unknown_baseline_is_refused():
    assert refusal(lambda: backtest(baselines=("prophet",))) == (
        "unknown baseline prophet\n  there are seasonal_naive, ets, combination\n  fix: name one of these"
    )


def test_a_score_that_is_not_there_is_refused():
    assert refusal(lambda: plain().score("rides")).startswith("no score rides/model/mase\n")
