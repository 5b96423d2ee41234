"""From a long frame (one row per series and period) to arrays and back, refusing what cannot be forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estimators.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3  # how many offending cells a message names
_DAYS_OF_EVERY_MONTH = 28


@dataclass(frozen=True)
class SeriesSet:
    """names: one per series.  values: (n,) each.  times: its periods.  covariates: (n, n_covariates) each, in order."""

    names: tuple[object, ...]
    values: tuple[np.ndarray, ...]
    times: tuple[pd.Index, ...]
    covariates: tuple[np.ndarray, ...]


def read_series(
    frame: pd.DataFrame, *, series: str | None, time: str, value: str, covariates: Sequence[str] = ()
) -> SeriesSet:
    """One series per value of the column `series` (None: the frame is one series), in order of time.

    Raises CausalError 029 for a missing column, a missing or infinite value, a cell given twice, or a gap in time.
    """
    _refuse_missing_columns(frame, [name for name in (series, time, value, *covariates) if name is not None])
    if len(frame) == 0:
        raise refuse("029", "no rows to forecast from", "the frame is empty", fix="give at least one series")
    groups = [(value, frame)] if series is None else list(frame.groupby(series, sort=True, observed=True))
    names, values, times, inputs = [], [], [], []
    for name, rows in groups:
        rows = rows.sort_values(time)
        times.append(_regular(name, rows[time]))
        values.append(_numbers(name, rows, value, time))
        inputs.append(
            np.column_stack([_numbers(name, rows, c, time) for c in covariates] or [np.empty((len(rows), 0))])
        )
        names.append(name)
    return SeriesSet(tuple(names), tuple(values), tuple(times), tuple(inputs))


def later_times(times: pd.Index, horizon: int) -> pd.Index:
    """The next `horizon` periods after regular `times`."""
    import pandas as pd

    if isinstance(times, pd.DatetimeIndex):
        return pd.date_range(times[-1], periods=horizon + 1, freq=_frequency(times))[1:]
    if isinstance(times, pd.PeriodIndex):
        return pd.period_range(times[-1], periods=horizon + 1)[1:]
    step = times[1] - times[0] if len(times) > 1 else 1
    return pd.Index(times[-1] + step * np.arange(1, horizon + 1))


def read_future(
    future: pd.DataFrame | None,
    known: SeriesSet,
    *,
    series: str | None,
    time: str,
    covariates: Sequence[str],
    horizon: int,
) -> np.ndarray:
    """Covariates of the periods to forecast, (n_series, horizon, k). Raises CausalError 029 where one lacks."""
    if not covariates:
        return np.zeros((len(known.names), horizon, 0))
    if future is None:
        raise refuse(
            "029",
            "covariates without their future",
            f"{', '.join(covariates)}: known for the history only",
            fix="pass future= with these columns for every period to forecast, or leave the covariates out",
        )
    _refuse_missing_columns(future, [name for name in (series, time, *covariates) if name is not None])
    rows = []
    for name, times in zip(known.names, known.times, strict=True):
        own = future if series is None else future[future[series] == name]
        wanted = later_times(times, horizon)
        found = own.set_index(time).reindex(wanted) if own[time].is_unique else _refuse_twice(name, own[time])
        rows.append(_covariates_of(name, found, covariates, horizon))
    return np.stack(rows)


def _covariates_of(name: object, found: pd.DataFrame, covariates: Sequence[str], horizon: int) -> np.ndarray:
    values = found[list(covariates)].to_numpy(dtype=float)
    missing = ~np.isfinite(values).all(axis=1)
    if missing.any():
        raise refuse(
            "029",
            "a horizon longer than the known inputs",
            f"series {name}: horizon {horizon}, but {', '.join(covariates)} lack from {found.index[missing][0]} on",
            fix="a shorter horizon, or future= with every period to forecast",
        )
    return values


def _refuse_missing_columns(frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise refuse(
            "029",
            "columns that are not there",
            f"asked for {', '.join(missing)}; the frame has {', '.join(map(str, frame.columns))}",
            fix="name the columns with series=, time=, value= and covariates=",
        )


def _numbers(name: object, rows: pd.DataFrame, column: str, time: str) -> np.ndarray:
    values = rows[column].to_numpy(dtype=float, na_value=np.nan)
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise refuse(
            "029",
            "missing or infinite values in a series",
            f"series {name}, {column}: {wrong.sum()} of {len(values)}, first at {rows[time].iloc[np.argmax(wrong)]}",
            fix="fill or drop them on purpose; a forecast does not guess",
        )
    return values


def _regular(name: object, column: pd.Series) -> pd.Index:
    """The sorted periods of one series as an index without duplicates or gaps."""
    import pandas as pd

    if not column.is_unique:
        _refuse_twice(name, column)
    times = pd.Index(column)
    if isinstance(times, pd.DatetimeIndex):
        wanted = pd.date_range(times[0], times[-1], freq=_frequency(times)) if len(times) > 1 else times
    elif isinstance(times, pd.PeriodIndex):
        wanted = pd.period_range(times[0], times[-1])
    elif pd.api.types.is_numeric_dtype(times.dtype):
        step = np.diff(times).min() if len(times) > 1 else 1
        wanted = pd.Index(times[0] + step * np.arange(round((times[-1] - times[0]) / step) + 1))
    else:
        raise refuse(
            "029", "times that cannot be counted", f"series {name}: {column.name} is {times.dtype}, e.g. {times[0]!r}",
            fix="use dates, pandas periods or whole numbers",
        )  # fmt: skip
    _refuse_gaps(name, times, wanted)
    return times


def _frequency(times: pd.DatetimeIndex) -> pd.DateOffset:
    """The offset by which most neighbouring dates follow each other: months where all fall on one day of the month (or
    its end), a fixed time otherwise.
    """
    import pandas as pd

    months = _usual(np.diff(12 * times.year + times.month))
    if months > 0 and (times.day == times[0].day).all() and times[0].day <= _DAYS_OF_EVERY_MONTH:
        return pd.DateOffset(months=months)
    if months > 0 and times.is_month_end.all():
        return pd.offsets.MonthEnd(months)
    return pd.tseries.frequencies.to_offset(pd.Timedelta(_usual(np.diff(times))))


def _usual(steps: np.ndarray) -> object:
    """The most frequent step, the smallest of several."""
    values, counts = np.unique(steps, return_counts=True)
    return values[np.argmax(counts)].item() if values.dtype.kind == "i" else values[np.argmax(counts)]


def _refuse_gaps(name: object, times: pd.Index, wanted: pd.Index) -> None:
    missing = wanted.difference(times)
    if len(missing):
        shown = ", ".join(map(str, missing[:_NAMED]))
        raise refuse(
            "029",
            "gaps in time",
            f"series {name}: {len(missing)} periods are missing between {times[0]} and {times[-1]}: {shown}",
            fix="add a row for every period (a zero only if it was a zero)",
        )
    if len(wanted) != len(times):
        raise refuse(
            "029",
            "irregular times",
            f"series {name}: {len(times)} periods, of which {len(times.difference(wanted))} lie between regular ones",
            fix="one row per period of equal length",
        )


def _refuse_twice(name: object, column: pd.Series) -> pd.DataFrame:
    twice = column[column.duplicated()]
    times = int((column == twice.iloc[0]).sum())
    raise refuse(
        "029",
        "duplicate cells",
        f"series {name}: {twice.iloc[0]} is there {times} times; {len(twice)} rows too many",
        fix="aggregate to one row per series and period",
    )
