"""B1 by PyMC-Marketing's BudgetOptimizer, in an environment of its own: curves, bounds and budget come in a file."""

from __future__ import annotations

import argparse

import arviz
import numpy as np
import pymc
from pymc import dims
from pymc_marketing.mmm.budget_optimizer import BudgetOptimizer, CustomModelWrapper
from xarray import DataArray

from benchmarks.runs.clock import report, timed


def optimizer_of(size: np.ndarray, scale: np.ndarray) -> BudgetOptimizer:
    """Σ aᵢ log(1 + xᵢ/sᵢ) as a PyMC model of one period. Its parameters are known: the one draw changes nothing."""
    channels = [f"c{i}" for i in range(len(size))]
    with pymc.Model(coords={"date": [0], "channel": channels}) as model:
        spent = dims.Data("channel_data", np.zeros((1, len(size))), dims=("date", "channel"))
        known = dims.Normal("known")  # the posterior that the optimizer averages over needs a variable
        a, s = (dims.as_xtensor(values, dims=("channel",)) for values in (size, scale))
        dims.Deterministic("total_contribution", (a * dims.math.log(1.0 + spent / s)).sum() + 0.0 * known)
    draws = arviz.from_dict(posterior={"known": np.zeros((1, 1))})
    return BudgetOptimizer(num_periods=1, model=CustomModelWrapper(base_model=model, idata=draws, channels=channels))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("problem", help="an npz file with size, scale, upper (n,) and budget")
    given = np.load(parser.parse_args().problem)
    size, scale, upper = given["size"], given["scale"], given["upper"]
    optimizer = optimizer_of(size, scale)
    bounds = DataArray(
        np.c_[np.zeros_like(upper), upper],
        dims=("channel", "bound"),
        coords={"channel": optimizer._budget_coords["channel"], "bound": ["lower", "upper"]},
    )
    (found, result), seconds = timed(lambda: optimizer.allocate_budget(float(given["budget"]), budget_bounds=bounds))
    x = found.values
    violation = max(abs(x.sum() - float(given["budget"])), float((x - upper).max()), float(-x.min()), 0.0)
    report(
        seconds,
        objective=float((size * np.log1p(x / scale)).sum()),
        violation=violation,
        says_success=bool(result.success),
    )


if __name__ == "__main__":
    main()
