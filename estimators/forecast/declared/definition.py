"""The definition of a forecast: what stands under `config.meta.forecast`, as one frozen model.

The JSON schema (docs/forecast.schema.json), the error messages and every reader of a definition come from here. It
knows nothing of torch: a definition is judged in milliseconds, before anything runs. `build` makes a ModelCollection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from estimators.definition_faults import Path, faults_of, rule_error
from estimators.definition_parts import HASH, Identifier, Part, Text
from estimators.errors import CausalError, Fault
from estimators.forecast.declared.nodes import Names, Node
from estimators.forecast.declared.parts import (
    Backtest,
    Constraint,
    Experiments,
    Gate,
    Horizon,
    Input,
    Loss,
    Objective,
    Robust,
    Stability,
    Training,
)
from estimators.forecast.declared.rules import broken_rules


class Forecast(Part):
    """One forecast, and the plan that is made with it.

    history: the model with one row per cell: a column per dim, per input and per observed node.
    dims: columns whose values label the cells.  time: the one of them along which it forecasts.
    inputs: columns that no node makes.  decisions: those of them that the plan may set.
    acknowledged_block: the definition's hash, once reviewers know that its plan is withheld; quiets the test.
    """

    called: ClassVar[str] = "the forecast"
    schema_file: ClassVar[str] = "docs/forecast.schema.json"

    question: Text
    owner: Text
    history: Identifier
    dims: Annotated[tuple[Identifier, ...], Field(strict=False, min_length=1, max_length=6)]
    time: Identifier
    inputs: dict[Identifier, Input] = Field(default_factory=dict)
    nodes: Annotated[tuple[Node, ...], Field(strict=False, min_length=1, max_length=500)]
    losses: Annotated[tuple[Loss, ...], Field(strict=False, min_length=1)]
    experiments: Experiments | None = None
    training: Training = Training()
    backtest: Backtest = Backtest()
    horizon: Horizon
    decisions: Names = ()
    objective: Objective | None = None
    constraints: Annotated[tuple[Constraint, ...], Field(strict=False)] = ()
    gate: Gate | None = None
    robust: Robust | None = None
    stability: Stability = Stability()
    acknowledged_block: Annotated[str, Field(pattern=HASH)] | None = None

    @model_validator(mode="after")
    def _keeps_the_rules(self) -> Forecast:
        violations = broken_rules(self, set(type(self).model_fields))
        if violations:
            raise rule_error(*violations)
        return self

    @property
    def node_names(self) -> tuple[str, ...]:
        """All nodes in the order in which they are declared, further outputs of own modules included."""
        return tuple(name for node in self.nodes for name in node.makes)


def parse(meta: Any, locate: Callable[[Path], str] = lambda path: "") -> Forecast:
    """The definition under `config.meta.forecast`. `locate` turns the path of a key into ``file:line``.

    Raises CausalError with all faults at once (001, 002, 004 for keys, 029 for the graph and the plan).
    """
    found = definition_faults(meta, locate)
    if found:
        raise CausalError(*found)
    return Forecast.model_validate(meta)


def definition_faults(meta: Any, locate: Callable[[Path], str] = lambda path: "") -> list[Fault]:
    """All faults of a definition, in the order of its keys; empty when it is fine. Arguments as in `parse`."""
    return faults_of(Forecast, meta, locate, broken_rules)


def json_schema() -> dict[str, Any]:
    """JSON Schema of a definition, shorthands included; committed as docs/forecast.schema.json for editors."""
    schema = Forecast.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A forecast of dbt-causal", **schema}
