"""The simulated rollouts: the same for the same seed, with parallel trends and an effect that one method misses."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import ModuleType

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from estimators import did, panel
from tests.source_tree import ROOT

N_COMMUNITIES = 800
PANEL = """
    with weeks as (
        select range as period, timestamp '2026-01-05' + (range - 1) * interval 7 day as starts_at from range(1, 17)
    ),
    counts as (
        select community_id, date_diff('day', timestamp '2026-01-05', {at}) // 7 + 1 as period, count(*) as n
        from {events} group by all
    ),
    reached as (select * from rollouts where rolled_out = '{rollout}')
    select communities.community_id as unit, weeks.period, coalesce(counts.n, 0) as outcome,
        date_diff('day', timestamp '2026-01-05', reached.started_at) // 7 + 1 as cohort,
        coalesce((weeks.starts_at >= reached.started_at)::int, 0) as treatment
    from communities cross join weeks
    left join counts on communities.community_id = counts.community_id and weeks.period = counts.period
    left join reached on communities.community_id = reached.community_id
"""
QUESTION = {"unit": "unit", "time": "period", "outcome": "outcome"}


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "dbt_project" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def worlds() -> list[dict]:
    return [script("simulate_rollouts").simulate(N_COMMUNITIES, seed) for seed in (1, 2, 3)]


def panel_of(tables: dict, rollout: str, events: str, at: str) -> tuple[pd.DataFrame, float]:
    """The weekly panel of one rollout and its true effect."""
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    frame = connection.execute(PANEL.format(rollout=rollout, events=events, at=at)).df()
    [(truth,)] = connection.execute(f"select effect from rollout_truth where study_id = '{rollout}'").fetchall()
    return frame, truth


def test_the_same_seed_gives_the_same_rollouts(worlds):
    again = script("simulate_rollouts").simulate(N_COMMUNITIES, 1)
    assert all(table.equals(again[name]) for name, table in worlds[0].items())


def test_another_seed_gives_other_rollouts(worlds):
    assert not any(table.equals(worlds[1][name]) for name, table in worlds[0].items() if name != "rollout_truth")


@pytest.mark.parametrize("world", range(3))
def test_did_finds_the_effect_of_the_waves_and_fixed_effects_find_half_of_it(worlds, world):
    frame, truth = panel_of(worlds[world], "live_rooms", "replies", "replied_at")
    by_wave = did(frame, cohort="cohort", **QUESTION)
    regression = panel(frame, treatment="treatment", **QUESTION)
    assert abs(by_wave.estimate - truth) < 3.0 * by_wave.std_error
    assert regression.estimate < 0.7 * truth


@pytest.mark.parametrize("world", range(3))
def test_fixed_effects_find_the_effect_of_one_date(worlds, world):
    frame, truth = panel_of(worlds[world], "moderation_tool", "posts", "posted_at")
    regression = panel(frame, treatment="treatment", **QUESTION)
    assert abs(regression.estimate - truth) < 3.0 * regression.std_error


@pytest.mark.parametrize(
    ("rollout", "events", "at"),
    [("live_rooms", "replies", "replied_at"), ("moderation_tool", "posts", "posted_at")],
)
def test_the_raw_comparison_of_communities_is_wrong(worlds, rollout, events, at):
    frame, truth = panel_of(worlds[0], rollout, events, at)
    means = frame.groupby("treatment")["outcome"].mean()
    assert abs(means[1] - means[0] - truth) > 1.0


def test_the_scripts_write_the_tables_that_the_sources_name(tmp_path):
    for name, options in (("simulate_rollouts", ["--communities", "40"]), ("real_data", [])):
        command = [sys.executable, str(ROOT / "dbt_project" / f"{name}.py"), *options, "--out", str(tmp_path)]
        subprocess.run(command, check=True)
    rows = {path.stem: pq.read_metadata(path).num_rows for path in tmp_path.iterdir()}
    assert (rows["communities"], rows["young_men"], rows["counties"], rows["bike_hours"]) == (40, 3010, 2500, 8645)
    assert set(rows) == {
        "communities",
        "posts",
        "replies",
        "rollouts",
        "rollout_truth",
        "young_men",
        "counties",
        "bike_hours",
    }


def test_real_data_of_a_package_that_is_not_there_say_what_to_install():
    with pytest.raises(ModuleNotFoundError, match="pip install no_such_package"):
        script("real_data")._within("no_such_package", "data.csv")
