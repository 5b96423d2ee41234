"""A copy of tests/project that a test may edit, build with dbt in this process, and query."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[2]
PACKAGE_PARTS = ("dbt_project.yml", "macros", "models", "python_models", "tests/dbt")
UNITED = (
    *("effects", "checks", "balance", "overlap", "attrition", "runs", "study_advice"),
    *("study_status", "published_effects", "event_times", "series", "sensitivity", "ledger", "publication"),
)


@dataclass
class Outcome:
    """What one dbt command did: status by node name, what it printed, and whether it succeeded."""

    success: bool
    statuses: dict[str, str]
    messages: list[str]
    listed: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.messages)

    def with_status(self, *wanted: str) -> set[str]:
        return {name for name, status in self.statuses.items() if status in wanted}


class Consumer:
    """A project in `folder` that installs the package in `package`."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder, self.package = folder, package

    @property
    def database(self) -> Path:
        return self.folder / "causal.duckdb"

    @property
    def results_file(self) -> Path:
        return self.folder / "causal_results.duckdb"

    def dbt(self, *arguments: str, threads: int = 2) -> Outcome:
        """Runs a dbt command here. The profile names the database relative to the project, so copies parse alike."""
        messages: list[str] = []

        def remember(event: Any) -> None:
            if event.info.level in ("info", "warn", "error"):
                messages.append(event.info.msg)

        before = Path.cwd()
        os.chdir(self.folder)
        try:
            extra = [] if arguments[0] in ("ls", "parse") else ["--threads", str(threads)]
            found = dbtRunner(callbacks=[remember]).invoke([*arguments, *extra, "--profiles-dir", ".", "--quiet"])
        finally:
            close_database()
            os.chdir(before)
        if found.exception is not None:
            messages.append(str(found.exception))
        return _outcome(found, messages)

    def build(self, *selected: str, variables: str = "{}", threads: int = 2) -> Outcome:
        selection = ["--select", *selected] if selected else []
        return self.dbt("build", *selection, "--vars", variables, threads=threads)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        (self.folder / path).write_text(text.replace(old, new))

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(sql).fetchall()

    def published(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.results_file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def violations(self, test: str, after: str) -> int:
        """Rows that a compiled data test finds once the statement `after` has run; the database stays as it was."""
        [file] = self.folder.glob(f"target/compiled/**/{test}.sql")
        with duckdb.connect(str(self.database)) as connection:
            connection.begin()
            connection.execute(after)
            found = connection.execute(file.read_text()).fetchall()
            connection.rollback()
        return len(found)

    def copy_to(self, folder: Path) -> Consumer:
        shutil.copytree(self.folder, folder, symlinks=True)
        return Consumer(folder, self.package)


def close_database() -> None:
    """dbt-duckdb keeps the file open until the process ends; the next copy's file has the same relative name."""
    manager = DuckDBConnectionManager
    if manager._ENV is not None:
        manager.env().close()
        manager.close_all_connections()


def _outcome(found: Any, messages: list[str]) -> Outcome:
    results = getattr(found.result, "results", None) or []
    nodes = [(getattr(result, "node", None), result) for result in results]
    statuses = {node.name: str(result.status) for node, result in nodes if node is not None}
    listed = found.result if isinstance(found.result, list) else []
    return Outcome(bool(found.success), statuses, messages, listed)


def copy_of_package(folder: Path) -> Path:
    """The package `causal` as a company installs it, declaring the library that is installed here."""
    from dbt_causal.library_version import MODEL, library_version, model_text

    for part in PACKAGE_PARTS:
        source, target = ROOT / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / MODEL).write_text(model_text(library_version()))
    return folder


def new_consumer(folder: Path, package: Path) -> Consumer:
    """tests/project, not built, with the package linked as `dbt deps` links it."""
    ignored = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb", "__pycache__", "package-lock.yml")
    shutil.copytree(ROOT / "tests" / "project", folder, ignore=ignored)
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "causal").symlink_to(package)
    profile = (ROOT / "profiles.example.yml").read_text()
    (folder / "profiles.yml").write_text(
        profile.replace("{{ env_var('CAUSAL_DB', 'causal.duckdb') }}", "causal.duckdb")
    )
    return Consumer(folder, package)
