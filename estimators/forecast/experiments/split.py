"""Which experiments are held out: by region and block of time, so that no held-out one has a twin in training."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from estimators.errors import refuse
from estimators.forecast.experiments.table import HELDOUT, TRAIN, Experiment

DAYS, PERIODS = 91, 13  # a quarter, in either unit


def assigned(rows: tuple[Experiment, ...], heldout_share: float, block: int | None = None) -> tuple[Experiment, ...]:
    """The rows with their split: those that name one keep it, the others get theirs by hash of cells × time block.

    Rows that share a cell in the same block of time go together, and go where a row of theirs that names its split is.
    """
    if not 0.0 <= heldout_share <= 1.0:
        raise refuse("029", "a share that is none", f"heldout_share is {heldout_share}", fix="a number from 0 to 1")
    blocks = [_blocks(row, block) for row in rows]
    sides: dict[int, str] = {}
    for group in _groups(rows, blocks):
        named = {rows[i].split for i in group if rows[i].split}
        key = min(f"{sorted(rows[i].cells.items())}|{min(blocks[i])}" for i in group)
        side = (TRAIN if TRAIN in named else HELDOUT) if named else _by_hash(key, heldout_share)
        sides |= {i: rows[i].split or side for i in group}
    return tuple(replace(row, split=sides[i]) for i, row in enumerate(rows))


def joined(rows: tuple[Experiment, ...], block: int | None = None) -> list[list[int]]:
    """Positions of rows that must stay together: those that share a cell in a block of time."""
    return _groups(rows, [_blocks(row, block) for row in rows])


def share_a_cell(one: Experiment, other: Experiment) -> bool:
    """Whether the cells of two experiments meet; a dim that one of them does not name is all of it."""
    return all(set(one.cells[dim]) & set(other.cells[dim]) for dim in one.cells.keys() & other.cells.keys())


def _blocks(row: Experiment, block: int | None) -> range:
    """The numbers of the blocks of time that an experiment touches."""
    start, end = row.reading
    first = _number(min(row.starts, start), block)
    return range(first, _number(max(row.ends, end), block, is_end=True) + 1)


def _number(label: Any, block: int | None, is_end: bool = False) -> int:
    """The number of the block that holds a label (or that ends before it, for the end of a half-open window)."""
    if isinstance(label, str) or hasattr(label, "toordinal") or type(label).__name__ == "datetime64":
        import pandas as pd

        return (pd.Timestamp(label).toordinal() - is_end) // (block or DAYS)
    return (int(label) - is_end) // (block or PERIODS)


def _groups(rows: tuple[Experiment, ...], blocks: list[range]) -> list[list[int]]:
    """Rows that share a cell in a block of time, directly or through others."""
    groups: list[list[int]] = []
    for i, row in enumerate(rows):

        def meets(group: list[int], i: int = i, row: Experiment = row) -> bool:
            return any(set(blocks[i]) & set(blocks[j]) and share_a_cell(row, rows[j]) for j in group)

        joined = [group for group in groups if meets(group)]
        groups = [group for group in groups if group not in joined]
        groups.append(sorted([i, *(j for group in joined for j in group)]))
    return sorted(groups)


def _by_hash(key: str, heldout_share: float) -> str:
    number = int(hashlib.sha256(f"experiments|{key}".encode()).hexdigest()[:8], 16)
    return HELDOUT if number < heldout_share * 2**32 else TRAIN
