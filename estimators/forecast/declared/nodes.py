"""The nodes of a declared forecast: a small vocabulary of types, or a module of one's own by import path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from estimators.definition_faults import Violation, rule_error
from estimators.definition_parts import Identifier, Part, Scalar

IMPORT_PATH = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
WITHIN = 100.0  # times smaller or larger than the stated scale a fitted one may be
Names = Annotated[tuple[Identifier, ...], Field(strict=False)]
SomeNames = Annotated[tuple[Identifier, ...], Field(strict=False, min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Prior = Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], Positive], Field(strict=False)]
Unit = Annotated[str, Field(min_length=1, max_length=40)]
ImportPath = Annotated[str, Field(pattern=IMPORT_PATH, max_length=200)]


def with_type(noun: str, item: Any) -> Any:
    """The item as it is. Raises the fault of one without a type, which pydantic would put in its own words."""
    if isinstance(item, Mapping) and "type" not in item:
        named = f"{noun} {item['name']}" if isinstance(item.get("name"), str) else f"a {noun}"
        raise rule_error(Violation((), "001", "missing key", (f"{named} has no type",), "add type: ..."))
    return item


def _with_input(item: Any) -> Any:
    return {"input": item} if isinstance(item, str) else item


class Port(Part):
    """What flows along an edge: its dims and its unit. A unit that is not said agrees with every other."""

    dims: Annotated[tuple[Identifier, ...], Field(strict=False, min_length=1)]
    unit: Unit | None = None


class Season(Part):
    """period: steps of the time dim after which it repeats.  harmonics: pairs of sine and cosine."""

    period: Annotated[float, Field(gt=1, le=10_000)]
    harmonics: Annotated[int, Field(ge=1, le=100)] = 3


class Baseline(Part):
    """What a node is without its inputs: a constant, a local level that moves in time, a trend, a season.

    pool: dims over which the constant is partially pooled.  trend: number of changes of slope, null for none.
    """

    level: bool = True
    trend: Annotated[int, Field(ge=0, le=50)] | None = None
    season: Season | None = None
    pool: Names = ()

    @property
    def moves(self) -> bool:
        return self.level or self.trend is not None or self.season is not None


class Effect(Part):
    """One input of a `response`: slope × saturation(carry-over(input)).

    over: dims of the slope, those of the node but time by default.  pool: dims of it that are partially pooled.
    carry_over: lags of the time dim that it lasts.  scale: a usual value of the input, for saturation; the
        fitted one stays within a hundred times of a stated scale.
    prior: mean and standard deviation of the slope.  decay_prior, scale_prior, steepness_prior: those of the
        carry-over's decay, of the saturation's scale, and of the exponent of `hill`.
    """

    input: Identifier
    unit: Unit | None = None
    sign: Literal["positive", "negative", "any"] = "any"
    over: Names | None = None
    pool: Names = ()
    carry_over: Annotated[int, Field(ge=0, le=104)] = 0
    saturation: Literal["none", "log", "hill"] = "none"
    scale: Positive = 1.0
    prior: Prior | None = None
    decay_prior: Prior | None = None
    scale_prior: Prior | None = None
    steepness_prior: Prior | None = None


class Elasticity(Part):
    """One input of `multiplicative`: (input / reference)^e. sign, prior (mean and standard deviation): of e."""

    input: Identifier
    unit: Unit | None = None
    sign: Literal["positive", "negative", "any"] = "any"
    over: Names = ()
    pool: Names = ()
    reference: Positive = 1.0
    prior: Prior | None = None


class NodePart(Port):
    """A node: its name, and what all types have in common."""

    fewest_inputs: ClassVar[int] = 0
    name: Identifier

    @property
    def reads(self) -> tuple[tuple[str, str | None], ...]:
        """Inputs with the unit that the node expects of them, if it says so."""
        return tuple((name, None) for name in getattr(self, "inputs", ()))

    @property
    def makes(self) -> dict[str, Port]:
        """Its outputs by name."""
        return {self.name: self}

    @property
    def asked_dims(self) -> dict[str, tuple[str, ...]]:
        """By input the dims that it may have: those of the node, unless a type says otherwise."""
        return {name: self.dims for name, _ in self.reads}

    @property
    def parameters(self) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
        """Of each parameter the key that says it, its dims, and the dims over which it is pooled."""
        return ()

    @property
    def moves_in_time(self) -> bool:
        """Whether it has a part that needs the time dim."""
        return False

    @property
    def has_level(self) -> bool | None:
        """Whether it has a local level; None where only the module itself knows."""
        return False


class Response(NodePart):
    """baseline + Σ slope × saturation(carry-over(input)): a local linear model with diminishing returns."""

    type: Literal["response"]
    inputs: Annotated[
        tuple[Annotated[Effect, BeforeValidator(_with_input, json_schema_input_type=str | Effect)], ...],
        Field(strict=False),
    ] = ()
    baseline: Baseline = Baseline()

    @property
    def reads(self) -> tuple[tuple[str, str | None], ...]:
        return tuple((effect.input, effect.unit) for effect in self.inputs)

    @property
    def parameters(self) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
        return (
            ("baseline", self.dims, self.baseline.pool),
            *((e.input, self.dims if e.over is None else e.over, e.pool) for e in self.inputs),
        )

    @property
    def moves_in_time(self) -> bool:
        return self.baseline.moves or any(effect.carry_over for effect in self.inputs)

    @property
    def has_level(self) -> bool:
        return self.baseline.level


class Multiplicative(NodePart):
    """exp(baseline) × Π (input / reference)^elasticity: a demand curve with constant elasticities."""

    type: Literal["multiplicative"]
    inputs: Annotated[
        tuple[Annotated[Elasticity, BeforeValidator(_with_input, json_schema_input_type=str | Elasticity)], ...],
        Field(strict=False),
    ] = ()
    baseline: Baseline = Baseline()

    @property
    def reads(self) -> tuple[tuple[str, str | None], ...]:
        return tuple((elasticity.input, elasticity.unit) for elasticity in self.inputs)

    @property
    def parameters(self) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
        return (("baseline", self.dims, self.baseline.pool), *((e.input, e.over, e.pool) for e in self.inputs))

    @property
    def moves_in_time(self) -> bool:
        return self.baseline.moves

    @property
    def has_level(self) -> bool:
        return self.baseline.level


class Sum(NodePart):
    """Σ inputs, each summed over the dims that the node does not have. Nothing to learn."""

    type: Literal["sum"]
    inputs: SomeNames

    @property
    def reads(self) -> tuple[tuple[str, str | None], ...]:
        return tuple((name, self.unit) for name in self.inputs)

    @property
    def asked_dims(self) -> dict[str, tuple[str, ...]]:
        return {}


class Product(NodePart):
    """Π inputs^powers, two or more. powers: one per input, all 1 by default. Nothing to learn."""

    fewest_inputs: ClassVar[int] = 2
    type: Literal["product"]
    inputs: SomeNames
    powers: Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(strict=False)] | None = None


class Ratio(NodePart):
    """numerator / denominator. Nothing to learn."""

    type: Literal["ratio"]
    numerator: Identifier
    denominator: Identifier

    @property
    def reads(self) -> tuple[tuple[str, str | None], ...]:
        return ((self.numerator, None), (self.denominator, None))


class Matching(NodePart):
    """efficiency × √(first × second): two sides of a market that need each other. over, pool: of the efficiency."""

    fewest_inputs: ClassVar[int] = 2
    type: Literal["matching"]
    inputs: Annotated[Names, Field(min_length=1, max_length=2)]
    over: Names = ()
    pool: Names = ()

    @property
    def parameters(self) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
        return (("efficiency", self.over, self.pool),)


class Network(NodePart):
    """A small network over the inputs of a cell. scales: typical size by input.  hidden: units by layer."""

    type: Literal["neural"]
    inputs: SomeNames
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=512)], ...], Field(strict=False, max_length=4)] = (16,)
    scales: dict[Identifier, Positive] = Field(default_factory=dict)


class OwnModule(NodePart):
    """A module of one's own, whose ports must be the ones declared here.

    outputs: further outputs beside `name`, with their ports.  options: keywords of its constructor.
    """

    inputs: dict[Identifier, Port] = Field(default_factory=dict)
    outputs: dict[Identifier, Port] = Field(default_factory=dict)
    options: dict[Identifier, Scalar | list[Scalar]] = Field(default_factory=dict)

    @property
    def reads(self) -> tuple[tuple[str, str | None], ...]:
        return tuple((name, port.unit) for name, port in self.inputs.items())

    @property
    def makes(self) -> dict[str, Port]:
        return {self.name: self, **self.outputs}

    @property
    def asked_dims(self) -> dict[str, tuple[str, ...]]:
        return {name: port.dims for name, port in self.inputs.items()}

    @property
    def has_level(self) -> None:
        return None


class Imported(OwnModule):
    """The module by its import path, `path: package.module:Class`."""

    type: Literal["import"]
    path: ImportPath


class ImportedByType(OwnModule):
    """The shorthand: the import path stands where a word of the vocabulary would."""

    type: ImportPath


Known = Annotated[
    Response | Multiplicative | Sum | Product | Ratio | Matching | Network | Imported, Field(discriminator="type")
]


def _read(item: Any) -> Any:
    """`type: shop.pricing:Revenue` as `type: import, path: shop.pricing:Revenue`."""
    item = with_type("node", item)
    kind = item.get("type") if isinstance(item, Mapping) else None
    if isinstance(kind, str) and re.fullmatch(IMPORT_PATH, kind):
        return {**item, "type": "import", "path": kind}
    return item


Node = Annotated[Known, BeforeValidator(_read, json_schema_input_type=Known | ImportedByType)]
