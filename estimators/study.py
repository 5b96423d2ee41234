"""The study definition: what stands under `config.meta.study`, as one frozen model.

The JSON schema (docs/study.schema.json), the error messages and every reader of a definition come from here. Shorthands
are normalised: after `parse` a confounder, outcome or method always has a `name`, whatever the analyst wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from estimators.definition_faults import Path, Violation, jinja_violations, rule_error, to_faults
from estimators.definition_rules import broken_rules
from estimators.errors import CausalError, Fault

IDENTIFIER = r"^[a-z][a-z0-9_]{0,62}$"
LABEL = r"^\w[\w \-.,%()/+&:<>]{0,119}$"  # a name that people read; it is only ever compared with the registry's labels
HASH = r"^[0-9a-f]{32}$"

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
FeatureName = Annotated[str, Field(pattern=LABEL)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Offset = Annotated[int, Field(ge=0, le=36_500)]
Share = Annotated[float, Field(gt=0, lt=1)]
NumberOfBins = Annotated[int, Field(ge=1, le=1000)]
Scalar = str | int | float | bool


class Part(BaseModel):
    """A frozen piece of a definition: no unknown keys, and no silent casts (`"5"` is not 5, `true` is not 1)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def column_name(feature: Any) -> Any:
    """The column suffix of a feature: its name, or its label written as an identifier (`f_7_day_session_count`)."""
    if not isinstance(feature, str) or re.fullmatch(IDENTIFIER, feature):
        return feature
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in feature.lower()).split()
    name = "_".join(words)[:60]
    return name if name[:1].isalpha() else f"f_{name}"


def _with_name(item: Any) -> Any:
    """`sessions_7d` and `{feature: sessions_7d}` as `{feature: sessions_7d, name: sessions_7d}`."""
    if isinstance(item, str):
        item = {"feature": item}
    if isinstance(item, Mapping) and "feature" in item and item.get("name") is None:
        item = {**item, "name": column_name(item["feature"])}
    return item


class Confounder(Part):
    """A registered feature over a window before treatment. A window that is not given is the feature's own."""

    feature: FeatureName
    name: Identifier
    window_days: Days | None = None
    gap_days: Offset = 0

    @property
    def has_default_window(self) -> bool:
        return "window_days" not in self.model_fields_set


class Outcome(Part):
    """A registered feature over the window [treated_at + start_days, treated_at + start_days + window_days)."""

    feature: FeatureName
    name: Identifier
    start_days: Offset = 0
    window_days: Days | None = None
    role: Literal["primary", "secondary"] = "primary"
    kind: Literal["continuous", "binary", "count"] = "continuous"

    @property
    def has_default_window(self) -> bool:
        return "window_days" not in self.model_fields_set


class Difference(Part):
    """Difference in means; `adjust`: Lin-adjusted for the confounders."""

    name: Literal["difference"]
    adjust: bool = False

    def options(self) -> dict[str, Any]:
        return _options(self)


class Cem(Part):
    """Coarsened exact matching: bins for numeric confounders, cutpoints by confounder, confounders matched exactly."""

    name: Literal["cem"]
    bins: Literal["sturges", "cem-sturges", "scott", "fd", "quantiles"] | NumberOfBins = "sturges"
    cutpoints: dict[Identifier, list[float]] = {}
    exact: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()

    def options(self) -> dict[str, Any]:
        return _options(self)


class Aipw(Part):
    """Doubly robust. An `outcome_model` that is not given follows the kind of the outcome."""

    name: Literal["aipw"]
    folds: Annotated[int, Field(ge=1, le=100)] = 5
    propensity_model: Literal["logistic", "probit", "boosting"] = "logistic"
    outcome_model: Literal["linear", "logistic", "boosting"] | None = None
    clip: Literal["relative"] | Annotated[float, Field(ge=0, lt=0.5)] = "relative"
    repetitions: Annotated[int, Field(ge=1, le=1000)] | None = None

    def options(self) -> dict[str, Any]:
        return _options(self)


def _options(method: Part) -> dict[str, Any]:
    """Every option with its value, defaults too, but for those left open (null): keywords of the estimator."""
    return {k: v for k, v in method.model_dump().items() if k != "name" and v is not None}


Method = Annotated[Difference | Cem | Aipw, Field(discriminator="name")]


class Interference(Part):
    """What one unit's treatment does to another: none (and why), within a cluster, or unknown (which warns)."""

    assumption: Literal["none", "within", "unknown"]
    because: Text | None = None
    cluster: Identifier | None = None

    @model_validator(mode="after")
    def _is_argued(self) -> Interference:
        needed = {"none": ("because", self.because), "within": ("cluster", self.cluster)}.get(self.assumption)
        if needed and not needed[1]:
            detail = f"assumption {self.assumption} needs the key {needed[0]}"
            fix = {"because": "say why units do not affect each other", "cluster": "name the cohort's cluster column"}
            raise rule_error(Violation((), "001", "interference is not argued", (detail,), fix[needed[0]]))
        return self


class TreatmentValues(Part):
    """The values of the treatment column when they are not 1 and 0."""

    treated: Scalar
    control: Scalar


class PlaceboOutcome(Part):
    """A pre-treatment variable held out of the covariates, on which the effect must be nil."""

    feature: FeatureName
    name: Identifier
    window_days: Days | None = None
    gap_days: Offset = 0
    kind: Literal["continuous", "binary", "count"] = "continuous"

    @property
    def has_default_window(self) -> bool:
        return "window_days" not in self.model_fields_set


class PlaceboInTime(Part):
    """The study repeated `shift_days` earlier."""

    shift_days: Days


class PlaceboTreatment(Part):
    """`draws` random treatments of the same size: a test of the standard error, never of confounding."""

    draws: Annotated[int, Field(ge=20, le=10_000)] = 200


class Checks(Part):
    """A/A checks that need to be told something; the others run by themselves."""

    placebo_outcomes: Annotated[
        tuple[Annotated[PlaceboOutcome, BeforeValidator(_with_name, json_schema_input_type=dict)], ...],
        Field(strict=False),
    ] = ()
    placebo_in_time: PlaceboInTime | None = None
    placebo_treatment: PlaceboTreatment | None = None


class Waiver(Part):
    """A reviewed reason to publish although a gate could not be evaluated; a failed gate cannot be waived."""

    check: Identifier
    reason: Text


def _shorthand(item: Any) -> Any:
    return {"name": item} if isinstance(item, str) else item


def _as_of(value: Any) -> Any:
    """A quoted ISO date or UTC timestamp, not in the future; returned as it was written."""
    if isinstance(value, date):
        detail = f"as_of is {value.isoformat()} without quotes: a date to YAML, and dbt sees it as changed for ever"
        raise rule_error(Violation((), "002", "unquoted date", (detail,), f'write as_of: "{value.isoformat()}"'))
    if not isinstance(value, str):
        return value
    moment = utc_moment(value)
    if moment is None:
        detail = f"as_of is {value[:40]!r}"
        fix = 'write as_of: "2026-05-01" or "2026-05-01T00:00:00Z"'
        raise rule_error(Violation((), "033", "as_of is not an ISO date or UTC timestamp", (detail,), fix))
    if moment > datetime.now(UTC):
        detail = f"as_of is {value}: events up to then do not exist yet, so the same as_of would give other numbers"
        fix = f"set as_of to a day that has passed, or run the study from {value[:10]} on"
        raise rule_error(Violation((), "033", "as_of lies in the future", (detail,), fix))
    return value


def utc_moment(text: str) -> datetime | None:
    """`text` as a moment in UTC, or None if it is no ISO date or timestamp or names another offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if not moment.utcoffset() else None


NamedConfounder = Annotated[Confounder, BeforeValidator(_with_name, json_schema_input_type=str | dict)]
NamedOutcome = Annotated[Outcome, BeforeValidator(_with_name, json_schema_input_type=dict)]
NamedMethod = Annotated[Method, BeforeValidator(_shorthand, json_schema_input_type=str | Method)]


class Study(Part):
    """One study. Windows are half-open, per unit and in UTC; `docs/` explains every key."""

    question: Text
    owner: Text
    design: Literal["randomised", "observational"]
    estimand: Literal["ATT", "ATE", "ATO", "ATC"]
    control_index: Literal["calendar", "risk_set", "drawn_from_treated"]
    as_of: Annotated[str, BeforeValidator(_as_of)]
    interference: Interference
    methods: Annotated[tuple[NamedMethod, ...], Field(min_length=1, strict=False)]
    confounders: Annotated[tuple[NamedConfounder, ...], Field(strict=False)]
    outcomes: Annotated[tuple[NamedOutcome, ...], Field(min_length=1, strict=False)]
    segments: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()
    cluster: Identifier | None = None
    anticipation_days: Offset = 0
    treatment_values: TreatmentValues | None = None
    expected_share: Share | None = None
    missing_values: Literal["drop", "fail", "zero", "indicator"] = "drop"
    max_missing_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    winsorise: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    collinear: Literal["fail", "drop"] = "fail"
    max_levels: Annotated[int, Field(ge=2, le=10_000)] = 50
    crossover: Literal["fail", "first_exposure"] = "fail"
    later_treatment: Literal["keep", "censor"] = "keep"
    margin: Annotated[float, Field(gt=0, le=10)] = 0.1
    checks: Checks = Checks()
    waivers: Annotated[tuple[Waiver, ...], Field(strict=False)] = ()
    acknowledged_block: Annotated[str, Field(pattern=HASH)] | None = None

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Study:
        violations = broken_rules(self, known=set(type(self).model_fields))
        if violations:
            raise rule_error(*violations)
        return self

    @property
    def as_of_at(self) -> datetime:
        """Events at or after this moment do not exist for the study."""
        moment = utc_moment(self.as_of)
        if moment is None:
            raise PydanticCustomError("as_of", "as_of was not validated")
        return moment

    @property
    def headline(self) -> Difference | Cem | Aipw:
        return self.methods[0]

    @property
    def primary_outcomes(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if o.role == "primary")

    @property
    def covariate_columns(self) -> tuple[str, ...]:
        return tuple(f"covariate_{c.name}" for c in self.confounders)


def parse(meta: Any, locate: Callable[[Path], str] = lambda path: "") -> Study:
    """The definition under `config.meta.study` as a `Study`. `locate` turns the path of a key into ``file:line``.

    Raises CausalError with all faults at once (001-004, 017, 033).
    """
    found = definition_faults(meta, locate)
    if found:
        raise CausalError(*found)
    return Study.model_validate(meta)


def definition_faults(meta: Any, locate: Callable[[Path], str] = lambda path: "") -> list[Fault]:
    """All faults of a definition, in the order of its keys; empty when it is fine. Arguments as in `parse`."""
    violations = jinja_violations(meta)
    try:
        Study.model_validate(meta)
    except ValidationError as error:
        return to_faults(Study, error, meta, violations, locate)
    return [v.fault(locate) for v in violations]


def json_schema() -> dict[str, Any]:
    """JSON Schema of a definition, shorthands included; committed as docs/study.schema.json for editors."""
    schema = Study.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A study of dbt-causal", **schema}
