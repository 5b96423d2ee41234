"""The SQL of a study table as the macro writes it, and the same table with one join per feature."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import ROOT, RunFailed

PROJECT = ROOT / "benchmarks" / "study_table_project"
STUDY = "thirteen_features"
# name, aggregate over the events of the window, first and last day of the window after the treatment
FEATURES = [
    *((f"covariate_events_{days}d", "count(e.kind)", -days, 0) for days in (7, 14, 28, 56)),
    *((f"covariate_amount_{days}d", "coalesce(sum(e.amount), 0)", -days, 0) for days in (7, 28, 56)),
    ("covariate_mean_amount_28d", "avg(e.amount)", -28, 0),
    ("covariate_max_amount_28d", "max(e.amount)", -28, 0),
    ("covariate_min_amount_28d", "min(e.amount)", -28, 0),
    ("covariate_last_amount_28d", "arg_max(e.amount, row(e.event_at, e.amount))", -28, 0),
    ("covariate_amount_rate_28d", "coalesce(sum(e.amount), 0) / 28", -28, 0),
    ("outcome_events_next_7d", "count(e.kind)", 0, 7),
]


def compiled(database: Path, folder: Path) -> Path:
    """The study-table macro's SQL for the tables of `database`, compiled by dbt in a copy of the project."""
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("dbt_packages", "target", "logs"))
    (project / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
    shutil.copy(ROOT / "profiles.example.yml", project / "profiles.yml")
    dbt = [str(Path(sys.executable).parent / "dbt"), "--quiet"]
    environment = {
        **os.environ,
        "CAUSAL_DB": str(database),
        "DBT_PROFILES_DIR": str(project),
        "CAUSAL_TARGET": "duckdb",
    }
    for command in (["deps"], ["run", "--select", "feat_events", f"{STUDY}__cohort"], ["compile", "--select", STUDY]):
        done = subprocess.run(
            [*dbt, *command], cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RunFailed(f"dbt {' '.join(command)}: {done.stdout[-2000:]}")
    return project / "target" / "compiled" / "causal_benchmark" / "models" / f"{STUDY}.sql"


def joined(folder: Path) -> Path:
    """The same thirteen columns, each by its own join of users and events: how it is written by hand."""
    parts = [
        f"""f{i} as (
    select u.user_id as unit_id, {aggregate} as {name}
    from raw.users as u
    left join raw.events as e
        on u.user_id = e.user_id
        and e.event_at >= u.treated_at + interval ({start}) day
        and e.event_at < u.treated_at + interval ({end}) day
    group by u.user_id
)"""
        for i, (name, aggregate, start, end) in enumerate(FEATURES)
    ]
    joins = "\n".join(f"inner join f{i} on f{i}.unit_id = u.user_id" for i in range(len(FEATURES)))
    columns = ", ".join(f"f{i}.{name}" for i, (name, *_) in enumerate(FEATURES))
    path = folder / "joined.sql"
    path.write_text(f"with {', '.join(parts)}\nselect u.user_id as unit_id, {columns}\nfrom raw.users as u\n{joins}\n")
    return path
