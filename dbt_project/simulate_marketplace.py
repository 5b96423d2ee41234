"""Makes a marketplace of rides whose structural truth is known: incentives, zones, geo experiments, a plan year.

Run as a script: ``python simulate_marketplace.py --out data --seed 23``. The same arguments give the same tables, each
a Parquet file of `--out`. `marketplace_truth` and `marketplace_base` hold the truth: with them and `structure` the
outcome of any other decisions is known.

The world in one paragraph: drivers' hours rise with the bonuses of this week and the four before, requests rise with
coupons, and rides are made of both. Nobody sets incentives at random. Bonuses go up where drivers are short and coupons
where riders are few, so that history shows the most generous weeks with the fewest hours, and a regression has the sign
wrong. Only the geo experiments, in which half of a region's zones got more or less by lot, tell what incentives do. At
Christmas riders and drivers stay at home. The last year is the one that is planned: its weeks come after the plan.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST_WEEK = np.datetime64("2023-05-01", "D")  # a Monday
N_WEEKS, N_HISTORY = 156, 104  # two years of history, and the year that is planned
REGIONS = ("airport", "canal", "docks", "harbour", "hillside", "northside", "old_town", "riverside")
PRODUCTS = ("standard", "shared")
RIDES_PER_ROOT = np.array([0.80, 0.50])  # rides = this · √(requests · hours), by product
BONUS_SCALE, COUPON_SCALE = 5000.0, 2000.0  # USD in log1p(USD / scale)
CARRY_WEIGHTS = 0.5 ** np.arange(5) / (0.5 ** np.arange(5)).sum()  # of the bonuses of this week and the four before
HOLIDAYS = ("2023-12-25", "2024-01-01", "2024-12-23", "2024-12-30", "2025-12-22", "2025-12-29")
N_ZONES = 40
WINDOW_WEEKS = 4
SLOTS = (  # earliest week, lever, product, share of the normal spending that is added
    *((8, "bonus", "", 1.5), (20, "coupon", "standard", 1.5), (32, "bonus", "", -0.8)),
    *((44, "coupon", "standard", -0.8), (76, "coupon", "shared", 1.5), (92, "coupon", "shared", -0.8)),
)
ROLLOUT = ("shared_discount", "canal", "shared", 61, 70)  # name, region, product, first week, week after the last


@dataclass(frozen=True)
class Truth:
    """Units per log1p(USD / scale). hours_slope: (regions); requests_slope: (regions, products)."""

    hours_slope: np.ndarray
    requests_slope: np.ndarray


@dataclass(frozen=True)
class Base:
    """What there is without incentives. hours: (regions, weeks); requests: (regions, products, weeks)."""

    hours: np.ndarray
    requests: np.ndarray


def carried(bonus: np.ndarray) -> np.ndarray:
    """Bonuses (regions, weeks) as drivers feel them: a weighted mean of this week's and the four before."""
    padded = np.pad(bonus, ((0, 0), (len(CARRY_WEIGHTS) - 1, 0)))
    n = bonus.shape[1]
    return sum(w * padded[:, len(CARRY_WEIGHTS) - 1 - lag :][:, :n] for lag, w in enumerate(CARRY_WEIGHTS))


def structure(truth: Truth, base: Base, bonus: np.ndarray, coupon: np.ndarray) -> dict[str, np.ndarray]:
    """Hours, requests and rides under incentives: bonus (regions, weeks), coupon (regions, products, weeks), in USD."""
    hours = base.hours + truth.hours_slope[:, None] * np.log1p(carried(bonus) / BONUS_SCALE)
    requests = base.requests + truth.requests_slope[:, :, None] * np.log1p(coupon / COUPON_SCALE)
    rides = RIDES_PER_ROOT[None, :, None] * np.sqrt(requests * hours[:, None, :])
    return {"hours": hours, "requests": requests, "rides": rides}


def shocks(random: np.random.Generator, sd: float) -> np.ndarray:
    """Good and bad times of each region (regions, weeks): autoregressive, with standard deviation `sd`."""
    found = np.zeros((len(REGIONS), N_WEEKS))
    state = random.normal(0.0, sd, len(REGIONS))
    for week in range(N_WEEKS):
        state = 0.8 * state + random.normal(0.0, 0.6 * sd, len(REGIONS))
        found[:, week] = state
    return found


def is_holiday() -> np.ndarray:
    """Whether each week is one of the two around Christmas, (weeks)."""
    return np.isin(weeks(), np.array(HOLIDAYS, dtype="datetime64[D]"))


def weeks() -> np.ndarray:
    return FIRST_WEEK + 7 * np.arange(N_WEEKS).astype("timedelta64[D]")


@dataclass(frozen=True)
class World:
    """The marketplace by region. zone_share: (regions, zones), sums to one in a region."""

    random: np.random.Generator
    truth: Truth
    base: Base
    bonus: np.ndarray
    coupon: np.ndarray
    zone_share: np.ndarray


def make_world(seed: int) -> World:
    """Regions of different size and response, and the policy that sets incentives by shortage and slack."""
    random = np.random.default_rng(seed)
    n = len(REGIONS)
    size = random.lognormal(0.0, 0.5, n)
    demand, supply = shocks(random, 0.10), shocks(random, 0.08)
    season = 0.06 * np.sin(2 * np.pi * np.arange(N_WEEKS) / 52.0)
    hours = 10_000.0 * size[:, None] * np.exp(supply - 0.5 * season + np.log(0.85) * is_holiday())
    requests = (
        np.array([12_000.0, 5_000.0])[None, :, None] * np.exp(demand + season + np.log(0.75) * is_holiday())[:, None, :]
    )
    base = Base(hours, requests * size[:, None, None])
    truth = Truth(
        size * random.lognormal(np.log(1800.0), 0.45, n),
        size[:, None] * np.array([1500.0, 700.0]) * random.lognormal(0.0, 0.45, (n, len(PRODUCTS))),
    )
    shortage = demand - supply
    bonus = 10_000.0 * size[:, None] * np.exp(1.5 * shortage + random.normal(0.0, 0.1, shortage.shape))
    wobble = random.normal(0.0, 0.1, requests.shape)
    coupon = (
        np.array([3_000.0, 1_500.0])[None, :, None] * size[:, None, None] * np.exp(wobble - 1.5 * shortage[:, None, :])
    )
    share = random.lognormal(0.0, 0.3, (n, N_ZONES))
    return World(random, truth, base, bonus.round(), coupon.round(), share / share.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Trial:
    """Zones of a region that got more from `start` to `end`. delta: USD a week, were all of its zones treated."""

    name: str
    lever: str
    region: int
    product: int
    start: int
    end: int
    delta: float
    is_treated: np.ndarray
    is_randomised: bool = True


def trials(world: World) -> Iterator[Trial]:
    """Six geo experiments a region, half of its zones by lot; and one discount where managers chose the zones."""
    for region, name in enumerate(REGIONS):
        for slot, lever, product, factor in SLOTS:
            start = slot + int(world.random.integers(0, 5))
            product_index = PRODUCTS.index(product) if product else 0
            normal = world.bonus[region] if lever == "bonus" else world.coupon[region, product_index]
            arm = world.random.permutation(N_ZONES) < N_ZONES // 2
            delta = float(np.round(factor * normal[:N_HISTORY].mean(), -1))
            label = "_".join(part for part in (lever, product, name, "more" if delta > 0 else "less") if part)
            yield Trial(label, lever, region, product_index, start, start + WINDOW_WEEKS, delta, arm)
    name, region, product, start, end = ROLLOUT
    chosen = world.random.random(N_ZONES) < 1 / (
        1 + np.exp(-8.0 * np.log(N_ZONES * world.zone_share[REGIONS.index(region)]))
    )
    i, p = REGIONS.index(region), PRODUCTS.index(product)
    yield Trial(name, "coupon", i, p, start, end, float(np.round(world.coupon[i, p].mean(), -1)), chosen, False)


def zone_tables(world: World, all_trials: list[Trial]) -> dict[str, pa.Table]:
    """What is recorded: per zone and week (supply), and per zone, product and week (demand)."""
    plain = {
        "bonus": world.bonus,
        "coupon": world.coupon,
        **structure(world.truth, world.base, world.bonus, world.coupon),
    }
    zones = {k: v[:, None] * _of_zones(world.zone_share, v.ndim) for k, v in plain.items()}
    for trial in all_trials:
        bonus, coupon = world.bonus.copy(), world.coupon.copy()
        lever = bonus[trial.region] if trial.lever == "bonus" else coupon[trial.region, trial.product]
        lever[trial.start : trial.end] += trial.delta
        under = {"bonus": bonus, "coupon": coupon, **structure(world.truth, world.base, bonus, coupon)}
        r, treated = trial.region, trial.is_treated
        last = trial.end + len(CARRY_WEIGHTS) - 1  # drivers still feel the bonuses of the weeks before
        for k, v in under.items():
            share = world.zone_share[r, treated].reshape(-1, *(1,) * (v.ndim - 1))
            zones[k][r, treated, ..., trial.start : last] = (v[r] * share)[..., trial.start : last]
    noise = {"hours": 0.03, "requests": 0.03, "rides": 0.015}
    for k, sd in noise.items():
        zones[k] = np.round(zones[k] * np.exp(world.random.normal(0.0, sd, zones[k].shape)), 1)
    return {
        "zone_supply": _long({k: zones[k].round(2) for k in ("bonus", "hours")}, ("region", "zone", "week")),
        "zone_demand": _long(
            {k: zones[k].round(2) for k in ("coupon", "requests", "rides")}, ("region", "zone", "product", "week")
        ),
    }


def _of_zones(share: np.ndarray, ndim: int) -> np.ndarray:
    """Zone shares (regions, zones) with as many axes as a quantity of zones has, whose regional values have `ndim`."""
    return share.reshape(*share.shape, *(1,) * (ndim - 1))


def _long(values: Mapping[str, np.ndarray], dims: tuple[str, ...]) -> pa.Table:
    """Arrays of one shape as a table with one row per cell."""
    shape = next(iter(values.values())).shape
    at = dict(zip(dims, np.indices(shape).reshape(len(shape), -1), strict=True))
    columns = {"week": weeks().astype("datetime64[us]")[at["week"]], "region": np.array(REGIONS)[at["region"]]}
    if "zone" in at:
        columns["zone_id"] = at["region"] * N_ZONES + at["zone"] + 1
    if "product" in at:
        columns["product"] = np.array(PRODUCTS)[at["product"]]
    return pa.table({**columns, **{k: v.ravel() for k, v in values.items()}})


def trial_tables(all_trials: list[Trial]) -> dict[str, pa.Table]:
    """The experiments, who was in which arm of them, and the zones to which managers rolled the discount out."""
    lotteries = [t for t in all_trials if t.is_randomised]
    start = weeks().astype("datetime64[us]")
    experiments = {
        "experiment": [t.name for t in lotteries],
        "lever": [t.lever for t in lotteries],
        "region": [REGIONS[t.region] for t in lotteries],
        "product": [PRODUCTS[t.product] if t.lever == "coupon" else None for t in lotteries],
        "starts_on": start[[t.start for t in lotteries]],
        "ends_on": start[[t.end for t in lotteries]],
        "delta": [t.delta for t in lotteries],
    }
    arms = [(t.name, zone_id(t.region, z), bool(t.is_treated[z])) for t in lotteries for z in range(N_ZONES)]
    rolled = [(t, z) for t in all_trials if not t.is_randomised for z in np.flatnonzero(t.is_treated)]
    discounts = {
        "zone_id": [zone_id(t.region, int(z)) for t, z in rolled],
        "started_at": start[[t.start for t, _ in rolled]],
        "ended_at": start[[t.end for t, _ in rolled]],
        "delta": [t.delta for t, _ in rolled],
    }
    names = ("experiment", "zone_id", "is_treated")
    return {
        "geo_experiments": pa.table(experiments),
        "geo_experiment_zones": pa.table(dict(zip(names, map(list, zip(*arms, strict=True)), strict=True))),
        "discount_rollouts": pa.table(discounts),
    }


def zone_id(region: int, zone: int) -> int:
    return region * N_ZONES + zone + 1


def truth_tables(world: World) -> dict[str, pa.Table]:
    """What no company has: what incentives really do, and what there would have been without any."""
    rows = [(r, None, "hours_per_log_bonus", world.truth.hours_slope[i]) for i, r in enumerate(REGIONS)]
    for i, region in enumerate(REGIONS):
        rows += [
            (region, p, "requests_per_log_coupon", world.truth.requests_slope[i, j]) for j, p in enumerate(PRODUCTS)
        ]
    names = ("region", "product", "parameter", "value")
    hours = np.broadcast_to(world.base.hours[:, None, :], world.base.requests.shape)
    return {
        "marketplace_truth": pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))),
        "marketplace_base": _long({"hours": hours, "requests": world.base.requests}, ("region", "product", "week")),
    }


def simulate(seed: int) -> dict[str, pa.Table]:
    """All tables by name."""
    world = make_world(seed)
    all_trials = list(trials(world))
    calendar = {
        "marketplace_calendar": pa.table({"week": weeks().astype("datetime64[us]"), "is_holiday": is_holiday()})
    }
    return {**zone_tables(world, all_trials), **trial_tables(all_trials), **calendar, **truth_tables(world)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a marketplace of rides whose structural truth is known.")
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    options = parser.parse_args()
    tables = simulate(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        partial = options.out / f"{name}.parquet.tmp"
        pq.write_table(table, partial)
        partial.replace(options.out / f"{name}.parquet")
    n_rows = tables["zone_supply"].num_rows + tables["zone_demand"].num_rows
    print(f"{len(REGIONS)} regions, {tables['geo_experiments'].num_rows} experiments, {n_rows:,} rows in {options.out}")


if __name__ == "__main__":
    main()
