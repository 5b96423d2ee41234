"""Steps for after the forecast and after the plan: how firm it is, alarms, and what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.frames import Record, rows_of
from dbt_causal.forecasts.work import Work, check_record, run
from estimators.results import Check

if TYPE_CHECKING:
    import pandas as pd

    from dbt_causal.forecasts.model import Trained
    from estimators.forecast.diagnosis.drift import Drift
    from estimators.forecast.labels.tensor import Tensor

Context = Mapping[str, Any]
FALSE_ALARM_RATE = 0.05  # of one look at all series of a forecast
SHOWN = ("node", "n", "n_missing", "mean_error", "mean_absolute_error", "share_error", "coverage")


def monitoring(context: Context, history: Any, fitted: Any, actuals: Any, experiments: Any = None) -> pd.DataFrame:
    """What happened since the fit beside what the model says of it: errors, their causes, drift.

    actuals: the history's columns over the periods since the fit, as they really were, decisions included.
    Records: actual, attribution,
    drift, and the check no_drift, which is no gate.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.ahead import LEVEL, since_the_fit
        from dbt_causal.forecasts.model import same_fit
        from estimators import forecast as fc

        trained = same_fit(work, rows_of(history), None if experiments is None else rows_of(experiments))
        happened = since_the_fit(work.definition, trained, rows_of(actuals))
        model = trained.fitted.model
        inputs = {name: tensor for name, tensor in happened.items() if name in model.exogenous}
        n_periods = next(t for t in happened.values() if work.definition.time in t.axes).axes.size(work.definition.time)
        made = trained.fitted.forecast(n_periods, inputs, level=LEVEL)
        watched = [node for node in model.nodes if node in happened and node in trained.prepared.history]
        compared = fc.actual_against_predicted(made[made["node"].isin(watched)], happened)
        yield from (("actual", {key: row[key] for key in SHOWN}) for row in compared.nodes.to_dict("records"))
        yield from _attributions(work, trained, happened, watched)
        found = fc.drift(trained.fitted, happened, nodes=watched, false_alarm_rate=FALSE_ALARM_RATE)
        yield from (("drift", {**row, "since": str(row["since"])}) for row in found.series.to_dict("records"))
        yield check_record(work.step, _drift_check(found))

    return run(context, "monitoring", {"fit": fitted}, compute)


def stability(context: Context, history: Any, fitted: Any, plan: Any, experiments: Any = None) -> pd.DataFrame:
    """The plan made anew without each of several slices of history, and on draws of the fit. Records: replanned."""

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.model import same_fit
        from dbt_causal.forecasts.plan_records import replanned
        from dbt_causal.forecasts.planning import refuse_withheld, same_plan
        from estimators import forecast as fc

        refuse_withheld(work.earlier["plan"])
        best = same_plan(work, same_fit(work, rows_of(history), None if experiments is None else rows_of(experiments)))
        asked = work.definition.stability
        yield from replanned(best, fc.stability(best, slices=asked.slices, draws=asked.draws))

    return run(context, "stability", {"fit": fitted, "plan": plan}, compute)


def next_experiment(
    context: Context, history: Any, fitted: Any, plan: Any, designs: Any, experiments: Any = None
) -> pd.DataFrame:
    """Designs of experiments by what their results would be worth to the plan, the best first. Records: candidate.

    designs: a row per candidate with the columns of the experiments' model but for effect; std_error is the one that
    the design can reach; a column cost is optional.
    """

    def compute(work: Work) -> Iterator[Record]:
        from dbt_causal.forecasts.model import comparable, same_fit
        from dbt_causal.forecasts.planning import refuse_withheld, same_plan
        from estimators import forecast as fc

        refuse_withheld(work.earlier["plan"])
        trained = same_fit(work, rows_of(history), None if experiments is None else rows_of(experiments))
        ranked = fc.next_experiment(same_plan(work, trained), comparable(rows_of(designs)), n_plans=CANDIDATE_PLANS)
        for rank, row in enumerate(ranked.to_dict("records"), 1):
            yield "candidate", {**row, "rank": rank}

    return run(context, "next_experiment", {"fit": fitted, "plan": plan}, compute)


CANDIDATE_PLANS = 4  # plans of single draws to which a result may lead; values are lower bounds


def _attributions(work: Work, trained: Trained, happened: Mapping[str, Tensor], nodes: list[str]) -> Iterator[Record]:
    """The errors of every observed node over the first periods since the fit, by module."""
    from estimators import forecast as fc

    time = work.definition.time
    axes = next(t for t in happened.values() if time in t.axes).axes
    n_periods = min(axes.size(time), work.definition.backtest.horizon or work.definition.horizon)
    window = list(axes[time])[:n_periods]
    for node in nodes:
        found = fc.attribute(trained.fitted, node, happened, window)
        for rank, row in enumerate(found.modules.to_dict("records"), 1):
            yield "attribution", {**row, "node": node, "rank": rank, "n_periods": n_periods}


def _drift_check(found: Drift) -> Check:
    alarms, n_series = found.alarms, found.series["series"].nunique()
    figures = {"statistic": float(found.series["p_value"].min()), "threshold": found.false_alarm_rate}
    if alarms.empty:
        reason = f"{n_series} series over {found.n_new} periods; false alarms in {found.false_alarm_rate:.0%} of looks"
        return Check("no_drift", "pass", reason, is_gate=False, **figures)
    first = alarms.iloc[0]
    reason = (
        f"{first['series']}: its {first['kind']} moved by {first['size']:.2g} sd since {first['since']}; "
        f"{alarms['series'].nunique()} of {n_series} series; fix: fit again, or mend the module"
    )
    return Check("no_drift", "warn", reason, is_gate=False, **figures)
