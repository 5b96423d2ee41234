"""Forecasts a judged set at its origins, by `forecast_series` or by statsforecast's AutoETS: MASE and coverage."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.runs.clock import report, timed
from benchmarks.series_forecast_data import Judged, judged

LEVEL = 0.8
Forecast = tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]


def ours(train: Sequence[np.ndarray], one: Judged, future: np.ndarray | None, past: np.ndarray | None) -> Forecast:
    """The default forecaster, with what each ingredient says alone."""
    import pandas as pd

    from estimators.forecast.series.forecast import forecast_series

    names = np.repeat(np.arange(len(train)), [len(values) for values in train])
    times = np.concatenate([np.arange(len(values)) for values in train])
    frame = pd.DataFrame({"series": names, "time": times, "value": np.concatenate(train)})
    inputs: dict = {}
    if past is not None:
        frame["covariate"] = past
        later = pd.DataFrame({"series": 0, "time": len(past) + np.arange(len(future)), "covariate": future})
        inputs = {"covariates": ("covariate",), "future": later}
    made = forecast_series(frame, horizon=one.horizon, season=one.season, series="series", level=LEVEL, **inputs)
    return made.point, made.lower, made.upper, made.ingredients


def auto_ets(train: Sequence[np.ndarray], one: Judged, future: np.ndarray | None, past: np.ndarray | None) -> Forecast:
    """statsforecast's AutoETS, one model per series chosen by AICc."""
    import pandas as pd
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    frame = pd.concat(
        pd.DataFrame({"unique_id": row, "ds": np.arange(len(values)), "y": values}) for row, values in enumerate(train)
    )
    models = [AutoETS(season_length=one.season)]
    made = StatsForecast(models=models, freq=1, n_jobs=1).forecast(df=frame, h=one.horizon, level=[round(100 * LEVEL)])
    made = made.sort_values(["unique_id", "ds"])
    columns = ("AutoETS", "AutoETS-lo-80", "AutoETS-hi-80")
    return (*(made[name].to_numpy().reshape(len(train), one.horizon) for name in columns), {})


def scored(one: Judged, method: Callable[..., Forecast]) -> dict[str, float]:
    """Mean MASE and coverage over origins, and the mean MASE of every ingredient alone."""
    from estimators.forecast.backtests.scores import coverage, mase, seasonal_scale

    errors, covered, alone = [], [], {}
    for origin in range(one.origins, 0, -1):
        cuts = [len(values) - origin * one.horizon for values in one.values]
        train = [values[:cut] for values, cut in zip(one.values, cuts, strict=True)]
        actual = np.stack([v[cut : cut + one.horizon] for v, cut in zip(one.values, cuts, strict=True)])
        scale = np.array([float(seasonal_scale(values, one.season)) for values in train])
        future = None if one.covariate is None else one.covariate[cuts[0] : cuts[0] + one.horizon]
        past = None if one.covariate is None else one.covariate[: cuts[0]]
        point, lower, upper, ingredients = method(train, one, future, past)
        errors.append(mase(actual, point, scale).value)
        covered.append(coverage(actual, lower, upper))
        for name, values in ingredients.items():
            alone.setdefault(name, []).append(mase(actual, values, scale).value)
    parts = {f"alone_{name}": float(np.mean(values)) for name, values in alone.items() if np.isfinite(values).all()}
    return {"mase": float(np.mean(errors)), "coverage": float(np.mean(covered)), **parts}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("method", choices=("ours", "auto_ets"))
    parser.add_argument("name")
    parser.add_argument("--file", help="M4 weekly in long format (columns series, t, y, split), for the set m4_weekly")
    options = parser.parse_args()
    one = judged(options.name, options.file)
    method = {"ours": ours, "auto_ets": auto_ets}[options.method]
    if options.method == "auto_ets":  # compiled at its first call: that is not what is compared
        method([np.arange(30.0) + np.arange(30) % one.season], one, None, None)
    answer, seconds = timed(lambda: scored(one, method))
    report(seconds, **answer)


if __name__ == "__main__":
    main()
