"""A differentiable DAG of sub-models that is held to experiments, and plans with a certificate.

``from estimators import forecast as fc``. Every name is loaded on first use. The package sees nothing of studies,
estimators or warehouses: frames come in, frames go out.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    # labels
    "Dims": "labels.dims",
    "Tensor": "labels.tensor",
    "tensor": "labels.tensor",
    "log1p": "labels.operations",
    "exp": "labels.operations",
    "log": "labels.operations",
    "sqrt": "labels.operations",
    "sigmoid": "labels.operations",
    "tanh": "labels.operations",
    "maximum": "labels.operations",
    "minimum": "labels.operations",
    "where": "labels.operations",
    "clip": "labels.operations",
    "isnan": "labels.operations",
    "concat": "labels.operations",
    "from_frame": "labels.frames",
    "history": "labels.frames",
    # modules
    "Port": "modules.ports",
    "Module": "modules.module",
    "Product": "modules.identities",
    "Ratio": "modules.identities",
    "Neural": "modules.neural",
    "check_replacement": "modules.replacement",
    "ModelCollection": "collection",
    # series and backtests
    "forecast_series": "series.forecast",
    "backtest": "backtests.backtest",
    "choose": "backtests.backtest",
    "Decisions": "backtests.decisions",
    "as_last": "backtests.decisions",
    "as_usual": "backtests.decisions",
    "rolling_origins": "backtests.origins",
    "mase": "backtests.scores",
    "seasonal_scale": "backtests.scores",
    "coverage": "backtests.scores",
    "interval_score": "backtests.scores",
    "crps_of_draws": "backtests.scores",
    # experiments, losses, training
    "Experiments": "experiments.table",
    "Fit": "losses.terms",
    "Agree": "losses.terms",
    "Pool": "losses.terms",
    "Smooth": "losses.terms",
    "Loss": "losses.terms",
    "Fitted": "training.fitted",
    "Options": "training.options",
    # planning
    "Plan": "planning.plan",
    "Planned": "planning.planned",
    "total": "planning.expressions",
    "by": "planning.expressions",
    "box": "planning.expressions",
    "ramp": "planning.expressions",
    "support": "planning.expressions",
    # diagnosis
    "regret": "diagnosis.hindsight",
    "Regret": "diagnosis.regret",
    "attribute": "diagnosis.attribution",
    "drift": "diagnosis.monitoring",
    "actual_against_predicted": "diagnosis.monitoring",
    "sensitivity": "diagnosis.sensitivity",
    "stability": "diagnosis.stability",
    "next_experiment": "diagnosis.next_experiment",
    "decision_rows": "diagnosis.decision_log",
    "append_decisions": "diagnosis.decision_log",
    "verify_decisions": "diagnosis.decision_log",
    "decided": "diagnosis.decision_log",
}
__all__ = [*_HOMES]  # noqa: PLE0604 - names are strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'estimators.forecast' has no attribute {name!r}")
    return getattr(import_module(f"estimators.forecast.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
