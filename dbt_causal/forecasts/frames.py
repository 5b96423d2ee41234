"""The long frame that every step of a forecast hands to dbt, and what later steps read back from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from estimators.errors import refuse
from estimators.results import payload

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow

COLUMNS = ("record", "forecast_id", "run_id", "definition_hash", "payload")
MAX_ROWS = 5_000_000  # a history of cells is read into memory
Record = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Identity:
    """Which forecast a row is about, and which fit. run_id: the dbt run that fitted the model."""

    forecast_id: str
    run_id: str
    definition_hash: str


def long_frame(identity: Identity, records: Iterable[Record]) -> pd.DataFrame:
    """One row per record, its fields as JSON text in `payload`, all columns text."""
    import pandas as pd

    keys = (identity.forecast_id, identity.run_id, identity.definition_hash)
    rows = [(record, *keys, payload(fields)) for record, fields in records]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")


def rows_of(relation: Any) -> pd.DataFrame:
    """A relation of dbt (DuckDB or Spark) as a pandas frame. Raises CAUSAL-031 if it has too many rows for memory."""
    counted = _count(relation)
    if counted > MAX_ROWS:
        raise refuse(
            "031",
            "too many rows for memory",
            f"{counted:,} rows, at most {MAX_ROWS:,} are read",
            fix="a forecast reads cells, not events: aggregate the history to one row per cell",
        )
    return _of_spark(relation.toArrow()) if hasattr(relation, "toArrow") else relation.df()


def _of_spark(table: pyarrow.Table) -> pd.DataFrame:
    """Decimals as doubles, dates as timestamps, timestamps as UTC without saying so: as DuckDB hands them over."""
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_decimal(kind):
            return pa.float64()
        return pa.timestamp("us") if pa.types.is_date(kind) or pa.types.is_timestamp(kind) else kind

    return table.cast(pa.schema([field.with_type(plain(field.type)) for field in table.schema])).to_pandas()


def _count(relation: Any) -> int:
    found = relation.count() if hasattr(relation, "toArrow") else relation.aggregate("count(*)").fetchall()[0][0]
    return int(found)


def records_of(frame: pd.DataFrame, record: str) -> list[dict[str, Any]]:
    """The fields of all rows of one record, in the order of the frame."""
    return [json.loads(text) for text in frame.loc[frame["record"] == record, "payload"]]


def identity_of(frame: pd.DataFrame) -> Identity:
    """The forecast and fit that a step's frame is about."""
    first = frame.iloc[0]
    return Identity(first["forecast_id"], first["run_id"], first["definition_hash"])
