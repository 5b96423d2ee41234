"""The trust region: where decisions have been tried, by experiments first and by history second.

A fitted slope says little of decisions that nobody ever took, and an optimiser seeks out exactly those whose slopes
came out too high. Each cell's range is that of the experiments that moved its lever there; where there were none, that
of its history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from estimators.forecast.experiments.table import Experiment
from estimators.forecast.labels.dims import Dims, canonical
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.effects import within
from estimators.forecast.planning.compiled import Bounds
from estimators.forecast.planning.decisions import Decisions, Lever
from estimators.forecast.planning.expressions import Support


def support_bounds(
    decisions: Decisions, history: Mapping[str, Tensor], experiments: Iterable[Experiment], support: Support
) -> Bounds:
    """The tried range of every decision, stretched by a share of its width; never below zero if nothing tried was."""
    lower = torch.full((decisions.size,), -float("inf"), dtype=torch.float64)
    upper = -lower
    rows = list(experiments)
    for lever in decisions.levers.values():
        if support.levers and lever.name not in support.levers:
            continue
        past = history[lever.name]
        low, high = tried(past, [row for row in rows if row.lever == lever.name], decisions.time)
        room = (support.stretch or 0.0) * (high - low)
        floor = torch.where(low >= 0, torch.zeros_like(low), torch.full_like(low, -float("inf")))
        lower[lever.start : lever.stop] = _on_horizon(
            torch.maximum(low - room, floor), past.axes, lever, decisions.time
        )
        upper[lever.start : lever.stop] = _on_horizon(high + room, past.axes, lever, decisions.time)
    return Bounds(support.name, lower, upper)


def tried(past: Tensor, experiments: list[Experiment], time: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The least and the greatest value tried in every cell, time left out."""
    has_time = time in past.axes
    axis = past.axes.axis(time) if has_time else None
    low = past.data.amin(dim=axis) if has_time else past.data.clone()
    high = past.data.amax(dim=axis) if has_time else past.data.clone()
    found_low, found_high = torch.full_like(low, float("inf")), torch.full_like(high, -float("inf"))
    for row in experiments:
        touched, weeks = _cells(row, past.axes, time)
        levels = past.data.index_select(axis, weeks) if has_time else past.data[None]
        along = axis if has_time else 0
        changed = levels + row.delta if row.change == "add" else levels * (1.0 + row.delta)
        least = torch.minimum(levels, changed).amin(dim=along)
        most = torch.maximum(levels, changed).amax(dim=along)
        found_low = torch.where(touched, torch.minimum(found_low, least), found_low)
        found_high = torch.where(touched, torch.maximum(found_high, most), found_high)
    has_any = found_high >= found_low
    return torch.where(has_any, found_low, low), torch.where(has_any, found_high, high)


def _cells(row: Experiment, axes: Dims, time: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Which cells (time left out) an experiment moved, and the positions of its weeks."""
    others = [dim for dim in axes.names if dim != time]
    touched = torch.ones([axes.size(dim) for dim in others], dtype=torch.bool)
    for place, dim in enumerate(others):
        if dim in row.cells:
            chosen = {canonical(label) for label in row.cells[dim]}
            inside = torch.tensor([label in chosen for label in axes[dim]])
            touched = touched & inside.view([-1 if i == place else 1 for i in range(len(others))])
    if time not in axes:
        return touched, torch.zeros(1, dtype=torch.long)
    inside = within(axes[time], row.starts, row.ends)
    return touched, torch.tensor([i for i, is_in in enumerate(inside) if is_in], dtype=torch.long)


def _on_horizon(values: torch.Tensor, past: Dims, lever: Lever, time: str) -> torch.Tensor:
    if time not in past:
        return values.ravel()
    return values.unsqueeze(past.axis(time)).expand(lever.axes.shape).reshape(-1)


def share_outside(x: torch.Tensor, bounds: Bounds) -> float:
    """The share of decisions outside the (stretched) range tried."""
    room = 1e-9 * (1.0 + x.abs())
    return float(((x < bounds.lower - room) | (x > bounds.upper + room)).double().mean())
