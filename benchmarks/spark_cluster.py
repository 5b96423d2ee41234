"""The Spark that is measured: a standalone cluster on this machine, with two workers of one core each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.data import FOLDER
from benchmarks.runs.spark_processes import ROOTS

EXECUTOR_MEMORY = "2g"  # of each core: the heap of Java
DRIVER_MEMORY = "1g"


@contextmanager
def two_cores() -> Iterator[None]:
    """Programs that are measured within find the cluster, and its processes, in their environment."""
    from tests.spark.cluster import Cluster, Ports

    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix="cluster_") as folder:
        memory = {"driver_memory": DRIVER_MEMORY, "executor_memory": EXECUTOR_MEMORY}
        cluster, before = Cluster(Path(folder), Ports.free(), **memory), dict(os.environ)
        try:
            cluster.start()
            os.environ |= cluster.environment
            os.environ[ROOTS] = " ".join(str(process.pid) for process in cluster.processes.values())
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            cluster.stop()
