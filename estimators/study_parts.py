"""The pieces that a study definition is made of: names, windows, periods, and who may affect whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from estimators.definition_faults import Violation, rule_error
from estimators.definition_parts import IDENTIFIER, Identifier, Part, Scalar, Text

LABEL = r"^\w[\w \-.,%()/+&:<>]{0,119}$"  # a name that people read; it is only ever compared with the registry's labels
ISO_DATE = r"\d{4}-\d{2}-\d{2}"

FeatureName = Annotated[str, Field(pattern=LABEL)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Offset = Annotated[int, Field(ge=0, le=36_500)]
Shape = Literal["cross_section", "panel", "series"]  # a row per unit, per unit and period, per series and period


def column_name(feature: Any) -> Any:
    """The column suffix of a feature: its name, or its label written as an identifier (`f_7_day_session_count`)."""
    if not isinstance(feature, str) or re.fullmatch(IDENTIFIER, feature):
        return feature
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in feature.lower()).split()
    name = "_".join(words)[:60]
    return name if name[:1].isalpha() else f"f_{name}"


def with_name(item: Any) -> Any:
    """`sessions_7d` and `{feature: sessions_7d}` as `{feature: sessions_7d, name: sessions_7d}`."""
    if isinstance(item, str):
        item = {"feature": item}
    if isinstance(item, Mapping) and "feature" in item and item.get("name") is None:
        item = {**item, "name": column_name(item["feature"])}
    return item


class Measured(Part):
    """A registered feature over a window. A window that is not given is the feature's own."""

    feature: FeatureName
    name: Identifier
    window_days: Days | None = None

    @property
    def has_default_window(self) -> bool:
        return "window_days" not in self.model_fields_set


class Confounder(Measured):
    """A feature over a window before treatment; in a panel before the period and before treatment."""

    gap_days: Offset = 0


class Outcome(Measured):
    """A feature over [treated_at + start_days, treated_at + start_days + window_days), or over each period."""

    start_days: Offset = 0
    role: Literal["primary", "secondary"] = "primary"
    kind: Literal["continuous", "binary", "count"] = "continuous"


class NegativeControl(Measured):
    """An outcome that the treatment cannot affect, measured after it as outcomes are."""

    start_days: Offset = 0
    kind: Literal["continuous", "binary", "count"] = "continuous"


class PlaceboOutcome(Measured):
    """A pre-treatment variable held out of the covariates, on which the effect must be nil."""

    gap_days: Offset = 0
    kind: Literal["continuous", "binary", "count"] = "continuous"


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


class Assumptions(Part):
    """What a method rests on and no data can show, each with the reason why it holds here."""

    unconfoundedness: Text | None = None
    exclusion: Text | None = None
    monotonicity: Text | None = None
    parallel_trends: Text | None = None
    no_anticipation: Text | None = None
    no_spillover_to_controls: Text | None = None


class Triangulation(Part):
    """Methods beside instrumental variables speak of other units: which estimand they have, and why they stand here."""

    estimand: Literal["ATT", "ATE", "ATO", "ATC"]
    because: Text


class Waiver(Part):
    """A reviewed reason to publish although a gate could not be evaluated; a failed gate cannot be waived."""

    check: Identifier
    reason: Text


def _first_on(value: Any) -> Any:
    """A quoted ISO date; returned as it was written."""
    if isinstance(value, date):
        detail = f"first_on is {value.isoformat()} without quotes: a date to YAML, and dbt sees it as changed for ever"
        raise rule_error(Violation((), "002", "unquoted date", (detail,), f'write first_on: "{value.isoformat()}"'))
    if isinstance(value, str) and (not re.fullmatch(ISO_DATE, value) or utc_moment(value) is None):
        fix = 'write first_on: "2026-01-05", the day on which the first period begins (UTC)'
        raise rule_error(Violation((), "001", "first_on is not an ISO date", (f"first_on is {value[:40]!r}",), fix))
    return value


class Periods(Part):
    """The periods of a panel or of series: half-open, in UTC, the first of them beginning at midnight of `first_on`."""

    first_on: Annotated[str, BeforeValidator(_first_on)]
    every: Literal["day", "week", "month", "quarter", "year"]
    n_periods: Annotated[int, Field(ge=2, le=10_000)]

    @model_validator(mode="after")
    def _begins_on_a_day_of_every_month(self) -> Periods:
        if self.every in _MONTHS and int(self.first_on[8:]) > 28:
            detail = f"first_on is {self.first_on}: some months have no day {self.first_on[8:]}"
            fix = "begin on one of the days 1 to 28, or count in days or weeks"
            raise rule_error(Violation(("first_on",), "001", "periods of unequal months", (detail,), fix))
        if len(self.boundaries()) <= self.n_periods:
            detail = f"{self.n_periods} periods of a {self.every} from {self.first_on} end after the year 9999"
            raise rule_error(Violation(("n_periods",), "001", "too many periods", (detail,), "give fewer periods"))
        return self

    def boundaries(self) -> tuple[datetime, ...]:
        """The beginnings of all periods in UTC, and the end of the last one: n_periods + 1 moments."""
        first = datetime.fromisoformat(self.first_on).replace(tzinfo=UTC)
        found = []
        for i in range(self.n_periods + 1):
            try:
                found.append(_later(first, self.every, i))
            except (OverflowError, ValueError):  # after the year 9999: said by the validator
                break
        return tuple(found)


_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


def _later(first: datetime, every: str, n: int) -> datetime:
    if every in _DAYS:
        return first + timedelta(days=n * _DAYS[every])
    months = first.month - 1 + n * _MONTHS[every]
    return first.replace(year=first.year + months // 12, month=months % 12 + 1)


def checked_as_of(value: Any) -> Any:
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
