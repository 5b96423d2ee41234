"""A single time series as the methods for series need it: ordered, evenly spaced, split at the intervention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.errors import CausalError, Fault, refuse
from estimators.warehouse import Relation

_FEWEST = 3  # observed periods before the intervention, as in R's CausalImpact
_UNEVEN = 0.05  # of a step: clocks that change twice a year are no gap


@dataclass(frozen=True)
class SeriesInputs:
    """periods: (n,) as given.  position: (n,) periods since the first.  outcome: (n,), NaN where missing.

    controls: (n, p), complete before and after.  is_pre, is_post: (n,); in a gap both are false.
    """

    periods: np.ndarray
    position: np.ndarray
    outcome: np.ndarray
    controls: np.ndarray
    names: tuple[str, ...]
    is_pre: np.ndarray
    is_post: np.ndarray

    @property
    def n_pre(self) -> int:
        return int(self.is_pre.sum())

    @property
    def n_post(self) -> int:
        return int(self.is_post.sum())

    @property
    def steps(self) -> np.ndarray:
        """How many periods after the last pre-period each post-period lies."""
        return self.position[self.is_post] - self.position[self.is_pre][-1]


def read_series(
    relation: Relation,
    time: str,
    outcome: str,
    controls: Sequence[str],
    intervention: Any,
    gap_end: Any = None,
) -> SeriesInputs:
    """Rows of one series with their controls. Periods before `intervention` are the pre-period, those from `gap_end`
    (default: `intervention`) on the post-period.

    Raises CausalError (001, 003, 011, 020, 027): nothing is ever filled.
    """
    _require_columns(relation, time, outcome, controls)
    name = relation.name
    is_time = relation.columns[time] == "time"
    clock = relation.seconds(name(time)) if is_time else relation.double(name(time))
    wanted = {"period": name(time), "clock": relation.double(clock), "outcome": relation.double(name(outcome))}
    wanted |= {f"x{i}": relation.double(name(c)) for i, c in enumerate(controls)}
    rows = relation.rows(wanted, where=f"{name(time)} is not null", order_by=name(time))
    at, gap = moment(intervention, is_time), moment(gap_end, is_time) if gap_end is not None else None
    if gap is not None and gap < at:
        raise refuse("027", "gap ends before it begins", "gap_end lies before the intervention", fix="correct gap_end")
    clock, periods = np.asarray(rows["clock"], dtype=float), rows["period"]
    is_pre, is_post = clock < at, clock >= (at if gap is None else gap)
    values = np.column_stack([rows[f"x{i}"] for i in range(len(controls))]) if controls else np.empty((len(clock), 0))
    found = SeriesInputs(
        periods,
        np.zeros(len(clock), dtype=int),
        np.asarray(rows["outcome"], dtype=float),
        np.asarray(values, dtype=float),
        tuple(controls),
        is_pre,
        is_post,
    )
    _require_both_periods(found, time)
    position = positions(periods, clock, time)
    _require_no_gaps(position, is_pre, is_post, time)
    _require_values(found, outcome)
    return SeriesInputs(periods, position, found.outcome, found.controls, found.names, is_pre, is_post)


def moment(value: Any, is_time: bool) -> float:
    """A date (text or object) as seconds since 1970 UTC, or a number as itself; 001 where it is neither."""
    import pandas as pd

    try:
        if not is_time:
            return float(value)
        stamp = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        kind = "a date" if is_time else "a number, as the time column is"
        fix = "correct intervention or gap_end"
        raise refuse("001", "no moment of the time column", f"wanted {kind}", fix=fix) from error
    stamp = stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp
    return float(stamp.timestamp())


def positions(periods: np.ndarray, clock: np.ndarray, time: str) -> np.ndarray:
    """Periods since the first: calendar months count as even. Raises 027 for duplicates and uneven spacing."""
    gaps = np.diff(clock)
    if (gaps <= 0).any():
        n = int((gaps <= 0).sum())
        raise refuse(
            "027", "several rows of one period", f"{n:,} of {len(clock):,} rows repeat a value of {time}",
            fix="aggregate to one row per period first",
        )  # fmt: skip
    if len(clock) < 2:
        return np.zeros(len(clock), dtype=int)
    counts = _steps(clock)
    if counts is None and periods.dtype.kind == "M":
        counts = _months(periods)
    if counts is None:
        detail = f"steps of {time} between {gaps.min():g} and {gaps.max():g} are no multiples of each other"
        raise refuse("027", "periods are not evenly spaced", detail, fix="aggregate to days, weeks or months first")
    return counts


def _steps(clock: np.ndarray) -> np.ndarray | None:
    steps = (clock - clock[0]) / np.diff(clock).min()
    counts = np.rint(steps)
    return counts.astype(int) if np.abs(steps - counts).max() <= _UNEVEN else None


def _months(periods: np.ndarray) -> np.ndarray | None:
    """For dates on one day of the month, or on the last one: months, quarters and years are even."""
    days, months = periods.astype("M8[D]"), periods.astype("M8[M]")
    of_month = (days - months.astype("M8[D]")).astype(int)
    is_last = (days + 1).astype("M8[M]") != months
    if len(set(of_month.tolist())) > 1 and not is_last.all():
        return None
    return _steps((months - months[0]).astype(float))


def _require_columns(relation: Relation, time: str, outcome: str, controls: Sequence[str]) -> None:
    known, faults = relation.columns, []
    for column in dict.fromkeys([time, outcome, *controls]):
        if column not in known:
            faults.append(Fault("003", "unknown column", (f"no column {column}",), f"the data has {', '.join(known)}"))
        elif column == time and known[column] not in ("time", "number"):
            faults.append(
                Fault("001", "column of a wrong type", (f"{time} is of kind {known[time]}",), f"cast {time} to a date")
            )
        elif column != time and known[column] not in ("number", "boolean"):
            detail = f"{column} is of kind {known[column]}, wanted number"
            faults.append(Fault("001", "column of a wrong type", (detail,), f"cast {column} to a number first"))
    repeated = {c for c in controls if c == outcome or list(controls).count(c) > 1}
    if repeated:
        detail = f"{', '.join(sorted(repeated))} stands twice, or is the outcome itself"
        faults.append(Fault("020", "collinear controls", (detail,), "name every control once"))
    if faults:
        raise CausalError(*faults)


def _require_both_periods(found: SeriesInputs, time: str) -> None:
    n = len(found.periods)
    if found.n_pre and found.n_post:
        return
    which = "before" if not found.n_pre else "after"
    detail = f"{n:,} rows of {time}: {found.n_pre:,} before the intervention, {found.n_post:,} after it"
    raise refuse("027", f"nothing {which} the intervention", detail, fix="check intervention, gap_end and the dates")


def _require_no_gaps(position: np.ndarray, is_pre: np.ndarray, is_post: np.ndarray, time: str) -> None:
    lost = []
    for label, chosen in (("before", position[is_pre]), ("after", position[is_post])):
        n = int(chosen[-1] - chosen[0] + 1 - len(chosen))
        if n:
            first = int(np.flatnonzero(np.diff(chosen) > 1)[0]) + 1
            lost.append(f"{n:,} periods {label} the intervention have no row, the first after row {first:,} there")
    if lost:
        fix = "add a row per missing period, its outcome null if it is not known; nothing is filled with zeros"
        raise refuse("027", f"missing periods in {time}", *lost, fix=fix)


def _require_values(found: SeriesInputs, outcome: str) -> None:
    used = found.is_pre | found.is_post
    infinite = [outcome] if np.isinf(found.outcome[used]).any() else []
    infinite += [c for i, c in enumerate(found.names) if np.isinf(found.controls[used, i]).any()]
    if infinite:
        raise refuse("011", "infinite values", ", ".join(infinite), fix="correct them at their source")
    missing = {c: int(np.isnan(found.controls[used, i]).sum()) for i, c in enumerate(found.names)}
    missing = {c: k for c, k in missing.items() if k}
    if missing:
        detail = ", ".join(f"{c} in {k:,} of {int(used.sum()):,} periods" for c, k in missing.items())
        fix = "drop the control, or complete it at its source; a control is never filled with zeros"
        raise refuse("027", "missing values in controls", detail, fix=fix)
    before, after = found.outcome[found.is_pre], found.outcome[found.is_post]
    n_before, n_after = int((~np.isnan(before)).sum()), int((~np.isnan(after)).sum())
    if n_before < _FEWEST or not n_after:
        detail = f"{outcome} is known in {n_before:,} periods before the intervention and {n_after:,} after it"
        fix = f"at least {_FEWEST} before and 1 after are needed"
        raise refuse("027", "too few observed periods", detail, fix=fix)
    if np.nanmin(before) == np.nanmax(before):
        detail = f"{outcome} has one value in all {n_before:,} periods before the intervention"
        raise refuse("027", "constant series", detail, fix="check how the outcome is measured before the intervention")
    constant = [c for i, c in enumerate(found.names) if np.ptp(found.controls[found.is_pre, i]) == 0.0]
    if constant:
        detail = f"{', '.join(constant)}: one value in the whole pre-period"
        raise refuse("020", "constant controls", detail, fix="leave them out of controls")
