"""A relation composed as SQL text: what both engines share. A subclass says how a text is run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from estimators.warehouse.dialect import Dialect
from estimators.warehouse.relation import Kind, Relation


class SqlRelation(Relation):
    """Rows of `source`, the user's own object; derived rows are sub-queries over it.

    keep: what must live as long as any relation over the source.  rows_of: a plainer query with as many rows.
    """

    dialect: Dialect

    def __init__(self, source: Any, query: str, names: tuple[str, ...], keep: Any = None, rows_of: str = "") -> None:
        self._source = source
        self._query = query
        self._names = names
        self._keep = keep
        self._rows_of = rows_of or query
        self._columns: dict[str, Kind] | None = None

    @abstractmethod
    def _kinds(self) -> dict[str, Kind]:
        """Kinds of the columns, asked of the engine."""

    @abstractmethod
    def _arrays(self, sql: str) -> dict[str, np.ndarray]:
        """The result of a query as arrays: for results known to be small."""

    @property
    def columns(self) -> Mapping[str, Kind]:
        if self._columns is None:  # bound only when somebody asks
            self._columns = self._kinds()
        return self._columns

    def aggregate(
        self, expressions: Mapping[str, str], by: Mapping[str, str] | Sequence[str] = (), where: str | None = None
    ) -> dict[str, np.ndarray]:
        keys = by if isinstance(by, Mapping) else {c: self.name(c) for c in by}
        sql = self._select({**keys, **expressions}, where)
        if keys:
            positions = [str(i + 1) for i in range(len(keys))]
            order = ", ".join(f"{position} nulls last" for position in positions)
            sql += f" group by {', '.join(positions)} order by {order}"
        return self._arrays(sql)

    def filter(self, condition: str) -> Self:
        return self._derive(f"select * from ({self._query}) where {condition}", self._names)

    def with_columns(self, expressions: Mapping[str, str]) -> Self:
        kept = [c for c in self._names if c not in expressions]
        items = [self.name(c) for c in kept] + [f"{e} as {self.name(n)}" for n, e in expressions.items()]
        return self._derive(f"select {', '.join(items)} from ({self._query})", (*kept, *expressions), self._rows_of)

    def grouped(self, expressions: Mapping[str, str], by: Mapping[str, str]) -> Self:
        positions = ", ".join(str(i + 1) for i in range(len(by)))
        return self._derive(f"{self._select({**by, **expressions}, None)} group by {positions}", (*by, *expressions))

    def joined(self, other: Relation, on: Sequence[str]) -> Self:
        if not isinstance(other, type(self)) or other._source is not self._source:
            raise TypeError("a relation can only be joined with one derived from the same data")
        names = (*self._names, *(c for c in other._names if c not in on))
        items, keys = (", ".join(map(self.name, columns)) for columns in (names, on))
        query = f"select {items} from ({self._query}) left join ({other._query}) using ({keys})"
        return self._derive(query, names, self._rows_of)  # at most one match each: no row is added

    def lookup(self, on: Sequence[str], table: Mapping[str, Sequence[Any]]) -> Self:
        def literal(value: Any) -> str:
            if isinstance(value, str):
                return self.text(value)
            return str(value) if isinstance(value, int | np.integer) else self.number(value)

        rows = ", ".join(f"({', '.join(map(literal, row))})" for row in zip(*table.values(), strict=True))
        names, keys = (", ".join(map(self.name, columns)) for columns in (table, on))
        added = [c for c in table if c not in on]
        items = ", ".join(map(self.name, (*self._names, *added)))
        small = f"select * from (values {rows}) as given({names})"
        return self._derive(
            f"select {items} from ({self._query}) join ({small}) using ({keys})", (*self._names, *added)
        )

    # --- dialect ---------------------------------------------------------------------------------------------------
    def name(self, column: str) -> str:
        quote = self.dialect.quote
        return quote + column.replace(quote, quote * 2) + quote

    def text(self, value: str) -> str:
        for character, replacement in self.dialect.escapes:
            value = value.replace(character, replacement)
        return f"'{value}'"

    def double(self, expression: str) -> str:
        return f"cast({expression} as double)"

    def bucket(self, expression: str) -> str:
        return self.dialect.bucket.format(expression)

    def total(self, expression: str) -> str:
        return self.dialect.total.format(expression)

    def pick(self, expression: str, values: Mapping[str, float | Sequence[float]], position: str | None = None) -> str:
        def literal(value: float | Sequence[float]) -> str:
            if isinstance(value, Sequence):
                return self.dialect.array.format(", ".join(map(self.number, value)))
            return self.number(value)

        pairs = ", ".join(self.dialect.pair.format(self.text(k), literal(v)) for k, v in values.items())
        found = f"{self.dialect.table.format(pairs)}[{expression}]"
        return found if position is None else self.dialect.element.format(found, position)

    # --- pieces ----------------------------------------------------------------------------------------------------
    def _select(self, expressions: Mapping[str, str], where: str | None, order_by: str | None = None) -> str:
        items = ", ".join(f"{e} as {self.name(n)}" for n, e in expressions.items())
        sql = f"select {items} from ({self._query})" + (f" where {where}" if where else "")
        return sql if order_by is None else f"{sql} order by {order_by}"

    def _derive(self, query: str, names: tuple[str, ...], rows_of: str = "") -> Self:
        return type(self)(self._source, query, names, self._keep, rows_of)
