"""The dbt plugin: checks every definition before dbt parses them, waits for a locked DuckDB file, and lets
Python models run on open-source Spark.

Inert in projects that do not install the package `causal`. Everything heavy is imported inside the functions.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.plugins.manager import dbtPlugin
from dbt_common.exceptions import DbtRuntimeError

from dbt_causal import database_lock, spark_submission

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dbt_causal.definitions import Definitions, Entry
    from estimators.errors import Fault

PACKAGE = "causal"
_INSTALL_PATH = re.compile(r"""^packages-install-path:\s*["']?([^"'#\n]+)""", re.MULTILINE)
_WITHOUT_DEFINITIONS = ("deps", "clean", "init", "debug")  # commands that must work while definitions are faulty


class DefinitionError(DbtRuntimeError):
    """All faults of the definitions of a project. dbt prints it as it is and exits with status 2."""

    def __init__(self, faults: list[Fault]) -> None:
        noun = "fault" if len(faults) == 1 else "faults"
        head = f"{len(faults)} {noun} in the definitions of studies; nothing was run"
        super().__init__("\n".join([head, *(str(f) for f in faults)]))

    def __str__(self, prefix: str = "") -> str:
        return str(self.msg)


class CausalPlugin(dbtPlugin):
    """dbt makes one at the start of each command, and calls the hook once it has the manifest."""

    def __init__(self, project_name: str) -> None:
        # not in `initialize`, whose errors dbt wraps; and not later, when dbt has run the Jinja of YAML files already
        super().__init__(project_name)
        folder, command, variables = _invocation()
        self._definitions: Definitions | None = None
        if command not in _WITHOUT_DEFINITIONS and is_installed(project_name, folder):
            database_lock.install()
            spark_submission.install()
            self._definitions = _read(folder, variables)
            refuse(_version_faults(project_name, folder), self._definitions)

    def get_manifest_artifacts(self, manifest: Manifest) -> dict[str, Any]:
        """Checks what only the manifest knows. Raises DefinitionError; has no artifacts of its own to write."""
        if self._definitions is not None:
            _complete(self._definitions, manifest, self.project_name)
            refuse([], self._definitions)
        return {}

    # dbt's own decorator `dbt_hook` does no more than set this, and wrap our message into one of its own
    get_manifest_artifacts.is_dbt_hook = True  # type: ignore[attr-defined]


def is_installed(project_name: str, folder: Path) -> bool:
    """Whether the project is the package `causal` or has installed it with `dbt deps`."""
    return project_name == PACKAGE or _package_dir(folder).is_dir()


def _package_dir(folder: Path) -> Path:
    """Where `dbt deps` puts the package: read without a YAML parser, since every project pays for it."""
    file = folder / "dbt_project.yml"
    found = _INSTALL_PATH.search(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else None
    return folder / (found[1].strip() if found else "dbt_packages") / PACKAGE


def _invocation() -> tuple[Path, str, dict[str, Any]]:
    """The project's folder, the dbt command and the variables of the command line."""
    from dbt.flags import get_flags

    flags = get_flags()
    folder = getattr(flags, "PROJECT_DIR", None) or "."
    return Path(folder), str(getattr(flags, "WHICH", "")), dict(getattr(flags, "VARS", None) or {})


def _read(folder: Path, variables: dict[str, Any]) -> Definitions:
    from dbt_causal.project_files import definitions_in

    definitions = definitions_in(folder)
    if "studies" in variables:
        definitions.study_names = [str(name) for name in variables["studies"]]
    if isinstance(variables.get("forecasts"), dict):
        definitions.forecast_steps = {str(name): list(steps) for name, steps in variables["forecasts"].items()}
    return definitions


def refuse(faults: list[Fault], definitions: Definitions) -> None:
    """Raises DefinitionError with these faults and all that the definitions have; nothing happens without faults."""
    from dbt_causal import definitions as all_definitions

    found = faults + all_definitions.faults(definitions)
    if found:
        raise DefinitionError(found)


def _version_faults(project_name: str, folder: Path) -> list[Fault]:
    """The package's macros and the installed library must be of one version: same number, same hash of the code."""
    from dbt_causal.library_version import MODEL, declared_version, library_version
    from estimators.errors import Fault

    declared = declared_version(folder if project_name == PACKAGE else _package_dir(folder))
    installed = library_version()
    if declared in ("", installed):
        return []
    details = (f"the dbt package `causal` was made for dbt-causal {declared}", f"installed is {installed}")
    fix = "install both from one version, then dbt deps; after a change of the library: causal library-version --write"
    return [Fault("001", "package and library differ", details, fix, MODEL.as_posix())]


def _complete(definitions: Definitions, manifest: Manifest, project: str) -> None:
    """What only the manifest knows: resolved refs, and definitions outside YAML files or in other packages."""
    models = {n.name: n for n in manifest.nodes.values() if n.resource_type == "model"}
    in_files = {e.model for e in definitions.entries if any(x is not None for x in (e.study, e.registry, e.forecast))}
    definitions.entries += [e for n in models.values() if n.name not in in_files and (e := _entry(n, project))]
    for study in definitions.studies:
        if study.model in models:
            parents = [manifest.nodes.get(i) for i in models[study.model].depends_on.nodes]
            definitions.refs[study.model] = frozenset(p.name for p in parents if p is not None)


def _entry(node: Any, project: str) -> Entry | None:
    from dbt_causal.definitions import Entry
    from dbt_causal.yaml_source import Source

    meta = node.config.meta
    declared = {kind: meta.get(kind) for kind in ("study", "registry", "forecast")}
    if node.package_name != project:
        declared |= {"study": None, "forecast": None}
    if all(value is None for value in declared.values()):
        return None
    return Entry(node.name, Source(node.original_file_path), (), **declared)
