"""Which sub-model caused the error of a node: what it got wrong by itself, and what that did downstream.

Modules are told the truth one after another, in the order of computation: how much the forecast of the node moves when
all that a module makes is replaced by what was observed is that module's part of the error. The parts add up to the
error. A part is judged against the parts that the same module had in earlier windows of the same length, forecast from
their own origins: the module whose part is most unusual is named first, whether or not others have larger parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.diagnosis.held_levels import levels_held
from estimators.forecast.labels.operations import concat
from estimators.forecast.labels.tensor import Tensor

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.collection import ModelCollection

History = Mapping[str, Tensor]
ALL, INPUTS = "all", "inputs"
_FEWEST_WINDOWS = 4


@dataclass(frozen=True)
class Attribution:
    """modules: frame with a row per module, the most suspect first; the sum of its contributions is `error`.

    Its columns: module, unseen (modules whose outputs nobody observes and whose errors are in this row), contribution
    (to the error of the node, summed over the window), share (of the error), score (the largest |z| of what it
    contributed, over all series together and by series), series (where that is), spread (usual size of it).
    cells: contribution of every module to every cell of the node.  error: actual − forecast, summed over the window.
    """

    node: str
    window: tuple[Any, ...]
    modules: pd.DataFrame
    cells: pd.DataFrame
    error: float
    n_reference: int

    @property
    def first(self) -> str:
        """The module that is named first."""
        return str(self.modules["module"].iloc[0])


def attribute(
    source: Any, node: str, new_history: History | None = None, window: Sequence[Any] | None = None, origin: int = -1
) -> Attribution:
    """Which sub-model caused the error of `node`, of a backtest or of a fit since it was made.

    source: a `Backtest`, whose `origin` (the last by default) is looked at over its horizon, or a `Fitted`, with
    `new_history`: inputs and observed nodes over the labels since.  window: fewer labels than all of these.
    In a backtest the row `inputs` says what the inputs that were assumed, instead of the real ones, did to the error.
    """
    if hasattr(source, "runs"):
        run = source.runs[origin]
        fitted, past, later, assumed = run.fitted, run.window.past, run.window.later, run.inputs
    elif new_history is None:
        fix = "pass new_history: inputs and observed nodes since the fit"
        raise refuse("029", "an error that nobody can know", "a fit knows nothing of what came after it", fix=fix)
    else:
        fitted, past, later, assumed = source, source.history, new_history, None
    time = fitted.time
    known = [name for name in past if name in later or time not in past[name].axes]
    whole = {name: _joined(past[name], later.get(name), time) for name in known}
    labels = list(next(t.axes[time] for t in later.values() if time in t.axes)) if window is None else list(window)
    before = {name: _joined(past[name], value, time) for name, value in assumed.items()} if assumed else None
    return attribute_error(fitted.model, whole, node, labels, time, assumed=before)


def _joined(past: Tensor, later: Tensor | None, time: str) -> Tensor:
    return past if later is None or time not in past.axes else concat([past, later], time)


def contributions(model: ModelCollection, actual: History, node: str) -> dict[str, Tensor]:
    """What each module added to actual − forecast of `node`, by cell; NaN where the node was not observed.

    actual: exogenous inputs and observed nodes. Modules without an observed output count with the next one downstream.
    The parts add up to the error of the node.
    """
    observed = _observed(model, actual, node)
    with torch.no_grad():
        before = model.forward(actual)[node]
        told: dict[str, Tensor] = {}
        parts: dict[str, Tensor] = {}
        for module, outputs in observed.items():
            told = {**told, **{name: actual[name] for name in outputs}}
            is_last = node in told
            after = actual[node].transpose(*before.dims) if is_last else model.forward(actual, observed=told)[node]
            parts[module] = Tensor(after.data - before.data, before.axes)
            before = after
    blank = torch.isnan(before.data)
    return {module: Tensor(torch.where(blank, torch.nan, part.data), part.axes) for module, part in parts.items()}


def attribute_error(
    model: ModelCollection,
    actual: History,
    node: str,
    window: Sequence[Any],
    time: str,
    *,
    assumed: History | None = None,
) -> Attribution:
    """Attribution of the error of `node` over the labels `window` of the dim `time`.

    actual: inputs and observed nodes from the beginning of the history to the end of the window, or later. Parts of
    earlier windows, which do not overlap it, say what is usual.  assumed: the inputs that the forecast was made with,
    if they are not the real ones. Raises CausalError 029 if there are too few earlier windows, if the window is not in
    the history, or if the node was not observed in it.
    """
    import pandas as pd

    axes = actual[node].axes if node in actual else None
    _refuse(model, actual, node, window, time)
    first, n = axes.position(time, window[0]), len(window)
    origins = _origins(first, n)
    parts = {o: _windowed(model, actual, node, time, (o, n)) for o in [*origins, first]}
    now = parts.pop(first)
    rows = [_row(module, now[module], [p[module] for p in parts.values()]) for module in now]
    if assumed is not None:
        now[INPUTS] = _of_inputs(model, actual, assumed, node, now, time)
        rows.append({"module": INPUTS, "contribution": float(now[INPUTS].data.nansum())})
    frame = pd.DataFrame(rows).sort_values("score", ascending=False, kind="stable", ignore_index=True)
    error = float(frame["contribution"].sum())
    frame.insert(1, "unseen", frame["module"].map(_unseen(model, actual, node)).fillna(""))
    frame.insert(3, "share", frame["contribution"] / error if error else np.nan)
    return Attribution(node, tuple(window), frame, _cells(now), error, len(parts))


def _observed(model: ModelCollection, actual: History, node: str) -> dict[str, tuple[str, ...]]:
    """By module, in the order of computation, the observed outputs on the way to `node`, the node's own last."""
    model.node(node)
    wanted = {*model.upstream(node), node}
    own = model.nodes[node].module
    found = {
        m.name: tuple(name for name in m.outputs if name in wanted and name in actual)
        for m in model.order
        if wanted & set(m.outputs) and m.name != own
    }
    return {**{module: outputs for module, outputs in found.items() if outputs}, own: (node,)}


def _unseen(model: ModelCollection, actual: History, node: str) -> dict[str, str]:
    """By module those above it whose outputs nobody observes, and whose errors therefore show in it first."""
    seen = _observed(model, actual, node)
    waiting = [m for m in model.order if m.name not in seen and {*m.outputs} & {*model.upstream(node)}]
    said: dict[str, str] = dict.fromkeys(seen, "")
    for module in seen:
        outputs = model[module].outputs
        above = {name for output in outputs for name in model.upstream(output)}
        hidden = [m.name for m in waiting if {*m.outputs} & above]
        said[module] = ", ".join(hidden)
        waiting = [m for m in waiting if m.name not in hidden]
    return said


def _origins(first: int, n: int) -> list[int]:
    """Beginnings of reference windows of length n before position `first`, half a window apart."""
    step = max(1, n // 2)
    return list(range(first - n, max(n, first // 5), -step))[::-1]


def _windowed(
    model: ModelCollection, actual: History, node: str, time: str, place: tuple[int, int]
) -> dict[str, Tensor]:
    """Contributions over a window as it would have been forecast from its beginning. place: its position and length."""
    origin, n = place
    with levels_held(model, time, origin):
        parts = contributions(model, actual, node)
    labels = [*next(iter(parts.values())).axes[time][origin : origin + n]]
    return {module: _time_last(part.select(**{time: labels}), time) for module, part in parts.items()}


def _time_last(part: Tensor, time: str) -> Tensor:
    return part.transpose(*(dim for dim in part.dims if dim != time), time)


def _of_inputs(
    model: ModelCollection, actual: History, assumed: History, node: str, parts: Mapping[str, Tensor], time: str
) -> Tensor:
    """What the real inputs changed in the forecast, over the window and where the node was observed."""
    like = next(iter(parts.values()))
    with torch.no_grad():
        moved = model.forward(actual)[node] - model.forward(assumed)[node]
    moved = _time_last(moved.select(**{time: list(like.axes[time])}), time)
    return Tensor(torch.where(torch.isnan(like.data), torch.nan, moved.data), like.axes)


def _row(module: str, now: Tensor, before: list[Tensor]) -> dict[str, Any]:
    names, sums = _sums(now)
    usual = np.stack([_sums(part)[1] for part in before])
    spread = np.sqrt(np.mean((usual - usual.mean(axis=0)) ** 2, axis=0))
    z = np.abs(np.divide(sums - usual.mean(axis=0), spread, out=np.zeros_like(sums), where=spread > 0.0))
    worst = int(z.argmax())
    return {
        "module": module, "contribution": sums[0], "score": z[worst], "series": names[worst], "spread": spread[0],
    }  # fmt: skip


def _sums(part: Tensor) -> tuple[list[str], np.ndarray]:
    """Sums over the window, the last axis: of all series first, then of each series."""
    time = part.dims[-1]
    table = part.data.nan_to_num(nan=0.0).reshape(-1, part.axes.size(time)).sum(1).numpy()
    if len(table) == 1:
        return [ALL], table
    return [ALL, *_series(part)], np.concatenate([[table.sum()], table])


def _series(part: Tensor) -> Iterator[str]:
    others = part.axes.without(part.dims[-1])
    for place in np.ndindex(*others.shape):
        yield ", ".join(str(others[dim][i]) for dim, i in zip(others.names, place, strict=True))


def _cells(parts: Mapping[str, Tensor]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(
        [part.to_frame("contribution").assign(module=module) for module, part in parts.items()], ignore_index=True
    )


def _refuse(model: ModelCollection, actual: History, node: str, window: Sequence[Any], time: str) -> None:
    model.node(node)
    if node not in actual:
        detail = f"{node} has no observed values; observed are {', '.join(n for n in model.nodes if n in actual)}"
        raise refuse("029", "an error that nobody can know", detail, fix="add the node to the history")
    axes = actual[node].axes
    if not len(window):
        raise refuse("029", "a window without a label", "no labels were given", fix="give labels of the time dim")
    first = axes.position(time, window[0])
    cells = actual[node].select(**{time: list(window)}).data
    if bool(torch.isnan(cells).all()):
        detail = f"{node} was observed in none of {len(window)} labels of {time}"
        raise refuse("029", "an error that nobody can know", detail, fix="wait until it is known")
    n = len(_origins(first, len(window)))
    if n < _FEWEST_WINDOWS:
        detail = f"{n} windows of {len(window)} labels before {window[0]}, {_FEWEST_WINDOWS} are needed"
        raise refuse(
            "029", "too short a past to say what is usual", detail, fix="take a shorter window or more history"
        )
