"""What the draws say of the effect: pointwise, average, cumulative and relative, and the series behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.effects.bsts_fit import Fit, Forecast, generator
from estimators.effects.series_inputs import SeriesInputs

if TYPE_CHECKING:
    import pandas as pd

_LEVELS = (0.025, 0.975)


def average_effect(actual: np.ndarray, forecast: Forecast) -> dict[str, Any]:
    """Over the observed post-periods, as R's CausalImpact sums it: the mean over paths without noise, the rest with.

    actual: (h,), NaN where missing.
    """
    known = ~np.isnan(actual)
    expected = forecast.expected[:, known].mean(axis=1)
    simulated = forecast.simulated[:, known].mean(axis=1)
    observed, n = float(actual[known].mean()), int(known.sum())
    draws, estimate = observed - simulated, observed - float(expected.mean())
    lower, upper = np.quantile(draws, _LEVELS)
    tail = _tail_area(simulated, observed)
    average = {"estimate": estimate, "std_error": float(draws.std(ddof=1)), "ci_lower": lower, "ci_upper": upper}
    average = {k: float(v) for k, v in average.items()}
    return {
        **average,
        "control_mean": float(expected.mean()),
        "tail_area_p": tail,
        "p_value": min(1.0, 2.0 * tail),
        "cumulative_effect": {k: n * v for k, v in average.items()},
        "relative_effect": _relative(observed, simulated, expected),
    }


def _relative(observed: float, simulated: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Effect over the expected outcome; without an interval where the expectation may be 0 or negative."""
    ratios = observed / simulated - 1.0
    lower, upper = np.quantile(ratios, _LEVELS) if (simulated > 0.0).all() else (np.nan, np.nan)
    sd = float(ratios.std(ddof=1)) if (simulated > 0.0).all() else float("nan")
    mean = float(expected.mean())
    estimate = (observed - mean) / mean if mean else float("nan")
    return {"estimate": estimate, "std_error": sd, "ci_lower": float(lower), "ci_upper": float(upper)}


def _tail_area(simulated: np.ndarray, observed: float) -> float:
    """One-sided, never 0: the share of simulated averages at least as extreme, the observed one among them."""
    n = len(simulated)
    return float(min(1 + (simulated >= observed).sum(), 1 + (simulated <= observed).sum()) / (n + 1))


def series_frame(inputs: SeriesInputs, fitted: Fit, forecast: Forecast) -> pd.DataFrame:
    """One row per period. Before the intervention `expected` is the smoothed path; in a gap there is no row."""
    import pandas as pd

    before, after = inputs.is_pre, inputs.is_post
    pre = _band(fitted.in_units(_pre_paths(fitted)), fitted.in_units(fitted.draws.path.mean(axis=0)))
    post = _band(forecast.simulated, forecast.expected.mean(axis=0))
    expected, lower, upper = (np.concatenate([a, b]) for a, b in zip(pre, post, strict=True))
    actual = np.concatenate([inputs.outcome[before], inputs.outcome[after]])
    n_pre = inputs.n_pre
    frame = pd.DataFrame(
        {
            "period": np.concatenate([inputs.periods[before], inputs.periods[after]]),
            "is_post": np.arange(len(actual)) >= n_pre,
            "actual": actual,
            "expected": expected,
            "expected_lower": lower,
            "expected_upper": upper,
            "effect": actual - expected,
            "effect_lower": actual - upper,
            "effect_upper": actual - lower,
        }
    )
    cumulative = np.full((3, len(actual)), np.nan)
    cumulative[:, n_pre:] = _cumulative(inputs.outcome[after], forecast)
    for column, values in zip(("cumulative", "cumulative_lower", "cumulative_upper"), cumulative, strict=True):
        frame[column] = values
    return frame


def _pre_paths(fitted: Fit) -> np.ndarray:
    """Draws of the pre-period's path, with noise."""
    paths = fitted.draws.path
    return paths + fitted.draws.path_noise * generator(fitted.settings, "pre-period").standard_normal(paths.shape)


def _band(simulated: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lower, upper = _quantiles(simulated)
    return mean, lower, upper


def _quantiles(simulated: np.ndarray) -> np.ndarray:
    return np.quantile(np.ascontiguousarray(simulated.T), _LEVELS, axis=1)


def _cumulative(actual: np.ndarray, forecast: Forecast) -> np.ndarray:
    """(3, h): cumulative effect with its interval; a period without an outcome adds nothing."""
    known = ~np.isnan(actual)
    observed = np.where(known, actual, 0.0)
    simulated = (observed - forecast.simulated * known).cumsum(axis=1)
    estimate = (observed - forecast.expected.mean(axis=0) * known).cumsum()
    return np.vstack([estimate, *_quantiles(simulated)])
