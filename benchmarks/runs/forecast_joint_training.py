"""B9: joint training of a graph with many nodes, regions and weeks."""

from __future__ import annotations

import argparse
import hashlib

import torch

from benchmarks.forecast_worlds import network
from benchmarks.runs.clock import report, timed
from estimators import forecast as fc


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--regions", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    modules, world = network(options.nodes, options.regions, options.weeks)
    loss = fc.Agree(world.experiments.train) + fc.Pool()
    for number in range(options.nodes):
        loss = loss + fc.Fit(f"node{number}")
    steps = [0]

    def count(stage: str, step: int, value: float) -> None:
        steps[0] += 1

    model = fc.ModelCollection(*modules(), dims=world.dims)
    fit, seconds = timed(lambda: model.fit(world.history, loss, stages=("joint",), progress=count))
    values = torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])
    slope = model.parameter("M0.slope").data.detach().numpy()
    report(
        seconds,
        steps=steps[0],
        n_parameters=len(values),
        loss=float(fit.losses.value.sum()),
        slope_rmse=float(((slope - world.slope) ** 2).mean() ** 0.5),
        bits=hashlib.sha256(values.numpy().tobytes()).hexdigest()[:16],
    )


if __name__ == "__main__":
    main()
