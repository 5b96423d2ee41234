"""What runs in Spark's Python workers: rows packed as blocks, and sums over the rows of a partition.

Workers need numpy and pyarrow, nothing of this package: its functions travel with the task.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from estimators.warehouse.arrow import arrays
from estimators.warehouse.relation import Combine, Kernel

SUMS = "part int, sums binary"
BLOCKS = "block binary"


def packed_blocks(frame: Any) -> Any:
    """A DataFrame with one row per block of `frame`: its rows in Arrow's stream format."""

    def pack(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            block = pa.array([sink.getvalue().to_pybytes()], pa.binary())
            yield pa.RecordBatch.from_arrays([block], ["block"])

    return frame.mapInArrow(pack, BLOCKS)


def partial_sums(frame: Any, kernel: Kernel, combine: Combine) -> Any:
    """A DataFrame with one row per partition of `frame`: what `kernel` makes of its blocks, combined."""
    luggage = packed((kernel, combine, arrays))

    def add(batches: Iterator[Any]) -> Iterator[Any]:
        import pickle

        import pyarrow as pa
        from pyspark import TaskContext

        kernel, combine, arrays = pickle.loads(luggage)
        sums = None
        for batch in batches:
            if batch.num_rows:
                sums = combine(sums, kernel(arrays(batch)))
        if sums is not None:
            sink = io.BytesIO()
            np.savez(sink, *sums)
            columns = [
                pa.array([TaskContext.get().partitionId()], pa.int32()),
                pa.array([sink.getvalue()], pa.binary()),
            ]
            yield pa.RecordBatch.from_arrays(columns, ["part", "sums"])

    return frame.mapInArrow(add, SUMS)


def combined(table: Any, combine: Combine) -> tuple[np.ndarray, ...] | None:
    """The total of `partial_sums`, always in the order of the partitions; None if there was no row."""
    total = None
    for _, sums in sorted(zip(table.column("part").to_pylist(), table.column("sums").to_pylist(), strict=True)):
        with np.load(io.BytesIO(sums)) as file:
            total = combine(total, tuple(file[name] for name in file.files))
    return total


def packed(functions: tuple[Callable[..., Any], ...]) -> bytes:
    """Functions as a pickle that holds the code of this package, so that workers need not have it installed."""
    from pyspark import cloudpickle

    import estimators

    cloudpickle.register_pickle_by_value(estimators)
    try:
        return cloudpickle.dumps(functions)
    finally:
        cloudpickle.unregister_pickle_by_value(estimators)
