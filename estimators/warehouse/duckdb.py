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

    def __init__(self, source: duckdb.DuckDBPyRelation, keep: Any = None) -> None:
        self._source = source
        self._query = f"select * from {_SOURCE}"
        self._names: tuple[str, ...] = tuple(source.columns)
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
            yield {name: _from_arrow(batch.column(i)) for i, name in enumerate(batch.schema.names)}

    def rows(self, expressions: Mapping[str, str], where: str | None = None, order_by: str | None = None) -> dict:
        sql = self._select(expressions, where) + (f" order by {order_by}" if order_by is not None else "")
        return _arrays(self._run(sql).fetchnumpy())

    def filter(self, condition: str) -> DuckDBRelation:
        return self._derive(f"select * from ({self._query}) where {condition}", self._names)

    def with_columns(self, expressions: Mapping[str, str]) -> DuckDBRelation:
        kept = [c for c in self._names if c not in expressions]
        items = [self.name(c) for c in kept] + [f"{e} as {self.name(n)}" for n, e in expressions.items()]
        return self._derive(f"select {', '.join(items)} from ({self._query})", (*kept, *expressions))

    def grouped(self, expressions: Mapping[str, str], by: Mapping[str, str]) -> DuckDBRelation:
        positions = ", ".join(str(i + 1) for i in range(len(by)))
        return self._derive(f"{self._select({**by, **expressions}, None)} group by {positions}", (*by, *expressions))

    def collected(self) -> DuckDBRelation:
        # As arrays and not as an Arrow table: importing Arrow alone would take longer than most results.
        connection = _in_memory()
        connection.register("rows", dict(self._run(self._query).fetchnumpy()))
        connection.execute("create table collected as select * from rows")
        connection.unregister("rows")
        return DuckDBRelation(connection.table("collected"), keep=connection)

    def joined(self, other: Relation, on: Sequence[str]) -> DuckDBRelation:
        if not isinstance(other, DuckDBRelation) or other._source is not self._source:
            raise TypeError("a relation can only be joined with one derived from the same data")
        names = (*self._names, *(c for c in other._names if c not in on))
        items, keys = (", ".join(map(self.name, columns)) for columns in (names, on))
        query = f"select {items} from ({self._query}) left join ({other._query}) using ({keys})"
        return self._derive(query, names)

    def lookup(self, on: Sequence[str], table: Mapping[str, Sequence[Any]]) -> DuckDBRelation:
        def literal(value: Any) -> str:
            if isinstance(value, str):
                return self.text(value)
            return str(value) if isinstance(value, int | np.integer) else self.number(value)

        rows = ", ".join(f"({', '.join(map(literal, row))})" for row in zip(*table.values(), strict=True))
        names, keys = (", ".join(map(self.name, columns)) for columns in (table, on))
        added = [c for c in table if c not in on]
        items = ", ".join(map(self.name, (*self._names, *added)))
        query = f"select {items} from ({self._query}) join (values {rows}) as small({names}) using ({keys})"
        return self._derive(query, (*self._names, *added))

    def double(self, expression: str) -> str:
        return f"cast({expression} as double)"

    def seconds(self, expression: str) -> str:
        return f"epoch({expression})"

    def bucket(self, expression: str) -> str:
        return f"cast('0x' || substr(md5(cast({expression} as varchar)), 1, 8) as bigint)"

    def pick(self, expression: str, values: Mapping[str, float | Sequence[float]], position: str | None = None) -> str:
        # A map lookup is evaluated once per dictionary entry of a text column, a `case` once per row.
        def literal(value: float | Sequence[float]) -> str:
            return f"[{', '.join(map(self.number, value))}]" if isinstance(value, Sequence) else self.number(value)

        pairs = ", ".join(f"{self.text(k)}: {literal(v)}" for k, v in values.items())
        found = f"map {{{pairs}}}[{expression}]"
        return found if position is None else f"{found}[{position} + 1]"

    def total(self, expression: str) -> str:
        return f"fsum({expression})"

    def _select(self, expressions: Mapping[str, str], where: str | None) -> str:
        items = ", ".join(f"{e} as {self.name(n)}" for n, e in expressions.items())
        return f"select {items} from ({self._query})" + (f" where {where}" if where else "")

    def _derive(self, query: str, names: tuple[str, ...]) -> DuckDBRelation:
        derived = DuckDBRelation(self._source, self._keep)
        derived._query, derived._names = query, names  # kinds are bound only when somebody asks for them
        return derived

    def _run(self, sql: str) -> duckdb.DuckDBPyRelation:
        return self._source.query(_SOURCE, sql)


def from_pandas(frame: Any) -> DuckDBRelation:
    """A pandas frame as a relation: copied once into an in-memory DuckDB.

    A column `causal_row` (the row's position) stands in for a unit where none is named.
    """
    connection = _in_memory()
    connection.register("frame", frame)
    connection.execute("create table data as select *, row_number() over () - 1 as causal_row from frame")
    connection.unregister("frame")
    return DuckDBRelation(connection.table("data"), keep=connection)


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


def _arrays(columns: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: _array(values) for name, values in columns.items()}


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
            return values.filled(None)
        values = values.data
    return np.asarray(values)
