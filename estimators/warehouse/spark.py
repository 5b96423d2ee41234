"""Relations in Spark, on a DataFrame of a classic session or of Spark Connect. The rows stay where they are.

Sums are made by Spark's SQL, products of many columns by BLAS in its workers. What comes here are sums, and the rows
that a method asks for, as blocks. Few rows come in one piece: to start workers would cost more than they do.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from estimators.errors import CausalError, refuse
from estimators.warehouse.arrow import arrays
from estimators.warehouse.dialect import SPARK
from estimators.warehouse.memory import free_memory
from estimators.warehouse.relation import BATCH_ROWS, Combine, Kernel, Kind, Relation, added
from estimators.warehouse.spark_faults import fault_of
from estimators.warehouse.spark_workers import combined, packed_blocks, partial_sums
from estimators.warehouse.sql_relation import SqlRelation

if TYPE_CHECKING:
    import pyarrow

AT_ONCE_BYTES = 64 * 2**20  # of rows that are fetched in one piece; more of them stay in the workers or stream
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")


class SparkRelation(SqlRelation):
    """Rows of a Spark DataFrame, seen by queries as a temporary view that lives as long as a relation needs it."""

    dialect = SPARK

    def batches(
        self,
        expressions: Mapping[str, str],
        where: str | None = None,
        order_by: str | None = None,
        n_rows: int = BATCH_ROWS,
    ) -> Iterator[dict[str, np.ndarray]]:
        if self._n_bytes(expressions, where) <= AT_ONCE_BYTES:
            table = self._run(self._select(expressions, where, order_by))
            for at in range(0, table.num_rows, n_rows):
                yield arrays(table.slice(at, n_rows))
        else:
            yield from self._streamed(self._select(expressions, where, order_by), n_rows)

    def rows(self, expressions: Mapping[str, str], where: str | None = None, order_by: str | None = None) -> dict:
        self._require_memory(self._n_bytes(expressions, where))
        return super().rows(expressions, where, order_by)

    def head(self, expressions: Mapping[str, str], n_rows: int, order_by: str | None = None) -> dict[str, np.ndarray]:
        return self._arrays(f"{self._select(expressions, None, order_by)} limit {n_rows}")

    def summed(
        self,
        expressions: Mapping[str, str],
        kernel: Kernel,
        combine: Combine = added,
        n_rows: int = BATCH_ROWS,
    ) -> tuple[np.ndarray, ...]:
        if self._n_bytes(expressions, None) <= AT_ONCE_BYTES:
            return super().summed(expressions, kernel, combine, n_rows)
        session = self._source.sparkSession
        with said_plainly():
            parts = partial_sums(session.sql(self._select(expressions, None)), kernel, combine).toArrow()
        total = combined(parts, combine)
        return kernel({name: np.empty(0) for name in expressions}) if total is None else total

    def collected(self) -> Relation:
        from estimators.warehouse.duckdb import from_columns

        self._require_memory(self._n_bytes({c: self.name(c) for c in self._names}, None))
        return from_columns(self._run(self._query))

    def n_rows(self) -> int:
        return self._count(None)

    def seconds(self, expression: str) -> str:
        kind = self._types(f"select {expression} as value from ({self._query})")["value"]
        if kind == "date":
            return f"cast(unix_date({expression}) as double) * 86400e0"
        if kind == "timestamp_ntz":
            return f"timestampdiff(microsecond, timestamp_ntz'1970-01-01', {expression}) / 1e6"
        return f"unix_micros({expression}) / 1e6"

    # --- how many rows there are: counted once for all relations with the same rows -----------------------------------
    def _count(self, where: str | None) -> int:
        counts = self._keep.counts
        key = (self._rows_of, where)
        if key not in counts:
            sql = f"select count(*) as n from ({self._rows_of if where is None else self._query})"
            counts[key] = int(self._arrays(sql + (f" where {where}" if where else ""))["n"][0])
        return counts[key]

    def _n_bytes(self, expressions: Mapping[str, str], where: str | None) -> int:
        """Of the asked columns in memory, texts as if they were numbers: for a choice, not for an account."""
        return 8 * len(expressions) * self._count(where)

    def _require_memory(self, need: int) -> None:
        if need > (free := free_memory()):
            raise refuse(
                "031",
                "too big for memory",
                f"rows of Spark are needed here: about {need / 2**30:,.1f} GiB; {free / 2**30:,.1f} GiB are free",
                fix="take a sample by unit_bucket, or a method that stays in the warehouse",
            )

    # --- running -----------------------------------------------------------------------------------------------------
    def _kinds(self) -> dict[str, Kind]:
        return {name: _kind(of) for name, of in self._types(self._query).items()}

    def _types(self, sql: str) -> dict[str, str]:
        with said_plainly():
            return dict(self._source.sparkSession.sql(sql).dtypes)

    def _arrays(self, sql: str) -> dict[str, np.ndarray]:
        return arrays(self._run(sql))

    def _run(self, sql: str) -> pyarrow.Table:
        with said_plainly():
            return self._source.sparkSession.sql(sql).toArrow()

    def _streamed(self, sql: str, n_rows: int) -> Iterator[dict[str, np.ndarray]]:
        """Partition by partition, the next one being made while this one is read."""
        import pyarrow as pa

        waiting: list[pa.Table] = []
        with said_plainly():
            for row in packed_blocks(self._source.sparkSession.sql(sql)).toLocalIterator(prefetchPartitions=True):
                waiting.append(pa.ipc.open_stream(row.block).read_all())
                if sum(t.num_rows for t in waiting) >= n_rows:
                    table = pa.concat_tables(waiting)
                    whole = table.num_rows // n_rows * n_rows
                    for at in range(0, whole, n_rows):
                        yield arrays(table.slice(at, n_rows))
                    waiting = [table.slice(whole)]
        if waiting and sum(t.num_rows for t in waiting):
            yield arrays(pa.concat_tables(waiting))


@dataclass
class _View:
    """Kept by every relation over the view: when the last one is gone, so is the view. counts: of rows, by query."""

    name: str
    counts: dict[tuple[str, str | None], int] = field(default_factory=dict)

    __hash__ = object.__hash__


def from_dataframe(frame: Any) -> SparkRelation:
    """A Spark DataFrame as a relation: nothing is read. Its columns need names that differ in more than case."""
    view = _View(f"causal_source_{uuid4().hex}")
    with said_plainly():
        frame.createOrReplaceTempView(view.name)
        names = tuple(frame.columns)
    weakref.finalize(view, _forget, weakref.ref(frame.sparkSession), view.name).atexit = False
    return SparkRelation(frame, f"select * from {view.name}", names, view)


def _forget(session: weakref.ref, view: str) -> None:
    """Drops the view, unless its session has ended and has taken it along."""
    found = session()
    if found is not None and not (
        found.is_stopped if hasattr(found, "is_stopped") else found.sparkContext._jsc is None
    ):
        found.catalog.dropTempView(view)


@contextmanager
def said_plainly() -> Iterator[None]:
    """Errors of Spark that have a fix, as faults of ours; the others as they are."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        fault = fault_of(str(error))
        if fault is None:
            raise
        raise CausalError(fault) from error


def _kind(of: str) -> Kind:
    if of == "boolean":
        return "boolean"
    if of.startswith(("date", "timestamp")):
        return "time"
    if of.startswith(("string", "varchar", "char")):
        return "text"
    return "number" if of.startswith(_NUMBERS) else "other"
