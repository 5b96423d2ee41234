"""B7: a fault of three residual standard deviations in one of six sub-models; how often it is named first."""

from __future__ import annotations

import argparse

import torch

from benchmarks.forecast_market import NODES, fitted_model, modules, world
from benchmarks.runs.clock import report, timed
from estimators.forecast.diagnosis.attribution import attribute_error

RUNS_PER_HISTORY = 10


def named_first(n_runs: int, regions: int, weeks: int, target: str) -> int:
    """How many of `n_runs` name the faulty module first, when the first `weeks` of the fault are known."""
    makers = {name: module.name for module in modules() for name in module.outputs}
    hits = 0
    for run in range(n_runs):
        history, window = divmod(run, RUNS_PER_HISTORY)
        if window == 0:
            model = fitted_model(world(history))
        fault = NODES[run % len(NODES)]
        drawn = world(history, window, fault=fault, regions=regions)
        found = attribute_error(model, drawn.actual, target, drawn.window[:weeks], "week")
        hits += found.first == makers[fault]
    return hits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--regions", type=int, default=4)
    parser.add_argument("--weeks", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(2)
    hits, seconds = timed(lambda: named_first(options.runs, options.regions, options.weeks, "completed"))
    report(seconds, runs=options.runs, named_first=hits, share=hits / options.runs)


if __name__ == "__main__":
    main()
