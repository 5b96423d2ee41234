"""The steps of a forecast, each the one call of a thin Python model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.frames import Record, records_of, rows_of
from dbt_causal.forecasts.work import Work, check_record, run
from estimators.results import Check

if TYPE_CHECKING:
    import pandas as pd

Context = Mapping[str, Any]
CHANGES = (-0.2, 0.2)  # by how much the model may be wrong


def fit(context: Context, history: Any, experiments: Any = None) -> pd.DataFrame:
    """Trains the declared model on its history, held to the experiments that are not held out.

    context: `dbt.causal`.  history, experiments: relations of dbt.  Records: state, loss, parameter.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.model import first_fit
        from dbt_causal.forecasts.model_records import losses, parameters

        trained, fingerprint = first_fit(work, rows_of(history), _frame(experiments))
        yield "state", {"fingerprint": fingerprint}
        yield from losses(trained.fitted)
        yield from parameters(trained.fitted)

    return run(context, "fit", {}, compute)


def consistency(context: Context, history: Any, fitted: Any, experiments: Any) -> pd.DataFrame:
    """The experiment gate: do the effects that the fit predicts agree with experiments it has not seen?

    Records: agreement, and the check agrees_with_experiments.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.model import same_fit

        model = same_fit(work, rows_of(history), _frame(experiments))
        known = model.experiments
        verdict = model.fitted.consistency(known.heldout)
        for row in model.fitted.effect(known).to_dict("records"):
            is_in_gate = row["split"] == "heldout" and row["source"] == "randomised"
            yield "agreement", {**row, "is_in_gate": is_in_gate}
        found = {"statistic": verdict.statistic, "threshold": verdict.threshold}
        is_judged = verdict.status != "pass" or verdict.p_value == verdict.p_value  # NaN: nothing was compared
        status = verdict.status if is_judged else "fail"
        yield check_record(work.step, Check("agrees_with_experiments", status, verdict.reason, **found))

    return run(context, "consistency", {"fit": fitted}, compute)


def plan(
    context: Context, history: Any, fitted: Any, consistency: Any, experiments: Any = None, overrides: Any = None
) -> pd.DataFrame:
    """The declared plan, solved. What it decides and promises is left out unless the fit agrees with experiments.

    overrides: cells that people decide otherwise (columns lever, its dims, value, decided_by, reason), judged like any
    plan and logged beside it.
    Records: plan, decision, constraint, logged, and the checks is_feasible, has_certificate, stays_within_support.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts import plan_records
        from dbt_causal.forecasts.kept import keep_plan
        from dbt_causal.forecasts.model import same_fit
        from dbt_causal.forecasts.planning import declared_plan, ordered, solved

        model = same_fit(work, rows_of(history), _frame(experiments))
        best = solved(work.definition, declared_plan(work.definition, model))
        keep_plan(work.identity, best)
        final = best
        if overrides is not None and not best.infeasible_because:
            final = ordered(work.definition, best, rows_of(overrides))
        found = list(plan_records.checks(final))
        is_shown = _agrees(work.earlier["consistency"]) and not any(check.blocks for check in found)
        yield plan_records.summary(work.definition, final, plan_records.plan_id(best), is_shown)
        yield from plan_records.decisions(work.definition, final, best, is_shown)
        yield from plan_records.constraints(final, is_shown)
        if is_shown:
            said = (work.identity.forecast_id, work.definition.owner)
            yield from plan_records.logged(best, *said)
            yield from plan_records.overridden(final, best, *said) if final is not best else ()
        yield from (check_record(work.step, check) for check in found)

    return run(context, "plan", {"fit": fitted, "consistency": consistency}, compute)


def forecast(context: Context, history: Any, fitted: Any, experiments: Any = None) -> pd.DataFrame:
    """Forecasts of every node over the declared horizon. What is not known ahead is taken as it was last.

    Records: forecast, derivative.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.ahead import LEVEL, inputs_ahead
        from dbt_causal.forecasts.model import same_fit
        from dbt_causal.forecasts.model_records import derivatives, forecasts

        trained = same_fit(work, rows_of(history), _frame(experiments))
        inputs = inputs_ahead(work.definition, trained)
        frame = trained.fitted.forecast(work.definition.horizon, inputs, level=LEVEL)
        yield from forecasts(work.definition, frame, LEVEL)
        yield from derivatives(work.definition, trained.fitted)

    return run(context, "forecast", {"fit": fitted}, compute)


def backtest(context: Context, history: Any, fitted: Any, experiments: Any = None) -> pd.DataFrame:
    """Scores at rolling origins, beside baselines. Inputs that are not known ahead are re-drawn as they were last.

    Records: score, and the check beats_baselines, which is no gate.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.ahead import scored
        from dbt_causal.forecasts.model import same_fit
        from dbt_causal.forecasts.model_records import beats_baselines, scores

        found = scored(work.definition, same_fit(work, rows_of(history), _frame(experiments)))
        yield from scores(found)
        yield from (check_record(work.step, check) for check in beats_baselines(found))

    return run(context, "backtest", {"fit": fitted}, compute)


def regret(
    context: Context, history: Any, fitted: Any, plan: Any, actuals: Any, experiments: Any = None
) -> pd.DataFrame:
    """What the plan's periods cost against the best that could have been done, now that they are over.

    actuals: the history's columns over the periods of the plan, as they really were. Records: regret, logged.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts import plan_records
        from dbt_causal.forecasts.ahead import actual_tensors
        from dbt_causal.forecasts.model import same_fit
        from dbt_causal.forecasts.planning import refuse_withheld, same_plan
        from estimators.forecast.diagnosis.hindsight import regret as regret_of

        refuse_withheld(work.earlier["plan"])
        trained = same_fit(work, rows_of(history), _frame(experiments))
        best = same_plan(work, trained)
        happened = actual_tensors(work.definition, trained, rows_of(actuals))
        found = regret_of(best, happened)
        yield from plan_records.regret_rows(found)
        taken = {name: happened[name] for name in work.definition.decisions}
        yield from plan_records.taken(best, taken, work.identity.forecast_id, work.definition.owner)

    return run(context, "regret", {"fit": fitted, "plan": plan}, compute)


def sensitivity(context: Context, history: Any, fitted: Any, plan: Any, experiments: Any = None) -> pd.DataFrame:
    """What the plan would lose if what the model says of a decision were wrong by a fifth. Records: sensitivity."""

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts import plan_records
        from dbt_causal.forecasts.model import same_fit
        from dbt_causal.forecasts.planning import doubted, refuse_withheld, same_plan

        refuse_withheld(work.earlier["plan"])
        best = same_plan(work, same_fit(work, rows_of(history), _frame(experiments)))
        for name in doubted(work.definition, best):
            for share in CHANGES:
                yield plan_records.sensitivity_row(best.sensitivity(name, share))

    return run(context, "sensitivity", {"fit": fitted, "plan": plan}, compute)


def _agrees(consistency: pd.DataFrame) -> bool:
    """Whether the experiment gate is passed."""
    checks = [c for c in records_of(consistency, "check") if c["check_name"] == "agrees_with_experiments"]
    return bool(checks) and all(check["status"] in ("pass", "warn") for check in checks)


def _frame(relation: Any) -> pd.DataFrame | None:
    return None if relation is None else rows_of(relation)
