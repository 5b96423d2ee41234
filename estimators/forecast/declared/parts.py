"""What a declared forecast says beside its nodes: losses, experiments, training, and the plan with its constraints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from estimators.definition_parts import Identifier, Part, Share
from estimators.forecast.declared.nodes import Port, Positive, SomeNames, with_type

Finite = Annotated[float, Field(allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Horizon = Annotated[int, Field(ge=1, le=1000)]
Limits = Finite | dict[str, Finite]  # one number, or one by label


class Input(Port):
    """A column of the history that no node makes.

    missing: what an absent cell counts as; by default it is refused.  ahead: what is taken where it is not known ahead:
    its values of the last season again, or what is usual: its mean over the last four seasons (weather).
    """

    missing: Literal["refuse", "zero"] = "refuse"
    ahead: Literal["last", "usual"] = "last"


class Experiments(Part):
    """The model that holds experiments, and how many of them are held out of training, by region and block of time."""

    model: Identifier
    heldout_share: Share = 0.3
    gate: bool = True


class Fit(Part):
    """The observed values of a node.

    scale: of its noise: `sd` alike for all series, `mase` by each one's naive error at lag `season`, or a number.
    """

    type: Literal["fit"]
    node: Identifier
    weight: Weight = 1.0
    scale: Literal["sd", "mase"] | Positive = "sd"
    season: Annotated[int, Field(ge=1, le=1000)] = 1


class Agree(Part):
    """Effects of experiments. exact: met exactly.  leaves_fit: rows whose cells are taken out of the fit."""

    type: Literal["agree"]
    weight: Weight = 1.0
    exact: bool = False
    leaves_fit: Literal["observational", "all", "none"] = "observational"


class Pool(Part):
    """Partial pooling of all parameters that declare a pool."""

    type: Literal["pool"]
    weight: Weight = 1.0


class Smooth(Part):
    """Quietness of the local level of a node over time. scale: of its steps, in standard deviations of its noise."""

    type: Literal["smooth"]
    node: Identifier
    weight: Weight = 1.0
    scale: Positive = 1.0


class ConstraintPart(Part):
    """What the rules ask of every constraint."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes and inputs that it reads."""
        return ()

    @property
    def decisions(self) -> tuple[str, ...]:
        """Decisions that it limits cell by cell."""
        return ()

    @property
    def along(self) -> str | None:
        """The dim that it follows."""
        return None

    @property
    def limits(self) -> tuple[tuple[str, Limits | None], ...]:
        """Its lower and its upper limit with their keys; none where it always limits."""
        return ()


class Total(ConstraintPart):
    """A limit on the sum of decisions or nodes, `by` the labels of one dim where that is given."""

    type: Literal["total"]
    of: SomeNames
    by: Identifier | None = None
    at_most: Limits | None = None
    at_least: Limits | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        return self.of

    @property
    def along(self) -> str | None:
        return self.by

    @property
    def limits(self) -> tuple[tuple[str, Limits | None], ...]:
        return (("at_least", self.at_least), ("at_most", self.at_most))


class Box(ConstraintPart):
    """Limits on every cell of a decision."""

    type: Literal["box"]
    decision: Identifier
    lower: Finite | None = None
    upper: Finite | None = None

    @property
    def decisions(self) -> tuple[str, ...]:
        return (self.decision,)

    @property
    def limits(self) -> tuple[tuple[str, Limits | None], ...]:
        return (("lower", self.lower), ("upper", self.upper))


class Ramp(ConstraintPart):
    """The largest change of a decision from one label of a dim to the next, as a share of the value before."""

    type: Literal["ramp"]
    decision: Identifier
    dim: Identifier
    at_most: Positive

    @property
    def decisions(self) -> tuple[str, ...]:
        return (self.decision,)

    @property
    def along(self) -> str:
        return self.dim


class RatioOf(ConstraintPart):
    """A limit on the ratio of two totals, such as revenue per ride."""

    type: Literal["ratio"]
    numerator: Identifier
    denominator: Identifier
    at_most: Finite | None = None
    at_least: Finite | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.numerator, self.denominator)

    @property
    def limits(self) -> tuple[tuple[str, Limits | None], ...]:
        return (("at_least", self.at_least), ("at_most", self.at_most))


class Support(ConstraintPart):
    """Decisions stay within the range that was tried, stretched by a share of it."""

    type: Literal["support"]
    stretch: Annotated[float, Field(ge=0, le=1)] = 0.1


class Objective(Part):
    """The nodes whose total is maximised."""

    maximise: SomeNames


class Gate(Part):
    """When a plan falls back on a rule: an interval of the objective wider than `max_width` of its value."""

    max_width: Positive
    fallback: Literal["status_quo", "last_year"] = "status_quo"


class Robust(Part):
    """Plans for the worst share `cvar` of the draws."""

    cvar: Share


class Stability(Part):
    """slices: blocks of history without each of which the plan is made anew.  draws: of the fit, on which it is too."""

    slices: Annotated[int, Field(ge=2, le=50)] = 3
    draws: Annotated[int, Field(ge=0, le=1000)] = 0


class Training(Part):
    """stages: in order.  draws: of the parameters, for intervals and for the value of a plan on fresh draws."""

    stages: Annotated[tuple[Literal["separate", "joint"], ...], Field(strict=False, min_length=1, max_length=2)] = (
        "separate",
        "joint",
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    draws: Annotated[int, Field(ge=0, le=10_000)] = 0


class Backtest(Part):
    """Rolling origins, `horizon` periods apart, beside baselines."""

    origins: Annotated[int, Field(ge=1, le=100)] = 6
    horizon: Horizon | None = None
    baselines: Annotated[tuple[Literal["seasonal_naive", "ets"], ...], Field(strict=False)] = ("seasonal_naive", "ets")


def _loss(item: Any) -> Any:
    return with_type("loss", item)


def _constraint(item: Any) -> Any:
    return with_type("constraint", item)


Loss = Annotated[
    Annotated[Fit | Agree | Pool | Smooth, Field(discriminator="type")],
    BeforeValidator(_loss, json_schema_input_type=Fit | Agree | Pool | Smooth),
]
Constraint = Annotated[
    Annotated[Total | Box | Ramp | RatioOf | Support, Field(discriminator="type")],
    BeforeValidator(_constraint, json_schema_input_type=Total | Box | Ramp | RatioOf | Support),
]
