"""Training in stages: every module on its own, segments, then the whole graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.objective import Evaluation, Objective
from estimators.forecast.losses.observations import Observations, observations
from estimators.forecast.losses.preparation import objective
from estimators.forecast.losses.terms import Agree, Fit, Loss
from estimators.forecast.training.early_stop import EarlyStop
from estimators.forecast.training.loop import Training
from estimators.forecast.training.options import Options, Stage


@dataclass
class Course:
    """A model on its way through the stages.

    endogenous: levers whose history is not read as their effect.  hidden: cells (series, time) by node that no fit
    sees. rows: (stage, term, node, value) of the loss after every stage.
    """

    model: ModelCollection
    history: Mapping[str, Tensor]
    loss: Loss
    options: Options
    endogenous: tuple[str, ...]
    time: str
    hidden: Mapping[str, torch.Tensor] = field(default_factory=dict)
    rows: list[tuple[str, str, str, float]] = field(default_factory=list)
    last: Objective | None = None

    def run(self) -> Objective:
        """All stages; the objective of the whole graph at the end, its levels written into the model."""
        for stage in self.options.stages:
            if stage == "separate":
                self.separate()
            else:
                names = None if stage == "joint" else _segment(self.model, stage)
                self.segment(names, "joint" if names is None else "+".join(names))
        return self.whole()

    def whole(self) -> Objective:
        """The objective of the whole graph where the stages ended, its levels written into the model."""
        if self.last is None:
            self.last = self.prepared(self.model)
            Training("whole", self.last, self.options).refresh()
        self.last.write_levels()
        return self.last

    def separate(self) -> None:
        """Every module alone, on what was observed of those before it."""
        taught = self.taught_history()
        with ThreadPoolExecutor(self.options.workers) as pool:
            for wave in self.waves(taught):
                done = list(pool.map(lambda name, taught=taught: self.trained((name,), taught, name), wave))
                for evaluation, name in zip(done, wave, strict=True):
                    self.record(f"separate {name}", evaluation)
                if any(name not in self.history for name in self.model.nodes):
                    taught = self.taught_history()

    def segment(self, names: tuple[str, ...] | None, stage: str) -> None:
        """Some modules together, or all."""
        history = self.history if names is None else self.taught_history()
        self.record(stage, self.trained(names, history, stage))

    def trained(self, names: tuple[str, ...] | None, history: Mapping[str, Tensor], stage: str) -> Evaluation:
        model = self.model
        if names is not None:
            model = self.model.subgraph([node for node, made in self.model.nodes.items() if made.module in names])
            history = {**history, **{node: self.history[node] for node in model.nodes if node in self.history}}
        hidden = self.hidden
        early = None
        if self.options.heldout and stage == "joint":
            hidden, early = self.last_weeks()
        made = self.prepared(model, history, hidden)
        evaluation = Training(stage, made, self.options, early).run()
        made.write_levels()
        self.last = made if names is None and early is None else None
        return evaluation

    def prepared(
        self,
        model: ModelCollection,
        history: Mapping[str, Tensor] | None = None,
        hidden: Mapping[str, torch.Tensor] | None = None,
    ) -> Objective:
        """The loss on a segment."""
        return objective(
            model, history or self.history, self.loss, self.endogenous,
            self.hidden if hidden is None else hidden, self.model, self.time,
        )  # fmt: skip

    def taught_history(self) -> dict[str, Tensor]:
        """The history with every node filled in: observed where it was, modelled from what was observed elsewhere."""
        observed = {name: self.history[name] for name in self.model.nodes if name in self.history}
        with torch.no_grad():
            modelled = self.model.forward(self.history, observed=observed)
        filled = {}
        for node, value in modelled.items():
            seen = (
                observed[node].transpose(*value.dims).data
                if node in observed
                else torch.full_like(value.data, torch.nan)
            )
            filled[node] = Tensor(torch.where(torch.isnan(seen), value.data, seen), value.axes)
        return {**self.history, **filled}

    def waves(self, taught: Mapping[str, Tensor]) -> Iterable[list[str]]:
        """Modules that can be trained side by side: all where every node was observed, else by depth in the graph."""
        complete = all(
            name in self.history and bool(torch.isfinite(self.history[name].data).all()) for name in self.model.nodes
        )
        if complete:
            return [[module.name for module in self.model.order]]
        depth: dict[str, int] = {}
        for module in self.model.order:
            before = [depth[self.model.nodes[name].module] for name in module.inputs if name in self.model.nodes]
            depth[module.name] = 1 + max(before, default=0)
        return [[name for name, own in depth.items() if own == level] for level in sorted(set(depth.values()))]

    def last_weeks(self) -> tuple[dict[str, torch.Tensor], EarlyStop]:
        """The last observed weeks of every fitted node: hidden from the fit, and what the early stop looks at."""
        hidden, shown = dict(self.hidden), {}
        for node, seen in self.seen().items():
            seen = seen.without(hidden[node]) if node in hidden else seen
            weeks = torch.nonzero(seen.observed.any(0))[-self.options.heldout :, 0]
            last = torch.zeros_like(seen.observed)
            last[:, weeks] = True
            shown[node] = seen.without(~last)
            hidden[node] = hidden[node] | last if node in hidden else last
        return hidden, EarlyStop(shown)

    def seen(self) -> dict[str, Observations]:
        """The observations of every fitted node."""
        return {
            term.node: observations(term, self.history[term.node], self.model.nodes[term.node].dims, self.time)
            for _, term in self.loss.of(Fit)
        }

    def record(self, stage: str, evaluation: Evaluation) -> None:
        self.rows += [(stage, term, node, float(value.detach())) for (term, node), value in evaluation.parts.items()]


def experimented(loss: Loss) -> tuple[str, ...]:
    """The levers that experiments of the loss moved."""
    return tuple(dict.fromkeys(lever for _, term in loss.of(Agree) for lever in term.experiments.levers))


def _segment(model: ModelCollection, stage: Stage) -> tuple[str, ...]:
    names = (stage,) if isinstance(stage, str) else tuple(stage)
    known = [module.name for module in model.order]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise refuse(
            "029", f"an unknown stage {', '.join(unknown)}", f"modules are {', '.join(known)}",
            fix='"separate", "joint", or a list of names of modules',
        )  # fmt: skip
    return names
