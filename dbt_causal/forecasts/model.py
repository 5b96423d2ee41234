"""From a definition and frames to a trained model, or back to the one that the step `fit` trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbt_causal.forecasts.frames import records_of
from dbt_causal.forecasts.history import Prepared, prepare
from dbt_causal.forecasts.kept import fingerprint, keep, take
from dbt_causal.forecasts.measured import in_order, rounded
from dbt_causal.forecasts.work import Work
from estimators.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.declared.definition import Forecast
    from estimators.forecast.experiments.table import Experiments
    from estimators.forecast.training.fitted import Fitted

MEASURED = ("delta", "effect", "std_error", "bias_bound", "control_std_error", "cost")  # of an experiment


@dataclass(frozen=True)
class Trained:
    """A trained model with what it was made of.  experiments: all of them, held out or not; None if there are none."""

    fitted: Fitted
    prepared: Prepared
    experiments: Experiments | None


def train(definition: Forecast, history: pd.DataFrame, experiments: pd.DataFrame | None) -> Trained:
    """The declared model, fitted as the definition says. Raises CAUSAL-029 for what does not fit together."""
    from estimators.forecast.declared import build

    prepared = prepare(definition, history)
    known = _experiments(definition, experiments)
    loss = build.loss(definition, known.train if known is not None else None)
    model = build.collection(definition, prepared.dims)
    training = definition.training
    options = {"stages": training.stages, "seed": training.seed, "draws": training.draws, "time": definition.time}
    return Trained(model.fit(prepared.history, loss, **options), prepared, known)


def first_fit(work: Work, history: pd.DataFrame, experiments: pd.DataFrame | None) -> tuple[Trained, str]:
    """Trains, keeps the fit for the steps that follow, and gives its fingerprint."""
    trained = train(work.definition, history, experiments)
    keep(work.identity, trained)
    return trained, fingerprint(trained)


def same_fit(work: Work, history: pd.DataFrame, experiments: pd.DataFrame | None) -> Trained:
    """The fit that the step `fit` made."""
    (state,) = records_of(work.earlier["fit"], "state")
    return take(work.identity, state["fingerprint"], lambda: train(work.definition, history, experiments))


def _experiments(definition: Forecast, frame: pd.DataFrame | None) -> Experiments | None:
    from estimators.forecast.experiments.table import Experiments

    if definition.experiments is None:
        return None
    if frame is None:
        details = f"the definition names {definition.experiments.model}"
        raise refuse("029", "experiments that nobody passed on", details, fix="pass dbt.ref of that model to the step")
    return Experiments.from_table(comparable(frame), definition.experiments.heldout_share)


def comparable(experiments: pd.DataFrame) -> pd.DataFrame:
    """Experiments, or designs of them, in the same order and with the same digits on every engine."""
    return in_order(rounded(experiments, MEASURED))
