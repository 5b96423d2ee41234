"""What known covariates (weather, prices, holidays) do to series whose rest is smoothed.

y_t = x_t β + u_t with u from exponential smoothing. For given smoothing parameters the one-step errors of y − xβ are
e(y) − e(x)β, because the smoothing, its start included, is linear in the data; so β is least squares of errors on
errors (generalised least squares; Hyndman et al. 2008, ch. 9). Parameters and β take turns. Where a series is positive
the same is done on its logarithm: effects are then shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.forecast.series.panel import Panel, panel_of
from estimators.forecast.series.smoothing import smooth, start_of
from estimators.forecast.series.smoothing_search import Fitted, Form, fit

_ROUNDS = 3
_RIDGE = 1e-8


@dataclass(frozen=True)
class Effects:
    """coefficients: (n_series, n_covariates), rows as in the list given.  is_share: (n_series,) on the logarithm."""

    coefficients: np.ndarray
    is_share: np.ndarray

    def taken_out(self, series: Sequence[np.ndarray], covariates: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The series without what their covariates did, each (n,)."""
        return [
            values * np.exp(-x @ beta) if is_share else values - x @ beta
            for values, x, beta, is_share in zip(series, covariates, self.coefficients, self.is_share, strict=True)
        ]

    def put_back(self, point: np.ndarray, future: np.ndarray) -> np.ndarray:
        """point: (n_series, horizon); future: (n_series, horizon, n_covariates)."""
        effect = np.einsum("nhk,nk->nh", future, self.coefficients)
        return np.where(self.is_share[:, None], point * np.exp(effect), point + effect)


def effects_of(series: Sequence[np.ndarray], covariates: Sequence[np.ndarray], season: int) -> Effects:
    """covariates: one array (n, n_covariates) per series; the start of the smoothing takes up their level."""
    is_share = np.array([one.min() > 0 for one in series])
    values = [np.log(one) if share else one for one, share in zip(series, is_share, strict=True)]
    panel = panel_of(values)
    columns = [panel_of([x[:, k] for x in covariates]) for k in range(covariates[0].shape[1])]
    beta = np.zeros((panel.n_series, len(columns)))
    for _ in range(_ROUNDS):
        rest = panel.values - sum(column.values * beta[:, k, None] for k, column in enumerate(columns))
        beta = _coefficients(fit(panel.with_values(rest), Form(True, True, season)), panel, columns)
    return Effects(panel.unsort(beta), is_share)


def _coefficients(fitted: Fitted, panel: Panel, columns: Sequence[Panel]) -> np.ndarray:
    """Least squares of the errors of y on the errors of each covariate, series by series: (n_series, n_covariates)."""
    y = _errors(fitted, panel)
    x = np.stack([_errors(fitted, column) for column in columns], axis=-1)
    gram = np.einsum("ntk,ntl->nkl", x, x)
    power = np.maximum(np.einsum("nkk->nk", gram), np.finfo(float).tiny)
    size = np.sqrt(power[:, :, None] * power[:, None, :])
    target = np.einsum("ntk,nt->nk", x, y) / np.sqrt(power)
    solution = np.linalg.solve(gram / size + _RIDGE * np.eye(len(columns)), target[:, :, None])[:, :, 0]
    return solution / np.sqrt(power)


def _errors(fitted: Fitted, panel: Panel) -> np.ndarray:
    start = start_of(panel, fitted.form.season, fitted.form.has_trend)
    return smooth(panel, start, fitted.parameters, keep_errors=True).errors[:, :, 0]
