"""What is claimed of the diagnosis of forecasts: B7 of the forecaster's problems."""

from __future__ import annotations

from benchmarks.claims import Claim, Result
from benchmarks.measure import Measurement, measure

SETTINGS = ((4, 8), (1, 8), (4, 2))  # in how many of four regions the fault is, and for how many weeks it is known


def faulty_module_named_first(n_runs: int = 200) -> Result:
    """A fault of 3 residual sd in one of six sub-models after 104 weeks: everywhere, in one region, and early on."""
    runs = [_run(n_runs, regions, weeks) for regions, weeks in SETTINGS]
    claims = [
        Claim(
            f"{run.what}: named first in ≥ 95 % of {n_runs} runs",
            f"{run.answer['named_first']} of {n_runs}",
            run.answer["share"] >= 0.95,
        )
        for run in runs
    ]
    return Result("forecast_attribution", "B7: which of six sub-models is at fault", runs, claims)


def _run(n_runs: int, regions: int, weeks: int) -> Measurement:
    what = f"fault in {regions} of 4 regions, {weeks} weeks of it known"
    settings = ("--runs", n_runs, "--regions", regions, "--weeks", weeks)
    return measure(what, n_runs, "forecast_attribution", *settings)


USUAL = (faulty_module_named_first,)
