"""The dbt plugin: checks every definition before any node runs, and waits for a locked DuckDB file.

Inert in projects that do not install the package `causal`. Everything heavy is imported inside the functions.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.plugins.manager import dbtPlugin
from dbt_common.exceptions import DbtRuntimeError

from dbt_causal import database_lock

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from dbt_causal.definitions import Definitions, Entry
    from estimators.errors import Fault

PACKAGE = "causal"
VERSION_MODEL = "model.causal.library_version"


class DefinitionError(DbtRuntimeError):
    """All faults of the definitions of a project. dbt prints it as it is and exits with status 2."""

    def __init__(self, faults: list[Fault]) -> None:
        noun = "fault" if len(faults) == 1 else "faults"
        head = f"{len(faults)} {noun} in the definitions of studies; nothing was run"
        super().__init__("\n".join([head, *(str(f) for f in faults)]))

    def __str__(self, prefix: str = "") -> str:
        return str(self.msg)


class CausalPlugin(dbtPlugin):
    def initialize(self) -> None:
        database_lock.install()

    def get_manifest_artifacts(self, manifest: Manifest) -> dict[str, Any]:
        """Raises DefinitionError with all faults at once; has no artifacts of its own to write."""
        if any(macro.package_name == PACKAGE for macro in manifest.macros.values()):
            found = manifest_faults(manifest, self.project_name, *_invocation())
            if found:
                raise DefinitionError(found)
        return {}

    # dbt's own decorator `dbt_hook` does no more than set this, and wrap our message into one of its own
    get_manifest_artifacts.is_dbt_hook = True  # type: ignore[attr-defined]


def _invocation() -> tuple[Path, dict[str, Any]]:
    """The project's folder and the variables of the command line."""
    from dbt.flags import get_flags

    flags = get_flags()
    folder = getattr(flags, "PROJECT_DIR", None) or os.environ.get("DBT_PROJECT_DIR") or "."
    return Path(folder), dict(getattr(flags, "VARS", None) or {})


def manifest_faults(manifest: Manifest, project: str, project_dir: Path, variables: dict[str, Any]) -> list[Fault]:
    """All faults of the root project's definitions, and of the library's version. Files are read for their lines."""
    from dbt_causal.definitions import faults
    from dbt_causal.project_files import definitions_in

    definitions = definitions_in(project_dir)
    if "studies" in variables:
        definitions.study_names = [str(name) for name in variables["studies"]]
    _complete(definitions, manifest, project)
    return _version_faults(manifest) + faults(definitions)


def _complete(definitions: Definitions, manifest: Manifest, project: str) -> None:
    """What only the manifest knows: resolved refs, and definitions outside YAML files or in other packages."""
    models = {n.name: n for n in manifest.nodes.values() if n.resource_type == "model"}
    in_files = {e.model for e in definitions.entries if e.study is not None or e.registry is not None}
    definitions.entries += [e for n in models.values() if n.name not in in_files and (e := _entry(n, project))]
    for study in definitions.studies:
        node = models.get(study.model)
        if node is not None:
            definitions.refs[study.model] = frozenset(
                manifest.nodes[i].name for i in node.depends_on.nodes if i in manifest.nodes
            )


def _entry(node: Any, project: str) -> Entry | None:
    from dbt_causal.definitions import Entry
    from dbt_causal.yaml_source import Source

    study, registry = node.config.meta.get("study"), node.config.meta.get("registry")
    study = study if node.package_name == project else None
    if study is None and registry is None:
        return None
    return Entry(node.name, Source(node.original_file_path), (), study=study, registry=registry)


def _version_faults(manifest: Manifest) -> list[Fault]:
    """The package's macros and the installed library must be of one version."""
    from dbt_causal.library_version import library_version
    from estimators.errors import Fault

    node = manifest.nodes.get(VERSION_MODEL)
    if node is None or library_version() in node.raw_code:
        return []
    details = (f"installed: dbt-causal {library_version()}", "the dbt package `causal` was made for another one")
    fix = "install both from one version: pip install dbt-causal==<version of the package>, then dbt deps"
    return [Fault("001", "package and library differ", details, fix, node.original_file_path)]
