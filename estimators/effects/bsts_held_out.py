"""How well the model predicts the end of the pre-period from its beginning: what nobody has to believe.

Several steps ahead it is scored by MASE. Intervals are judged one step ahead: under the model those errors are
independent, so that the number of covered periods is binomial exactly, which errors that share a level are not.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from estimators.effects.bsts_fit import Fit, Settings, fit, forecast
from estimators.effects.bsts_model import Covariance, Shocks, Structure, differenced

_SHARE = 0.25  # of the pre-period, held out
_FEWEST = 10  # periods in each part
_DRAWS, _PARAMETERS = 300, 25
_Z50, _Z95 = 0.6744897501960817, 1.959963984540054


def held_out(outcome: np.ndarray, controls: np.ndarray, settings: Settings) -> dict[str, Any] | None:
    """Figures of the held-out fit, or None where the pre-period is too short to be parted.

    outcome: (n,) of the pre-period, NaN where missing.  controls: (n, p).
    """
    n = len(outcome)
    cut = n - max(_FEWEST, int(n * _SHARE))
    cycle = (settings.season or 1) * settings.season_duration
    train, test = outcome[:cut], outcome[cut:]
    if cut < max(_FEWEST, cycle) or np.isnan(test).all() or np.nanstd(train) == 0.0:
        return None
    quick = replace(settings, n_chains=1, n_draws=_DRAWS, seed=f"{settings.seed}|held out")
    fitted = fit(train, controls[:cut], quick)
    ahead = forecast(fitted, controls[cut:], np.arange(1, n - cut + 1))
    known = ~np.isnan(test)
    lower, upper = np.quantile(ahead.simulated, (0.025, 0.975), axis=0)
    z, widths = _one_step_ahead(fitted, outcome, controls, cut)
    z, widths = z[known], widths[known]
    gaps = np.abs(test - ahead.expected.mean(axis=0))[known]
    return {
        "n_train": cut,
        "n_held_out": int(known.sum()),
        "mase": _mase(gaps, train, cycle if settings.season else 1),
        "coverage": float(((test >= lower) & (test <= upper))[known].mean()),
        "n_covered_95": int((np.abs(z) <= _Z95).sum()),
        "n_covered_50": int((np.abs(z) <= _Z50).sum()),
        "width_ratio": _width_ratio(z),
        "half_width": float(_Z95 * widths.mean()),
    }


def _mase(gaps: np.ndarray, train: np.ndarray, cycle: int) -> float:
    """Mean absolute error over that of the (seasonal) naive forecast within the training part."""
    changes = np.abs(train[cycle:] - train[:-cycle])
    scale = float(np.nanmean(changes)) if len(changes) and not np.isnan(changes).all() else 0.0
    return float(gaps.mean()) / scale if scale > 0.0 else math.nan


def _width_ratio(z: np.ndarray) -> float:
    """How many times wider the 95 % intervals are than ones that would have covered 95 % of the held-out periods."""
    needed = float(np.quantile(np.abs(z), 0.95))
    return _Z95 / needed if needed > 0.0 else math.inf


def _one_step_ahead(fitted: Fit, outcome: np.ndarray, controls: np.ndarray, cut: int) -> tuple[np.ndarray, np.ndarray]:
    """Standardised errors and predictive sds after `cut`, parameters drawn from the training part's posterior.

    Each draw predicts every period from all periods before it; the mixture's mean and variance are used.
    """
    scale, settings = fitted.scale, fitted.settings
    is_missing = np.isnan(outcome)
    y = np.where(is_missing, 0.0, (outcome - scale.outcome_mean) / scale.outcome_sd)
    x = (controls - scale.control_means) / scale.control_sds
    structure = Structure(len(y), settings.season or 1, settings.season_duration, is_missing)
    covariance, origin = Covariance(Shocks(structure)), y[~is_missing][0]
    errors, variances = [], []
    for i in np.linspace(0, len(fitted.draws.level) - 1, _PARAMETERS).astype(int):
        factor = covariance.factor(fitted.draws.sigma[i])
        if factor is None:
            continue
        residual = differenced(y - origin - x @ fitted.draws.beta[i], structure.lag)
        error, sd = factor.one_step_ahead(residual)
        errors.append(error[cut:])
        variances.append(sd[cut:] ** 2)
    means = np.mean(errors, axis=0)
    total = np.sqrt(np.mean(variances, axis=0) + np.var(errors, axis=0))
    return means / total, total * scale.outcome_sd
