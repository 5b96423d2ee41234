"""The held-out split: stable by hash, and never a twin of a held-out experiment in training."""

from __future__ import annotations

import pandas as pd
import pytest

from estimators.errors import CausalError
from estimators.forecast.experiments.split import share_a_cell
from estimators.forecast.experiments.table import Experiments


def many(n_regions: int = 40, n_blocks: int = 10, **changes) -> pd.DataFrame:
    rows = [
        {"experiment": f"{region}-{block}", "lever": "bonus", "outcome": "hours", "region": region,
         "starts": 13 * block + 2, "ends": 13 * block + 6, "delta": 1.0, "effect": 1.0, "std_error": 1.0,
         "source": "randomised"} | changes
        for region in range(n_regions) for block in range(n_blocks)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_holds_out_about_the_share_that_was_asked_for():
    held = len(Experiments.from_table(many(), heldout_share=0.3).heldout)
    assert held / 400 == pytest.approx(0.3, abs=0.07)


def test_new_experiments_do_not_move_old_ones():
    few = {row.name: row.split for row in Experiments.from_table(many(20, 5))}
    more = {row.name: row.split for row in Experiments.from_table(many(40, 10))}
    assert few.items() <= more.items()


def test_experiments_that_share_a_cell_in_a_block_of_time_stay_together():
    cells = [["A", "B"], ["B", "C"], ["C"], ["D"]]
    frame = pd.concat([many(1, 30).assign(region=[labels] * 30, experiment=str(labels)) for labels in cells])
    by_block: dict[int, set[str]] = {}
    for row in Experiments.from_table(frame):
        if "D" not in row.cells["region"]:
            by_block.setdefault(row.starts // 13, set()).add(row.split)
    assert all(len(sides) == 1 for sides in by_block.values())
    assert {side for sides in by_block.values() for side in sides} == {"train", "heldout"}


def test_a_row_that_names_its_split_takes_its_twins_along():
    frame = pd.concat([many(1, 1, split="heldout"), many(1, 1, starts=4, ends=9, split=None)])
    assert [row.split for row in Experiments.from_table(frame)] == ["heldout", "heldout"]


def test_an_experiment_everywhere_meets_every_region():
    frame = pd.concat([many(1, 1), many(1, 1).drop(columns="region")])
    one, other = Experiments.from_table(frame)
    assert share_a_cell(one, other)


def test_blocks_of_dates_are_quarters_of_91_days():
    dates = pd.to_datetime(["2026-01-05", "2026-01-19"])
    frame = pd.concat([many(1, 1, starts=date, ends=date + pd.Timedelta(days=7)) for date in dates])
    assert len({row.split for row in Experiments.from_table(frame)}) == 1


def test_refuses_a_share_above_one():
    with pytest.raises(CausalError, match="heldout_share is 1"):
        Experiments.from_table(many(1, 1), heldout_share=1.5)
