"""`backtest`: fits the model anew at rolling origins and scores what it would have forecast, beside baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.backtests.baselines import Predicted, predict, refuse_unknown
from estimators.forecast.backtests.decisions import REALISED, Decisions
from estimators.forecast.backtests.origins import rolling_origins
from estimators.forecast.backtests.score_table import Scored, as_frame, score_rows
from estimators.forecast.backtests.scores import seasonal_scale
from estimators.forecast.backtests.windows import Window, cells_of, known_loss, read_before, series_of, windows
from estimators.forecast.collection import ModelCollection
from estimators.forecast.experiments.consistency import Consistency
from estimators.forecast.experiments.table import Experiments
from estimators.forecast.labels.dims import Dims
from estimators.forecast.labels.operations import concat
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.preparation import time_of
from estimators.forecast.losses.terms import Loss, Term

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model"


@dataclass(frozen=True)
class Run:
    """One origin: what was known, the model fitted to it, and the inputs that it was given for the scored periods."""

    window: Window
    fitted: Any
    inputs: dict[str, Tensor]


@dataclass(frozen=True)
class Backtest:
    """scores: a frame with node, method, decisions, is_conditional, origin, horizon, metric, value, season, n_series,
    n_excluded; origin is the last period that the method saw, null for all; horizon is the step, null for all; metric
    is mase, coverage, interval_score or crps, all but coverage over the scale of MASE.

    forecasts: a frame with node, method, origin, step, the node's dims, actual, point, lower, upper.
    effects: predicted and measured effects of the given experiments, one row per origin that could know them, or None.
    gate: the verdict on them at the last origin, or None.  runs: one per origin, oldest first.
    is_conditional: the scored periods' inputs were those that really happened, so the scores compare nothing.
    """

    scores: pd.DataFrame
    forecasts: pd.DataFrame
    effects: pd.DataFrame | None
    gate: Consistency | None
    runs: tuple[Run, ...]
    decisions: str
    is_conditional: bool
    season: int
    horizon: int
    level: float | None

    def score(self, node: str, method: str = MODEL, metric: str = "mase") -> float:
        """One figure over all origins and steps. Raises CausalError 029 if it was not scored."""
        scores = self.scores
        own = scores[(scores["node"] == node) & (scores["method"] == method) & (scores["metric"] == metric)]
        total = own[own["origin"].isna() & own["horizon"].isna()]
        if len(total) != 1:
            known = ", ".join(sorted({f"{n}/{m}/{k}" for n, m, k in scores[["node", "method", "metric"]].to_numpy()}))
            raise refuse("029", f"no score {node}/{method}/{metric}", f"there are {known}", fix="name one of these")
        return float(total["value"].iloc[0])

    @property
    def effect_error(self) -> float:
        """Root mean square of predicted less measured effects at the last origin that knows them; NaN without any."""
        if self.effects is None or len(self.effects) == 0:
            return float("nan")
        last = self.effects[self.effects["origin"] == self.effects["origin"].iloc[-1]]
        return float(np.sqrt(np.mean((last["predicted"] - last["measured"]) ** 2)))


def backtest(
    model: ModelCollection,
    history: Mapping[str, Tensor],
    loss: Loss | Term,
    *,
    origins: int = 6,
    horizon: int = 8,
    season: int = 1,
    baselines: Sequence[str] = ("seasonal_naive", "ets"),
    experiments: Experiments | None = None,
    decisions: Decisions | None = None,
    level: float | None = 0.8,
    **options: Any,
) -> Backtest:
    """Scores a model at rolling origins (`rolling_origins`), fitted from its starting values on what was known at each.

    history: exogenous inputs and observed nodes by name; every observed node with the time dim is scored.  season: m of
    MASE and of the baselines.  experiments: held-out ones, against which predicted effects are set.  decisions: inputs
    known at each origin, and the policy that re-draws the others. Where some input has neither, the decisions that were
    really taken are used, all scores are conditional, and the backtest never chooses a model (`choose`).  level: of the
    intervals; None leaves them out, and is faster.  options: of `model.fit` (draws, stages, seed, ...).
    An experiment of the loss that was read after an origin is not in the loss there. Raises CausalError 029.
    """
    refuse_unknown(baselines)
    loss = loss if isinstance(loss, Loss) else 1.0 * loss
    source = decisions or Decisions()
    kind = source.kind(tuple(model.exogenous))
    time = options.get("time") or time_of(model)
    nodes = [name for name in model.nodes if name in history and time in history[name].dims]
    cuts = rolling_origins(model.dims.size(time), origins=origins, horizon=horizon, minimum=season + 2)
    runs = tuple(
        _run(model, loss, window, source, options) for window in windows(history, model.dims[time], time, cuts)
    )
    scored = [one for run in runs for one in _scored(run, nodes, baselines, season, level)]
    effects, gate = _effects(runs, experiments)
    table = as_frame(list(score_rows(scored, level)), kind, season)
    shown = _forecasts(runs, scored)
    return Backtest(table, shown, effects, gate, runs, kind, kind == REALISED, season, horizon, level)


def choose(backtests: Mapping[str, Backtest], node: str) -> str:
    """The name of the model with the least MASE of a node, among those that agree with experiments.

    Raises CausalError 029 where a score is conditional on the decisions that were really taken: a model that takes a
    confounded policy for an effect wins such a comparison.
    """
    conditional = [name for name, one in backtests.items() if one.is_conditional]
    if conditional:
        raise refuse(
            "029",
            "a choice by conditional scores",
            f"{', '.join(conditional)} used the decisions that were really taken, which carry news of the outcome",
            fix="backtest with known= or policy= for every input, then choose",
        )
    sound = [name for name, one in backtests.items() if one.gate is None or one.gate.status != "fail"]
    if not sound:
        raise refuse(
            "029",
            "no model to choose",
            f"all of {', '.join(backtests) or 'none'} disagree with experiments",
            fix="fit with these experiments in the loss, or correct the model",
        )
    return min(sound, key=lambda name: backtests[name].score(node))


def _run(model: ModelCollection, loss: Loss, window: Window, source: Decisions, options: Mapping[str, Any]) -> Run:
    own = model.rebuilt(model.dims.replace(**{window.time: window.known}))
    fitted = own.fit(window.past, known_loss(loss, window), **options)
    return Run(window, fitted, source.inputs(window, tuple(model.exogenous)))


def _scored(
    run: Run, nodes: Sequence[str], baselines: Sequence[str], season: int, level: float | None
) -> Iterator[Scored]:
    window = run.window
    made = _predicted(run, nodes, level)
    for node in nodes:
        train, actual = (series_of(part[node], window.time) for part in (window.past, window.later))
        scale = seasonal_scale(train, season)
        yield Scored(node, MODEL, window.last_known, actual, scale, made[node])
        for name in baselines:
            predicted = predict(name, train, window.origin.horizon, season, level)
            yield Scored(node, name, window.last_known, actual, scale, predicted)


def _predicted(run: Run, nodes: Sequence[str], level: float | None) -> dict[str, Predicted]:
    """What the fitted model says of the scored periods, in the order of `series_of`."""
    horizon, time = run.window.origin.horizon, run.window.time
    if level is None:
        point = {node: series_of(value, time) for node, value in _points(run, nodes).items()}
        return {node: Predicted(value, *[np.full_like(value, np.nan)] * 2) for node, value in point.items()}
    frame = run.fitted.forecast(horizon=horizon, inputs=run.inputs, level=level)
    paths = run.fitted.sample(horizon=horizon, inputs=run.inputs, with_noise=True) if run.fitted.draws else []
    made = {}
    for node in nodes:
        own, like = frame[frame["node"] == node], run.window.later[node]
        columns = [_laid_out(own[name], like, run.fitted, node, time) for name in ("point", "lower", "upper")]
        draws = np.stack([series_of(_as(path[node], like), time) for path in paths]) if paths else None
        made[node] = Predicted(*columns, draws)
    return made


def _points(run: Run, nodes: Sequence[str]) -> dict[str, Tensor]:
    time, past = run.window.time, run.window.past
    whole = {
        name: concat([past[name], value], time) if time in value.dims else value for name, value in run.inputs.items()
    }
    made = run.fitted.nodes(whole)
    return {node: _as(made[node].select(**{time: run.window.ahead}), run.window.later[node]) for node in nodes}


def _laid_out(column: pd.Series, like: Tensor, fitted: Any, node: str, time: str) -> np.ndarray:
    """A column of the forecast frame, whose rows run in the order of the node's own dims, as `series_of` has them."""
    axes = Dims.of({dim: like.labels[dim] for dim in fitted.model.nodes[node].dims})
    values = Tensor(torch.from_numpy(column.to_numpy(dtype=float).copy()).reshape(axes.shape), axes)
    return series_of(_as(values, like), time)


def _as(tensor: Tensor, like: Tensor) -> Tensor:
    return tensor.transpose(*like.dims)


def _effects(runs: Sequence[Run], experiments: Experiments | None) -> tuple[pd.DataFrame | None, Consistency | None]:
    """Predicted and measured effects of the experiments that each origin could know, and the verdict at the last."""
    import pandas as pd

    if experiments is None:
        return None, None
    frames = []
    for run in runs:
        known = read_before(experiments, run.window)
        if len(known):
            frames.append(run.fitted.effect(known).assign(origin=run.window.last_known))
    if not frames:
        return pd.DataFrame(), None
    return pd.concat(frames, ignore_index=True), runs[-1].fitted.consistency(read_before(experiments, runs[-1].window))


def _forecasts(runs: Sequence[Run], scored: Sequence[Scored]) -> pd.DataFrame:
    import pandas as pd

    window_of = {run.window.last_known: run.window for run in runs}
    return pd.concat([_forecast_rows(window_of[one.origin], one) for one in scored], ignore_index=True)


def _forecast_rows(window: Window, one: Scored) -> pd.DataFrame:
    import pandas as pd

    n_series, n_steps = one.actual.shape
    cells = pd.DataFrame(cells_of(window.later[one.node], window.time), index=range(n_series))
    frame = cells.loc[np.repeat(np.arange(n_series), n_steps)].reset_index(drop=True)
    frame = frame.assign(node=one.node, method=one.method, origin=one.origin)
    frame["step"] = np.tile(np.arange(1, n_steps + 1), n_series)
    frame[window.time] = np.tile(np.array(window.ahead, dtype=object), n_series)
    columns = {"actual": one.actual, **{name: getattr(one.predicted, name) for name in ("point", "lower", "upper")}}
    return frame.assign(**{name: values.ravel() for name, values in columns.items()})
