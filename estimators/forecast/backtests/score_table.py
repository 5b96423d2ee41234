"""Scores as rows: by node, method, origin and step ahead, and over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.forecast.backtests.baselines import Predicted
from estimators.forecast.backtests.decisions import REALISED
from estimators.forecast.backtests.scores import coverage, crps_of_draws, interval_score, mase, mean_of_known

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("node", "method", "decisions", "is_conditional", "origin", "horizon", "metric", "value", "season")


@dataclass(frozen=True)
class Scored:
    """One method's forecast of one node at one origin. actual: (n_series, horizon).  scale: (n_series,) of MASE."""

    node: str
    method: str
    origin: Any
    actual: np.ndarray
    scale: np.ndarray
    predicted: Predicted


def score_rows(scored: Sequence[Scored], level: float | None) -> Iterator[dict[str, Any]]:
    """Rows for every node and method: each origin and all of them (None), each step ahead and all of them (None).

    MASE, CRPS and interval score are divided by the series' scale at its origin and averaged over series, so that
    series of any size weigh the same; a series without a scale is left out and counted. Over all origins a figure is
    the mean of the origins' figures. n_values: observed values that the figure looks at, over all of its origins.
    """
    for node, method in dict.fromkeys((one.node, one.method) for one in scored):
        own = [one for one in scored if (one.node, one.method) == (node, method)]
        n_steps = own[0].actual.shape[1]
        for step in (None, *range(n_steps)):
            by_origin = [_metrics(one, level, step) for one in own]
            name = {"node": node, "method": method, "horizon": None if step is None else step + 1}
            for one, metrics in zip(own, by_origin, strict=True):
                yield from ({**name, "origin": one.origin, **row} for row in metrics)
            yield from ({**name, "origin": None, **row} for row in _over_origins(by_origin))


def _metrics(one: Scored, level: float | None, step: int | None) -> list[dict[str, Any]]:
    steps = slice(None) if step is None else slice(step, step + 1)
    actual, made = one.actual[:, steps], one.predicted
    point, lower, upper = made.point[:, steps], made.lower[:, steps], made.upper[:, steps]
    error = mase(actual, point, one.scale)
    counts = {"n_series": error.n_series, "n_excluded": error.n_excluded, "n_values": int(np.isfinite(actual).sum())}
    rows = [{"metric": "mase", "value": error.value, **counts}]
    if level is not None and not np.isnan(lower).all():
        rows.append({"metric": "coverage", "value": coverage(actual, lower, upper), **counts})
        width = _scaled(interval_score(actual, lower, upper, level), one.scale)
        rows.append({"metric": "interval_score", "value": width, **counts})
    if made.draws is not None:
        rows.append(
            {"metric": "crps", "value": _scaled(crps_of_draws(actual, made.draws[..., steps]), one.scale), **counts}
        )
    return rows


def _scaled(score: np.ndarray, scale: np.ndarray) -> float:
    usable = np.where(scale > 0, scale, np.nan)
    return float(mean_of_known(mean_of_known(score) / usable))


def _over_origins(by_origin: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for metric in dict.fromkeys(row["metric"] for rows in by_origin for row in rows):
        own = [row for rows in by_origin for row in rows if row["metric"] == metric]
        value = float(mean_of_known(np.array([row["value"] for row in own])))
        fewest, most = min(row["n_series"] for row in own), max(row["n_excluded"] for row in own)
        n_values = sum(row["n_values"] for row in own)
        yield {"metric": metric, "value": value, "n_series": fewest, "n_excluded": most, "n_values": n_values}


def as_frame(rows: Sequence[dict[str, Any]], decisions: str, season: int) -> pd.DataFrame:
    """The rows with what holds for all of them, columns in a fixed order."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    frame = frame.assign(decisions=decisions, is_conditional=decisions == REALISED, season=season)
    frame["horizon"] = frame["horizon"].astype("Int64")
    return frame[[*COLUMNS, "n_series", "n_excluded", "n_values"]]
