"""Intervals from the errors that the same forecaster made at earlier origins inside the training part.

Split conformal prediction on rolling origins: at each of a dozen earlier cuts, half a horizon apart, everything is
fitted again on what was known then, and its errors are divided by the series' own seasonal naive error up to that cut
(the scale of MASE). The scaled errors of all series form one pool per step ahead; its quantile, times the series' scale
now, is the half width (Vovk, Gammerman and Shafer 2005; scaling by a measure of difficulty as in Lei et al. 2018, sec.
5.2). No law of the errors is assumed. That later errors are like earlier ones is, and after a break it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from estimators.errors import refuse

N_ORIGINS = 12
_FEWEST_PERIODS = 12

Forecaster = Callable[[Sequence[tuple[int, int]]], np.ndarray]


@dataclass(frozen=True)
class Calibration:
    """errors: (n_errors, horizon) signed errors over their scale, all series and origins.  scale: (n_series,) now.

    n_origins: (n_series,) origins that each series contributed.
    """

    errors: np.ndarray
    scale: np.ndarray
    n_origins: np.ndarray

    def half_widths(self, level: float) -> np.ndarray:
        """(n_series, horizon): never narrower at a later step than at an earlier one."""
        sizes = np.sort(np.abs(self.errors), axis=0)
        if not self.is_enough(level):
            same = int((self.scale == 0).sum())
            raise refuse(
                "029",
                "a history too short to calibrate intervals",
                f"{len(sizes)} earlier forecasts could be checked; level {level:g} needs {needed_errors(level)}",
                *([f"{same} of {len(self.scale)} series repeat themselves exactly and count for none"] if same else []),
                fix="a longer history, a shorter horizon or a lower level",
            )
        return self.scale[:, None] * np.maximum.accumulate(sizes[_place(len(sizes), level)])

    def is_enough(self, level: float) -> bool:
        """Whether there are errors enough for an interval of this level to be finite."""
        return _place(len(self.errors), level) < len(self.errors)

    def draws(self, point: np.ndarray) -> np.ndarray:
        """The predictive law as equally likely values (n_errors, n_series, horizon): the point plus scaled errors."""
        return point + self.errors[:, None, :] * self.scale[:, None]


def _place(n: int, level: float) -> int:
    """The rank, from zero, of the score that is the conformal quantile."""
    return int(np.ceil(round((n + 1) * level, 9))) - 1


def needed_errors(level: float) -> int:
    """The fewest scores with which a conformal interval of this level is finite."""
    return int(np.ceil(round(level / (1.0 - level), 9)))


def calibrate(
    series: Sequence[np.ndarray], horizon: int, season: int, level: float, forecast_at: Forecaster
) -> Calibration:
    """Checks the forecaster at earlier cuts. forecast_at: from [(series, cut), ...] to points (n_cuts, horizon)."""
    wanted = max(N_ORIGINS, needed_errors(level))
    cuts = [(row, cut) for row, one in enumerate(series) for cut in earlier_cuts(len(one), horizon, season, wanted)]
    scales = np.array([scale_of(series[row][:cut], season) for row, cut in cuts])
    kept = [cut for cut, scale in zip(cuts, scales, strict=True) if scale > 0]
    errors = np.zeros((0, horizon))
    if kept:
        actual = np.stack([series[row][cut : cut + horizon] for row, cut in kept])
        errors = (actual - forecast_at(kept)) / scales[scales > 0][:, None]
    n_origins = np.bincount([row for row, _ in kept], minlength=len(series))
    return Calibration(errors, np.array([scale_of(one, season) for one in series]), n_origins)


def earlier_cuts(n: int, horizon: int, season: int, wanted: int) -> list[int]:
    """The latest cuts whose whole horizon is known, half a horizon apart, with at least two seasons before each."""
    fewest = max(2 * season + 2, _FEWEST_PERIODS)
    latest, step = n - horizon, max(1, horizon // 2)
    return [cut for cut in range(latest, latest - wanted * step, -step) if cut >= fewest]


def scale_of(train: np.ndarray, season: int) -> float:
    """Mean |y_t − y_{t−m}|, of neighbours where the series is no longer than a season."""
    lag = season if len(train) > season else 1
    return float(np.mean(np.abs(train[lag:] - train[:-lag]))) if len(train) > 1 else 0.0
