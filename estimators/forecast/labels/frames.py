"""Frames in, frames out: one row per cell, a column per dim."""

from __future__ import annotations

import datetime
from itertools import pairwise
from statistics import multimode
from typing import TYPE_CHECKING

import numpy as np
import torch

from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims, Index, canonical, instant, unknown_labels
from estimators.forecast.labels.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas


def from_frame(frame: pandas.DataFrame, value: str, dims: Dims) -> Tensor:
    """The column `value` as a tensor over all of `dims`, float64; a cell that has no row is NaN.

    Raises CAUSAL-029 for a missing column, an unknown or missing label, two rows for one cell, or values that are not
    numbers.
    """
    return _columns(frame, [value], dims)[value]


def history(frame: pandas.DataFrame, dims: Dims, values: Sequence[str]) -> dict[str, Tensor]:
    """Several columns of one frame as tensors over `dims`: the exogenous inputs and the observed nodes of a model.

    Raises CAUSAL-029 as `from_frame` does, and for dates with a gap: a lag would then span more than it says.
    """
    for name in dims:
        refuse_gaps(name, dims[name])
    return _columns(frame, values, dims)


def to_frame(tensor: Tensor, name: str = "value") -> pandas.DataFrame:
    """One row per cell, in the order of the labels; dates become timestamps of pandas."""
    import pandas as pd

    shape = tensor.axes.shape
    columns = {}
    for axis, dim in enumerate(tensor.dims):
        codes = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        columns[dim] = _column(tensor.axes[dim]).take(np.broadcast_to(codes, shape).ravel())
    columns[name] = tensor.data.detach().cpu().numpy().ravel()
    return pd.DataFrame({key: pd.Series(column).reset_index(drop=True) for key, column in columns.items()})


def _column(index: Index) -> pandas.Series:
    import pandas as pd

    labels = pd.Series(list(index))
    return pd.to_datetime(labels) if index and isinstance(index[0], datetime.date) else labels


def _columns(frame: pandas.DataFrame, values: Sequence[str], dims: Dims) -> dict[str, Tensor]:
    absent = [name for name in (*dims, *values) if name not in frame.columns]
    if absent:
        raise refuse(
            "029",
            "a frame without the columns it needs",
            f"missing: {', '.join(absent)}; the frame has {', '.join(map(str, frame.columns))}",
            fix="one row per cell: a column per dim and one per value",
        )
    cells = _cells(frame, dims)
    return {value: Tensor(_scattered(frame, value, cells, dims), dims) for value in values}


def _cells(frame: pandas.DataFrame, dims: Dims) -> np.ndarray:
    """The flat position of each row's cell. Raises CAUSAL-029 for unknown labels and for two rows of one cell."""
    codes = [_codes(frame[name], name, dims[name]) for name in dims]
    flat = np.ravel_multi_index(codes, dims.shape) if codes else np.zeros(len(frame), dtype=np.int64)
    ordered = np.sort(flat)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        at = np.unravel_index(int(repeated[0]), dims.shape)
        cell = ", ".join(f"{name} {dims[name][i]!s}" for name, i in zip(dims, at, strict=True))
        raise refuse(
            "029",
            "duplicate cells",
            f"{len(repeated):,} of {len(frame):,} rows repeat a cell, the first is {cell}",
            fix=f"one row per {', '.join(dims)}: aggregate the frame first",
        )
    return flat


def _codes(column: pandas.Series, name: str, index: Index) -> np.ndarray:
    """Positions of a column's values among the labels; each distinct value is looked up once."""
    import pandas as pd

    codes, distinct = pd.factorize(column)
    found = np.array([index.positions.get(canonical(label), -1) for label in distinct] + [-1], dtype=np.int64)
    positions = found[codes]  # a missing value has the code -1: the last entry
    if (positions < 0).any():
        if (codes < 0).any():
            raise refuse(
                "029",
                f"missing labels in {name}",
                f"{int((codes < 0).sum()):,} of {len(column):,} rows have no {name}",
                fix="drop these rows or give them a label",
            )
        raise unknown_labels(name, [distinct[i] for i in np.flatnonzero(found[:-1] < 0)], index)
    return positions


def _scattered(frame: pandas.DataFrame, value: str, cells: np.ndarray, dims: Dims) -> torch.Tensor:
    import pandas as pd

    if not (pd.api.types.is_numeric_dtype(frame[value]) or pd.api.types.is_bool_dtype(frame[value])):
        raise refuse("029", f"{value} is not a number", f"its type is {frame[value].dtype}", fix="cast it to double")
    flat = np.full(int(np.prod(dims.shape)), np.nan)
    flat[cells] = frame[value].to_numpy(dtype=np.float64, na_value=np.nan)
    return torch.from_numpy(flat.reshape(dims.shape))


def refuse_gaps(name: str, index: Index) -> None:
    """Raises CAUSAL-029 if the labels are dates whose spacing is not even, in days or in months."""
    if len(index) < 3 or not all(isinstance(label, datetime.date) for label in index):
        return
    days = [(later - earlier).total_seconds() / 86400 for earlier, later in pairwise(map(instant, index))]
    months = [12 * (b.year - a.year) + b.month - a.month for a, b in pairwise(index)]
    calendar = max(days) - min(days) <= 3 * max(months, default=0) and min(months) > 0  # month ends differ by 3 days
    if len(set(days)) == 1 or (calendar and len(set(months)) == 1):
        return
    usual = min(multimode(days))
    at = next(i for i, step in enumerate(days) if step != usual)
    raise refuse(
        "029",
        f"a gap in {name}",
        f"after {index[at]!s} comes {index[at + 1]!s}, {days[at]:g} days; the usual step is {usual:g} days",
        fix=f"put every label into {name} in order: rows that are not there become missing values",
    )
