"""The registry of features, as declared under `config.meta.registry`, and how a study's names are looked up in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from estimators.definition_faults import Path, Violation, did_you_mean, faults_of, rule_error
from estimators.definition_parts import Identifier, Part, Text
from estimators.errors import Fault
from estimators.study_methods import BY_NAME
from estimators.study_parts import LABEL, Days, FeatureName

_KINDS = {
    "confounders": "confounder",
    "outcomes": "outcome",
    "placebo_outcomes": "placebo outcome",
    "negative_controls": "negative control",
}
_AFTER_TREATMENT = ("outcome", "negative control")
NEEDS_WINDOW = ("rate",)  # sum(column) / window_days


class RegisteredFeature(Part):
    """One feature: a column, how it is aggregated over a window, and the window that studies get by default."""

    name: Identifier
    label: FeatureName | None = None
    column: Identifier | None = None
    aggregation: Literal["sum", "count", "mean", "max", "min", "last", "count_distinct", "rate"]
    window_days: Days | None = None
    description: Text | None = None

    @model_validator(mode="after")
    def _has_a_column(self) -> RegisteredFeature:
        if self.column is None and self.aggregation != "count":
            detail = f"{self.name} has aggregation {self.aggregation} and no column"
            raise rule_error(Violation((), "001", "feature without a column", (detail,), "add column: ..."))
        return self


class Registry(Part):
    """What a confounder or outcome model declares about itself. Column names are those of the model."""

    unit_id: Identifier = "unit_id"
    event_at: Identifier | None = None
    recorded_at: Identifier | None = None
    features: Annotated[tuple[RegisteredFeature, ...], Field(min_length=1, strict=False)]


@dataclass(frozen=True)
class Feature:
    """A registered feature as studies see it. has_event_at: its model says when things happened."""

    model: str
    name: str
    label: str | None
    window_days: int | None
    aggregation: str
    has_event_at: bool


def registry_faults(meta: Any, locate: Callable[[Path], str] = lambda path: "") -> list[Fault]:
    """All faults of one model's registry at once (001, 002, 004); empty when it is fine."""
    return faults_of(Registry, meta, locate, besides=_repeated_names(meta))


def _repeated_names(meta: Any) -> Iterator[Violation]:
    features = meta.get("features") if isinstance(meta, Mapping) else None
    seen: set[str] = set()
    for i, feature in enumerate(features if isinstance(features, list) else []):
        name = feature.get("name") if isinstance(feature, Mapping) else None
        if isinstance(name, str) and name in seen:
            yield Violation(("features", i), "001", "feature declared twice", (f"{name} is there twice",), "rename one")
        seen.add(str(name))


def features_of(model: str, meta: Any) -> list[Feature]:
    """The features of one model's registry, of which the valid ones only: faults have been reported elsewhere."""
    found = []
    for item in meta.get("features") or [] if isinstance(meta, Mapping) else []:
        try:
            f = RegisteredFeature.model_validate(item)
        except ValidationError:
            continue
        has_event_at = isinstance(meta.get("event_at"), str)
        found.append(Feature(model, f.name, f.label, f.window_days, f.aggregation, has_event_at))
    return found


def name_violations(meta: Any, features: Iterable[Feature]) -> list[Violation]:
    """Faults of a definition's feature names against the features of the models that the study refs (003, 017, 001).

    `meta` is the raw definition and may have other faults: only what can be read is judged.
    """
    known = list(features)
    has_periods = _has_periods(meta)
    return [v for path, item in _uses(meta) for v in _use_violations(path, item, known, has_periods)]


def _has_periods(meta: Any) -> bool:
    """Whether the first method reads a table of periods: outcomes are then measured over those, not over windows."""
    methods = meta.get("methods") if isinstance(meta, Mapping) else None
    first = methods[0] if isinstance(methods, list | tuple) and methods else None
    name = first.get("name") if isinstance(first, Mapping) else first
    return isinstance(name, str) and name in BY_NAME and BY_NAME[name].shape != "cross_section"


def _uses(meta: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if not isinstance(meta, Mapping):
        return
    checks = meta.get("checks") if isinstance(meta.get("checks"), Mapping) else {}
    lists = {
        ("confounders",): meta.get("confounders"),
        ("outcomes",): meta.get("outcomes"),
        ("checks", "placebo_outcomes"): checks.get("placebo_outcomes"),
        ("checks", "negative_controls"): checks.get("negative_controls"),
    }
    for path, items in lists.items():
        for i, item in enumerate(items if isinstance(items, list | tuple) else []):
            item = {"feature": item} if isinstance(item, str) else item
            if isinstance(item, Mapping) and isinstance(item.get("feature"), str):
                yield (*path, i), item


def _use_violations(
    path: Path, item: Mapping[str, Any], known: list[Feature], has_periods: bool
) -> Iterator[Violation]:
    kind = _KINDS[str(path[-2])]
    wanted = item["feature"]
    matches = [f for f in known if wanted in (f.name, f.label)]
    if not matches:
        if re.fullmatch(LABEL, wanted):  # else it is refused by its pattern, which says more
            yield _unknown(path, kind, wanted, known)
        return
    if len(matches) > 1:
        detail = f"{wanted} is a feature of {' and of '.join(f.model for f in matches)}"
        yield Violation(path, "003", f"ambiguous {kind}", (detail,), "rename one of them in its registry")
        return
    feature = matches[0]
    if not feature.has_event_at:
        detail = f"{wanted} of {feature.model} has no event_at: nothing shows that it lies on its side of the treatment"
        fix = f"add event_at: <column> to the registry of {feature.model}"
        yield Violation(path, "017", f"{kind} without event time", (detail,), fix)
    if kind not in _AFTER_TREATMENT or not has_periods:
        yield from _window_violations(path, kind, item, feature)


def _unknown(path: Path, kind: str, wanted: str, known: list[Feature]) -> Violation:
    names = [n for f in known for n in (f.name, f.label) if n]
    models = sorted({f.model for f in known})
    place = f"the registry of {', '.join(models)}" if models else "the models that the study refs (none has a registry)"
    detail = f"{_short(wanted)} is not in {_short(place, 90)}{did_you_mean(wanted, names)}"
    fix = "use a registered name or label, or add its model to features=[ref(...)] in the study's .sql"
    return Violation(path, "003", f"unknown {kind}", (detail,), fix)


def _window_violations(path: Path, kind: str, item: Mapping[str, Any], feature: Feature) -> Iterator[Violation]:
    window = item.get("window_days", feature.window_days)
    if kind in _AFTER_TREATMENT and window is None:
        detail = f"{feature.name} has no default window, and an outcome window has to end"
        yield Violation(path, "001", f"{kind} without a window", (detail,), "add window_days: ...")
    if feature.aggregation in NEEDS_WINDOW and window is None:
        detail = f"{feature.name} is a rate per day and has no window to divide by"
        yield Violation(path, "001", "rate without a window", (detail,), "add window_days: ...")


def _short(text: str, limit: int = 60) -> str:
    plain = text.encode("ascii", "backslashreplace").decode()
    return plain if len(plain) <= limit else f"{plain[: limit - 3]}..."
