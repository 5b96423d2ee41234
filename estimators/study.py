"""The study definition: what stands under `config.meta.study`, as one frozen model.

The JSON schema (docs/study.schema.json), the error messages and every reader of a definition come from here. Shorthands
are normalised: after `parse` a confounder, outcome or method always has a `name`, whatever the analyst wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from estimators.definition_faults import Path, faults_of, rule_error
from estimators.definition_parts import HASH, IDENTIFIER, Identifier, Part, Share, Text
from estimators.definition_rules import broken_rules
from estimators.errors import CausalError, Fault
from estimators.study_checks import Checks
from estimators.study_methods import Method, NamedMethod
from estimators.study_parts import (
    LABEL,
    Assumptions,
    Confounder,
    Days,
    FeatureName,
    Interference,
    Offset,
    Outcome,
    Periods,
    Shape,
    TreatmentValues,
    Triangulation,
    Waiver,
    checked_as_of,
    column_name,
    utc_moment,
    with_name,
)

__all__ = [
    "IDENTIFIER", "LABEL", "Days", "FeatureName", "Identifier", "Method", "Part", "Study", "Text", "column_name",
    "definition_faults", "json_schema", "parse",
]  # fmt: skip

NamedConfounder = Annotated[Confounder, BeforeValidator(with_name, json_schema_input_type=str | dict)]
NamedOutcome = Annotated[Outcome, BeforeValidator(with_name, json_schema_input_type=dict)]
Estimand = Literal["ATT", "ATE", "ATO", "ATC", "LATE"]


class Study(Part):
    """One study. Windows are half-open, per unit and in UTC; `docs/` explains every key.

    Its methods read tables of one shape: a row per unit (cross_section), per unit and period (panel), or per series
    and period (series). control_index belongs to the first; periods to the others.
    """

    question: Text
    owner: Text
    design: Literal["randomised", "observational"]
    estimand: Estimand
    control_index: Literal["calendar", "risk_set", "drawn_from_treated"] | None = None
    as_of: Annotated[str, BeforeValidator(checked_as_of)]
    interference: Interference
    methods: Annotated[tuple[NamedMethod, ...], Field(min_length=1, strict=False)]
    confounders: Annotated[tuple[NamedConfounder, ...], Field(strict=False)] = ()
    outcomes: Annotated[tuple[NamedOutcome, ...], Field(min_length=1, strict=False)]
    periods: Periods | None = None
    aggregate: Literal["mean", "sum"] | None = None
    instruments: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()
    treatment_kind: Literal["binary", "continuous"] = "binary"
    triangulation: Triangulation | None = None
    assumptions: Assumptions = Assumptions()
    segments: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()
    cluster: Identifier | None = None
    anticipation_days: Offset = 0
    anticipation_periods: Annotated[int, Field(ge=0, le=1000)] = 0
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
    def shape(self) -> Shape:
        return self.headline.shape

    @property
    def as_of_at(self) -> datetime:
        """Events at or after this moment do not exist for the study."""
        moment = utc_moment(self.as_of)
        if moment is None:
            raise PydanticCustomError("as_of", "as_of was not validated")
        return moment

    @property
    def headline(self) -> Method:
        return self.methods[0]

    @property
    def primary_outcomes(self) -> tuple[Outcome, ...]:
        return tuple(o for o in self.outcomes if o.role == "primary")

    @property
    def covariate_columns(self) -> tuple[str, ...]:
        return tuple(f"covariate_{c.name}" for c in self.confounders)

    @property
    def instrument_columns(self) -> tuple[str, ...]:
        return tuple(f"instrument_{name}" for name in self.instruments)

    @property
    def negative_control_columns(self) -> tuple[str, ...]:
        return tuple(f"negative_control_{c.name}" for c in self.checks.negative_controls)

    def estimand_of(self, method: Method) -> str:
        """The study's estimand, or that of `triangulation` for a method that cannot estimate it."""
        if self.triangulation is not None and self.estimand not in method.estimands:
            return self.triangulation.estimand
        return self.estimand


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
    return faults_of(Study, meta, locate)


def json_schema() -> dict[str, Any]:
    """JSON Schema of a definition, shorthands included; committed as docs/study.schema.json for editors."""
    schema = Study.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A study of dbt-causal", **schema}
