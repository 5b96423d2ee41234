"""Pydantic's errors as faults with stable codes, said in the words of an analyst, with a did-you-mean."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import PydanticCustomError

from estimators.errors import Fault

Path = tuple[str | int, ...]
_RULES = "rules"  # type of the pydantic errors that carry our own violations
_WORDS = (
    ("Input should be", "it must be"),
    ("valid dictionary or object to extract fields from", "mapping of keys"),
    ("valid dictionary", "mapping of keys"),
    ("valid tuple", "list"),
    ("Tuple should have", "it must have"),
)
_OFFSETS = ("start_days", "gap_days", "anticipation_days")


@dataclass(frozen=True)
class Violation:
    """A fault before its place in a file is known. path: the keys from the definition down to the culprit."""

    path: Path
    code: str
    subject: str
    details: tuple[str, ...] = ()
    fix: str = ""

    def fault(self, locate: Callable[[Path], str], prefix: Path = ()) -> Fault:
        path = (*prefix, *self.path)
        return Fault(self.code, self.subject, self.details, self.fix, locate(path))


class Rules:
    """Rules between keys: each names the keys that it reads, and is judged when those are valid by themselves."""

    def __init__(self) -> None:
        self._rules: list[tuple[frozenset[str], Callable[[Any], Iterator[Violation]]]] = []

    def reads(self, *keys: str) -> Callable[[Callable], Callable]:
        """Decorator: registers a rule that reads these keys of a study and yields its violations."""

        def register(rule: Callable[[Any], Iterator[Violation]]) -> Callable[[Any], Iterator[Violation]]:
            self._rules.append((frozenset(keys), rule))
            return rule

        return register

    def broken(self, study: Any, known: Iterable[str]) -> list[Violation]:
        """Violations of the rules that only read `known` keys: those of `study` that are valid by themselves."""
        valid = set(known)
        return [violation for keys, rule in self._rules if keys <= valid for violation in rule(study)]


def rule_error(*violations: Violation) -> PydanticCustomError:
    """An error for a pydantic validator to raise that carries our own violations."""
    return PydanticCustomError(_RULES, "rule broken", {"violations": violations})


def did_you_mean(got: Any, known: Iterable[str]) -> str:
    """``; did you mean x?`` for the nearest of the known names, ignoring case, or an empty text."""
    by_folded = {str(name).casefold(): str(name) for name in known}
    close = difflib.get_close_matches(str(got).casefold(), list(by_folded), n=1, cutoff=0.6)
    return f"; did you mean {by_folded[close[0]]}?" if close else ""


BrokenRules = Callable[[Any, Iterable[str]], list[Violation]]


def jinja_violations(meta: Any, path: Path = ()) -> list[Violation]:
    """Keys and values that dbt would run as Jinja when it reads the YAML: it could print secrets into the manifest."""
    if isinstance(meta, Mapping):
        found = [_jinja(path, k) for k in meta if _is_jinja(k)]
        return found + [v for k, value in meta.items() for v in jinja_violations(value, (*path, k))]
    if isinstance(meta, list | tuple):
        return [v for i, value in enumerate(meta) for v in jinja_violations(value, (*path, i))]
    return [_jinja(path, meta)] if _is_jinja(meta) else []


def _is_jinja(value: Any) -> bool:
    return isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))


def _jinja(path: Path, value: str) -> Violation:
    detail = f"{_dotted(path) or 'a key'} contains {{{{ or {{%: dbt would run it while it reads the file"
    return Violation(path, "004", "Jinja in a definition", (detail,), "write the value itself")


def faults_of(
    model: type[BaseModel],
    meta: Any,
    locate: Callable[[Path], str],
    rules: BrokenRules | None = None,
    besides: Iterable[Violation] = (),
) -> list[Fault]:
    """All faults of what stands under a key of dbt's meta, in the order of its keys; empty when it is fine.

    rules: violations by the keys that are valid; those of a study by default.
    besides: violations that the model does not look for.
    """
    violations = [*jinja_violations(meta), *besides]
    try:
        model.model_validate(meta)
    except ValidationError as error:
        return _to_faults(model, error, meta, violations, locate, rules)
    return [v.fault(locate) for v in violations]


def _to_faults(
    model: type[BaseModel],
    error: ValidationError,
    meta: Any,
    violations: Sequence[Violation],
    locate: Callable[[Path], str],
    rules: BrokenRules | None = None,
) -> list[Fault]:
    """All faults of a definition that pydantic refused: its own, the rules between valid keys, and `violations`."""
    found = list(violations) + [v for e in error.errors() for v in _translate(model, e, meta)]
    found = _one_per_branch(found)
    if not any(e["type"] == _RULES and not e["loc"] for e in error.errors()):
        found += _rules_between_valid_keys(model, error, meta, rules)
    jinja = {v.path for v in violations}
    kept = [v for v in dict.fromkeys(found) if v.path not in jinja or v.subject == "Jinja in a definition"]
    return [v.fault(locate) for v in kept]


def _one_per_branch(violations: Sequence[Violation]) -> list[Violation]:
    """Without the `wrong type` of the other branches of a union, where one branch says it better."""
    better = {v.path for v in violations if v.subject != "wrong type"}
    return [v for v in violations if v.subject != "wrong type" or v.path not in better]


def _rules_between_valid_keys(
    model: type[BaseModel],
    error: ValidationError,
    meta: Any,
    rules: BrokenRules | None,
) -> list[Violation]:
    from estimators.definition_rules import broken_rules

    if not isinstance(meta, Mapping):
        return []
    bad = {e["loc"][0] for e in error.errors() if e["loc"]}
    fields = {name: copy(field) for name, field in model.model_fields.items() if name not in bad}
    types = {name: (field.annotation, field) for name, field in fields.items()}
    partial = create_model("Partial", __config__=model.model_config, **types)
    valid = partial.model_validate({k: v for k, v in meta.items() if k in fields})
    return (rules or broken_rules)(valid, fields)


def _translate(model: type[BaseModel], error: Mapping[str, Any], meta: Any) -> Iterator[Violation]:
    path = _real_path(error["loc"], meta)
    kind, got, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == _RULES:
        for v in context["violations"]:
            yield Violation((*path, *v.path), v.code, v.subject, v.details, v.fix)
    elif kind == "extra_forbidden":
        yield _unknown_key(model, error["loc"], path, meta)
    elif kind == "missing" and isinstance(error["loc"][-1], int):
        detail = f"{_dotted(path)} has {error['loc'][-1]} of the entries that it needs"
        yield Violation(path, "001", "a list that is too short", (detail,), "add what is missing")
    elif kind == "missing":
        yield _missing_key(model, path)
    elif kind in ("literal_error", "union_tag_invalid"):
        yield _unknown_choice(path, kind, got, context)
    elif kind == "string_pattern_mismatch":
        yield _bad_name(path, got, context["pattern"])
    elif isinstance(got, date):
        fix = f'put it in quotes: "{got.isoformat()}"'
        yield Violation(path, "002", "unquoted date", (f"{_dotted(path)} is a date to YAML",), fix)
    elif kind == "string_type" and isinstance(got, bool | int | float):
        yield _not_text(path, got)
    elif kind != "too_short" or not got:  # a list whose items are all invalid is "too short" as well
        yield _out_of_range(model, path, kind, error["msg"], got)


def _called(model: type[BaseModel]) -> str:
    """What messages call the definition."""
    return getattr(model, "called", "the study")


def _schema(model: type[BaseModel]) -> str:
    return getattr(model, "schema_file", "docs/study.schema.json")


def _real_path(loc: Path, meta: Any) -> Path:
    """`loc` without the steps that pydantic adds for unions: only keys and positions of the definition itself."""
    path: list[str | int] = []
    here = meta
    for i, step in enumerate(loc):
        is_position = isinstance(here, list | tuple) and isinstance(step, int) and step < len(here)
        if is_position or (isinstance(here, Mapping) and step in here):
            here = here[step]
        elif i < len(loc) - 1 or not isinstance(here, Mapping):
            continue
        path.append(step)
    return tuple(path)


def _unknown_key(model: type[BaseModel], loc: Path, path: Path, meta: Any) -> Violation:
    known = _keys_at(model, loc[:-1])
    place = _dotted(path[:-1]) or _called(model)
    detail = f"{_shown(path[-1])} is not a key of {place}{did_you_mean(path[-1], known)}"
    fix = f"keys of {place}: {', '.join(known)}" if len(known) <= 12 else f"see {_schema(model)} for the keys"
    return Violation(path, "001", "unknown key", (detail,), fix)


def _keys_at(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys of the sub-model that `loc` leads to, found in the JSON schema."""
    schema = model.model_json_schema(mode="serialization")
    definitions = schema.get("$defs", {})
    here: list[Mapping[str, Any]] = [schema]
    for step in loc:
        here = [s for h in here for s in _step(h, step, definitions)]
    return [k for h in here for k in h.get("properties", {})]


def _step(schema: Mapping[str, Any], step: str | int, definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if isinstance(step, int):
        return _branches(schema.get("items", {}), definitions)
    if step in schema.get("properties", {}):
        return _branches(schema["properties"][step], definitions)
    tags = [schema.get("properties", {}).get(key, {}) for key in ("name", "type")]
    return [schema] if any(tag.get("const") == step for tag in tags) else []  # what pydantic adds for a union's tag


def _branches(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in schema:
        return _branches(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return [b for o in options for b in _branches(o, definitions)] if options else [schema]


def _missing_key(model: type[BaseModel], path: Path) -> Violation:
    place = _dotted(path[:-1]) or _called(model)
    return Violation(path, "001", "missing key", (f"{place} has no {path[-1]}",), f"add {path[-1]}: ...")


def _unknown_choice(path: Path, kind: str, got: Any, context: Mapping[str, Any]) -> Violation:
    allowed = context["expected"] if kind == "literal_error" else context["expected_tags"]
    choices = [c.strip().strip("'") for c in allowed.replace(" or ", ", ").split(",")]
    value = context.get("tag", got)
    if isinstance(value, bool):
        return _not_text(path, value)
    if kind == "union_tag_invalid":
        noun = "method" if context["discriminator"] == "'name'" else "type"
        detail = f"{_dotted(path)} names {_shown(value)}{did_you_mean(value, choices)}"
        return Violation(path, "001", f"unknown {noun}", (detail,), f"{noun}s: {', '.join(choices)}")
    detail = f"{_dotted(path)} is {_shown(value)}{did_you_mean(value, choices)}"
    return Violation(path, "001", "value not allowed", (detail,), f"use one of {', '.join(choices)}")


def _bad_name(path: Path, got: Any, pattern: str) -> Violation:
    detail = f"{_dotted(path)} is {_shown(got)}"
    if pattern.startswith("^[0-9a-f]"):
        fix = "copy the definition_hash from published_effects (32 hex digits)"
        return Violation(path, "001", "not a definition hash", (detail,), fix)
    fix = "start with a lower-case letter, then lower-case letters, digits and _, at most 63 in all"
    if "\\w" in pattern:
        fix = "use the name or label of a registered feature (letters, digits, spaces and - . , % ( ) / + & : < >)"
    return Violation(path, "004", "name not allowed", (detail,), fix)


def _not_text(path: Path, got: Any) -> Violation:
    trap = "YAML reads a bare NO, off or yes as true or false" if isinstance(got, bool) else "YAML reads it as a number"
    detail = f"{_dotted(path)} should be text and is {_shown(got)}: {trap}"
    return Violation(path, "002", "text without quotes", (detail,), "put the value in quotes")


def _out_of_range(model: type[BaseModel], path: Path, kind: str, message: str, got: Any) -> Violation:
    key = path[-1] if path else ""
    if key in _OFFSETS and kind == "greater_than_equal":
        side = "before" if key == "start_days" else "after"
        what = "outcome" if key == "start_days" else "covariate"
        detail = f"{_dotted(path)} is {_shown(got)}: the {what} window would reach {side} the treatment"
        return Violation(path, "017", "window crosses treatment", (detail,), f"set {key} to 0 or more")
    detail = f"{_dotted(path) or _called(model)} is {_shown(got)}: {_plain(message)}"
    return Violation(path, "001", _subject(str(key), kind), (detail,), _fix(model, path, kind))


def _subject(key: str, kind: str) -> str:
    if key == "window_days" and kind == "greater_than_equal":
        return "window without a day"
    return "wrong type" if kind.endswith("_type") or kind in ("int_parsing", "float_parsing") else "value out of range"


def _fix(model: type[BaseModel], path: Path, kind: str) -> str:
    if path[-1:] == ("window_days",):
        history = "" if "outcomes" in path else "; null stands for all history"
        return f"set window_days to a whole number of days, 1 or more{history}"
    return f"see {_schema(model)} for what it takes" if kind.endswith("_type") else "give a value in that range"


def _plain(message: str) -> str:
    """Pydantic's sentence in the words of a YAML file."""
    words = message.split(" or instance of")[0].split(" after validation")[0]
    for theirs, ours in _WORDS:
        words = words.replace(theirs, ours)
    return words[:1].lower() + words[1:]


def _shown(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = repr(value) if isinstance(value, str) else str(value)
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 60 else f"{text[:57]}..."


def _dotted(path: Path) -> str:
    """``checks.placebo_outcomes[2].name``: positions counted from 1, as people do."""
    text = ""
    for step in path:
        text += f"[{step + 1}]" if isinstance(step, int) else f"{'.' if text else ''}{_escaped(step)}"
    return text


def _escaped(key: str) -> str:
    """A key as one short word of a message, whatever it holds."""
    return str(key)[:63].encode("unicode_escape").decode()
