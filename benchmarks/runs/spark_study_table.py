"""Builds the study table of `benchmarks/study_table_project` on Spark, by dbt, from the events of a DuckDB database.

Without SPARK_REMOTE on a Spark inside this process (two threads), else on the cluster that it names. The clock is dbt's
for that node alone: starting Spark and reading the project are reported apart, and so is a first build from fewer
events, which pays for the warm-up of the Java processes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.runs.clock import peak_gb, report, timed
from benchmarks.runs.spark_processes import Processes
from benchmarks.study_table import FEATURES, PROJECT, STUDY

WARM_UP_EVENTS = 150_000
NODES = ("feat_events", f"{STUDY}__cohort", STUDY)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database", type=Path)
    parser.add_argument("--memory", default="2g", help="of a Spark inside this process")
    options = parser.parse_args()
    folder = options.database.with_suffix(".spark").resolve()
    tables = as_parquet(options.database, folder)
    os.environ |= {
        "CAUSAL_TARGET": "spark_connect" if "SPARK_REMOTE" in os.environ else "spark_session",
        "CAUSAL_WAREHOUSE": str(folder / "warehouse"),
        "CAUSAL_SPARK_MEMORY": options.memory,
        "PYSPARK_PYTHON": sys.executable,
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    os.chdir(copy_of_project(folder))
    session, seconds_to_start = timed(lambda: started(folder, options.memory))
    n_events = session.read.parquet(str(tables["events"])).count()
    _, warm_up_seconds = timed(lambda: built(session, tables, share=min(WARM_UP_EVENTS / n_events, 1.0)))
    spark = Processes.of(session)
    core_seconds = -spark.core_seconds()
    seconds, seconds_of_dbt = timed(lambda: built(session, tables))
    core_seconds += spark.core_seconds()
    sums = ", ".join(f"round(sum(cast({name} as double)), 2) as {name}" for name, *_ in FEATURES)
    found = session.sql(f"select count(*) as n_units, {sums} from causal.{STUDY}").collect()[0].asDict()
    times = {"start_seconds": seconds_to_start, "warm_up_seconds": warm_up_seconds, "dbt_seconds": seconds_of_dbt}
    report(seconds, **times, core_seconds=core_seconds, peak_gb=peak_gb() + spark.peak_gb(), **found)


def as_parquet(database: Path, folder: Path) -> dict[str, Path]:
    """The tables of the database as Parquet files, written once."""
    import duckdb

    folder.mkdir(exist_ok=True)
    files = {name: folder / f"{name}.parquet" for name in ("users", "events")}
    missing = {name: file for name, file in files.items() if not file.is_file()}
    if missing:
        with duckdb.connect(str(database), read_only=True) as connection:
            for name, file in missing.items():
                connection.execute(f"copy (from raw.{name}) to '{file}' (format parquet, row_group_size 500000)")
    return files


def copy_of_project(folder: Path) -> Path:
    """The project with the package linked, as `dbt deps` does, and the profiles of the example."""
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("dbt_packages", "target", "logs"))
    (project / "dbt_packages").mkdir()
    (project / "dbt_packages" / "causal").symlink_to(ROOT)
    shutil.copy(ROOT / "profiles.example.yml", project / "profiles.yml")
    return project


def started(folder: Path, memory: str) -> Any:
    """The session that dbt will go on with."""
    from pyspark.sql import SparkSession

    remote = os.environ.get("SPARK_REMOTE")
    if remote:
        return SparkSession.builder.remote(remote).getOrCreate()
    settings = {
        "spark.driver.memory": memory,
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/warehouse/hive;create=true",
    }
    builder = SparkSession.builder.master("local[2]").enableHiveSupport()
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def built(session: Any, tables: dict[str, Path], share: float = 1.0) -> float:
    """Seconds that dbt counts for the study table of a share of the users and of their events."""
    from dbt.cli.main import dbtRunner

    session.sql("create schema if not exists raw")
    for name, file in tables.items():
        few = "" if share == 1.0 else f" where pmod(hash(user_id), 1000000) < {share * 1e6:.0f}"
        session.sql(f"create or replace view raw.{name} as select * from parquet.`{file}`{few}")
    found = dbtRunner().invoke(["--quiet", "run", "--select", *NODES, "--profiles-dir", "."])
    if not found.success:
        raise RuntimeError(f"dbt: {found.exception or [r.message for r in found.result]}")
    return next(result.execution_time for result in found.result if result.node.name == STUDY)


if __name__ == "__main__":
    main()
