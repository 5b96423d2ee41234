"""The definitions of a dbt project read from its files alone, without dbt: what `causal validate` looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as File
from typing import Any

from dbt_causal.definitions import Definitions, entries_of
from dbt_causal.yaml_source import Source, read
from estimators.errors import Fault

_REF = re.compile(r"""\bref\(\s*(?:['"]([^'"]+)['"]\s*,\s*)?['"]([^'"]+)['"]""")
_OURS = re.compile(r"\b(study|registry|forecast)\s*:|__published\b")


def definitions_in(project_dir: File) -> Definitions:
    """Definitions, registries, tests and refs found under the project's model paths."""
    project = _project_source(project_dir)
    if project.broken is not None:
        return Definitions(project_source=project, files=[project])
    folders = _model_folders(project_dir, project.data)
    sources = [
        read(f, f.relative_to(project_dir).as_posix()) for f in _files(folders, (".yml", ".yaml")) if _is_ours(f)
    ]
    found = Definitions(project_source=project, files=sources, study_names=listed_studies(project.data))
    found.forecast_steps = listed_forecasts(project.data)
    found.entries = [e for s in sources for e in entries_of(s)]
    models = {f.stem: f for f in _files(folders, (".sql", ".py"))}
    known = {*models, *(e.model for e in found.entries)}
    for study in found.studies:
        refs = _refs(models.get(study.model))
        found.refs[study.model] = refs if refs is not None and refs <= known else None
    return found


def _project_source(project_dir: File) -> Source:
    file = project_dir / "dbt_project.yml"
    if file.is_file():
        source = read(file, file.name)
        if source.broken is None and not isinstance(source.data, Mapping):
            source.broken = Fault("002", "not valid YAML", ("it has no keys",), "correct the file", file.name)
        return source
    broken = Fault("001", "no dbt project", (f"{project_dir} has no dbt_project.yml",), "pass --project-dir <folder>")
    return Source(file.name, broken=broken)


def _model_folders(project_dir: File, project: Mapping[str, Any]) -> list[File]:
    paths = project.get("model-paths")
    return [project_dir / str(p) for p in (paths if isinstance(paths, list) else ["models"])]


def listed_studies(project: Mapping[str, Any]) -> list[str] | None:
    """`vars.studies`, at the top or under the project's own name, as a list of text; None if there is none."""
    variables = project.get("vars")
    if not isinstance(variables, Mapping):
        return None
    own = variables.get(project.get("name"))
    names = own.get("studies") if isinstance(own, Mapping) and "studies" in own else variables.get("studies")
    return [str(n) for n in names] if isinstance(names, list) else None


def listed_forecasts(project: Mapping[str, Any]) -> dict[str, list[str]] | None:
    """`vars.forecasts`, at the top or under the project's own name: steps by forecast; None if there is none."""
    variables = project.get("vars")
    if not isinstance(variables, Mapping):
        return None
    own = variables.get(project.get("name"))
    found = own.get("forecasts") if isinstance(own, Mapping) and "forecasts" in own else variables.get("forecasts")
    if not isinstance(found, Mapping):
        return None
    return {str(name): [str(s) for s in steps] if isinstance(steps, list) else [] for name, steps in found.items()}


def _files(folders: list[File], endings: tuple[str, ...]) -> Iterator[File]:
    for folder in folders:
        yield from (f for f in sorted(folder.rglob("*")) if f.suffix in endings and f.is_file())


def _is_ours(file: File) -> bool:
    return bool(_OURS.search(file.read_text(encoding="utf-8", errors="replace")))


def _refs(sql: File | None) -> frozenset[str] | None:
    """Names in the literal refs of a model's SQL; None when there is no file."""
    if sql is None:
        return None
    return frozenset(name for _, name in _REF.findall(sql.read_text(encoding="utf-8", errors="replace")))
