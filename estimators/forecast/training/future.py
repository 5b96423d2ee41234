"""The weeks that are forecast: which they are, and the inputs over history and horizon."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Index, index_of
from estimators.forecast.labels.operations import concat
from estimators.forecast.labels.tensor import Tensor


def following(labels: Index, count: int) -> list[Any]:
    """The labels after the last one, by the distance of the last two (dates in days, or in months if that is even)."""
    first, last = labels[-2], labels[-1]
    if isinstance(last, datetime.date):
        months = 12 * (last.year - first.year) + last.month - first.month
        if months and first.day == last.day and (last - first).days >= 28:
            return [_months_later(last, months * step) for step in range(1, count + 1)]
        return [last + step * (last - first) for step in range(1, count + 1)]
    if isinstance(last, (int, float)):
        return [last + step * (last - first) for step in range(1, count + 1)]
    raise refuse("029", "weeks that cannot be counted on", f"labels are text, the last is {last}", fix="pass inputs=")


def _months_later(date: datetime.date, months: int) -> datetime.date:
    total = 12 * date.year + date.month - 1 + months
    return date.replace(year=total // 12, month=total % 12 + 1)


def extended(fitted: Any, horizon: int | None, inputs: Mapping[str, Tensor] | None) -> tuple[dict[str, Tensor], Index]:
    """Exogenous inputs over the history and the horizon, and the labels of the horizon.

    inputs: the levers and other inputs of the weeks to come (weeks that history already has are not taken again).
    Without them the weeks at the end of the history of which nothing was observed are the horizon. Raises CAUSAL-029
    for a horizon longer than the inputs that are known, and for inputs that are missing or infinite.
    """
    model, time, history = fitted.model, fitted.time, fitted.history
    if horizon is not None and horizon < 1:
        raise refuse("029", "a horizon that is none", f"got {horizon}", fix="at least 1")
    if inputs is None and not any(time in port.dims for port in model.exogenous.values()):
        return dict(history), index_of(following(model.dims[time], horizon or 1))
    if inputs is None:
        return _open_weeks(fitted, horizon)
    given = {
        name: _later(name, inputs, model.dims[time], time) for name, p in model.exogenous.items() if time in p.dims
    }
    shortest = min(given, key=lambda name: given[name].axes.size(time))
    known = given[shortest].axes.size(time)
    if horizon is not None and known < horizon:
        raise refuse(
            "029", "a horizon longer than the known inputs",
            f"{horizon} labels of {time} asked for, {shortest} is known for {known} after the history",
            fix=f"give {shortest} for the whole horizon, or ask for at most {known}",
        )  # fmt: skip
    labels = Index(given[shortest].axes[time][: horizon or known])
    joined = {name: concat([history[name], value.select(**{time: labels})], time) for name, value in given.items()}
    whole = {**{name: history[name] for name in model.exogenous}, **joined}
    model.check(whole)
    return whole, labels


def _later(name: str, inputs: Mapping[str, Tensor], known: Index, time: str) -> Tensor:
    if name not in inputs:
        raise refuse("029", "missing inputs", f"{name} is not given for the horizon", fix=f"add it to inputs: {name}")
    labels = [label for label in inputs[name].axes[time] if label not in known.positions]
    return inputs[name].select(**{time: labels})


def _open_weeks(fitted: Any, horizon: int | None) -> tuple[dict[str, Tensor], Index]:
    model, time = fitted.model, fitted.time
    seen = torch.zeros(model.dims.size(time), dtype=torch.bool)
    for fit in fitted.objective.fits.values():
        seen |= fit.observations.observed.any(0)
    first = int(torch.nonzero(seen)[-1]) + 1
    known = model.dims.size(time) - first
    if known == 0 or (horizon or 1) > known:
        raise refuse(
            "029", "a horizon longer than the known inputs",
            f"{horizon or 'some'} labels of {time} asked for, the history has {known} after the last observation",
            fix=f"pass inputs= with {', '.join(model.exogenous)} for the horizon",
        )  # fmt: skip
    return dict(fitted.history), Index(model.dims[time][first : first + (horizon or known)])
