"""Relations in DuckDB, and pandas frames through an in-memory DuckDB: one code path for both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.warehouse.dialect import DUCKDB
from estimators.warehouse.relation import BATCH_ROWS, Kind
from estimators.warehouse.sql_relation import SqlRelation

if TYPE_CHECKING:
    import duckdb

_SOURCE = "causal_source"  # the name by which a query sees the relation it runs on


class DuckDBRelation(SqlRelation):
    """Rows of a DuckDB relation."""

    dialect = DUCKDB

    def batches(
        self,
        expressions: Mapping[str, str],
        where: str | None = None,
        order_by: str | None = None,
        n_rows: int = BATCH_ROWS,
    ) -> Iterator[dict[str, np.ndarray]]:
        for batch in self._run(self._select(expressions, where, order_by)).to_arrow_reader(n_rows):
            yield {name: _from_arrow(batch.column(i)) for i, name in enumerate(batch.schema.names)}

    def rows(self, expressions: Mapping[str, str], where: str | None = None, order_by: str | None = None) -> dict:
        return self._arrays(self._select(expressions, where, order_by))

    def collected(self) -> DuckDBRelation:
        # As arrays and not as an Arrow table: importing Arrow alone would take longer than most results.
        return from_columns(dict(self._run(self._query).fetchnumpy()))

    def seconds(self, expression: str) -> str:
        return f"epoch({expression})"

    def _kinds(self) -> dict[str, Kind]:
        empty = self._run(f"select * from ({self._query}) limit 0")
        return {c: _kind(str(t)) for c, t in zip(empty.columns, empty.types, strict=True)}

    def _arrays(self, sql: str) -> dict[str, np.ndarray]:
        return {name: _array(values) for name, values in self._run(sql).fetchnumpy().items()}

    def _run(self, sql: str) -> duckdb.DuckDBPyRelation:
        return self._source.query(_SOURCE, sql)


def from_relation(source: duckdb.DuckDBPyRelation, keep: Any = None) -> DuckDBRelation:
    """keep: whatever must outlive the relation (an in-memory connection)."""
    return DuckDBRelation(source, f"select * from {_SOURCE}", tuple(source.columns), keep)


def from_columns(columns: Any) -> DuckDBRelation:
    """Arrays by name, or an Arrow table, in an in-memory DuckDB."""
    connection = _in_memory()
    connection.register("rows", columns)
    connection.execute("create table collected as select * from rows")
    connection.unregister("rows")
    return from_relation(connection.table("collected"), keep=connection)


def from_pandas(frame: Any) -> DuckDBRelation:
    """A pandas frame as a relation: copied once into an in-memory DuckDB.

    A column `causal_row` (the row's position) stands in for a unit where none is named.
    """
    connection = _in_memory()
    connection.register("frame", frame)
    connection.execute("create table data as select *, row_number() over () - 1 as causal_row from frame")
    connection.unregister("frame")
    return from_relation(connection.table("data"), keep=connection)


def _in_memory() -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("set timezone = 'UTC'")
    return connection


def _kind(type_name: str) -> Kind:
    name = type_name.upper()
    if name.startswith("BOOL"):
        return "boolean"
    if name.startswith(("DATE", "TIME")):
        return "time"
    if name.startswith(("VARCHAR", "ENUM", "UUID")):
        return "text"
    numeric = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
    if name.startswith((*numeric, "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "REAL")):
        return "number"
    return "other"


def _from_arrow(column: Any) -> np.ndarray:
    """A numeric column without nulls as it lies in memory; anything else through Arrow's own conversion."""
    plain = column.null_count == 0 and str(column.type) in ("double", "int64", "int32")
    # Arrow's conversion imports pandas, which costs 40 MB and a third of a second.
    return np.from_dlpack(column) if plain else _array(column.to_numpy(zero_copy_only=False))


def _array(values: Any) -> np.ndarray:
    """Plain arrays: integers stay integers, missing numbers become NaN, missing text None."""
    if isinstance(values, np.ma.MaskedArray):
        if values.dtype.kind in "iufb" and values.mask.any():
            return values.astype(np.float64).filled(np.nan)
        if values.dtype.kind == "O":
            return np.where(np.ma.getmaskarray(values), None, values.data)
        values = values.data
    return np.asarray(values)
