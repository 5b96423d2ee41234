"""B5: held-out effects and forecasts of confounded regions: with experiments, without, and by AutoETS."""

from __future__ import annotations

import argparse

import numpy as np
import torch

from benchmarks.forecast_worlds import World, confounded, fitted
from benchmarks.runs.clock import report, timed
from estimators import forecast as fc


def effect_error(fit: fc.Fitted, world: World) -> float:
    """Root mean squared error of the effects of held-out experiments, against the true ones."""
    truth = world.effects[(world.table["split"] == "heldout").to_numpy()]
    return float(np.sqrt(np.mean((fit.effect(world.experiments.heldout)["predicted"] - truth) ** 2)))


def scaled_error(point: np.ndarray, world: World) -> float:
    """MASE over regions, scaled by the mean absolute difference of each region's history."""
    scale = np.abs(np.diff(world.history["hours"].data.numpy(), axis=1)).mean(1)
    return float((np.abs(world.future["hours"].data.numpy() - point).mean(1) / scale).mean())


def points(fit: fc.Fitted, world: World) -> np.ndarray:
    frame = fit.forecast(inputs={"bonus": world.future["bonus"]})
    return frame[frame.node == "hours"].point.to_numpy().reshape(world.future["hours"].shape)


def auto_ets(world: World) -> np.ndarray:
    """Every region's own forecast."""
    from statsforecast.models import AutoETS

    history, horizon = world.history["hours"].data.numpy(), world.future["hours"].axes.size("week")
    return np.stack([AutoETS(season_length=1).forecast(y=series, h=horizon)["mean"] for series in history])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    worlds = [confounded(seed) for seed in range(options.worlds)]
    with_experiments, seconds = timed(lambda: [fitted(world, draws=30) for world in worlds])
    without = [fitted(world, loss=fc.Fit("hours") + fc.Pool(), draws=30) for world in worlds]
    pairs = list(zip(with_experiments, without, worlds, strict=True))
    gates = [fit.consistency(world.experiments.heldout).status for fit, _, world in pairs]
    planted = [fit.consistency(world.experiments.heldout).status for _, fit, world in pairs]
    report(
        seconds,
        worlds=options.worlds,
        slope=float(np.mean([float(fit.model.parameter("slope").data.detach().mean()) for fit in with_experiments])),
        slope_without=float(np.mean([float(fit.model.parameter("slope").data.detach().mean()) for fit in without])),
        slope_true=float(np.mean([world.slope.mean() for world in worlds])),
        effect_rmse=float(np.mean([effect_error(fit, world) for fit, _, world in pairs])),
        effect_rmse_without=float(np.mean([effect_error(fit, world) for _, fit, world in pairs])),
        worst_ratio=max(effect_error(fit, world) / effect_error(old, world) for fit, old, world in pairs),
        mase=float(np.mean([scaled_error(points(fit, world), world) for fit, _, world in pairs])),
        mase_auto_ets=float(np.mean([scaled_error(auto_ets(world), world) for world in worlds])),
        passed=gates.count("pass"),
        caught=planted.count("fail"),
    )


if __name__ == "__main__":
    main()
