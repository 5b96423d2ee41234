"""A trained model with what it was trained on: forecasts, effects, the experiment gate, derivatives and draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import torch

from estimators.errors import refuse
from estimators.forecast.collection import ModelCollection
from estimators.forecast.experiments.consistency import Consistency
from estimators.forecast.experiments.table import Experiments
from estimators.forecast.labels.tensor import Tensor
from estimators.forecast.losses.objective import Objective
from estimators.forecast.losses.preparation import check_names, time_of
from estimators.forecast.losses.terms import Agree, Loss, Term
from estimators.forecast.training.draws import Method, draw
from estimators.forecast.training.options import Options
from estimators.forecast.training.stages import Course, experimented
from estimators.forecast.training.weights import choose_weights

State = dict[str, torch.Tensor]


@dataclass
class Fitted:
    """What `model.fit` returns.

    model: with its parameters at their best.  history, loss, options: as given.  losses: a frame of stage, term, node,
    value.  objective: the loss on the whole graph.  draws: states of the parameters, one per draw, for `at`.
    weights: a frame of the weights that were tried, if they were chosen by validation.
    """

    model: ModelCollection
    history: Mapping[str, Tensor]
    loss: Loss
    options: Options
    endogenous: tuple[str, ...]
    time: str
    losses: Any
    objective: Objective = field(repr=False)
    draws: list[State] = field(default_factory=list, repr=False)
    weights: Any = field(default=None, repr=False)
    _calibrations: dict[int, Any] = field(default_factory=dict, repr=False)
    _stretches: dict[tuple[int, float], Any] = field(default_factory=dict, repr=False)

    @contextmanager
    def at(self, state: State) -> Iterator[ModelCollection]:
        """The model with the parameters of a draw, while it lasts."""
        best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(state)
        try:
            yield self.model
        finally:
            self.model.load_state_dict(best)

    def nodes(self, inputs: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Every node at the history, or at other inputs, without gradients."""
        with torch.no_grad():
            return self.model.forward(self.history if inputs is None else inputs)

    def forecast(
        self, horizon: int | None = None, inputs: Mapping[str, Tensor] | None = None, level: float = 0.8
    ) -> Any:
        """A frame with node, the node's dims, point, lower, upper and the kind of interval.

        horizon: labels of time after the history, for which `inputs` gives every exogenous tensor; without inputs the
        weeks at the end of the history of which nothing was observed. interval: from draws where all weights are 1,
        ``calibrated`` by errors in the history, or ``model`` where that is too short; else ``conformal``, from fits at
        rolling origins; ``none`` for nodes without a history.
        Raises CAUSAL-029 for a horizon longer than the known inputs.
        """
        from estimators.forecast.training.forecast import forecast_frame

        return forecast_frame(self, horizon, inputs, level)

    def sample(
        self, horizon: int | None = None, inputs: Mapping[str, Tensor] | None = None, with_noise: bool = False
    ) -> list[dict[str, Tensor]]:
        """Every node over the horizon, once per draw: what planning weighs. with_noise: levels walk on, and
        observations get their noise.
        """
        from estimators.forecast.training.forecast import futures
        from estimators.forecast.training.future import extended

        if not self.draws:
            raise refuse("029", "a sample without draws", "the model was fitted with draws=0", fix="fit(..., draws=50)")
        given, labels = extended(self, horizon, inputs)
        factors = self.stretch(len(labels)) if with_noise and self.loss.is_likelihood else None
        return list(futures(self, given, labels, with_noise, len(self.draws), factors))

    def stretch(self, horizon: int, level: float = 0.8) -> dict[str, torch.Tensor]:
        """By node and step, the factor of the noise with which futures would have covered the history as they say."""
        from estimators.forecast.training.stretch import stretch

        if (horizon, level) not in self._stretches:
            self._stretches[horizon, level] = stretch(self, horizon, level)
        return self._stretches[horizon, level]

    def calibration(self, horizon: int) -> Any:
        """How wide intervals must be at this horizon, from rolling origins; made on first use."""
        from estimators.forecast.training.conformal import calibrate

        if horizon not in self._calibrations:
            self._calibrations[horizon] = calibrate(self, horizon)
        return self._calibrations[horizon]

    @cached_property
    def spreads(self) -> dict[str, Any]:
        """Standard deviations by fitted node: of the noise, of a level's steps, of the last level."""
        from estimators.forecast.training.forecast import spread_of

        weighed = self.weighed
        return {node: spread_of(own, weighed[node]) for node, own in self.objective.fits.items()}

    @cached_property
    def weighed(self) -> dict[str, Any]:
        """Residuals of the fitted nodes before their levels were added."""
        best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.objective.clear_levels()
        with torch.no_grad():
            found = self.objective.run()[1]
        self.model.load_state_dict(best)
        return found

    def effect(self, experiments: Experiments) -> Any:
        """Predicted and measured effects: a frame with one row per experiment and the columns experiment, cells, lever,
        outcome, source, split, measured, std_error, predicted, model_sd, z.
        """
        from estimators.forecast.training.effects import effects_frame

        return effects_frame(self, experiments)

    def consistency(self, experiments: Experiments) -> Consistency:
        """The experiment gate on the randomised rows."""
        from estimators.forecast.training.effects import consistency

        return consistency(self, experiments)

    def counted_twice(self) -> tuple[str, ...]:
        """Experiments of the loss whose outcome in their windows is also part of `Fit`."""
        from estimators.forecast.losses.preparation import leaving_fit

        return tuple(
            row.name
            for _, term in self.loss.of(Agree)
            for row in term.experiments
            if row not in leaving_fit(term).rows and row.outcome in self.objective.fits
        )

    def excluded_series(self) -> dict[str, int]:
        """By fitted node, how many series its `Fit` leaves out because their scale is zero."""
        return {node: own.observations.n_excluded for node, own in self.objective.fits.items()}

    def identification(self) -> Any:
        """What the data say of each parameter: a frame with node, parameter, n_values, n_flat, n_steep, status."""
        from estimators.forecast.training.identification import identification

        return identification(self.objective, self.options)

    def jacobian(self, node: str, wrt: str) -> Tensor:
        """How the total of a node over the history answers to each cell of `wrt`: an input, another node or a parameter
        (its value within its bounds).
        """
        from estimators.forecast.training.derivatives import derivative

        return derivative(self, node, wrt)


def fit(
    model: ModelCollection,
    history: Mapping[str, Tensor],
    loss: Loss | Term,
    *,
    draws: int = 0,
    uncertainty: Method = "auto",
    endogenous: tuple[str, ...] | None = None,
    time: str | None = None,
    weights: Literal["as_given", "validated"] | Mapping[str, Sequence[float]] = "as_given",
    **options: Any,
) -> Fitted:
    """Trains a model on its history and on experiments.

    history: exogenous inputs and observed nodes by name; NaN in a node was not observed.  draws: of the parameters, by
    Laplace's method or an ensemble (`uncertainty`).
    endogenous: levers whose history is not read as their effect, because decisions reacted to what history shows; all
    that experiments of the loss moved, unless said.  weights: ``"validated"`` multiplies those of Agree, Pool and
    Smooth by 0.1, 1 or 10, whichever forecasts hidden weeks and experiments best; or factors to try, ``{"agree": (1,
    10)}``. options: see `Options` (stages, seed, optimiser, ...).
    Raises CAUSAL-029 for what does not fit together, and for a loss that is not a number, with the node at fault.
    """
    loss = loss if isinstance(loss, Loss) else 1.0 * loss
    check_names(model, history, loss)
    time = time or time_of(model)
    _check_experiments(model, loss, time)
    levers = experimented(loss) if endogenous is None else endogenous
    unknown = [lever for lever in levers if lever not in (*model.exogenous, *model.nodes)]
    if unknown:
        raise refuse("029", f"an unknown lever {', '.join(unknown)}", f"the model has {', '.join(model.exogenous)}")
    chosen = Options(**options)
    tried = None
    if weights != "as_given":
        again = partial(fit, endogenous=levers, time=time, **options)
        choice = choose_weights(again, model, history, loss, None if weights == "validated" else weights, time)
        loss, tried = choice.loss, choice.tried
    course = Course(model, history, loss, chosen, levers, time)
    final = course.run()
    made = Fitted(model, history, loss, chosen, levers, time, _frame(course.rows), final)
    made.weights = tried
    made.draws = draw(final, chosen, draws, uncertainty)
    return made


def _check_experiments(model: ModelCollection, loss: Loss, time: str) -> None:
    from estimators.errors import CausalError, Fault
    from estimators.forecast.losses.effects import faults_of

    rows = [row for _, term in loss.of(Agree) for row in term.experiments]
    faults = [text for row in rows for text in faults_of(row, model, time)]
    if faults:
        raise CausalError(
            Fault("029", "experiments that do not fit the model", tuple(faults), "correct the table or the graph")
        )


def _frame(rows: list[tuple[str, str, str, float]]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=["stage", "term", "node", "value"])
