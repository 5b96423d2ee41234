"""Worlds with known truth on which training is judged: confounded regions (B5) and a wide graph (B9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from estimators import forecast as fc
from estimators.forecast.losses.effects import Effects

LEVERS = 5


class Hours(fc.Module):
    """Hours answer to a bonus by region, on a level that moves."""

    inputs = {"bonus": fc.Port("region", "week", unit="usd")}
    outputs = {"hours": fc.Port("region", "week", unit="hours")}

    def setup(self):
        self.slope = self.param("slope", "region", pool="region", init=5.0)
        self.base = self.local_level("base", "region", "week")

    def forward(self, bonus):
        return self.base + self.slope * fc.log1p(bonus / 10.0)


class Rides(fc.Module):
    """Rides are a share of the hours."""

    inputs = {"hours": fc.Port("region", "week", unit="hours")}
    outputs = {"rides": fc.Port("region", "week", unit="rides")}

    def setup(self):
        self.share = self.param("share", positive=True)

    def forward(self, hours):
        return self.share * hours


@dataclass(frozen=True)
class World:
    """history: bonus and hours.  table: experiments, eight to train on and the others held out.  effects: the true
    ones. slope: by region.  future: bonus and hours of the weeks after, with the bonus set from outside.
    """

    dims: fc.Dims
    history: dict
    table: pd.DataFrame
    effects: np.ndarray
    slope: np.ndarray
    future: dict

    @property
    def experiments(self) -> fc.Experiments:
        return fc.Experiments.from_table(self.table)


def confounded(
    seed: int = 0, n_regions: int = 12, n_weeks: int = 80, n_experiments: int = 20, horizon: int = 8
) -> World:
    """The bonus answers to a shortage, so that history shows too small a slope; the true one is about 11."""
    source = np.random.default_rng(seed)
    total = n_weeks + horizon
    slope = 11 + 1.5 * source.standard_normal(n_regions)
    shock = np.zeros((n_regions, total))
    for week in range(1, total):
        shock[:, week] = 0.6 * shock[:, week - 1] + 3 * source.standard_normal(n_regions)
    level = (
        100 + 0.5 * source.standard_normal((n_regions, total)).cumsum(1) + 20 * source.standard_normal((n_regions, 1))
    )
    bonus = np.clip(20 - 4 * shock + 2 * source.standard_normal(shock.shape), 0, None)
    bonus[:, n_weeks:] = source.uniform(5, 40, (n_regions, horizon))
    hours = level + shock + slope[:, None] * np.log1p(bonus / 10) + source.standard_normal(shock.shape)
    rows, effects = [], []
    for number in range(n_experiments):
        region, start = number % n_regions, int(source.integers(4, n_weeks - 8))
        window = bonus[region, start : start + 4]
        effects.append(slope[region] * (np.log1p((window + 10) / 10) - np.log1p(window / 10)).sum())
        error = 0.1 * effects[-1]
        rows.append({
            "experiment": f"geo {number}", "lever": "bonus", "outcome": "hours", "region": f"r{region}",
            "starts": start, "ends": start + 4, "delta": 10.0, "effect": effects[-1] + error * source.standard_normal(),
            "std_error": error, "source": "randomised", "split": "train" if number < 8 else "heldout",
        })  # fmt: skip
    dims = fc.Dims(region=[f"r{i}" for i in range(n_regions)], week=range(n_weeks))
    after = fc.Dims(region=dims["region"], week=range(n_weeks, total))
    history = {"bonus": fc.tensor(bonus[:, :n_weeks], dims), "hours": fc.tensor(hours[:, :n_weeks], dims)}
    future = {"bonus": fc.tensor(bonus[:, n_weeks:], after), "hours": fc.tensor(hours[:, n_weeks:], after)}
    return World(dims, history, pd.DataFrame(rows), np.array(effects), slope, future)


def fitted(world: World, *others, loss=None, modules=(Hours,), **options) -> fc.Fitted:
    """The model of hours trained on a world, by default with its training experiments."""
    if loss is None:
        loss = fc.Fit("hours") + fc.Agree(world.experiments.train) + fc.Pool()
    return fc.ModelCollection(*(module() for module in modules), dims=world.dims).fit(world.history, loss, **options)


def network(n_nodes: int, n_regions: int, n_weeks: int, seed: int = 0) -> tuple[Callable[[], list[fc.Module]], World]:
    """Modules of a graph in which each node answers to a lever and to two nodes before it, and a world made by it.

    Forty experiments of four weeks, each on one lever and one of the nodes that read it. `effects` are the true ones.
    """
    source = np.random.default_rng(seed)
    dims = fc.Dims(region=[f"r{i}" for i in range(n_regions)], week=range(n_weeks))
    truth = fc.ModelCollection(*(_node(i) for i in range(n_nodes)), dims=dims)
    with torch.no_grad():
        for name, parameter in truth.named_parameters():
            parameter.copy_(torch.from_numpy(_true_value(name, tuple(parameter.shape), source)))
    levers = {f"lever{k}": fc.tensor(source.gamma(4, 5, (n_regions, n_weeks)), dims) for k in range(LEVERS)}
    with torch.no_grad():
        nodes = truth(levers)
    seen = {k: fc.Tensor(v.data + torch.from_numpy(source.standard_normal(v.shape)), v.axes) for k, v in nodes.items()}
    rows = []
    for number in range(40):
        lever = number % LEVERS
        node = lever + LEVERS * int(source.integers(0, n_nodes // LEVERS))
        start = int(source.integers(8, n_weeks - 8))
        rows.append({
            "experiment": f"geo {number}", "lever": f"lever{lever}", "outcome": f"node{node}",
            "region": f"r{int(source.integers(0, n_regions))}", "starts": start, "ends": start + 4, "delta": 10.0,
            "effect": 1.0, "std_error": 1.0, "source": "randomised", "split": "train" if number % 2 else "heldout",
        })  # fmt: skip
    table = pd.DataFrame(rows)
    with torch.no_grad():
        effects = Effects(truth, levers, fc.Experiments.from_table(table), "week").predicted(nodes, {}).numpy()
    table["std_error"] = 0.1 * np.abs(effects)
    table["effect"] = effects + table["std_error"] * source.standard_normal(len(table))
    world = World(dims, {**levers, **seen}, table, effects, truth.parameter("M0.slope").data.detach().numpy(), {})
    return lambda: [_node(i) for i in range(n_nodes)], world


def _node(number: int) -> fc.Module:
    upstream = [f"node{other}" for other in sorted({number - 1, number - 4}) if other >= 0]
    lever, cells = f"lever{number % LEVERS}", fc.Port("region", "week")

    class Node(fc.Module):
        inputs = dict.fromkeys([lever, *upstream], cells)
        outputs = {f"node{number}": cells}

        def setup(self):
            self.slope = self.param("slope", "region", pool="region", init=1.0)
            self.weight = self.param("weight", "region", pool="region", init=0.1)
            self.base = self.local_level("base", "region", "week")
            self.carry = self.adstock("week", max_lag=3)
            self.season = self.seasonality("season", "region", "week", period=52, harmonics=2)

        def forward(self, **values):
            made = self.base + self.season + self.slope * fc.log1p(self.carry(values[lever]) / 10.0)
            for name in upstream:
                made = made + self.weight * values[name]
            return made

    return Node(name=f"M{number}")


def _true_value(name: str, shape: tuple[int, ...], source: np.random.Generator) -> np.ndarray:
    normal = source.standard_normal(shape)
    kind = name.split(".")[-1]
    known = {"slope": 3.0 + 0.5 * normal, "weight": 0.2 + 0.05 * normal, "season": normal, "decay": 0.3 * normal}
    if kind == "base":
        return 20.0 + 0.3 * normal.cumsum(-1)
    return np.asarray(known.get(kind, np.zeros(shape)))
