"""Writes what a Python model returned into a Spark table."""

from __future__ import annotations

from typing import Any


def write_table(session: Any, frame: Any, relation: str, file_format: str) -> None:
    """Creates or replaces the table `relation` (``schema.name``) with `frame`, a pandas frame or a Spark DataFrame.

    A pandas frame becomes one file: columns of text, or of nothing, are strings, whole numbers bigint, others double.
    """
    from dbt_causal.spark_connection import clearing_statements, leftover_location

    rows = as_spark(session, frame)
    writer = rows.write.mode("overwrite").format(file_format).option("overwriteSchema", "true")
    try:
        writer.saveAsTable(relation)
    except Exception as error:
        location = leftover_location(str(error))
        if location is None:
            raise
        for statement in clearing_statements(location):
            session.sql(statement).collect()
        writer.saveAsTable(relation)


def as_spark(session: Any, frame: Any) -> Any:
    """The rows as a Spark DataFrame; a pandas frame goes over as Arrow, with a type for every column."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame, pd.DataFrame):
        return frame
    table = pa.Table.from_pandas(frame, preserve_index=False)
    fields = [f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in table.schema]
    return session.createDataFrame(table.cast(pa.schema([f.remove_metadata() for f in fields]))).coalesce(1)
