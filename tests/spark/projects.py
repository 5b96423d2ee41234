"""Copies of the example project that a test builds on one engine or the other, each dbt in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from tests.package.consumer import copy_of_package
from tests.spark.compare import tables_in

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "dbt_project" / "data"
MADE = ("data", "target", "logs", "dbt_packages", "*.duckdb*", "package-lock.yml", "spark-warehouse", "metastore_db")
SMALL = ("+job_training_experiment__published", "+job_training_observational__published", "package:causal")

WITHOUT_FORECASTS = ("--vars", '{"forecasts": {}}')


LOG = "dbt.log"
TO_THE_END = 7200  # seconds: on a busy machine of two cores the whole example takes half an hour


@dataclass(frozen=True)
class Running:
    """A dbt command that was begun, and the folder of its own to which it prints and exports."""

    process: subprocess.Popen
    folder: Path

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / LOG).read_text(errors="replace")


@dataclass(frozen=True)
class Built:
    """A finished dbt command: exit status, how each node ended, seconds (see `clock`), what it printed and exported."""

    exit_status: int
    statuses: dict[str, str]
    seconds: dict[str, float]
    output: str
    folder: Path

    @property
    def published(self) -> dict[str, pd.DataFrame]:
        return tables_in(self.folder / "published")

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        return tables_in(self.folder / "tables")


def copy_of_example(folder: Path) -> Path:
    """The example project with the package linked as `dbt deps` links it, not built."""
    shutil.copytree(ROOT / "dbt_project", folder, ignore=shutil.ignore_patterns(*MADE))
    shutil.copy(ROOT / "profiles.example.yml", folder / "profiles.yml")
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "causal").symlink_to(copy_of_package(folder.with_name("package")))
    return folder


def has_forecasts() -> bool:
    """Whether the whole example is built with its forecasts: they need torch."""
    return find_spec("torch") is not None


def _chosen(select: tuple[str, ...]) -> list[str]:
    """Arguments of dbt for what is selected, without forecasts, or for everything."""
    if select:
        return [*WITHOUT_FORECASTS, "--select", *select]
    return [] if has_forecasts() else [*WITHOUT_FORECASTS]


def start(project: Path, target: str, *select: str, tables: tuple[str, ...] = (), **variables: str) -> Running:
    """Begins `dbt build` of what is selected (nothing: all), which exports then."""
    folder = Path(tempfile.mkdtemp(prefix=f"{target}_", dir=project.parent))
    command = [sys.executable, "-m", "tests.spark.build", str(project), "--export", str(folder), "--tables", *tables]
    with (folder / LOG).open("w") as log:
        process = subprocess.Popen(
            [*command, "--", "--no-use-colors", "build", *_chosen(select)],
            cwd=ROOT,
            env=environment(project, target, variables),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(process, folder)


def environment(project: Path, target: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What the process of a build sees: nothing of this one's dbt settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SOCIAL_PRODUCT_", "CAUSAL_", "SPARK_"))}
    return kept | {
        "CAUSAL_TARGET": target,
        "CAUSAL_DB": str(project / "causal.duckdb"),
        "CAUSAL_WAREHOUSE": str(project / "spark-warehouse"),
        "CAUSAL_SHUFFLE_PARTITIONS": "2",
        "SOCIAL_PRODUCT_DATA": str(DATA),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **variables,
    }


def finished(running: Running) -> Built:
    """Waits for a build that `start` began. Raises TimeoutExpired, and ends it, if it hangs."""
    try:
        status = running.process.wait(TO_THE_END)
    except subprocess.TimeoutExpired:
        os.killpg(running.process.pid, signal.SIGKILL)
        raise
    output = f"{running.log.rstrip()}\nexit status {status}"
    last = output.splitlines()[-2:][0]
    told = json.loads(last) if last.startswith("{") else {"statuses": {}, "seconds": {}}
    return Built(status, told["statuses"], told["seconds"], output, running.folder)


def build(project: Path, target: str, *select: str, tables: tuple[str, ...] = (), **variables: str) -> Built:
    """`dbt build` of what is selected on one target."""
    return finished(start(project, target, *select, tables=tables, **variables))
