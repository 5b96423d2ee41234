"""The modules behind the vocabulary of a declared forecast: each type of node as a sub-model."""

from __future__ import annotations

from typing import Any

from estimators.forecast.declared.nodes import WITHIN, Baseline, Effect, Matching, Multiplicative, Response, Sum
from estimators.forecast.labels.operations import exp, sqrt
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.modules.module import Module
from estimators.forecast.modules.ports import Port

_DIRECTIONS = {"positive": "increasing", "negative": "decreasing"}
_BOUNDS: dict[str, dict[str, float]] = {"positive": {"lower": 0.0}, "negative": {"upper": 0.0}, "any": {}}
LEVEL = "level"  # the name of the local level that the loss `Smooth` keeps quiet


class WithBaseline(Module):
    """What a node is without its inputs: a constant, and as declared a local level, a trend and a season."""

    def __init__(self, name: str, node: Response | Multiplicative, inputs: dict[str, Port], time: str) -> None:
        super().__init__(name)
        self.inputs, self.outputs = inputs, {node.name: Port(*node.dims, unit=node.unit)}
        self.node, self.time = node, time
        self.jointly: dict[str, str] = {}
        self.still = tuple(dim for dim in node.dims if dim != time)
        self.moving = (*self.still, time)

    def setup(self) -> None:
        baseline: Baseline = self.node.baseline
        if not baseline.level or baseline.pool:
            self.constant = self.param("constant", *self.still, pool=baseline.pool or None)
        if baseline.level:
            self.level = self.local_level(LEVEL, *self.moving)
        if baseline.trend is not None:
            self.growth = self.trend("growth", *self.moving, knots=baseline.trend)
        if baseline.season is not None:
            season = baseline.season
            self.season = self.seasonality("season", *self.moving, period=season.period, harmonics=season.harmonics)

    def baseline(self) -> Tensor | float:
        """The sum of the declared parts, on the labels of the current window."""
        total: Any = 0.0
        for part in ("constant", LEVEL, "growth", "season"):
            if part in self.declared:
                total = getattr(self, part) + total
        return total


class ResponseModule(WithBaseline):
    """baseline + Σ slope × saturation(carry-over(input))."""

    def __init__(self, name: str, node: Response, inputs: dict[str, Port], time: str) -> None:
        super().__init__(name, node, inputs, time)
        of_input = {effect.input: effect for effect in node.inputs}
        bends = {key: _shape(effect) for key, effect in of_input.items()}
        self.shapes = {(node.name, key): shape for key, shape in bends.items() if shape}
        together = _of_a_sum(set(bends.values()))
        self.jointly = {node.name: together} if together else {}
        self.monotone = {(node.name, key): _DIRECTIONS[e.sign] for key, e in of_input.items() if e.sign in _DIRECTIONS}

    def setup(self) -> None:
        super().setup()
        for effect in self.node.inputs:
            over = self.still if effect.over is None else effect.over
            start = None if effect.prior or effect.sign == "any" else (1.0 if effect.sign == "positive" else -1.0)
            options = {"pool": effect.pool or None, "prior": effect.prior, "init": start, **_BOUNDS[effect.sign]}
            self.param(f"slope_{effect.input}", *over, **options)
            if effect.carry_over:
                carry = self.adstock(self.time, max_lag=effect.carry_over, prior=effect.decay_prior)
                setattr(self, f"carry_{effect.input}", carry)
            if effect.saturation != "none":
                within = WITHIN if "scale" in effect.model_fields_set else None  # 1 is no usual value of anything
                priors = {"prior": effect.scale_prior, "steepness_prior": effect.steepness_prior}
                curve = self.saturation(effect.saturation, scale=effect.scale, within=within, **priors)
                setattr(self, f"saturation_{effect.input}", curve)

    def forward(self, **inputs: Tensor) -> Tensor:
        total = self.baseline()
        for effect in self.node.inputs:
            value = inputs[effect.input]
            for part in ("carry", "saturation"):
                step = self._modules.get(f"{part}_{effect.input}")
                value = value if step is None else step(value)
            total = getattr(self, f"slope_{effect.input}") * value + total
        return total


class MultiplicativeModule(WithBaseline):
    """exp(baseline) × Π (input / reference)^elasticity."""

    def __init__(self, name: str, node: Multiplicative, inputs: dict[str, Port], time: str) -> None:
        super().__init__(name, node, inputs, time)
        self.monotone = {(node.name, e.input): _DIRECTIONS[e.sign] for e in node.inputs if e.sign in _DIRECTIONS}

    def setup(self) -> None:
        super().setup()
        signs = {"positive": 1, "negative": -1, "any": 0}
        for item in self.node.inputs:
            part = self.elasticity(*item.over, reference=item.reference, sign=signs[item.sign], prior=item.prior)
            setattr(self, f"elasticity_{item.input}", part)

    def forward(self, **inputs: Tensor) -> Tensor:
        base = self.baseline()
        total = exp(base) if isinstance(base, Tensor) else 1.0
        for item in self.node.inputs:
            total = self._modules[f"elasticity_{item.input}"](inputs[item.input]) * total
        return total


class SumModule(Module):
    """Σ inputs, each summed over the dims that the node does not have."""

    def __init__(self, name: str, node: Sum, inputs: dict[str, Port]) -> None:
        super().__init__(name)
        self.inputs, self.outputs = inputs, {node.name: Port(*node.dims, unit=node.unit)}
        self.jointly = {node.name: "affine"}
        self.monotone = {(node.name, key): "increasing" for key in inputs}

    def forward(self, **inputs: Tensor) -> Tensor:
        (kept,) = (port.dims for port in self.outputs.values())
        total: Any = 0.0
        for value in inputs.values():
            extra = [dim for dim in value.dims if dim not in kept]
            total = (value.sum(*extra) if extra else value) + total
        return total


class MatchingModule(Module):
    """efficiency × √(first × second): concave in both together, and increasing."""

    def __init__(self, name: str, node: Matching, inputs: dict[str, Port]) -> None:
        super().__init__(name)
        self.node = node
        self.inputs, self.outputs = inputs, {node.name: Port(*node.dims, unit=node.unit)}
        self.jointly = {node.name: "concave"}
        self.monotone = {(node.name, key): "increasing" for key in inputs}

    def setup(self) -> None:
        self.efficiency = self.param("efficiency", *self.node.over, pool=self.node.pool or None, positive=True)

    def forward(self, **inputs: Tensor) -> Tensor:
        first, second = (inputs[name] for name in self.node.inputs)
        return sqrt(first * second) * self.efficiency


def _of_a_sum(bends: set[str | None]) -> str | None:
    """How a sum of terms bends in all of them together; None where they bend in both ways or it is not known."""
    curved = bends - {"affine"}
    if not curved:
        return "affine"
    return curved.pop() if len(curved) == 1 else None


def _shape(effect: Effect) -> str | None:
    """How the node bends in this input; None where the sign or the curve leaves it open."""
    if effect.saturation == "none":
        return "affine"
    bends = {"positive": "concave", "negative": "convex"}
    return bends.get(effect.sign) if effect.saturation == "log" else None
