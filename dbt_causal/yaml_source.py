"""A YAML file with the line of every key, its duplicate keys, and the values that dbt reads as something else.

dbt reads YAML 1.1, where `NO` is false and `12:30:45` a number. Here text stays text, and each such value is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from estimators.errors import Fault

Path = tuple[str | int, ...]
MAX_DEPTH = 40  # aliases may point to their own parents
_TAG = "tag:yaml.org,2002:"
_READ_AS = {"null": "null", "bool": "true or false", "int": "a number", "float": "a number", "timestamp": "a date"}


@dataclass
class Source:
    """The contents of one file. lines: line (from 1) of the key or item at each path. duplicates, traps: as found."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    duplicates: list[tuple[Path, int, int]] = field(default_factory=list)
    traps: list[tuple[Path, str, str, int]] = field(default_factory=list)
    broken: Fault | None = None

    def where(self, path: Path) -> str:
        """``file:line`` of the key at `path`, or of the nearest key above it."""
        for n in range(len(path), -1, -1):
            if path[:n] in self.lines:
                return f"{self.file}:{self.lines[path[:n]]}"
        return self.file

    def faults_below(self, path: Path) -> Iterator[Fault]:
        """002 for each duplicate key and each ambiguous value at or below `path`, in the order of the file."""
        for where, first, second in self.duplicates:
            if where[: len(path)] == path:
                detail = f"{where[-1]} stands in lines {first} and {second}: the last one would win"
                yield Fault("002", "duplicate key", (detail,), "keep one of them", f"{self.file}:{second}")
        for where, text, becomes, line in self.traps:
            if where[: len(path)] == path:
                detail = f"{where[-1] if where else text} is {text} without quotes, which dbt reads as {becomes}"
                yield Fault("002", "text without quotes", (detail,), f'write "{text}"', f"{self.file}:{line}")


def read(file: File, shown_as: str) -> Source:
    """The YAML file, never raising: a file that is no YAML has `broken` set. `shown_as`: its name in messages."""
    import yaml

    source = Source(shown_as)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the reader that dbt uses, so that we see what it sees
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        detail = str(error.problem or error.context)
        source.broken = Fault("002", "not valid YAML", (detail,), "correct the file", f"{shown_as}:{line}")
        return source
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        source.broken = Fault("002", "not valid YAML", (type(error).__name__,), "save the file as UTF-8 YAML", shown_as)
        return source
    source.data = _value(node, (), source) if node is not None else None
    return source


def _value(node: Any, path: Path, source: Source) -> Any:
    if len(path) > MAX_DEPTH:
        return None
    source.lines.setdefault(path, node.start_mark.line + 1)
    kind = type(node).__name__
    if kind == "MappingNode":
        return _mapping(node, path, source)
    if kind == "SequenceNode":
        return [_value(item, (*path, i), source) for i, item in enumerate(node.value)]
    return _scalar(node, path, source)


def _mapping(node: Any, path: Path, source: Source) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    own_lines: dict[Any, int] = {}
    for key_node, value_node in node.value:
        if key_node.tag == f"{_TAG}merge":
            merged = _value(value_node, path, source)
            for part in merged if isinstance(merged, list) else [merged]:
                result = {**part, **result} if isinstance(part, Mapping) else result
            continue
        key = _scalar(key_node, path, source) if type(key_node).__name__ == "ScalarNode" else "?"
        line = key_node.start_mark.line + 1
        if key in own_lines:
            source.duplicates.append(((*path, key), own_lines[key], line))
        own_lines[key] = line
        source.lines[(*path, key)] = line
        result[key] = _value(value_node, (*path, key), source)
    return result


def _scalar(node: Any, path: Path, source: Source) -> Any:
    """The value, as text wherever the two versions of YAML disagree about it."""
    text, tag = node.value, str(node.tag).removeprefix(_TAG)
    if node.style not in (None, "") or tag not in _READ_AS:
        return text
    if _is_trap(text, tag):
        source.traps.append((path, text, _READ_AS[tag], node.start_mark.line + 1))
        return text
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    return _number(text, tag)


def _is_trap(text: str, tag: str) -> bool:
    if tag == "bool":
        return text.lower() not in ("true", "false")
    has_leading_zero = tag == "int" and len(text.lstrip("+-")) > 1 and text.lstrip("+-").startswith("0")
    return tag == "timestamp" or ":" in text or has_leading_zero


def _number(text: str, tag: str) -> int | float:
    digits = text.replace("_", "").lower()
    return int(digits) if tag == "int" else float(digits.replace(".inf", "inf").replace(".nan", "nan"))
