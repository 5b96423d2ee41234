"""All definitions of a dbt project, and every fault in them at once: shared by the dbt plugin and `causal validate`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt_causal.forecast_definitions import forecast_faults
from dbt_causal.yaml_source import Path, Source
from estimators.definition_faults import did_you_mean
from estimators.errors import Fault
from estimators.registry import Feature, features_of, name_violations, registry_faults
from estimators.study import IDENTIFIER, definition_faults

GATE_TEST = "causal.has_passed_gates"
LEAF = "__published"


@dataclass(frozen=True)
class Entry:
    """One model of a YAML file. path: of the model in the file.  meta_path: of its study, registry or forecast."""

    model: str
    source: Source
    path: Path
    study: Any = None
    registry: Any = None
    forecast: Any = None
    meta_path: Path = ()
    tests: tuple[str, ...] = ()

    def where(self, path: Path = ()) -> str:
        return self.source.where((*self.meta_path, *path))


@dataclass
class Definitions:
    """What a project declares. refs: models that each study refs, or None where that cannot be known.

    study_names: `vars.studies`, with its place; None when the project has no such variable.
    forecast_steps: `vars.forecasts`, likewise.
    """

    entries: list[Entry] = field(default_factory=list)
    refs: dict[str, frozenset[str] | None] = field(default_factory=dict)
    study_names: list[str] | None = None
    forecast_steps: dict[str, list[str]] | None = None
    project_source: Source = field(default_factory=lambda: Source("dbt_project.yml"))
    files: list[Source] = field(default_factory=list)

    @property
    def studies(self) -> list[Entry]:
        return [e for e in self.entries if e.study is not None]


def entries_of(source: Source) -> list[Entry]:
    """The models that a YAML file declares, with study, registry and tests where they have them."""
    models = source.data.get("models") if isinstance(source.data, Mapping) else None
    found = []
    for i, model in enumerate(models if isinstance(models, list) else []):
        if isinstance(model, Mapping) and isinstance(model.get("name"), str) and _is_enabled(model):
            found.append(_entry(source, ("models", i), model))
    return found


def _is_enabled(model: Mapping[str, Any]) -> bool:
    config = model.get("config")
    return not (isinstance(config, Mapping) and config.get("enabled") is False)


def _entry(source: Source, path: Path, model: Mapping[str, Any]) -> Entry:
    for below in (("config", "meta"), ("meta",)):
        meta: Any = model
        for key in below:
            meta = meta.get(key) if isinstance(meta, Mapping) else None
        for kind in ("study", "registry", "forecast"):
            if isinstance(meta, Mapping) and kind in meta:
                declared = {kind: meta[kind] if meta[kind] is not None else {}}
                return Entry(model["name"], source, path, meta_path=(*path, *below, kind), **declared)
    return Entry(model["name"], source, path, meta_path=path, tests=tuple(_tests(model)))


def _tests(model: Mapping[str, Any]) -> Iterator[str]:
    """Names of the model's tests that fail a build; one that only warns is no alarm."""
    for key in ("data_tests", "tests"):
        tests = model.get(key)
        for test in tests if isinstance(tests, list) else []:
            if isinstance(test, Mapping):
                name = str(test.get("test_name") or next(iter(test), ""))
                settings = test.get(name) if isinstance(test.get(name), Mapping) else test
                if _severity(settings) != "warn":
                    yield name
            else:
                yield str(test)


def _severity(settings: Mapping[str, Any]) -> str:
    config = settings.get("config")
    of_config = config.get("severity") if isinstance(config, Mapping) else None
    return str(of_config or settings.get("severity") or "error").lower()


def faults(definitions: Definitions) -> list[Fault]:
    """Every fault of every definition, sorted by file and line. Empty when all is fine."""
    declared = [e for e in definitions.entries if any(x is not None for x in (e.study, e.registry, e.forecast))]
    found = [s.broken for s in definitions.files if s.broken is not None]
    found += [f for source in _sources(declared) for f in _duplicates(source)]
    for entry in declared:
        found += _traps(entry)
        if entry.registry is not None:
            found += registry_faults(entry.registry, entry.where)
    for entry in definitions.studies:
        found += _study_faults(entry, definitions)
    found += _listed_studies(definitions)
    found += forecast_faults(definitions)
    return sorted(dict.fromkeys(found), key=lambda f: _order(f.where))


def _sources(entries: Iterable[Entry]) -> list[Source]:
    return list({id(e.source): e.source for e in entries}.values())


def _duplicates(source: Source) -> list[Fault]:
    return [f for f in source.faults_below(()) if f.subject == "duplicate key"]


def _traps(entry: Entry) -> list[Fault]:
    return [f for f in entry.source.faults_below(entry.meta_path) if f.subject != "duplicate key"]


def _study_faults(entry: Entry, definitions: Definitions) -> Iterator[Fault]:
    yield from _model_name(entry)
    yield from definition_faults(entry.study, entry.where)
    known = _features(entry, definitions)
    if known is not None:
        yield from (v.fault(entry.where) for v in name_violations(entry.study, known))
    yield from _leaf(entry, definitions)


def _model_name(entry: Entry) -> Iterator[Fault]:
    if not re.fullmatch(IDENTIFIER, entry.model):
        shown = entry.model.encode("ascii", "backslashreplace").decode()[:60]
        fix = "name it with lower-case letters, digits and _ only, starting with a letter"
        yield Fault("004", "name not allowed", (f"the study is named {shown!r}",), fix, entry.where())


def _features(entry: Entry, definitions: Definitions) -> list[Feature] | None:
    """The features that the study may name, or None when its refs are unknown here."""
    refs = definitions.refs.get(entry.model)
    if refs is None:
        return None
    registries = [e for e in definitions.entries if e.registry is not None and e.model in refs]
    return [f for e in registries for f in features_of(e.model, e.registry)]


def _leaf(entry: Entry, definitions: Definitions) -> Iterator[Fault]:
    leaf = entry.model + LEAF
    tests = [t for e in definitions.entries if e.model == leaf for t in e.tests]
    if GATE_TEST not in tests:
        detail = f"{leaf} has no test {GATE_TEST}: a blocked study would go unnoticed"
        fix = f"add data_tests: [{GATE_TEST}] to {leaf} in this file (causal new writes it)"
        yield Fault("001", "study without its alarm", (detail,), fix, entry.source.where(entry.path))


def _listed_studies(definitions: Definitions) -> Iterator[Fault]:
    """`vars.studies` and the definitions must name the same studies: the package unites those that are listed."""
    names = definitions.study_names
    defined = [e.model for e in definitions.studies]
    if names is None:
        if defined:
            detail = f"{len(defined)} definitions, and dbt_project.yml has no variable studies"
            fix = f"add vars: {{studies: [{', '.join(defined[:8])}]}}"
            yield Fault("003", "studies are not listed", (detail,), fix, definitions.project_source.file)
        return
    place = definitions.project_source.where(("vars", "studies"))
    for name in names:
        if name not in defined:
            detail = f"vars.studies lists {name}, which no model defines{did_you_mean(name, defined)}"
            yield Fault("003", "unknown study", (detail,), "correct the name, or take it off the list", place)
    for entry in definitions.studies:
        if entry.model not in names:
            detail = f"{entry.model} is not in vars.studies of dbt_project.yml{did_you_mean(entry.model, names)}"
            yield Fault("003", "study is not listed", (detail,), "add it to vars.studies", entry.where())


def _order(where: str) -> tuple[str, int]:
    file, _, line = where.rpartition(":")
    return (file, int(line)) if line.isdigit() else (where, 0)
