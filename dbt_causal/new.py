"""`causal new`: writes the five files of a study and lists it in dbt_project.yml. It overwrites nothing."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from dbt_causal.definitions import Definitions
from dbt_causal.project_files import definitions_in
from estimators.definition_parts import IDENTIFIER
from estimators.errors import CausalError, refuse
from estimators.registry import Feature, features_of
from estimators.study_methods import BY_NAME, ESTIMANDS_OF_METHOD
from estimators.study_parts import column_name

LONGEST_NAME = 63 - len("__published")
MAX_CONFOUNDERS = 8
N_WEEKS = 12  # of a template with periods
METHODS_OF_SHAPE = {"cross_section": ("aipw", "cem"), "panel": ("did",), "series": ("synthetic_control", "bsts")}
_MACROS = {"cross_section": "study_table", "panel": "panel_table", "series": "series_table"}
_TEMPLATES = {
    "cross_section": ("cohort.sql", "study.yml"),
    "panel": ("panel.cohort.sql", "panel.yml"),
    "series": ("series.cohort.sql", "series.yml"),
}


@dataclass(frozen=True)
class Request:
    """What the analyst asks for. models: feature models to use; none means the first with a registry."""

    study: str
    methods: tuple[str, ...] = ("aipw", "cem")
    design: str = "observational"
    estimand: str = "ATT"
    owner: str = "analytics"
    models: tuple[str, ...] = ()
    as_of: str = ""
    asked_shape: str = ""

    @property
    def shape(self) -> str:
        return self.asked_shape or BY_NAME[self.methods[0]].shape


def write_study(project_dir: Path, request: Request) -> list[Path]:
    """The files written, dbt_project.yml last. Raises CausalError (001, 003, 004); then nothing has been written."""
    definitions = definitions_in(project_dir)
    if definitions.project_source.broken is not None:
        raise CausalError(definitions.project_source.broken)
    _check(request, definitions)
    files = _contents(project_dir, request, definitions)
    present = [f for f in files if f.exists()]
    if present:
        names = ", ".join(f.relative_to(project_dir).as_posix() for f in present[:3])
        raise refuse("001", "the study has files already", names, fix="choose another name; nothing was written")
    project_file = project_dir / "dbt_project.yml"
    listed = _with_study(project_file.read_text(encoding="utf-8"), request.study, definitions)
    _write_all({**files, project_file: listed}, project_file)
    return [*files, project_file]


def _check(request: Request, definitions: Definitions) -> None:
    name = request.study
    if not re.fullmatch(IDENTIFIER, name) or len(name) > LONGEST_NAME or "__" in name:
        shown = name.encode("ascii", "backslashreplace").decode()[:60]
        fix = f"use lower-case letters, digits and single _, starting with a letter, at most {LONGEST_NAME} in all"
        raise refuse("004", "name not allowed", f"the study would be named {shown!r}", fix=fix)
    for method in request.methods:
        if BY_NAME[method].shape != request.shape:
            detail = (
                f"{method} reads a table of shape {BY_NAME[method].shape}, and the study is to be a {request.shape}"
            )
            raise refuse("001", "methods of different shapes", detail, fix="write a study for each shape")
        if request.estimand not in ESTIMANDS_OF_METHOD[method]:
            detail = f"{method} estimates {', '.join(ESTIMANDS_OF_METHOD[method])}"
            raise refuse("001", "method cannot estimate this estimand", detail, fix="choose another --estimand")
    registered = {e.model for e in definitions.entries if e.registry is not None}
    for model in request.models:
        if model not in registered:
            detail = f"{model[:60]!r} declares no registry; those that do: {', '.join(sorted(registered)) or 'none'}"
            raise refuse(
                "003", "unknown feature model", detail, fix="name one of them, or declare config.meta.registry"
            )


def _contents(project_dir: Path, request: Request, definitions: Definitions) -> dict[Path, str]:
    study = request.study
    paths = definitions.project_source.data.get("model-paths") or ["models"]
    folder = project_dir / str(paths[0]) / "studies" / study
    python = project_dir / "python_models" if "python_models" in paths else folder
    values = _values(request, definitions)
    cohort, definition = _TEMPLATES[request.shape]
    return {
        folder / f"{study}__cohort.sql": _fill(cohort, values),
        folder / f"{study}.sql": _fill("study.sql", values),
        folder / f"{study}.yml": _fill(definition, values),
        python / f"{study}__results.py": _fill("results.py", values),
        folder / f"{study}__published.sql": _fill("published.sql", values),
    }


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """A template of this package with its $names filled in."""
    text = resources.files("dbt_causal").joinpath("templates", f"{template}.template").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _values(request: Request, definitions: Definitions) -> dict[str, Any]:
    registries = [e for e in definitions.entries if e.registry is not None]
    chosen = [e for e in registries if e.model in request.models] or registries[:1]
    features = [f for e in chosen for f in features_of(e.model, e.registry)]
    first = chosen[0] if chosen else None
    outcome = _outcome(features)
    as_of = request.as_of or datetime.now(UTC).date().isoformat()
    has_instrument = "iv" in request.methods
    return {
        "macro": _MACROS[request.shape],
        "first_on": (datetime.fromisoformat(as_of) - timedelta(weeks=N_WEEKS)).date().isoformat(),
        "n_periods": N_WEEKS,
        "instruments": "\n          instruments: [encouragement]  # columns instrument_<name>"
        if has_instrument
        else "",
        "instrument_column": "\n    0 as instrument_encouragement," if has_instrument else "",
        "study": request.study,
        "owner": _quoted(request.owner),
        "design": request.design,
        "estimand": request.estimand,
        "as_of": as_of,
        "methods": ", ".join(request.methods),
        "confounders": ", ".join(f.name for f in features[:MAX_CONFOUNDERS]),
        "outcome_feature": outcome,
        "outcome": f"{column_name(outcome)[:40]}_after",
        "placebo": f"{column_name(outcome)[:40]}_before",
        "placebo_gap_days": max([f.window_days or 7 for f in features], default=7),
        "refs": ", ".join(f"ref('{e.model}')" for e in chosen),
        "unit_id": (first.registry.get("unit_id") if first else None) or ("unit_id" if first else "'unit'"),
        "source": f"{{{{ ref('{first.model}') }}}}" if first else "(select 1) as nothing",
    }


def _outcome(features: list[Feature]) -> str:
    """The feature that the template measures as outcome: sums and counts are defined for every unit."""
    additive = [f.name for f in features if f.aggregation in ("sum", "count", "count_distinct")]
    return next(iter(additive + [f.name for f in features]), "outcome_feature")


def _quoted(text: str) -> str:
    return '"' + "".join(c for c in text if c.isprintable() and c not in '"\\{}') + '"'


def _with_study(text: str, study: str, definitions: Definitions) -> str:
    """dbt_project.yml with the study on the list `vars.studies`, comments and quotes kept."""
    from ruamel.yaml import YAML
    from ruamel.yaml.util import load_yaml_guess_indent

    _, indent, offset = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=indent or 2, sequence=indent or 2, offset=offset or 0)
    project = yaml.load(text)
    variables = project.setdefault("vars", {})
    own = variables.get(project.get("name"))
    holder = own if isinstance(own, dict) and "studies" in own else variables
    if not isinstance(holder.get("studies"), list):
        holder["studies"] = []
    if study not in holder["studies"]:
        holder["studies"].append(study)
    buffer = io.StringIO()
    yaml.dump(project, buffer)
    return buffer.getvalue()


def _write_all(files: Mapping[Path, str], project_file: Path) -> None:
    """Writes all files or none: new ones are removed again when one fails, and the project's file is replaced last."""
    written: list[Path] = []
    try:
        for file, text in files.items():
            target = file if file != project_file else file.with_name(f".{file.name}.tmp")
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="\n") as handle:
                written.append(target)
                handle.write(text)
        os.replace(written[-1], project_file)
    except OSError:
        for file in written:
            file.unlink(missing_ok=True)
        raise
