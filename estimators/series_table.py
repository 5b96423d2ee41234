"""The study table of series, one row per series and period, as a small matrix per outcome.

Series are few and short whatever the number of units behind them, so their rows come to this process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.errors import refuse
from estimators.panel_table import PERIOD, Layout, panel_table
from estimators.study import Study
from estimators.study_table import ARM, StudyTable

if TYPE_CHECKING:
    import pandas as pd

SERIES = "series_id"
TOUCHED = "touched"  # the series that the intervention touched, taken together
LAYOUT = Layout(SERIES, ("treatment", "period_starts_at", "treated_at"), has_cohorts=False)
MOST_ROWS = 5_000_000


@dataclass(frozen=True)
class SeriesTable:
    """periods: (n,) of the table, ascending.  starts: (n,) text, when each began.  intervention: the first one touched.

    touched, controls: names of the series.  values: by outcome column (n, 1 + controls), the touched series together
    first; NaN where there is no value.  weights: (n, k) units behind each touched series.
    """

    table: StudyTable
    periods: np.ndarray
    starts: tuple[str, ...]
    intervention: Any
    touched: tuple[str, ...]
    controls: tuple[str, ...]
    values: dict[str, np.ndarray]

    @property
    def n_before(self) -> int:
        return int((self.periods < self.intervention).sum()) if self.intervention is not None else len(self.periods)

    @property
    def n_after(self) -> int:
        return len(self.periods) - self.n_before

    def wide(self, outcome: str) -> pd.DataFrame:
        """One row per period: `period`, the touched series together, and one column per control series."""
        import pandas as pd

        frame = pd.DataFrame(self.values[outcome], columns=[TOUCHED, *self.control_columns])
        return frame.assign(**{PERIOD: self.periods})

    def long(self, outcome: str) -> pd.DataFrame:
        """One row per series and period: `series_id`, `period`, `outcome`."""
        return self.wide(outcome).melt(id_vars=PERIOD, var_name=SERIES, value_name="outcome")

    @property
    def control_columns(self) -> list[str]:
        return [f"control {name}" for name in self.controls]


def series_table(data: Any, study: Study) -> SeriesTable:
    """The series in `data` with the outcomes that `study` declares.

    data: pandas frame, DuckDB relation or `Relation` with the columns that the series macro makes.
    Raises CausalError 003 for missing columns, 027 for series that cannot be compared, 031 for too many rows.
    """
    table = panel_table(data, study, LAYOUT)
    relation = table.relation
    n = relation.n_rows()
    if n > MOST_ROWS:
        detail = f"{n:,} rows of series and periods; at most {MOST_ROWS:,} are read"
        raise refuse("031", "too many series", detail, fix="group units into fewer series in the cohort")
    rows = _rows(table)
    periods = np.unique(rows[PERIOD])
    names = [str(v) for v in rows[SERIES]]
    touched = tuple(sorted({name for name, arm in zip(names, rows["arm"], strict=True) if arm}))
    controls = tuple(sorted(set(names) - set(touched)))
    _require_once(names, rows[PERIOD])
    cells = _Cells(names, np.searchsorted(periods, rows[PERIOD]), len(periods))
    weights = cells.matrix(rows["n_units"], touched)
    values = {}
    for column in table.outcomes:
        together = _together(cells.matrix(rows[column], touched), weights, study.aggregate == "sum")
        values[column] = np.column_stack([together, cells.matrix(rows[column], controls)])
    begun = dict(zip(rows[PERIOD].tolist(), rows["starts"], strict=True))
    return SeriesTable(
        table=table,
        periods=periods,
        starts=tuple(_in_utc(begun[p]) for p in periods.tolist()),
        intervention=_intervention(rows),
        touched=touched,
        controls=controls,
        values=values,
    )


def _rows(table: StudyTable) -> dict[str, np.ndarray]:
    relation = table.relation
    name = relation.name
    has = relation.columns
    wanted = {
        SERIES: f"cast({name(SERIES)} as string)",
        PERIOD: name(PERIOD),
        "arm": name(ARM),
        "n_units": relation.double(name("n_units")) if "n_units" in has else relation.number(1.0),
        "starts": relation.double(relation.seconds(name("period_starts_at"))),
        "touched_from": _touched_from(table),
        **{c: relation.double(name(c)) for c in table.outcomes},
    }
    return relation.rows(wanted, order_by=f"{name(PERIOD)}, {name(SERIES)}")


def _in_utc(seconds: float) -> str:
    """Seconds since 1970 as ``2026-01-05 00:00:00``: an engine's own text would be in the time zone of its session."""
    return "unknown" if np.isnan(seconds) else str(np.datetime64(round(seconds), "s")).replace("T", " ")


def _touched_from(table: StudyTable) -> str:
    """SQL: the period, in rows of touched series that had begun when the intervention came; null in all others."""
    relation = table.relation
    starts, treated = (relation.seconds(relation.name(c)) for c in ("period_starts_at", "treated_at"))
    is_begun = f"{relation.name(ARM)} = 1 and {starts} <= {treated}"
    return f"case when {is_begun} then {relation.double(relation.name(PERIOD))} end"


def _intervention(rows: dict[str, np.ndarray]) -> Any:
    """The period in which the intervention began: the last one that had begun by then."""
    known = rows["touched_from"][~np.isnan(rows["touched_from"].astype(float))]
    return rows[PERIOD].dtype.type(known.max()) if len(known) else None


def _require_once(names: list[str], periods: np.ndarray) -> None:
    cells = list(zip(names, periods.tolist(), strict=True))
    n_twice = len(cells) - len(set(cells))
    if n_twice:
        detail = f"{n_twice:,} of {len(cells):,} rows"
        raise refuse(
            "026", "duplicates of series and period", detail, fix="make the table one row per series and period"
        )


@dataclass(frozen=True)
class _Cells:
    names: list[str]
    at: np.ndarray
    n_periods: int

    def matrix(self, values: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
        """(n periods, columns), NaN where there is no row."""
        out = np.full((self.n_periods, len(columns)), np.nan)
        position = {name: j for j, name in enumerate(columns)}
        for name, i, value in zip(self.names, self.at, values, strict=True):
            if name in position:
                out[i, position[name]] = value
        return out


def _together(values: np.ndarray, weights: np.ndarray, is_sum: bool) -> np.ndarray:
    """Sum of the touched series, or their mean weighted by units; NaN in periods where any of them has no value."""
    if is_sum or not values.shape[1]:
        return values.sum(axis=1)
    return (values * weights).sum(axis=1) / weights.sum(axis=1)
