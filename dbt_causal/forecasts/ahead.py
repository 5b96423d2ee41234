"""Inputs of periods that the fit has not seen: known ahead, taken as they were last, or as they really were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.history import quantities
from dbt_causal.forecasts.measured import rounded
from estimators.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

    from dbt_causal.forecasts.model import Trained
    from estimators.forecast.backtests.backtest import Backtest
    from estimators.forecast.backtests.decisions import Policy
    from estimators.forecast.declared.definition import Forecast
    from estimators.forecast.labels.tensor import Tensor

LEVEL = 0.8  # of the intervals
USUAL_SEASONS = 4  # over which an input that is declared so is averaged


def inputs_ahead(definition: Forecast, trained: Trained) -> dict[str, Tensor]:
    """Every input over the declared horizon: what the history knows of it ahead, the others as they were last."""
    time, fitted = definition.time, trained.fitted
    known = known_ahead(definition, trained)
    labels = labels_ahead(definition, trained)
    past = {name: trained.prepared.history[name] for name in fitted.model.exogenous}
    last = policy(definition)(past, time, labels)
    return {
        name: trained.prepared.ahead[name].select(**{time: labels}) if name in known else last[name] for name in past
    }


def known_ahead(definition: Forecast, trained: Trained) -> tuple[str, ...]:
    """The inputs that the history gives for every cell of the periods ahead."""
    return tuple(
        name
        for name, tensor in trained.prepared.ahead.items()
        if definition.time in tensor.dims and not bool(tensor.data.isnan().any())
    )


def policy(definition: Forecast) -> Policy:
    """Inputs that nobody knows ahead are taken as they were in the last season of the losses, or last period.

    Those declared `ahead: usual` are taken as they were on average in the last four.
    """
    from estimators.forecast.backtests.decisions import as_last, as_usual

    last, usual = as_last(season(definition)), as_usual(USUAL_SEASONS * season(definition))
    is_usual = {name for name, declared in definition.inputs.items() if declared.ahead == "usual"}

    def both(past: Mapping[str, Tensor], time: str, ahead: tuple[Any, ...]) -> dict[str, Tensor]:
        averaged = usual({name: past[name] for name in past if name in is_usual}, time, ahead)
        return {**last(past, time, ahead), **averaged}

    return both


def season(definition: Forecast) -> int:
    """The longest season that a loss names; it scales MASE too."""
    return max((loss.season for loss in definition.losses if loss.type == "fit"), default=1)


def scored(definition: Forecast, trained: Trained) -> Backtest:
    """The declared backtest."""
    from estimators import forecast as fc
    from estimators.forecast.backtests.decisions import Decisions

    declared, training = definition.backtest, definition.training
    return fc.backtest(
        trained.fitted.model,
        trained.prepared.history,
        trained.fitted.loss,
        origins=declared.origins,
        horizon=declared.horizon or definition.horizon,
        season=season(definition),
        baselines=declared.baselines,
        decisions=Decisions(known_ahead(definition, trained), policy(definition)),
        level=LEVEL if training.draws else None,
        experiments=None if trained.experiments is None else trained.experiments.heldout,
        stages=training.stages,
        seed=training.seed,
        draws=training.draws,
        time=definition.time,
    )


def since_the_fit(definition: Forecast, trained: Trained, actuals: pd.DataFrame) -> dict[str, Tensor]:
    """Inputs and observed nodes over the periods after the history of which any node is known.

    Raises CAUSAL-029 if there are none, or if they do not follow the history.
    """
    from estimators.forecast.declared import build
    from estimators.forecast.labels.dims import canonical
    from estimators.forecast.training.future import following

    actuals = rounded(actuals, quantities(definition))
    time, past = definition.time, trained.prepared.dims
    build.labels(definition, actuals)
    observed = [name for name in definition.node_names if name in actuals.columns]
    is_later = actuals[time].map(canonical) > past[time][-1]
    later = actuals[is_later & actuals[observed].notna().any(axis=1)]
    if later.empty:
        detail = f"no node was observed after {time} {past[time][-1]}"
        raise refuse("029", "nothing happened since the fit", detail, fix="monitor once periods are over")
    dims = past.replace(**{time: sorted(later[time].unique())})
    wanted = following(past[time], 1)[0]
    if dims[time][0] != wanted:
        detail = f"they begin at {time} {dims[time][0]}, the first after the history is {wanted}"
        raise refuse("029", "actuals that do not follow the history", detail, fix="give all periods since the fit")
    return build.history(definition, later, dims)


def actual_tensors(definition: Forecast, trained: Trained, actuals: pd.DataFrame) -> Mapping[str, Tensor]:
    """Inputs and observed nodes over the periods of the plan, as they really were.

    Raises CAUSAL-029 if the table does not reach to the end of the plan.
    """
    from estimators.forecast.declared import build

    actuals = rounded(actuals, quantities(definition))
    time, labels = definition.time, labels_ahead(definition, trained)
    dims = build.labels(definition, actuals)
    missing = [label for label in labels if label not in dims[time].positions]
    if missing:
        detail = f"{len(missing)} of {len(labels)} labels of {time} are missing, the first is {missing[0]}"
        raise refuse("029", "the plan is not over yet", detail, fix="compute regret once its last period is known")
    found: dict[str, Any] = build.history(definition, actuals, dims)
    return {
        name: tensor.select(**{time: list(labels)}) if time in tensor.dims else tensor for name, tensor in found.items()
    }


def labels_ahead(definition: Forecast, trained: Trained) -> tuple[Any, ...]:
    """The labels of the horizon: those that the history names ahead, or the ones that follow its last.

    Raises CAUSAL-029 where the history names some of them and not all: of the others no input is known.
    """
    from estimators.forecast.training.future import following

    for tensor in trained.prepared.ahead.values():
        if definition.time in tensor.dims:
            named = tuple(tensor.axes[definition.time])
            if len(named) < definition.horizon:
                detail = f"horizon is {definition.horizon}, {definition.history} names {len(named)} after the history"
                fix = f"a row per cell of every {definition.time} ahead, with nulls for what is not known"
                raise refuse("029", "a horizon longer than the known inputs", detail, fix=fix)
            return named[: definition.horizon]
    return tuple(following(trained.prepared.dims[definition.time], definition.horizon))
