"""One stage of training: parameters moved downhill on an objective, and what is estimated between the rounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch

from estimators.forecast.losses.objective import Evaluation, Objective
from estimators.forecast.training.early_stop import EarlyStop
from estimators.forecast.training.exact import meet_exactly, raise_multipliers
from estimators.forecast.training.faults import no_gradient, not_a_number
from estimators.forecast.training.lbfgs import minimise
from estimators.forecast.training.options import Options
from estimators.forecast.training.parameters import Flat, curvature, rescale

SETTLED = 0.02  # relative change of what is estimated between rounds, below which no more rounds are needed
EXACT_ROUNDS = 6
FLAT = 1e-9  # largest gradient, per observation and in scaled units, that is none


@dataclass
class Training:
    """A stage on an objective. stage: its name, for messages.  flat: parameters that the house's optimisers move.
    others: (optimiser, parameters) of modules that bring their own; none if `is_by_house`.
    """

    stage: str
    objective: Objective
    options: Options
    early: EarlyStop | None = None
    is_by_house: bool = False
    flat: Flat = field(init=False)
    others: list[tuple[torch.optim.Optimizer, list[torch.nn.Parameter]]] = field(init=False)
    step: int = 0

    def __post_init__(self) -> None:
        held = {fit.level.key for fit in self.objective.fits.values() if fit.level is not None}
        spreads = ("_pool_mean", "_pool_log_sd")
        named = {
            name: parameter
            for name, parameter in self.objective.model.named_parameters()
            if name not in held and not name.endswith(spreads)
        }
        own = {module.name: module for module in self.objective.model.order if module.optimiser is not None}
        own = {} if self.is_by_house else own
        self.others = []
        for name, module in own.items():
            theirs = [p for key, p in named.items() if key.split(".")[0] == name]
            if theirs:
                self.others.append((module.optimiser(theirs), theirs))
        self.flat = Flat({key: p for key, p in named.items() if key.split(".")[0] not in own})

    def run(self) -> Evaluation:
        """Trains, and returns the loss at the end. Raises CAUSAL-029 for a loss that is not a number."""
        objective, options = self.objective, self.options
        first = self.evaluate()
        for agreement in objective.agreements:
            agreement.effects.pack(first.outputs, first.levels)
        is_exact = any(agreement.is_exact for agreement in objective.agreements)
        for number in range(max(options.rounds, EXACT_ROUNDS) if is_exact else options.rounds):
            if number == 0:
                self.rescale()
            if (options.optimiser != "lbfgs" and number == 0) or self.others:
                self.adam()
            if options.optimiser != "adam":
                self.polish()
            moved = self.refresh()
            if is_exact:
                raise_multipliers(objective)
            elif moved < SETTLED or (self.early and self.early.is_over):
                break
        if self.early:
            self.early.restore(self.flat)
        if is_exact:
            meet_exactly(objective, self.flat)
        return self.evaluate()

    def rescale(self) -> None:
        """Chooses the units in which the parameters are moved."""
        rescale(self.flat, self.gradient, self.options.seed)

    def evaluate(self) -> Evaluation:
        """The objective now. Raises CAUSAL-029 if it is not a number."""
        evaluation = self.objective.evaluate()
        if not math.isfinite(float(evaluation.total.detach())):
            raise not_a_number(self.objective.model, evaluation, self.stage, self.step)
        return evaluation

    def gradient(self) -> torch.Tensor:
        """Of the loss per observation, by the raw parameters (p,)."""
        return self.flat.gradient(self.objective.evaluate().total) / self.objective.n_observed

    def adam(self) -> None:
        """Adam with clipped gradients and a rate that falls by a cosine, on the scaled vector (Kingma and Ba 2015)."""
        options = self.options
        start, scale = self.flat.read(), self.flat.scale
        vector = torch.zeros(len(self.flat), dtype=torch.float64, requires_grad=True)
        optimiser = torch.optim.Adam([vector], lr=options.rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.adam_steps, options.rate / 50)
        for _ in range(options.adam_steps):
            evaluation = self.evaluate()
            vector.grad = self._downhill(evaluation) * scale
            torch.nn.utils.clip_grad_norm_([vector], options.clip)
            optimiser.step()
            schedule.step()
            self.flat.write(start + scale * vector.detach())
            if self._is_over(float(evaluation.total.detach())):
                break

    def _downhill(self, evaluation: Evaluation) -> torch.Tensor:
        """Gradients of the flat parameters (p,); modules with an optimiser of their own take their step here."""
        tensors = [*self.flat.tensors, *(p for _, own in self.others for p in own)]
        total = evaluation.total / self.objective.n_observed
        found = torch.autograd.grad(total, tensors, allow_unused=True) if total.requires_grad else [None] * len(tensors)
        gradients = [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found, strict=True)]
        if not all(bool(torch.isfinite(g).all()) for g in gradients):
            raise self._fault_of_gradient(tensors, gradients)
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = gradient
        for optimiser, own in self.others:
            torch.nn.utils.clip_grad_norm_(own, self.options.clip)
            optimiser.step()
        for tensor in tensors:
            tensor.grad = None
        flat = [g.reshape(-1) for g in gradients[: len(self.flat.tensors)]]
        return torch.cat(flat) if flat else torch.zeros(0, dtype=torch.float64)

    def _fault_of_gradient(self, tensors: list[torch.Tensor], gradients: list[torch.Tensor]) -> Exception:
        names = {id(p): name for name, p in self.objective.model.named_parameters()}
        named = {names[id(t)]: g for t, g in zip(tensors, gradients, strict=True)}
        return no_gradient(self.objective.model, named, self.stage, self.step)

    def polish(self) -> None:
        """L-BFGS on the scaled vector."""
        start, scale = self.flat.read(), self.flat.scale
        if not len(self.flat):
            return

        def function(vector: torch.Tensor) -> tuple[float, torch.Tensor]:
            self.flat.write(start + scale * vector)
            total = self.objective.evaluate().total / self.objective.n_observed
            if not math.isfinite(float(total.detach())):
                return math.inf, torch.zeros_like(vector)
            return float(total.detach()), self.flat.gradient(total) * scale

        self._check_gradient()
        gain = self.options.tolerance * (1.0 + 0.1 * len(start)) / self.objective.n_observed
        point, _ = minimise(
            function, torch.zeros_like(start), self.options.steps, FLAT, gain,
            lambda _, value: self._is_over(value * self.objective.n_observed),
        )  # fmt: skip
        self.flat.write(start + scale * point)

    def _check_gradient(self) -> None:
        """Raises CAUSAL-029 if the loss or its gradient is not a number where the descent is to start."""
        total = self.evaluate().total
        gradient = self.flat.gradient(total)
        if not bool(torch.isfinite(gradient).all()):
            parts = [
                part.reshape(t.shape)
                for part, t in zip(gradient.split(self.flat.sizes), self.flat.tensors, strict=True)
            ]
            raise self._fault_of_gradient(self.flat.tensors, parts)

    def _is_over(self, value: float) -> bool:
        """Counts a step and tells who wants to know; whether the held-out weeks say that it was enough."""
        self.step += 1
        if self.options.progress is not None:
            self.options.progress(self.stage, self.step, value)
        return self.early is not None and self.early.look(self.objective, self.flat, self.step)

    def refresh(self) -> float:
        """Estimates the levels' variances and the pools' spreads anew; the largest relative change."""
        objective = self.objective
        with torch.no_grad():
            weighed = objective.run()[1]
        before = self._estimated()
        for node, fit in objective.fits.items():
            fit.refresh(weighed[node])
        if objective.pools:
            found = curvature(self.flat, self._gradient_without_pools, self.options.seed) * objective.n_observed
            slope = self._gradient_without_pools() * objective.n_observed
            for pool in objective.pools:
                if pool.key in self.flat.names:
                    pool.refresh(self.flat.part(slope, pool.key), self.flat.part(found, pool.key))
        after = self._estimated()
        return max((abs(math.log(a / b)) for a, b in zip(after, before, strict=True)), default=0.0)

    def _estimated(self) -> list[float]:
        ratios = [fit.ratio for fit in self.objective.fits.values() if fit.ratio is not None and not fit.is_ratio_set]
        return ratios + [math.exp(float(pool.log_sd.detach())) for pool in self.objective.pools]

    def _gradient_without_pools(self) -> torch.Tensor:
        evaluation = self.objective.evaluate()
        total = evaluation.total - sum(pool.value() for pool in self.objective.pools)
        return self.flat.gradient(total) / self.objective.n_observed
