"""What a forecast reads from the warehouse, without what an engine leaves to chance: last digits, order of rows.

An engine adds doubles in the order in which its threads or partitions come. Training enlarges such a difference of the
sixteenth digit to one of the sixth, so that one forecast would be another on the next engine, or on the next build.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 10  # significant; what an order of adding changes is a million times smaller, what anybody measures is larger
SMALLEST = 1e-290  # what is smaller stays as it is: the power of ten that it needs is no double


def rounded(frame: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """The frame with its doubles in `columns` to ten significant digits; columns that are not there are passed over."""
    named = [name for name in frame.columns if name in columns and frame[name].dtype.kind == "f"]
    return frame.assign(**{name: significant(frame[name].to_numpy(float)) for name in named})


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows sorted by all of their columns as text: the same rows are in the same order wherever they come from."""
    texts = frame.astype(str).where(frame.notna(), "")  # engines have several kinds of nothing
    return frame.loc[texts.sort_values(list(texts.columns), kind="stable").index].reset_index(drop=True)


def significant(values: np.ndarray) -> np.ndarray:
    """Each value to DIGITS significant digits; zeros, NaN and infinities as they are."""
    found = values.copy()
    is_rounded = np.isfinite(values) & (np.abs(values) > SMALLEST)
    numbers = values[is_rounded]
    decimals = DIGITS - 1 - np.floor(np.log10(np.abs(numbers))).astype(int)
    power = 10.0 ** np.abs(decimals)
    with np.errstate(over="ignore"):  # in the branch that is not taken
        found[is_rounded] = np.where(decimals >= 0, np.rint(numbers * power) / power, np.rint(numbers / power) * power)
    return found
