"""The Theta method for a panel: exponential smoothing without a trend, with half the slope of the line through it.

Assimakopoulos and Nikolopoulos (2000) in the form of Hyndman and Billah (2003). The season is smoothed along with the
level, not taken out beforehand by one decomposition of the whole history: seasons of twenty years ago say little of the
next one.
"""

from __future__ import annotations

import numpy as np

from estimators.forecast.series.panel import Panel
from estimators.forecast.series.smoothing_search import Fitted


def theta(without_trend: Fitted, horizon: int) -> np.ndarray:
    """Forecasts (n_series, horizon) from a smoothing that has no trend: ŷ + ½ b [h − 1 + 1/α − (1 − α)ⁿ/α].

    b is the least-squares slope (Hyndman and Billah 2003, eq. 7); statsmodels' ThetaModel is the same without a season.
    """
    panel, level = without_trend.panel, without_trend.parameters.level
    ahead = np.arange(horizon) + 1.0 / level - (1.0 - level) ** panel.lengths[:, None] / level
    return without_trend.forecast(horizon) + 0.5 * slopes(panel)[:, None] * ahead


def slopes(panel: Panel) -> np.ndarray:
    """Least-squares slope of each series over its periods, (n_series,)."""
    centre = (panel.lengths[:, None] - 1) / 2.0
    distance = np.where(panel.is_observed(), np.arange(panel.values.shape[1]) - centre, 0.0)
    return (distance * panel.values).sum(axis=1) / (distance**2).sum(axis=1)
