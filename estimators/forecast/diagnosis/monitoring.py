"""After deployment: what happened beside what was forecast, and alarms when sub-models drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.diagnosis.drift import Drift, drift_of
from estimators.forecast.diagnosis.held_levels import levels_held
from estimators.forecast.labels.operations import concat
from estimators.forecast.labels.tensor import Tensor

if TYPE_CHECKING:
    import pandas as pd

_GAINS = np.linspace(0.0, 1.0, 21)


@dataclass(frozen=True)
class Comparison:
    """cells: a row per forecast: node, dims, predicted, lower, upper, actual, error (actual − predicted), is_inside.

    nodes: a row per node: n, n_missing (actuals not there yet), mean_error, mean_absolute_error,
    share_error (mean error over the mean size of the actuals), coverage (of the interval, NaN without one).
    """

    cells: pd.DataFrame
    nodes: pd.DataFrame


def actual_against_predicted(forecast: pd.DataFrame, actuals: Mapping[str, Tensor]) -> Comparison:
    """Forecasts beside what happened. Missing actuals are counted, never filled.

    forecast: columns node, the dims, point, and lower and upper where there are intervals (`fitted.forecast`).
    actuals: observed nodes by name. Raises CausalError 029 for a node without actuals and for cells that are not there.
    """
    import pandas as pd

    missing = [node for node in forecast["node"].unique() if node not in actuals]
    if missing:
        fix = "add what was observed of them, NaN where it is not known yet"
        raise refuse("029", "forecasts without actuals", f"missing: {', '.join(missing)}", fix=fix)
    cells = pd.concat([_beside(rows, node, actuals[node]) for node, rows in forecast.groupby("node", sort=False)])
    cells["error"] = cells["actual"] - cells["predicted"]
    inside = cells["actual"].between(cells["lower"], cells["upper"])
    cells["is_inside"] = inside.astype(object).where(cells["actual"].notna() & cells["lower"].notna())
    nodes = pd.DataFrame([_summary(node, rows) for node, rows in cells.groupby("node", sort=False)])
    return Comparison(cells.reset_index(drop=True), nodes)


def _beside(rows: pd.DataFrame, node: str, actual: Tensor) -> pd.DataFrame:
    from estimators.forecast.labels.dims import canonical

    numbers = actual.data.detach().numpy()
    places = []
    for dim in actual.dims:
        positions = actual.axes[dim].positions
        unknown = [label for label in rows[dim] if canonical(label) not in positions]
        if unknown:
            detail = f"{node} has no {dim} {unknown[0]}; {len(unknown)} of {len(rows)} forecasts are about such labels"
            raise refuse(
                "029", "actuals that do not reach the forecast", detail, fix="give NaN where nothing is known yet"
            )
        places.append([positions[canonical(label)] for label in rows[dim]])
    made = rows[["node", *actual.dims]].copy()
    for column, source in (("predicted", "point"), ("lower", "lower"), ("upper", "upper")):
        made[column] = rows[source].astype(float) if source in rows else np.nan
    made["actual"] = numbers[tuple(places)]
    return made


def _summary(node: str, rows: pd.DataFrame) -> dict[str, Any]:
    known = rows[rows["actual"].notna()]
    size = float(known["actual"].abs().mean())
    judged = known["is_inside"].dropna().astype(bool)
    return {
        "node": node,
        "n": len(known),
        "n_missing": len(rows) - len(known),
        "mean_error": float(known["error"].mean()),
        "mean_absolute_error": float(known["error"].abs().mean()),
        "share_error": float(known["error"].mean()) / size if size > 0.0 else float("nan"),
        "coverage": float(judged.mean()) if len(judged) else float("nan"),
    }


def drift(
    fitted: Any,
    new_history: Mapping[str, Tensor],
    *,
    nodes: Sequence[str] | None = None,
    false_alarm_rate: float = 0.05,
    n_permutations: int = 999,
    seed: int | str = 0,
) -> Drift:
    """Drift of each sub-model by itself since it was fitted; one look at all series has the stated false-alarm rate.

    new_history: inputs and observed nodes over the labels since. Every module is given what was really observed of its
    inputs. A local level stands still for this, and what it would have followed is taken up, before and since alike, by
    exponential smoothing whose gain comes from the history: so the errors are one step ahead throughout.
    Series are called ``node: labels``. Raises CausalError 029 as `drift_of` does, and for missing inputs.
    """
    model, time = fitted.model, fitted.time
    missing = [name for name in model.exogenous if name not in new_history and time in fitted.history[name].axes]
    if missing:
        raise refuse("029", "missing inputs", f"since the fit: {', '.join(missing)}", fix="add them to new_history")
    both = {n: _joined(t, new_history.get(n), time) for n, t in fitted.history.items() if n in new_history}
    both |= {n: t for n, t in fitted.history.items() if time not in t.axes}
    watched = [n for n in model.nodes if n in both] if nodes is None else list(nodes)
    errors = _one_step_errors(model, both, watched, time)
    n_before = model.dims.size(time)
    tables = [table for _, table in errors.values()]
    return drift_of(
        np.hstack([t[:n_before] for t in tables]),
        np.hstack([t[n_before:] for t in tables]),
        names=[name for names, _ in errors.values() for name in names],
        periods=[*next(iter(new_history.values())).axes[time]],
        false_alarm_rate=false_alarm_rate,
        n_permutations=n_permutations,
        seed=seed,
    )


def _joined(past: Tensor, since: Tensor | None, time: str) -> Tensor:
    return past if since is None or time not in past.axes else concat([past, since], time)


def _one_step_errors(
    model: Any, history: Mapping[str, Tensor], nodes: Sequence[str], time: str
) -> dict[str, tuple[list[str], np.ndarray]]:
    """By node the names of its series and their errors (labels of time, series)."""
    with levels_held(model, time, 1), torch.no_grad():
        isolated = model.forward(history, observed=history)
    n_before = model.dims.size(time)
    moving = {owner for owner in model.nodes if _has_level(model, owner)}
    found = {}
    for node in nodes:
        value = isolated[node]
        others = [dim for dim in value.dims if dim != time]
        off = (history[node].transpose(*value.dims).data - value.data).movedim(value.axes.axis(time), 0)
        table = off.reshape(off.shape[0], -1).numpy()
        found[node] = (_names(node, value, others), _innovations(table, n_before) if node in moving else table)
    return found


def _has_level(model: Any, node: str) -> bool:
    module = model[model.nodes[node].module]
    return any(parameter.kind == "level" for _, _, parameter in module.declarations())


def _names(node: str, value: Tensor, others: Sequence[str]) -> list[str]:
    shape = [value.axes.size(dim) for dim in others]
    labels = [", ".join(str(value.axes[d][i]) for d, i in zip(others, at, strict=True)) for at in np.ndindex(*shape)]
    return [f"{node}: {label}" if label else node for label in labels]


def _innovations(table: np.ndarray, n_before: int) -> np.ndarray:
    """Errors of exponential smoothing, whose gain has the least squares before; a gap keeps the level as it is."""
    tried = [_smoothed(table, gain) for gain in _GAINS]
    return min(tried, key=lambda errors: float(np.nansum(errors[2:n_before] ** 2)))


def _smoothed(table: np.ndarray, gain: float) -> np.ndarray:
    level = np.nan_to_num(table[0])
    errors = np.empty_like(table)
    for t, row in enumerate(table):
        errors[t] = row - level
        level = level + gain * np.nan_to_num(errors[t])
    return errors
