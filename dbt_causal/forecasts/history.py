"""The history of a forecast, cut where its nodes end: what is behind, and what is known of the periods ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.measured import rounded
from estimators.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.declared.definition import Forecast
    from estimators.forecast.labels.dims import Dims
    from estimators.forecast.labels.tensor import Tensor


@dataclass(frozen=True)
class Prepared:
    """A history as tensors.

    dims: labels of the history; the time dim ends with the last period in which a node was observed.
    history: inputs and observed nodes.  ahead: inputs over the periods after it, NaN where not known beforehand; empty
    if the table ends with the history.
    """

    dims: Dims
    history: Mapping[str, Tensor]
    ahead: Mapping[str, Tensor]


def prepare(definition: Forecast, frame: pd.DataFrame) -> Prepared:
    """The history in `frame`, one row per cell of all dims with columns for dims, inputs and observed nodes.

    Rows after the last period in which any node was observed say what is known of the inputs beforehand. Raises
    CAUSAL-029 for what is missing, for a history without observations and for cells that contradict each other.
    """
    from estimators.forecast.declared import build

    frame = rounded(frame, quantities(definition))
    build.labels(definition, frame)  # refuses columns and labels that are not there
    time = definition.time
    observed = frame.loc[_is_observed(definition, frame), time]
    past, later = frame[frame[time] <= observed.max()], frame[frame[time] > observed.max()]
    dims = build.labels(definition, past)
    ahead: Mapping[str, Any] = {}
    if not later.empty:
        found = build.history(definition, later, dims.replace(**{time: sorted(later[time].unique())}))
        ahead = {name: found[name] for name in definition.inputs}
    return Prepared(dims, build.history(definition, past, dims), ahead)


def quantities(definition: Forecast) -> set[str]:
    """The columns of a history that hold what was measured: inputs and nodes."""
    return {*definition.inputs, *definition.node_names}


def _is_observed(definition: Forecast, frame: pd.DataFrame) -> pd.Series:
    """Whether each row observed a node. Raises CAUSAL-029 if a fitted node has no column, or nothing was observed."""
    fitted = [loss.node for loss in definition.losses if loss.type == "fit"]
    missing = [name for name in fitted if name not in frame.columns]
    if missing:
        details = (f"missing: {', '.join(missing)}", f"it has {', '.join(map(str, frame.columns))}")
        fix = f"add the columns to {definition.history}, or correct the losses"
        raise refuse("029", "a history without the nodes that are fitted", *details, fix=fix)
    is_observed = frame[[name for name in definition.node_names if name in frame.columns]].notna().any(axis=1)
    if not is_observed.any():
        fix = f"let {definition.history} hold what was observed of them"
        raise refuse("029", "a history without observations", f"nodes: {', '.join(fitted)}", fix=fix)
    return is_observed
