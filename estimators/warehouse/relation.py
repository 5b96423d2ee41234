"""What an estimator may ask of the warehouse: aggregates, bounded batches, and nothing else.

An estimator never sees an engine. It composes SQL expressions over the relation's columns, with the names quoted by
`Relation.name`, and gets back sums. `batches` exists for methods that need rows; the caller checks the size first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import reduce
from typing import Any, Literal

import numpy as np

Kind = Literal["number", "boolean", "text", "time", "other"]
Kernel = Callable[[Mapping[str, np.ndarray]], tuple[np.ndarray, ...]]
Combine = Callable[[tuple[np.ndarray, ...] | None, tuple[np.ndarray, ...]], tuple[np.ndarray, ...]]
BATCH_ROWS = 30_000  # column-major blocks of this size stay in cache when folded with BLAS


def added(total: tuple[np.ndarray, ...] | None, part: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """Two tuples of arrays added up. total: None before the first part."""
    return part if total is None else tuple(a + b for a, b in zip(total, part, strict=True))


class Relation(ABC):
    """A table in the warehouse with named, typed columns. Immutable: `filter` and `with_columns` return new ones."""

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Kind]:
        """Column names, in order, with their kind."""

    @abstractmethod
    def aggregate(
        self, expressions: Mapping[str, str], by: Mapping[str, str] | Sequence[str] = (), where: str | None = None
    ) -> dict[str, np.ndarray]:
        """One scan: `expressions` are SQL aggregates by output name, `by` columns (or name → expression) to group on.

        Returns one array per group column and expression, all of the same length (length 1 without `by`), ordered by
        the group columns. Numbers come as float64 or int64 arrays (null as NaN), text as object arrays.
        """

    @abstractmethod
    def batches(
        self,
        expressions: Mapping[str, str],
        where: str | None = None,
        order_by: str | None = None,
        n_rows: int = BATCH_ROWS,
    ) -> Iterator[dict[str, np.ndarray]]:
        """Rows as blocks of arrays, `n_rows` at a time (the last one shorter), in the order of `order_by` if given."""

    @abstractmethod
    def filter(self, condition: str) -> Relation:
        """The rows for which the SQL `condition` holds."""

    @abstractmethod
    def with_columns(self, expressions: Mapping[str, str]) -> Relation:
        """The same rows with further (or replaced) columns, each a scalar SQL expression."""

    @abstractmethod
    def grouped(self, expressions: Mapping[str, str], by: Mapping[str, str]) -> Relation:
        """One row per group, kept in the warehouse: for sums of sums (clusters, strata)."""

    @abstractmethod
    def collected(self) -> Relation:
        """The same rows, computed once and kept in this process: for results known to be small that are read again."""

    @abstractmethod
    def joined(self, other: Relation, on: Sequence[str]) -> Relation:
        """Every row, with the columns of `other` where its `on` columns are equal, else nulls.

        other: derived from the same data as this relation, with at most one row per combination of `on`.
        """

    @abstractmethod
    def lookup(self, on: Sequence[str], table: Mapping[str, Sequence[Any]]) -> Relation:
        """Joined with a small table given as columns of values: its rows for equal `on` columns, the rest added.

        Rows without a match are lost. Keep the keys dense integers: engines join those by position.
        """

    # --- dialect: what differs between engines stands in `dialect.py` ------------------------------------------------
    @abstractmethod
    def name(self, column: str) -> str:
        """A column name, quoted; safe for any name."""

    @abstractmethod
    def text(self, value: str) -> str:
        """A string literal, escaped."""

    def number(self, value: float) -> str:
        """A double literal that keeps every bit (a plain ``0.1`` would become a DECIMAL)."""
        return f"{float(value):.17e}"

    @abstractmethod
    def double(self, expression: str) -> str:
        """`expression` cast to a double."""

    @abstractmethod
    def seconds(self, expression: str) -> str:
        """A date or timestamp as seconds since 1970-01-01 UTC."""

    def quantile(self, expression: str, share: float) -> str:
        """The exact quantile at `share` in [0, 1], interpolated linearly."""
        return f"percentile_cont({share!r}) within group (order by {expression})"

    @abstractmethod
    def bucket(self, expression: str) -> str:
        """First 8 hex digits of md5(cast(expression as string)) as an integer in [0, 2**32): `unit_bucket`."""

    @abstractmethod
    def pick(self, expression: str, values: Mapping[str, float | Sequence[float]], position: str | None = None) -> str:
        """The number that belongs to the text `expression`, one of the keys of `values`.

        With `position`, SQL of an integer from 0, the values are sequences and that element is taken. Use it before
        any join: afterwards engines no longer work once per distinct text.
        """

    @abstractmethod
    def total(self, expression: str) -> str:
        """A sum of doubles that is repeatable whatever the number of threads (compensated where the engine can)."""

    # --- on top of these ---------------------------------------------------------------------------------------------
    def head(self, expressions: Mapping[str, str], n_rows: int, order_by: str | None = None) -> dict[str, np.ndarray]:
        """The first rows, in the order of `order_by` if given: arrays of at most `n_rows`, fewer if there are fewer."""
        first = next(iter(self.batches(expressions, order_by=order_by, n_rows=n_rows)), None)
        return {name: np.empty(0) for name in expressions} if first is None else first

    def summed(
        self,
        expressions: Mapping[str, str],
        kernel: Kernel,
        combine: Combine = added,
        n_rows: int = BATCH_ROWS,
    ) -> tuple[np.ndarray, ...]:
        """The arrays that `kernel` makes of each block of rows, added up; made where the rows are if the engine can.

        kernel: from columns by name (about `n_rows` each) to arrays whose shapes do not depend on the block. It and
        `combine` are functions of a module, or a `partial` of one: engines may send them to other machines.
        """
        with one_blas_thread():
            parts = (kernel(block) for block in self.batches(expressions, n_rows=n_rows))
            total = reduce(combine, parts, None)
        return kernel({name: np.empty(0) for name in expressions}) if total is None else total

    def n_rows(self) -> int:
        return int(self.aggregate({"n": "count(*)"})["n"][0])

    def rows(self, expressions: Mapping[str, str], where: str | None = None, order_by: str | None = None) -> dict:
        """All rows at once, for relations already known to be small. Same arguments as `batches`."""
        blocks: list[dict[str, Any]] = list(self.batches(expressions, where, order_by))
        if not blocks:
            return {name: np.empty(0) for name in expressions}
        return {name: np.concatenate([b[name] for b in blocks]) for name in expressions}


def one_blas_thread() -> AbstractContextManager[object]:
    """Products of a few rows by a few rows are done before a second thread has woken up; the engine needs it more."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")
