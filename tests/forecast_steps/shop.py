"""A tiny company whose bonuses react to shortages, and the steps of its forecast as dbt calls them."""

from __future__ import annotations

from typing import Any

import duckdb
import numpy as np
import pandas as pd

from dbt_causal import forecasts
from dbt_causal.forecasts.frames import records_of

WEEKS = pd.date_range("2026-01-05", periods=60, freq="7D")
REGIONS = ("east", "north", "south", "west")
SLOPE = 40.0
N_KNOWN = 52
DEFINITION: dict[str, Any] = {
    "question": "How many hours do bonuses bring?",
    "owner": "tests",
    "history": "shop",
    "dims": ["region", "week"],
    "time": "week",
    "inputs": {"bonus": {"dims": ["region", "week"], "unit": "usd"}, "holiday": {"dims": ["week"]}},
    "nodes": [
        {
            "name": "hours",
            "type": "response",
            "dims": ["region", "week"],
            "inputs": [
                {
                    "input": "bonus",
                    "sign": "positive",
                    "saturation": "log",
                    "scale": 10,
                    "prior": [40, 30],
                    "pool": ["region"],
                },
                {"input": "holiday", "over": []},
            ],
        }
    ],
    "experiments": {"model": "experiments"},
    "losses": [{"type": "fit", "node": "hours"}, {"type": "agree"}, {"type": "pool"}],
    "training": {"draws": 10},
    "backtest": {"origins": 1, "horizon": 4, "baselines": ["seasonal_naive"]},
    "horizon": 8,
    "decisions": ["bonus"],
    "objective": {"maximise": ["hours"]},
    "constraints": [{"type": "total", "of": ["bonus"], "at_most": 700}],
}


def cells(random: np.random.Generator) -> pd.DataFrame:
    """A history of two years in which bonuses react to a shortage, and eight weeks that have happened since."""
    rows = []
    for number, region in enumerate(REGIONS):
        shortage = random.normal(0.0, 6.0, len(WEEKS))
        bonus = np.maximum(20.0 + 1.2 * shortage + random.normal(0.0, 2.0, len(WEEKS)), 1.0)
        hours = 100.0 + 10 * number - shortage + SLOPE * np.log1p(bonus / 10.0) + random.normal(0.0, 0.5, len(WEEKS))
        rows.append(pd.DataFrame({"region": region, "week": WEEKS, "bonus": bonus, "hours": hours}))
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(holiday=(frame["week"].dt.day < 4).astype(float))


def measured(frame: pd.DataFrame, random: np.random.Generator, slope: float = SLOPE) -> pd.DataFrame:
    """Six experiments per region, half of them held out, with standard errors of a tenth of their effects."""
    rows = []
    for region in REGIONS:
        own = frame[frame["region"] == region].set_index("week")["bonus"]
        for k in range(6):
            week, delta = WEEKS[4 + 8 * k], (15.0, -10.0)[k % 2]
            before = own[week]
            effect = slope * (np.log1p(max(before + delta, 0.0) / 10.0) - np.log1p(before / 10.0))
            error = abs(effect) / 10.0
            split = "heldout" if k >= 3 else "train"
            window = (region, week, WEEKS[5 + 8 * k])
            rows.append(
                (f"{region}_{k}", "bonus", "hours", *window, delta, effect + random.normal(0, error), error, split)
            )
    names = ("experiment", "lever", "outcome", "region", "starts", "ends", "delta", "effect", "std_error", "split")
    return pd.DataFrame(rows, columns=list(names)).assign(source="randomised")


class Shop:
    """The tables of a tiny company as dbt hands them over, and its steps."""

    def __init__(self, definition: dict[str, Any] | None = None, run_id: str = "run 1", **tables: pd.DataFrame) -> None:
        random = np.random.default_rng(5)
        whole = cells(random)
        known = whole.copy()
        known.loc[known["week"] >= WEEKS[N_KNOWN], ["bonus", "hours"]] = np.nan
        self.tables = {
            "history": known,
            "experiments": measured(whole, random),
            "actuals": whole[known["hours"].isna()],
        }
        self.tables |= tables
        self.definition, self.run_id = definition or DEFINITION, run_id
        self.connection = duckdb.connect()
        self.frames: dict[str, pd.DataFrame] = {}

    def context(self) -> dict[str, Any]:
        entry = {"definition": self.definition, "definition_hash": "hash", "file": "shop.yml"}
        return {"forecasts": {"shop": entry}, "invocation_id": self.run_id}

    def step(self, name: str, *earlier: str, **tables: bool) -> pd.DataFrame:
        """Runs a step on the frames of earlier ones. tables: further ones that it gets, e.g. actuals=True."""
        relations = [self.relation(self.tables["history"]), *(self.relation(self.frames[e]) for e in earlier)]
        further = {table: self.relation(self.tables[table]) for table in ("experiments", *tables)}
        made = getattr(forecasts, name)(self.context(), *relations, **further)
        self.frames[name] = made
        return made

    def relation(self, frame: pd.DataFrame) -> duckdb.DuckDBPyRelation:
        return self.connection.from_df(frame)


def checks(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {check["check_name"]: check for check in records_of(frame, "check")}
