"""The worked example, built once per session in a temporary folder."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = ("data", "target", "logs", "dbt_packages", "*.duckdb*", "package-lock.yml")


@dataclass(frozen=True)
class Demo:
    """A finished build: its folder, exit status and output."""

    folder: Path
    exit_status: int
    output: str

    @property
    def databases(self) -> dict[str, Path]:
        return {name: self.folder / f"{name}.duckdb" for name in ("causal", "causal_results")}

    def artifact(self, name: str) -> dict[str, Any]:
        return json.loads((self.folder / "target" / f"{name}.json").read_text())

    def query(self, sql: str, database: str = "causal") -> pd.DataFrame:
        with duckdb.connect(str(self.databases[database]), read_only=True) as connection:
            return connection.execute(sql).df()


@pytest.fixture(scope="session")
def simulate() -> ModuleType:
    """The generator, which lies outside any Python package."""
    spec = importlib.util.spec_from_file_location("simulate", ROOT / "dbt_project" / "simulate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulate"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo") / "dbt_project"
    shutil.copytree(ROOT / "dbt_project", folder, ignore=shutil.ignore_patterns(*MADE))
    shutil.copy(ROOT / "profiles.example.yml", folder / "profiles.yml")
    (folder / "packages.yml").write_text(f"packages:\n  - local: {ROOT}\n")
    for script in ("simulate.py", "simulate_rollouts.py", "simulate_marketplace.py", "real_data.py"):
        subprocess.run([sys.executable, script], cwd=folder, check=True)
    _dbt("deps", folder)
    build = _dbt("build", folder)
    return Demo(folder, build.returncode, build.stdout + build.stderr)


def _dbt(command: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SOCIAL_PRODUCT_", "CAUSAL_"))}
    environment |= {
        "CAUSAL_DB": str(folder / "causal.duckdb"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONPATH": str(ROOT),
    }
    dbt = Path(sys.executable).with_name("dbt")
    places = ["--project-dir", str(folder), "--profiles-dir", str(folder)]
    return subprocess.run(
        [str(dbt), "--no-use-colors", command, *places],
        cwd=folder.parent,  # not the project's folder: the sources must be found wherever dbt is started
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
