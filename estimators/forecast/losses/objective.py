"""A loss on a model and its history, ready to be evaluated with gradients, by term and by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.experiments.table import Experiments
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.effects import Effects
from estimators.forecast.losses.node_fit import NodeFit, Weighed
from estimators.forecast.losses.passes import changed_nodes
from estimators.forecast.losses.pool import PoolOf, smoothness


@dataclass
class Agreement:
    """A term `Agree`. whitener: L⁻¹ with LL' the covariance of the measurements.  multiplier: of the constraints, if
    the effects are to be met exactly.
    """

    experiments: Experiments
    effects: Effects
    weight: float
    is_exact: bool
    whitener: torch.Tensor = field(init=False)
    measured: torch.Tensor = field(init=False)
    multiplier: torch.Tensor | None = None

    def __post_init__(self) -> None:
        covariance = torch.from_numpy(self.experiments.covariance)
        factor, failed = torch.linalg.cholesky_ex(covariance)
        if failed:
            raise refuse(
                "029",
                "a covariance of experiments that is none",
                "the shared parts of their standard errors exceed the standard errors",
                fix="correct control_std_error",
            )
        self.whitener = torch.linalg.inv(factor)
        self.measured = torch.from_numpy(self.experiments.effects)

    def values(self, predicted: torch.Tensor) -> dict[str, torch.Tensor]:
        """½ a'V⁻¹a, shared out to the outcomes of the experiments; with multipliers where it is to be zero."""
        apart = predicted - self.measured
        shares = 0.5 * self.weight * apart * (self.whitener.T @ (self.whitener @ apart))
        if self.is_exact and self.multiplier is not None:
            shares = shares + self.multiplier * apart
        nodes: dict[str, list[int]] = {}
        for i, row in enumerate(self.experiments):
            nodes.setdefault(row.outcome, []).append(i)
        return {node: shares[own].sum() for node, own in nodes.items()}

    def raise_multiplier(self, predicted: torch.Tensor) -> None:
        """Adds the gradient of the penalty to the multipliers."""
        apart = predicted - self.measured
        step = self.weight * (self.whitener.T @ (self.whitener @ apart))
        self.multiplier = step if self.multiplier is None else self.multiplier + step


@dataclass(frozen=True)
class Evaluation:
    """total: the loss.  parts: by (term, node).  outputs: every node.  weighed: residuals by fitted node.  levels: by
    node, what was added to it.  effects: predicted effects by agreement.
    """

    total: torch.Tensor
    parts: dict[tuple[str, str], torch.Tensor]
    outputs: dict[str, Tensor]
    weighed: dict[str, Weighed]
    levels: dict[str, Tensor]
    effects: list[torch.Tensor]


@dataclass
class Objective:
    """fits: by node.  agreements, pools, smooths (weight, key, dim, scale), priors: the other terms.  own: modules that
    bring a loss of their own.
    """

    model: ModelCollection
    history: Mapping[str, Tensor]
    fits: dict[str, NodeFit]
    agreements: list[Agreement]
    pools: list[PoolOf]
    smooths: list[tuple[float, str, str, float]]
    priors: dict
    time: str

    def evaluate(self, with_effects: bool = True) -> Evaluation:
        """One pass through the graph, and one per pack of experiments."""
        outputs, weighed, levels = self.run()
        parts = {("fit", node): fit.value(weighed[node]) for node, fit in self.fits.items()}
        effects = []
        for agreement in self.agreements if with_effects else ():
            predicted = agreement.effects.predicted(outputs, levels)
            effects.append(predicted)
            for node, value in agreement.values(predicted).items():
                parts["agree", node] = parts.get(("agree", node), 0.0) + value
        parts |= {("pool", pool.key): pool.value() for pool in self.pools}
        parts |= {("prior", key): density() for key, density in self.priors.items()}
        for weight, key, dim, scale in self.smooths:
            owner, parameter = self.model.declarations()[key]
            parts["smooth", key] = weight * smoothness(owner, parameter, dim, scale)
        for module in self.model.order:
            if module.loss is not None:
                parts["own", module.name] = module.loss(outputs, self.history)
        total = sum(parts.values(), torch.zeros((), dtype=torch.float64))
        return Evaluation(total, parts, outputs, weighed, levels, effects)

    def run(self) -> tuple[dict[str, Tensor], dict[str, Weighed], dict[str, Tensor]]:
        """All nodes, with the levels that their residuals show added on the way; residuals before that; the levels."""
        weighed: dict[str, Weighed] = {}
        levels: dict[str, Tensor] = {}

        def with_level(node: str):
            def change(made: Tensor) -> Tensor:
                weighed[node] = self.fits[node].weigh(made)
                levels[node] = weighed[node].level
                return made + levels[node]

            return change

        leveled = [node for node, fit in self.fits.items() if fit.level is not None]
        with changed_nodes(self.model, {node: with_level(node) for node in leveled}):
            outputs = self.model.forward(self.history)
        for node, fit in self.fits.items():
            if node not in weighed:
                weighed[node] = fit.weigh(outputs[node])
        return outputs, weighed, levels

    def clear_levels(self) -> None:
        """Sets the levels that are integrated out to zero: they are added during the pass."""
        for fit in self.fits.values():
            if fit.level is not None:
                with torch.no_grad():
                    fit.level.raw.zero_()

    def write_levels(self) -> None:
        """Gives these levels the values that the residuals show, so that the model can be used by itself."""
        self.clear_levels()
        with torch.no_grad():
            _, _, levels = self.run()
        for node, level in levels.items():
            self.fits[node].level.write(level)

    @property
    def n_observed(self) -> int:
        return max(1, sum(int(fit.observations.observed.sum()) for fit in self.fits.values()))
