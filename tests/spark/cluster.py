"""A real Spark cluster on loopback from pip's pyspark alone: a master, two workers, and a Thrift server with Spark
Connect in the same JVM. ``python -m tests.spark.cluster`` starts it and stops it with Ctrl-C; with a command after
``--`` it runs the command against the cluster and stops then.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from tests.spark.build import split

HOST = "127.0.0.1"
N_WORKERS = 2
READY_SECONDS = 180


@dataclass(frozen=True)
class Ports:
    """Where the parts of a cluster listen."""

    master: int = 17077
    master_ui: int = 18080
    thrift: int = 10000
    connect: int = 15002

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody uses now, so that a test does not meet a cluster that is running already."""
        sockets = [socket.socket() for _ in range(4)]
        for one in sockets:
            one.bind((HOST, 0))
        found = [one.getsockname()[1] for one in sockets]
        for one in sockets:
            one.close()
        return cls(*found)


@dataclass
class Cluster:
    """A cluster in `folder` (logs, work files, metastore, tables). Start it, use `environment`, stop it."""

    folder: Path
    ports: Ports = field(default_factory=Ports)
    driver_memory: str = "1g"
    executor_memory: str = "1g"
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What dbt's profiles read."""
        return {
            "SPARK_REMOTE": f"sc://{HOST}:{self.ports.connect}",
            "SPARK_THRIFT_HOST": HOST,
            "SPARK_THRIFT_PORT": str(self.ports.thrift),
        }

    def start(self) -> None:
        """Starts all parts and waits until the server answers and both workers are registered."""
        for name in ("log", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._spawn("master", *_class("master.Master"), *_at(self.ports.master, self.ports.master_ui))
        self._wait("master", lambda: _listens(self.ports.master))
        for i in range(N_WORKERS):
            self.start_worker(i)
        self._wait("worker0", lambda: self.n_workers() == N_WORKERS)
        self.start_server()

    def start_worker(self, i: int) -> None:
        memory = ["--cores", "1", "--memory", self.executor_memory]
        place = ["--work-dir", str(self.folder / "work" / str(i)), "--host", HOST, "--webui-port", "0"]
        self._spawn(f"worker{i}", *_class("worker.Worker"), *memory, *place, f"spark://{HOST}:{self.ports.master}")

    def start_server(self) -> None:
        """The driver: Thrift for SQL and BI tools, Spark Connect for Python, in one JVM."""
        settings = [part for key, value in self._settings().items() for part in ("--conf", f"{key}={value}")]
        thrift = {"hive.server2.thrift.port": self.ports.thrift, "hive.server2.thrift.bind.host": HOST}
        server = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
        self._spawn(
            "server",
            str(spark_home() / "bin" / "spark-submit"),
            *("--master", f"spark://{HOST}:{self.ports.master}", "--class", server, "--name", "causal-tests"),
            *settings,
            "spark-internal",
            *(part for key, value in thrift.items() for part in ("--hiveconf", f"{key}={value}")),
        )
        self._wait("server", lambda: _listens(self.ports.thrift) and _listens(self.ports.connect))

    def _settings(self) -> dict[str, str]:
        return {
            "spark.driver.memory": self.driver_memory,
            "spark.executor.memory": self.executor_memory,
            "spark.executorEnv.PYSPARK_PYTHON": sys.executable,
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "8",
            "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
            "spark.connect.grpc.binding.address": HOST,
            "spark.connect.grpc.binding.port": str(self.ports.connect),
            "spark.sql.warehouse.dir": str(self.folder / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={self._metastore};create=true",
        }

    @property
    def _metastore(self) -> Path:
        return self.folder / "metastore"

    def n_workers(self) -> int:
        """Workers that the master knows to be alive."""
        with urllib.request.urlopen(f"http://{HOST}:{self.ports.master_ui}/json/", timeout=5) as answer:
            return int(json.load(answer)["aliveworkers"])

    def kill(self, name: str) -> None:
        """kill -9 of one part and all processes that it started, as when a machine is lost."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """Ends what `start` started, and nothing else."""
        for process in reversed(self.processes.values()):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.processes.clear()

    def _spawn(self, name: str, *command: str) -> None:
        environment = os.environ | {
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": HOST,
            "SPARK_DAEMON_MEMORY": self.driver_memory if name == "server" else "256m",  # Thrift servers go by it too
            "PYSPARK_PYTHON": sys.executable,
        }
        log = (self.folder / "log" / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )

    def _wait(self, name: str, is_ready) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.processes[name].poll() is None:
            with suppress(OSError, ValueError):  # not listening yet, or a page instead of an answer while it starts
                if is_ready():
                    return
            time.sleep(0.3)
        log = (self.folder / "log" / f"{name}.log").read_text(errors="replace").splitlines()
        raise RuntimeError(
            "\n".join([f"{name} was not ready within {READY_SECONDS} s; the end of its log:", *log[-15:]])
        )


def spark_home() -> Path:
    """The folder of the installed pyspark, which holds the jars of a whole Spark."""
    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise RuntimeError("pyspark is not installed: pip install -e '.[spark]' -c constraints/spark.txt")
    return Path(found.origin).parent


def _class(name: str) -> tuple[str, ...]:
    return (str(spark_home() / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}")


def _at(port: int, ui: int) -> list[str]:
    return ["--host", HOST, "--port", str(port), "--webui-port", str(ui)]


def _listens(port: int) -> bool:
    with socket.create_connection((HOST, port), 1):
        return True


@contextmanager
def running(folder: Path, ports: Ports) -> Iterator[Cluster]:
    """A cluster for the time of a `with` block."""
    cluster = Cluster(folder, ports)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    from dbt_causal.java import java_fault

    parser = argparse.ArgumentParser(prog="python -m tests.spark.cluster", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--folder", type=Path, help="where logs and tables go; a temporary one that is removed if left out"
    )
    parser.epilog = "-- COMMAND: runs the command against the cluster, then stops it"
    own, command = split(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(own)
    fault = java_fault()
    if fault is not None:
        print(fault, file=sys.stderr)
        return 2
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="spark-cluster-"))).resolve()
    try:
        with running(folder, Ports()) as cluster:
            return _use(cluster, command)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _use(cluster: Cluster, command: list[str]) -> int:
    if command:
        return subprocess.run(command, env=os.environ | cluster.environment, check=False).returncode
    print("ready:", *(f"{key}={value}" for key, value in cluster.environment.items()))
    print(f"logs in {cluster.folder / 'log'}; Ctrl-C stops the cluster", flush=True)
    for stop in (signal.SIGINT, signal.SIGTERM):  # a shell that starts it in the background ignores the first
        signal.signal(stop, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
