"""The only code that knows an engine: everything above asks a `Relation` for sums."""

from __future__ import annotations

from typing import Any

from estimators.errors import refuse
from estimators.warehouse.relation import Relation

__all__ = ["Relation", "as_relation"]


def as_relation(data: Any) -> Relation:
    """A pandas frame, a DuckDB relation, a Spark DataFrame or a `Relation` as a `Relation`.

    Raises CausalError 001 for anything else. Nothing is loaded but a pandas frame, which is memory already.
    """
    if isinstance(data, Relation):
        return data
    module = type(data).__module__.split(".")[0].lstrip("_")
    if module == "pandas":
        from estimators.warehouse.duckdb import from_pandas

        return from_pandas(data)
    if module == "duckdb" and hasattr(data, "query"):
        from estimators.warehouse.duckdb import from_relation

        return from_relation(data)
    if module == "pyspark" and hasattr(data, "sparkSession"):
        from estimators.warehouse.spark import from_dataframe

        return from_dataframe(data)
    raise refuse(
        "001",
        "data of an unknown type",
        f"got {type(data).__module__}.{type(data).__name__}",
        fix="pass a pandas frame, a DuckDB relation, e.g. connection.table('study'), or a Spark DataFrame",
    )
