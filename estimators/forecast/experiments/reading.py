"""From a frame of the warehouse to experiments, with every fault found in one go."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from estimators.errors import CausalError, Fault
from estimators.forecast.experiments.table import HELDOUT, OBSERVATIONAL, RANDOMISED, TRAIN, Experiment

REQUIRED = ("experiment", "lever", "outcome", "starts", "ends", "delta", "effect", "std_error", "source")
OPTIONAL = (
    "cells", "change", "reads_from", "reads_until", "bias_bound", "split", "control_group", "control_std_error",
    "estimand", "population",
)  # fmt: skip
SUBJECT = "experiments that cannot be used"


def read(frame: Any) -> tuple[Experiment, ...]:
    """The rows of the frame as experiments; those without a split have an empty one. Raises CAUSAL-029."""
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise CausalError(
            Fault("029", SUBJECT, (f"the table lacks {', '.join(missing)}",), f"columns: {', '.join(REQUIRED)}")
        )
    dims = [name for name in frame.columns if name not in REQUIRED + OPTIONAL]
    records = [{key: _nothing_as_none(value) for key, value in row.items()} for row in frame.to_dict("records")]
    faults = [text for number, row in enumerate(records, 1) for text in _faults(row, number)]
    faults += _duplicates(records, dims)
    if faults:
        raise CausalError(Fault("029", SUBJECT, tuple(faults), "correct these rows of the model `experiments`"))
    return tuple(_experiment(row, dims) for row in records)


def _faults(row: dict[str, Any], number: int) -> Iterator[str]:
    name = f"row {number} ({row['experiment']})"
    for column in ("experiment", "lever", "outcome", "starts", "ends"):
        if row[column] is None:
            yield f"{name}: {column} is missing"
    for column in ("delta", "effect", "std_error"):
        if not _is_finite(row[column]):
            yield f"{name}: {column} is not a finite number"
    if _is_finite(row["std_error"]) and row["std_error"] <= 0:
        yield f"{name}: std_error is {row['std_error']:g}, it must be above 0"
    if _is_finite(row["delta"]) and row["delta"] == 0:
        yield f"{name}: delta is 0, nothing was changed"
    yield from _faults_of_source(row, name)
    yield from _faults_of_windows(row, name)


def _faults_of_source(row: dict[str, Any], name: str) -> Iterator[str]:
    if row["source"] not in (RANDOMISED, OBSERVATIONAL):
        yield f"{name}: source is {row['source']!r}, it must be {RANDOMISED} or {OBSERVATIONAL}"
    bound = row.get("bias_bound")
    if row["source"] == OBSERVATIONAL and (bound is None or not _is_finite(bound) or bound <= 0):
        yield f"{name}: an observational effect needs a bias_bound above 0"
    if row.get("split") not in (None, TRAIN, HELDOUT):
        yield f"{name}: split is {row['split']!r}, it must be {TRAIN}, {HELDOUT} or null"
    if row.get("change") not in (None, "add", "scale"):
        yield f"{name}: change is {row['change']!r}, it must be add or scale"
    shared = row.get("control_std_error")
    if shared is not None and not (
        _is_finite(shared) and _is_finite(row["std_error"]) and 0 <= shared < row["std_error"]
    ):
        yield f"{name}: control_std_error must be at least 0 and below std_error"


def _faults_of_windows(row: dict[str, Any], name: str) -> Iterator[str]:
    for first, last in (("starts", "ends"), ("reads_from", "reads_until")):
        if row.get(first) is not None and row.get(last) is not None and not row[first] < row[last]:
            yield f"{name}: {last} is not after {first} (windows are half-open)"


def _duplicates(records: list[dict[str, Any]], dims: list[str]) -> Iterator[str]:
    seen: dict[tuple, int] = {}
    for number, row in enumerate(records, 1):
        key = (row["experiment"], row["lever"], row["outcome"], str(row["starts"]), str(row.get("reads_from")))
        key = (*key, repr(_cells(row, dims)))
        if key in seen:
            yield f"row {number} ({row['experiment']}): the same cells and window as row {seen[key]}"
        seen.setdefault(key, number)


def _experiment(row: dict[str, Any], dims: list[str]) -> Experiment:
    given = {key: row[key] for key in OPTIONAL if key != "cells" and row.get(key) is not None}
    given.setdefault("split", "")
    return Experiment(
        name=str(row["experiment"]),
        cells=_cells(row, dims),
        **{key: row[key] for key in ("lever", "outcome", "starts", "ends", "source")},
        **{key: float(row[key]) for key in ("delta", "effect", "std_error")},
        **given,
    )


def _cells(row: dict[str, Any], dims: list[str]) -> dict[str, tuple]:
    cells = row.get("cells")
    named = json.loads(cells) if isinstance(cells, str) else dict(cells or {})
    named |= {dim: row[dim] for dim in dims if row.get(dim) is not None}
    return {dim: _labels(value) for dim, value in named.items()}


def _labels(value: Any) -> tuple:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return (value,)
    return tuple(value)


def _nothing_as_none(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if type(value).__name__ in ("NaTType", "NAType") else value


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
