"""Every input of the model over lead-in and horizon: history before, what is known or decided after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Index
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.response import Adstock

SAME = 1e-9


def carry_over(fitted: Any) -> int:
    """How many labels before the horizon the model must see, at least one.

    The lengths of all carry-overs added up; if the model then says otherwise than with the whole history (a module that
    looks back by other means), the whole history.
    """
    model, time = fitted.model, fitted.time
    size = model.dims.size(time)
    lags = sum(part.max_lag for part in model.modules() if isinstance(part, Adstock) and part.time == time)
    lead = min(max(lags, 1), size)
    moving = [name for name, port in model.exogenous.items() if time in port.dims]
    if lead == size or not moving:
        return lead
    with torch.no_grad():
        whole = model({name: fitted.history[name] for name in model.exogenous})
        part = model({name: _last(fitted.history[name], time, lead + 1) for name in model.exogenous})
    for name, value in part.items():
        if time in value.axes:
            axis = value.axes.axis(time)
            late, full = value.data.narrow(axis, lead, 1), whole[name].data.narrow(axis, size - 1, 1)
            if not torch.allclose(late, full, rtol=SAME, atol=SAME):
                return size
    return lead


def _last(value: Tensor, time: str, n: int) -> Tensor:
    return value.select(**{time: value.axes[time][-n:]}) if time in value.axes else value


def given_inputs(
    fitted: Any, decide: tuple[str, ...], weeks: Index, known: Mapping[str, Tensor], lead: int
) -> dict[str, Tensor]:
    """All inputs on lead-in and horizon. Levers hold their last value there until they are decided.

    Raises CAUSAL-029 with every input that is neither decided nor known over the horizon, and for known values that do
    not reach to its end, are missing or infinite.
    """
    time, model = fitted.time, fitted.model
    missing = [name for name, port in model.exogenous.items() if time in port.dims and name not in (*decide, *known)]
    if missing:
        raise refuse(
            "029", "inputs that nobody knows over the horizon",
            f"{', '.join(missing)} from {weeks[0]!s} to {weeks[-1]!s}; decided are {', '.join(decide)}",
            fix=f'pass inputs={{"{missing[0]}": tensor over the horizon}}, or decide them',
        )  # fmt: skip
    labels = Index((*model.dims[time][-lead:], *weeks))
    given = {name: _given(name, fitted.history, known, (time, weeks, labels, lead)) for name in model.exogenous}
    model.check(given)
    return given


def _given(name: str, history: Mapping[str, Tensor], known: Mapping[str, Tensor], span: tuple) -> Tensor:
    time, weeks, labels, lead = span
    past = history[name]
    if time not in past.axes:
        return known.get(name, past)
    before = _last(past, time, lead)
    axis = past.axes.axis(time)
    if name in known:
        after = _over(name, known[name], past, time, weeks).data
    else:
        after = before.data.narrow(axis, lead - 1, 1).expand(
            [len(weeks) if i == axis else n for i, n in enumerate(past.shape)]
        )
    return Tensor(torch.cat([before.data, after], dim=axis), past.axes.replace(**{time: labels}))


def _over(name: str, value: Tensor, past: Tensor, time: str, weeks: Index) -> Tensor:
    held = value.axes[time].positions if time in value.axes else {}
    missing = [label for label in weeks if label not in held]
    if missing:
        raise refuse(
            "029", f"the horizon is longer than what is known of {name}",
            f"{len(missing):,} of {len(weeks):,} labels of {time} are missing, the first is {missing[0]!s}",
            fix=f"pass {name} up to {weeks[-1]!s}, or shorten the horizon",
        )  # fmt: skip
    return value.select(**{time: weeks}).transpose(*past.dims)
