"""What a loss is made of: terms that say what they want, added up with weights.

At weight 1 a term is a negative log-likelihood (or log prior), up to a constant; other weights temper it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from estimators.errors import refuse
from estimators.forecast.experiments.table import Experiments


class Weighted(NamedTuple):
    """A term and its weight."""

    weight: float
    term: Term


class Term:
    """One wish; ``2.0 * term`` weighs it, ``+`` adds it to others."""

    def _loss(self) -> Loss:
        return Loss((Weighted(1.0, self),))

    def __add__(self, other: Term | Loss) -> Loss:
        return self._loss() + other

    def __mul__(self, weight: float) -> Loss:
        return self._loss() * weight

    __rmul__ = __mul__


@dataclass(frozen=True)
class Loss:
    """A weighted sum of terms."""

    terms: tuple[Weighted, ...]

    def __add__(self, other: Term | Loss) -> Loss:
        return Loss(self.terms + (other.terms if isinstance(other, Loss) else other._loss().terms))

    def __mul__(self, weight: float) -> Loss:
        if not weight >= 0:
            raise refuse("029", "a weight below zero", f"got {weight}", fix="weights are 0 or more")
        return Loss(tuple(Weighted(weight * own, term) for own, term in self.terms))

    __rmul__ = __mul__

    def __iter__(self) -> Iterator[Weighted]:
        return iter(self.terms)

    def of(self, kind: type[Term]) -> tuple[Weighted, ...]:
        """The terms of one kind, with their weights."""
        return tuple(part for part in self.terms if isinstance(part.term, kind))

    @property
    def is_likelihood(self) -> bool:
        """Whether all weights are 1, so that draws and intervals can be read from the loss itself."""
        return all(weight == 1.0 for weight, _ in self.terms)


@dataclass(frozen=True)
class Fit(Term):
    """The observed values of a node are Normal around it, all noise of unknown variance.

    scale: what the noise is proportional to: ``"sd"`` the same for all series, ``"mase"`` each series' mean absolute
    difference at lag `season` (series where that is zero are left out, and counted), or a number: the known standard
    deviation. A local level that adds to the node is integrated out; how much it moves is estimated, or set by
    `Smooth`.
    """

    node: str
    scale: float | Literal["sd", "mase"] = "sd"
    season: int = 1


@dataclass(frozen=True)
class Agree(Term):
    """The model's effects are Normal around the measured ones: ½ a'V⁻¹a with a = predicted − measured.

    An effect is predicted through the whole graph: the outcome with the lever changed less the outcome without, summed
    over the experiment's cells and reading window. exact: the effects are met exactly, whatever the weight.
    leaves_fit: rows whose cells and reading windows are taken out of `Fit` of their outcome, because history there
    produced the effect; the others are flagged as counted twice where their windows lie in the history.
    """

    experiments: Experiments
    exact: bool = False
    leaves_fit: Literal["observational", "all", "none"] = "observational"


@dataclass(frozen=True)
class Pool(Term):
    """Values of a pooled parameter are Normal around their mean, on the parameter's raw scale.

    names: parameters (``"Supply.slope"`` or ``"slope"``), all pooled ones by default. The spread is estimated, not
    fitted: it is what maximises the likelihood of the values given how well each is known (empirical Bayes).
    """

    names: tuple[str, ...] = ()

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True)
class Smooth(Term):
    """Steps of a parameter along a dim are Normal around zero.

    scale: their standard deviation; for a local level that adds to a node, in standard deviations of the node's noise:
    weight 1 says that a level moves as much in a step as the noise does, 0.01 that it moves ten times as much.
    """

    name: str
    dim: str
    scale: float = 1.0
