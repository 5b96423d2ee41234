"""What a fit, its forecasts and its backtests say, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.frames import Record
from dbt_causal.forecasts.plan_records import cells_of, label_text
from estimators.results import Check

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.backtests.backtest import Backtest
    from estimators.forecast.declared.definition import Forecast
    from estimators.forecast.training.fitted import Fitted


def losses(fitted: Fitted) -> Iterator[Record]:
    """The loss at the end of each stage, by term and node."""
    yield from (("loss", row) for row in fitted.losses.to_dict("records"))


def parameters(fitted: Fitted) -> Iterator[Record]:
    """Every parameter that does not move in time, cell by cell, within its bounds."""
    from estimators.forecast.diagnosis.decision_log import cell_text

    for name, (_, declared) in fitted.model.declarations().items():
        if declared.kind == "parameter":
            for labels, value in cells_of(fitted.model.parameter(name)):
                yield "parameter", {"parameter": name, "cell": cell_text(labels), "value": value}


def forecasts(definition: Forecast, frame: pd.DataFrame, level: float) -> Iterator[Record]:
    """The rows of `fitted.forecast`: node, the node's dims, point, lower, upper."""
    from estimators.forecast.diagnosis.decision_log import cell_text

    dims = {node.name: node.dims for node in definition.nodes}
    numbers = {period: i for i, period in enumerate(sorted(frame[definition.time].unique()), 1)}
    for row in frame.to_dict("records"):
        labels = {dim: row[dim] for dim in dims.get(row["node"], definition.dims)}
        found: dict[str, Any] = {"node": row["node"], "cell": cell_text(labels), "level": level}
        found |= {"period": label_text(row[definition.time]), "horizon": numbers.get(row[definition.time])}
        found |= {key: row[key] for key in ("point", "lower", "upper", "interval") if key in row}
        yield "forecast", found


def derivatives(definition: Forecast, fitted: Fitted) -> Iterator[Record]:
    """How the total of each objective (or fitted node) answers to one more unit of a decision (or input) in a cell.

    Over the last `horizon` periods of the history, of which later periods feel what carries over.
    """
    from estimators.forecast.diagnosis.decision_log import cell_text

    nodes = definition.objective.maximise if definition.objective else tuple(fitted.objective.fits)
    levers = definition.decisions or tuple(n for n, port in definition.inputs.items() if definition.time in port.dims)
    for node in nodes:
        for lever in levers:
            found = fitted.jacobian(node, lever)
            if definition.time in found.axes:
                found = found.select(**{definition.time: list(found.axes[definition.time])[-definition.horizon :]})
            for labels, value in cells_of(found):
                period = label_text(labels.get(definition.time))
                yield "derivative", {
                    "node": node, "wrt": lever, "cell": cell_text(labels), "period": period, "derivative": value,
                }  # fmt: skip


def scores(found: Backtest) -> Iterator[Record]:
    """The rows of a backtest's table of scores."""
    for row in found.scores.to_dict("records"):
        origin, horizon = row["origin"], row["horizon"]
        known = {
            "origin": None if _is_null(origin) else label_text(origin),
            "horizon": None if _is_null(horizon) else horizon,
        }
        yield "score", {**row, **known}


def beats_baselines(found: Backtest) -> Iterator[Check]:
    """Whether the model was better than every baseline, node by node; it warns where it was not."""
    total = found.scores[found.scores["origin"].isna() & found.scores["horizon"].isna()]
    for node, rows in total[total["metric"] == "mase"].groupby("node"):
        by_method = dict(zip(rows["method"], rows["value"], strict=True))
        own = by_method.pop("model")
        best = min(by_method, key=by_method.__getitem__, default="")
        reason = f"MASE of {node}: {own:.3g}" + (f", {best} {by_method[best]:.3g}" if best else "")
        status = "pass" if best and own <= by_method[best] else "warn" if best else "not_evaluated"
        yield Check("beats_baselines", status, reason, is_gate=False, statistic=own, threshold=by_method.get(best))


def _is_null(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
