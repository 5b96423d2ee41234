"""What a definition tells its checks; checks that need to be told nothing run by themselves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from estimators.definition_faults import Violation, rule_error
from estimators.definition_parts import Identifier, Part, Text
from estimators.study_parts import Days, NegativeControl, PlaceboOutcome, with_name

Finite = Annotated[float, Field(allow_inf_nan=False)]
Draws = Annotated[int, Field(ge=20, le=100_000)]
NamedPlacebo = Annotated[PlaceboOutcome, BeforeValidator(with_name, json_schema_input_type=str | dict)]
NamedControl = Annotated[NegativeControl, BeforeValidator(with_name, json_schema_input_type=str | dict)]


class PlaceboInTime(Part):
    """The study repeated earlier: by days for one row per unit, by whole periods for a panel or series."""

    shift_days: Days | None = None
    shift_periods: Annotated[int, Field(ge=1, le=10_000)] | None = None


class PlaceboTreatment(Part):
    """`draws` random treatments of the same size: a test of the standard error, never of confounding."""

    draws: Annotated[int, Field(ge=20, le=10_000)] = 200


class Randomization(Part):
    """How treatment was drawn. strata: segments within which it was.  n_draws: assignments drawn from the same law."""

    law: Literal["complete", "stratified", "clustered", "bernoulli"]
    strata: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()
    n_draws: Draws = 1000


class Interval(Part):
    """The ends of a range, in the units of the key that holds it."""

    lower: Finite
    upper: Finite

    @model_validator(mode="after")
    def _is_ordered(self) -> Interval:
        if self.lower > self.upper:
            detail = f"lower is {self.lower:g} and upper is {self.upper:g}"
            raise rule_error(Violation((), "001", "range is upside down", (detail,), "exchange lower and upper"))
        return self


class PlausiblyExogenous(Interval):
    """Direct effects of the instrument on the outcome that cannot be excluded (Conley, Hansen and Rossi 2012)."""


class Sensitivity(Part):
    """benchmarks: confounders to compare a hidden one with.  bias_range: biases in units of the outcome."""

    benchmarks: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()
    bias_range: Annotated[tuple[Finite, ...], Field(strict=False, min_length=1, max_length=100)] | None = None


class Experiment(Part):
    """A randomised estimate of the same effect, which the headline has to agree with."""

    estimate: Finite
    std_error: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    source: Text


class SecondOpinion(Part):
    """Recomputation by the package that the field trusts. max_units: above it on a sample by bucket of this size."""

    enabled: bool = True
    max_units: Annotated[int, Field(ge=100, le=1_000_000_000)] = 100_000


class Checks(Part):
    """Checks that need to be told something."""

    placebo_outcomes: Annotated[tuple[NamedPlacebo, ...], Field(strict=False)] = ()
    placebo_in_time: PlaceboInTime | None = None
    placebo_treatment: PlaceboTreatment | None = None
    randomization: Randomization | None = None
    negative_controls: Annotated[tuple[NamedControl, ...], Field(strict=False)] = ()
    sensitivity: Sensitivity | None = None
    plausibly_exogenous: PlausiblyExogenous | None = None
    experiment: Experiment | None = None
    second_opinion: SecondOpinion = SecondOpinion()
