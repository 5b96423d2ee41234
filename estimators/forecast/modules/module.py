"""The sub-model that a team owns: ports, declared parts, and a forward pass over labelled tensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from estimators.errors import refuse
from estimators.forecast.labels.dims import Dims
from estimators.forecast.modules.labelled import Labelled
from estimators.forecast.modules.parameters import Parameter
from estimators.forecast.modules.ports import Port
from estimators.forecast.modules.response import Adstock, Elasticity, Prior, Saturation
from estimators.forecast.modules.series import Hinges, Waves

if TYPE_CHECKING:
    from estimators.forecast.labels.tensor import Tensor

Curvature = Literal["affine", "concave", "convex"]
Direction = Literal["increasing", "decreasing"]
SignOf = Callable[[str], int]  # of an input that no decision reaches: 1 nowhere negative, -1 nowhere positive, else 0


@dataclass(frozen=True)
class Claim:
    """How an output bends in those of its inputs that move, together, and which way by input.

    curvature: None where nothing is claimed.  why: what it rests on beside the tags, or why there is none.
    """

    curvature: Curvature | None
    directions: Mapping[str, Direction] = field(default_factory=dict)
    why: str = ""


class Module(Labelled):
    """Subclass it: declare `inputs` and `outputs`, declare parts in `setup`, compute in `forward`.

    inputs, outputs: `Port` by name; an output is a node of the graph.
    shapes, monotone: what the author asserts of an output as a function of an input, keyed ``(output, input)``;
    planning composes them into certificates, and `fc.check_replacement` tries to refute them.
    jointly: the shape of an output in all its inputs together, which `shapes` cannot say: a product is affine in each.
    s_curves: ``(output, input)`` pairs that are first convex and then concave, cell by cell.
    loss: optional method ``loss(self, outputs, history) -> torch.Tensor`` added to the loss of a fit.
    optimiser: optional method ``optimiser(self, parameters) -> torch.optim.Optimizer`` for this module's parameters.
    name: the name in the collection, the class's by default.
    """

    inputs: ClassVar[dict[str, Port]] = {}
    outputs: ClassVar[dict[str, Port]] = {}
    shapes: ClassVar[dict[tuple[str, str], Curvature]] = {}
    monotone: ClassVar[dict[tuple[str, str], Direction]] = {}
    jointly: ClassVar[dict[str, Curvature]] = {}
    s_curves: ClassVar[set[tuple[str, str]]] = set()
    loss: Any = None
    optimiser: Any = None

    def __init__(self, name: str | None = None) -> None:
        super().__init__()
        self.name = name or type(self).__name__

    def setup(self) -> None:
        """Declares parameters and parts; called once, when the module has been given its dims."""

    def forward(self, **inputs: Tensor) -> Tensor | dict[str, Tensor]:
        """The outputs of these inputs: one tensor, or one per output port by name."""
        raise NotImplementedError(f"{type(self).__name__} needs a forward method")

    def claim(self, output: str, moving: Sequence[str], sign_of: SignOf) -> Claim:
        """What is asserted of an output in the inputs that move with the decisions: the tags, unless a subclass knows
        more from the signs of the inputs that do not.
        """
        curvature = self.jointly.get(output)
        if curvature is None and len(moving) == 1:
            curvature = self.shapes.get((output, moving[0]))
        known = {name: self.monotone[output, name] for name in moving if (output, name) in self.monotone}
        return Claim(curvature, known)

    def bind(self, dims: Dims) -> None:
        """Gives the module its dims and runs `setup`; a module that has them already keeps its parameters."""
        if self.dims is None:
            object.__setattr__(self, "_blank", copy.deepcopy(self))  # not a part: torch must not see its parameters
            self.dims = dims
            self.setup()
        elif self.dims != dims:
            raise refuse(
                "029",
                f"module {self.name} already has other dims",
                f"it was set up for {self.dims!r}, the collection has {dims!r}",
                fix="make a new module, or take model.rebuilt(dims)",
            )

    def unbound(self) -> Module:
        """A copy as it was before it got its dims: the same options, no parameters yet."""
        return copy.deepcopy(self if self.dims is None else self._blank)

    # --- parts, declared in setup ------------------------------------------------------------------------------------
    def local_level(self, name: str, *dims: str, init: Any = None) -> Parameter:
        """A residual that moves in time: one value per label of `dims`, the last of which is the time dim.

        Beyond the known labels it stays where it was last. The loss `Smooth` says how quietly it moves.
        """
        time = self._time(name, dims)
        return self._declare(Parameter(name, self._axes(name, dims), kind="level", time=time), init)

    def trend(self, name: str, *dims: str, knots: int = 0) -> Parameter:
        """A line per label of `dims` (the last is the time dim) with `knots` evenly spaced changes of slope."""
        span = self._axes(name, dims).size(self._time(name, dims)) - 1
        return self._curve(name, dims, Hinges(span, knots))

    def seasonality(self, name: str, *dims: str, period: float, harmonics: int = 3) -> Parameter:
        """A season per label of `dims` (the last is the time dim); period: in labels of the time dim."""
        return self._curve(name, dims, Waves(period, harmonics))

    def _curve(self, name: str, dims: tuple[str, ...], basis: Hinges | Waves) -> Parameter:
        time = self._time(name, dims)
        axes = Dims.of({**self._axes(name, dims[:-1])._indexes, f"term of {name}": basis.terms})
        return self._declare(Parameter(name, axes, kind=basis.kind, time=time, basis=basis))

    def _time(self, name: str, dims: tuple[str, ...]) -> str:
        """The last dim, along which a level, trend or season moves."""
        if not dims:
            raise refuse("029", f"{name} has no time dim", "it moves in time", fix="name its dims, the time dim last")
        return dims[-1]

    def adstock(
        self,
        dim: str,
        *dims: str,
        max_lag: int,
        init: float | None = None,
        normalised: bool = True,
        prior: Prior | None = None,
    ) -> Adstock:
        """A carry-over along `dim`: call it. Its decay, between 0 and 1, has one value per label of `dims`.

        prior: mean and standard deviation of the decay, which starts at `init`, else at this mean, else at 0.5.
        """
        return Adstock(self.dims, self.window, (dim, max_lag, normalised), dims, (init, prior))

    def saturation(
        self,
        kind: Literal["log", "hill"],
        *dims: str,
        scale: float = 1.0,
        within: float | None = None,
        prior: Prior | None = None,
        steepness_prior: Prior | None = None,
    ) -> Saturation:
        """Diminishing returns: call it. ``log`` is log(1 + x/scale); ``hill`` is xʰ/(xʰ + scaleʰ).

        within: how many times smaller or larger than `scale` the fitted one may be; anything above 0 by default.
        prior, steepness_prior: mean and standard deviation of the scale, and of h; each starts at the mean of its own.
        """
        return Saturation(self.dims, self.window, kind, dims, scale, within, (prior, steepness_prior))

    def elasticity(
        self,
        *dims: str,
        reference: float = 1.0,
        sign: int = 0,
        init: float | None = None,
        prior: Prior | None = None,
    ) -> Elasticity:
        """A constant elasticity: call it for (x/reference)^e. sign: +1 or -1 if the elasticity has that sign.

        prior: mean and standard deviation of the elasticity.
        """
        return Elasticity(self.dims, self.window, dims, reference, sign, (init, prior))
