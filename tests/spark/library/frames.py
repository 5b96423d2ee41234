"""Pandas frames as Spark DataFrames."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa


def dataframe(spark: Any, frame: pd.DataFrame) -> Any:
    """Through Arrow, with naive times as moments in UTC, as the tables of the package hold them."""
    times = frame.select_dtypes("datetime64").columns
    frame = frame.assign(**{name: frame[name].dt.tz_localize("UTC") for name in times})
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return spark.createDataFrame(table).repartition(3)
