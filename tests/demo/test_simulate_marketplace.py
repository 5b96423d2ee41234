"""The simulated marketplace: history misleads about incentives, experiments do not, SQL brings both to the panel."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from types import ModuleType

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.source_tree import ROOT

MODELS = ROOT / "dbt_project" / "models" / "marketplace"
# in the order in which they read one another; what studies publish is left out
ORDER = (
    *("stg_zone_supply", "stg_zone_demand", "stg_geo_experiments", "stg_geo_experiment_zones"),
    *("stg_discount_rollouts", "zone_trials", "zone_weights", "weeks_off_trial", "region_weeks", "product_weeks"),
    *("geo_experiment_zone_sums", "experiments"),
)
WITHOUT_EXPERIMENTS = """
    create view observational_experiments as
    select
        experiment, lever, '' as outcome, region, product, starts_on, ends_on, delta, 0.0, 0.0, 'observational', 0.0,
        'train'
    from stg_geo_experiments where false
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_marketplace", ROOT / "dbt_project/simulate_marketplace.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate_marketplace"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def world(script):
    return script.make_world(23)


@pytest.fixture(scope="module")
def tables(script) -> dict:
    return script.simulate(23)


@pytest.fixture(scope="module")
def warehouse(tables) -> duckdb.DuckDBPyConnection:
    """The example's own SQL from staging to panel and experiments, run on the simulated tables."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for name, table in tables.items():
        connection.register(f"source_{name}", table)
    for name in ORDER:
        if name == "experiments":
            connection.execute(WITHOUT_EXPERIMENTS)
        connection.execute(f"create table {name} as {without_jinja((MODELS / f'{name}.sql').read_text())}")
    return connection


def without_jinja(sql: str) -> str:
    named = re.sub(r"\{\{ source\('\w+', '(\w+)'\) \}\}", r"source_\1", sql)
    hashed = r"cast('0x' || substr(md5(\1), 1, 8) as bigint)"
    named = re.sub(r'\{\{ causal\.md5_bucket\("(.+?)"\) \}\}', hashed, named)
    return re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"\1", named)


def true_effects(script, world) -> pd.DataFrame:
    """The effect of each geo experiment in its window, known because both outcomes are."""
    before = script.structure(world.truth, world.base, world.bonus, world.coupon)
    rows = []
    for trial in script.trials(world):
        bonus, coupon = world.bonus.copy(), world.coupon.copy()
        lever = bonus[trial.region] if trial.lever == "bonus" else coupon[trial.region, trial.product]
        lever[trial.start : trial.end] += trial.delta
        node = "hours" if trial.lever == "bonus" else "requests"
        after = script.structure(world.truth, world.base, bonus, coupon)[node]
        rows.append((trial.name, (after - before[node])[..., trial.start : trial.end].sum()))
    return pd.DataFrame(rows, columns=["experiment", "truth"])


def test_the_same_seed_gives_the_same_marketplace(script, tables):
    again = script.simulate(23)
    assert all(table.equals(again[name]) for name, table in tables.items())


def test_another_seed_gives_another_marketplace(script, tables):
    other = script.simulate(24)
    fixed = {"marketplace_calendar"}
    assert not any(table.equals(other[name]) for name, table in tables.items() if name not in fixed)


def test_the_panel_is_what_the_regions_would_have_had_without_trials(warehouse, script, world):
    truth = script.structure(world.truth, world.base, world.bonus, world.coupon)
    shape = (len(script.REGIONS), script.N_WEEKS)
    supply = warehouse.execute("select * from region_weeks order by region, week").df()
    assert np.abs(supply["hours"].to_numpy().reshape(shape) / truth["hours"] - 1).mean() < 0.01
    assert np.abs(supply["bonus"].to_numpy().reshape(shape) / world.bonus - 1).max() < 0.01
    demand = warehouse.execute("select * from product_weeks where product = 'shared' order by region, week").df()
    shared = script.PRODUCTS.index("shared")
    assert np.abs(demand["requests"].to_numpy().reshape(shape) / truth["requests"][:, shared] - 1).mean() < 0.01
    assert np.abs(demand["rides"].to_numpy().reshape(shape) / truth["rides"][:, shared] - 1).mean() < 0.01


def test_experiments_measure_the_true_effects_within_their_standard_errors(warehouse, script):
    measured = warehouse.execute("select * from experiments").df()
    found = measured.merge(true_effects(script, script.make_world(23)), on="experiment")
    z = (found["effect"] - found["truth"]) / found["std_error"]
    assert len(found) == 6 * len(script.REGIONS)
    assert abs(z.mean()) < 0.4
    assert 0.75 < z.std() < 1.3
    assert (found["std_error"] / found["truth"].abs()).median() < 0.15


def test_a_regression_on_history_has_the_sign_wrong(warehouse, script, world):
    supply = warehouse.execute("select * from region_weeks order by region, week").df()
    shape = (len(script.REGIONS), script.N_WEEKS)
    log_bonus = np.log1p(supply["bonus"].to_numpy().reshape(shape) / script.BONUS_SCALE)[:, : script.N_HISTORY]
    hours = supply["hours"].to_numpy().reshape(shape)[:, : script.N_HISTORY]
    centred = log_bonus - log_bonus.mean(axis=1, keepdims=True)
    slopes = (centred * hours).sum(axis=1) / (centred**2).sum(axis=1)
    assert (slopes < 0).mean() >= 0.75
    assert (world.truth.hours_slope > 0).all()


def test_the_stored_truth_is_enough_to_know_the_outcome_of_other_decisions(script, world, tables):
    parameters = tables["marketplace_truth"].to_pandas()
    base = tables["marketplace_base"].to_pandas()
    n_regions, n_products = len(script.REGIONS), len(script.PRODUCTS)
    slopes = parameters.query("parameter == 'requests_per_log_coupon'")["value"].to_numpy()
    truth = script.Truth(
        parameters.query("parameter == 'hours_per_log_bonus'")["value"].to_numpy(),
        slopes.reshape(n_regions, n_products),
    )
    shape = (n_regions, n_products, script.N_WEEKS)
    stored = script.Base(base["hours"].to_numpy().reshape(shape)[:, 0], base["requests"].to_numpy().reshape(shape))
    doubled = script.structure(truth, stored, 2 * world.bonus, world.coupon)
    known = script.structure(world.truth, world.base, 2 * world.bonus, world.coupon)
    assert all(np.allclose(doubled[name], known[name]) for name in known)


def test_carry_over_keeps_a_constant_bonus(script):
    assert np.allclose(script.carried(np.full((1, 12), 7.0))[:, 4:], 7.0)


def test_the_script_writes_the_tables_that_the_sources_name(tmp_path):
    command = [sys.executable, str(ROOT / "dbt_project/simulate_marketplace.py"), "--out", str(tmp_path)]
    subprocess.run(command, check=True)
    sources = (MODELS / "marketplace_sources.yml").read_text()
    named = set(re.findall(r"^      - name: (\w+)", sources, re.MULTILINE))
    assert {path.stem for path in tmp_path.iterdir()} == named
    assert pq.read_metadata(tmp_path / "zone_supply.parquet").num_rows == 8 * 40 * 156
