"""Relations in DuckDB, and pandas frames through an in-memory DuckDB: one code path for both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from estimators.warehouse.relation import BATCH_ROWS, Kind, Relation

if TYPE_CHECKING:
    import duckdb

_SOURCE = "causal_source"  # the name by which a query sees the relation it runs on


class DuckDBRelation(Relation):
    """A DuckDB relation. `source` stays the user's own object; derived rows are sub-queries over it."""

    def __init__(self, source: duckdb.DuckDBPyRelation, query: str | None = None, keep: Any = None) -> None:
        self._source = source
        self._query = query or f"select * from {_SOURCE}"
        self._keep = keep  # whatever must outlive the relation (an in-memory connection)
        self._columns: dict[str, Kind] | None = None

    @property
    def columns(self) -> Mapping[str, Kind]:
        if self._columns is None:
            empty = self._run(f"select * from ({self._query}) limit 0")
            self._columns = {c: _kind(str(t)) for c, t in zip(empty.columns, empty.types, strict=True)}
        return self._columns

    def aggregate(
        self, expressions: Mapping[str, str], by: Mapping[str, str] | Sequence[str] = (), where: str | None = None
    ) -> dict[str, np.ndarray]:
        keys = by if isinstance(by, Mapping) else {c: self.name(c) for c in by}
        sql = self._select({**keys, **expressions}, where)
        if keys:
            positions = ", ".join(str(i + 1) for i in range(len(keys)))
            sql += f" group by {positions} order by {positions}"
        return _arrays(self._run(sql).fetchnumpy())

    def batches(
        self,
        expressions: Mapping[str, str],
        where: str | None = None,
        order_by: str | None = None,
        n_rows: int = BATCH_ROWS,
    ) -> Iterator[dict[str, np.ndarray]]:
        sql = self._select(expressions, where)
        if order_by is not None:
            sql += f" order by {order_by}"
        for batch in self._run(sql).to_arrow_reader(n_rows):
            yield {
                name: _array(batch.column(i).to_numpy(zero_copy_only=False)) for i, name in enumerate(batch.schema.names)
            }

    def filter(self, condition: str) -> DuckDBRelation:
        return self._derive(f"select * from ({self._query}) where {condition}")

    def with_columns(self, expressions: Mapping[str, str]) -> DuckDBRelation:
        kept = [self.name(c) for c in self.columns if c not in expressions]
        new = [f"{e} as {self.name(n)}" for n, e in expressions.items()]
        return self._derive(f"select {', '.join(kept + new)} from ({self._query})")

    def grouped(self, expressions: Mapping[str, str], by: Mapping[str, str]) -> DuckDBRelation:
        positions = ", ".join(str(i + 1) for i in range(len(by)))
        return self._derive(f"{self._select({**by, **expressions}, None)} group by {positions}")

    def double(self, expression: str) -> str:
        return f"cast({expression} as double)"

    def bucket(self, expression: str) -> str:
        return f"cast('0x' || substr(md5(cast({expression} as varchar)), 1, 8) as bigint)"

    def total(self, expression: str) -> str:
        return f"fsum({expression})"

    def _select(self, expressions: Mapping[str, str], where: str | None) -> str:
        items = ", ".join(f"{e} as {self.name(n)}" for n, e in expressions.items())
        return f"select {items} from ({self._query})" + (f" where {where}" if where else "")

    def _derive(self, query: str) -> DuckDBRelation:
        return DuckDBRelation(self._source, query, self._keep)

    def _run(self, sql: str) -> duckdb.DuckDBPyRelation:
        return self._source.query(_SOURCE, sql)


def from_pandas(frame: Any) -> DuckDBRelation:
    """A pandas frame as a relation: copied once into an in-memory DuckDB, with its row number as `unit_bucket`'s seed."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("set timezone = 'UTC'")
    connection.register("frame", frame)
    connection.execute("create table data as select * from frame")
    connection.unregister("frame")
    return DuckDBRelation(connection.table("data"), keep=connection)


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


def _arrays(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: _array(values) for name, values in columns.items()}


def _array(values: Any) -> np.ndarray:
    """Plain arrays: integers stay integers, missing numbers become NaN, missing text None."""
    if isinstance(values, np.ma.MaskedArray):
        if values.dtype.kind in "iufb" and values.mask.any():
            return values.astype(np.float64).filled(np.nan)
        if values.dtype.kind == "O":
            return values.filled(None)
        values = values.data
    return np.asarray(values)
