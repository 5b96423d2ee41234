"""The parts of a staggered design as a frame: by cell, event time, cohort and period."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estimators.effects.group_time_averages import Average, Averages
from estimators.effects.group_time_bands import Band, band_of
from estimators.effects.group_time_cells import Cell
from estimators.effects.group_time_panel import Panel, plain
from estimators.effects.group_time_sums import GroupTime
from estimators.results import wald

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "kind", "name", "cohort", "period", "relative_period", "estimate", "std_error", "ci_lower", "ci_upper",
    "band_lower", "band_upper", "p_value", "n_treated",
)  # fmt: skip


def effects_frame(panel: Panel, found: GroupTime, seed: str) -> pd.DataFrame:
    """One row per cell, event time, cohort, period, and the simple average; bands are joint within each kind."""
    import pandas as pd

    averages = Averages(panel, found)
    families = [averages.cells(), averages.event_times(), averages.groups(), averages.calendar()]
    families.append([averages.overall("simple")])
    rows = []
    for family in families:
        band = band_of(family, found, seed)
        for i, average in enumerate(family):
            cell = found.cells[i] if average.kind == "group_time" else None
            rows.append({**_place(panel, average, cell), **_numbers(average, band, i)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _place(panel: Panel, average: Average, cell: Cell | None) -> dict[str, Any]:
    cohort = period = relative = None
    if cell is not None:
        cohort, period = panel.label(panel.cohorts[cell.cohort]), panel.label(panel.periods[cell.period])
        relative, name = cell.relative, f"cohort {cohort} in {period}"
    elif average.kind == "event_time":
        relative, name = average.value, f"{average.value:+g} periods from treatment" if average.value else "treatment"
    elif average.kind == "group":
        cohort = panel.label(average.value)
        name = f"cohort {cohort}"
    elif average.kind == "calendar":
        period = panel.label(average.value)
        name = f"period {period}"
    else:
        name = "all cohorts and periods since treatment"
    relative = None if relative is None else plain(relative)
    return {"kind": average.kind, "name": name, "cohort": cohort, "period": period, "relative_period": relative}


def _numbers(average: Average, band: Band, i: int) -> dict[str, Any]:
    error = float(band.std_errors[i])
    half = band.critical * error
    numbers = wald(average.estimate, error)
    return {
        **numbers,
        "band_lower": average.estimate - half,
        "band_upper": average.estimate + half,
        "n_treated": average.n_treated,
    }
