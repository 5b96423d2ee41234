"""Arrow data as plain arrays, alike in the process that asks and in Spark's workers."""

from __future__ import annotations

from typing import Any

import numpy as np


def arrays(table: Any) -> dict[str, np.ndarray]:
    """The columns of an Arrow table or record batch."""
    return {name: array(table.column(i)) for i, name in enumerate(table.schema.names)}


def array(column: Any) -> np.ndarray:
    """Integers stay integers, missing numbers become NaN, missing text None; times are in microseconds."""
    import pyarrow as pa
    from pyarrow import compute

    of = column.type
    if pa.types.is_decimal(of) or (column.null_count and (pa.types.is_integer(of) or pa.types.is_boolean(of))):
        column = compute.cast(column, pa.float64())
    values = column.to_numpy() if isinstance(column, pa.ChunkedArray) else column.to_numpy(zero_copy_only=False)
    return values.astype("datetime64[us]") if values.dtype.kind == "M" else values
