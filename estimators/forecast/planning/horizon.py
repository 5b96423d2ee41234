"""The labels of the weeks to plan, which follow the history."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Any

from estimators.errors import refuse
from estimators.forecast.labels.dims import Index, index_of


def labels_after(known: Index, horizon: int | Sequence[Any]) -> Index:
    """The next labels after the last known one: given ones, or so many at the known spacing (days, months or numbers).

    Raises CAUSAL-029 where labels are neither evenly spaced dates nor numbers and were not given.
    """
    if not isinstance(horizon, int):
        given = index_of(horizon)
        old = [label for label in given if label in known.positions]
        if old or not given:
            text = f"{old[0]!s} is history" if old else "there are no labels"
            raise refuse("029", "a horizon that does not follow the history", text, fix=f"labels after {known[-1]!s}")
        return given
    if horizon < 1:
        raise refuse("029", f"a horizon of {horizon}", "nothing is left to decide", fix="a horizon of at least 1")
    step = _step(known)
    if step is None:
        raise refuse(
            "029", "the labels after the history are not known",
            f"the last ones are {', '.join(map(str, known[-3:]))}, without an even spacing to continue",
            fix='pass the labels themselves: horizon=["2026W31", "2026W32"]',
        )  # fmt: skip
    return Index(step(known[-1], i + 1) for i in range(horizon))


def _step(known: Index) -> Any:
    if len(known) < 2 or not all(type(label) is type(known[0]) for label in known):
        return None
    if isinstance(known[0], int):
        gaps = {b - a for a, b in pairwise(known)}
        return (lambda last, i: last + i * (known[1] - known[0])) if len(gaps) == 1 else None
    if not isinstance(known[0], datetime.date):
        return None
    days = {b - a for a, b in pairwise(known)}
    if len(days) == 1:
        return lambda last, i: last + i * next(iter(days))
    months = {12 * (b.year - a.year) + b.month - a.month for a, b in pairwise(known)}
    is_monthly = len(months) == 1 and len({label.day for label in known}) == 1
    return (lambda last, i: _month_later(last, i * next(iter(months)))) if is_monthly else None


def _month_later(last: datetime.date, months: int) -> Hashable:
    count = 12 * last.year + last.month - 1 + months
    return last.replace(year=count // 12, month=count % 12 + 1)
