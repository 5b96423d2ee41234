"""What is claimed of the default forecaster of series: its errors beside AutoETS, its coverage, and its time."""

from __future__ import annotations

import os
from statistics import fmean

from benchmarks.claims import Claim, Result
from benchmarks.measure import Measurement, measure
from benchmarks.series_forecast_data import DEVELOPMENT, SETS, judged

M4_FILE = "M4_WEEKLY"  # environment variable: a parquet file of the user's; the data state no licence and are not here
_MEAN_OF_AUTO_ETS = 0.824  # statsforecast 2.0.1 and 2.1.1 on these sets, origins and horizons


def forecasts_beside_auto_ets() -> Result:
    """Seven real sets at four origins each: point and interval forecasts beside statsforecast's AutoETS."""
    ours, theirs = ([_run(method, name) for name in SETS] for method in ("ours", "auto_ets"))
    mean, peer = (fmean(run.answer["mase"] for run in runs) for runs in (ours, theirs))
    covered = fmean(run.answer["coverage"] for run in ours)
    seconds = [sum(run.fit_seconds for run in runs) for runs in (ours, theirs)]
    outside = [run.what for run in ours if not 0.7 <= run.answer["coverage"] <= 0.9]
    claims = [
        Claim(f"mean MASE ≤ AutoETS' {_MEAN_OF_AUTO_ETS:g}", f"{mean:.3f}", mean <= _MEAN_OF_AUTO_ETS),
        Claim("mean MASE no higher than AutoETS' here", f"{mean:.3f} against {peer:.3f}", mean <= peer),
        Claim("80 % intervals cover 70 to 90 %, mean over sets", f"{covered:.1%}", 0.7 <= covered <= 0.9),
        Claim(
            "time of all sets ≤ that of AutoETS", f"{seconds[0]:.0f} s, {seconds[1]:.0f} s", seconds[0] <= seconds[1]
        ),
    ]
    note = f"Sets whose own coverage lies outside 70 to 90 %: {', '.join(outside) or 'none'}. {_ingredients(ours)}"
    return Result("series_forecasts", "Forecasts of seven real sets, four origins each", [*ours, *theirs], claims, note)


def choice_of_the_combination() -> Result:
    """The development sets on which the combination was chosen, none of which is judged."""
    ours = [_run("ours", name) for name in DEVELOPMENT]
    mean = fmean(run.answer["mase"] for run in ours)
    means = _alone(ours, len(DEVELOPMENT))
    best = min(means, key=means.get)
    text = "the combination is better than any ingredient that all sets have"
    claims = [Claim(text, f"{mean:.3f}; the best is {best}, {means[best]:.3f}", mean <= means[best])]
    return Result("series_choice", "Development sets, four origins each", ours, claims, _ingredients(ours))


def bikeshare_with_temperature() -> Result:
    """Daily rentals of 2011, four origins, 28 days ahead, with the temperature of the scored days known."""
    without, given = (_run("ours", name) for name in ("bikeshare_total", "bikeshare_total_with_temperature"))
    peer = _run("auto_ets", "bikeshare_total")
    claims = [
        Claim("mean MASE with temperature ≤ 1.25", f"{given.answer['mase']:.3f}", given.answer["mase"] <= 1.25),
        Claim(
            "temperature lowers it",
            f"{given.answer['mase']:.3f} against {without.answer['mase']:.3f}",
            given.answer["mase"] < without.answer["mase"],
        ),
    ]
    note = "Scores with temperature are conditional: the weather of the scored days is taken as known."
    return Result("series_bikeshare", "Daily rentals with weather", [without, given, peer], claims, note)


def m4_weekly_competition() -> Result:
    """The 359 weekly series of the M4 competition, horizon 13, MASE with m = 1."""
    title = "M4 weekly, 359 series"
    if M4_FILE not in os.environ:
        claims = [Claim("MASE ≤ 2.64, what Theta reached", "not measured", None)]
        return Result("series_m4_weekly", title, [], claims, f"{M4_FILE} names no file; the data state no licence")
    run = _run("ours", "m4_weekly", "--file", os.environ[M4_FILE])
    score = run.answer["mase"]
    claims = [
        Claim("MASE ≤ 2.64, what Theta reached", f"{score:.3f}", score <= 2.64),
        Claim("80 % intervals cover 70 to 90 %", f"{run.answer['coverage']:.1%}", 0.7 <= run.answer["coverage"] <= 0.9),
    ]
    return Result("series_m4_weekly", title, [run], claims, _ingredients([run]))


def _run(method: str, name: str, *arguments: object) -> Measurement:
    one = judged(name, arguments[-1] if arguments else None)
    what = {"ours": "forecast_series", "auto_ets": "AutoETS"}[method]
    n_rows = sum(len(values) for values in one.values)
    return measure(f"{what}, {one.name}", n_rows, "series_forecast", method, name, *arguments)


def _alone(runs: list[Measurement], n_at_least: int = 1) -> dict[str, float]:
    """Mean MASE of each ingredient alone, of those that so many sets have."""
    names = dict.fromkeys(key for run in runs for key in run.answer if key.startswith("alone_"))
    having = {name: [run.answer[name] for run in runs if name in run.answer] for name in names}
    return {name.removeprefix("alone_"): fmean(own) for name, own in having.items() if len(own) >= n_at_least}


def _ingredients(runs: list[Measurement]) -> str:
    shown = ", ".join(f"{name} {value:.3f}" for name, value in _alone(runs).items())
    return f"Each ingredient alone, mean MASE over the sets that have it: {shown}."


USUAL = (
    forecasts_beside_auto_ets,
    choice_of_the_combination,
    bikeshare_with_temperature,
    m4_weekly_competition,
)
