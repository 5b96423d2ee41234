"""A plan as rows: its summary, its decisions, its constraints, its checks, and its entry in the decision log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dbt_causal.forecasts.frames import Record
from estimators.results import Check

if TYPE_CHECKING:
    from estimators.forecast.declared.definition import Forecast
    from estimators.forecast.diagnosis.regret import Regret
    from estimators.forecast.diagnosis.sensitivity import Sensitivity
    from estimators.forecast.diagnosis.stability import Stability
    from estimators.forecast.labels.tensor import Tensor
    from estimators.forecast.planning.planned import Planned

WITHHELD = (
    "plan_id",
    "objective",
    "value_on_fresh_draws",
    "baseline_value",
)  # of a plan that disagrees with experiments


def summary(definition: Forecast, planned: Planned, name: str, is_shown: bool) -> Record:
    """The plan in one row; what it promises is left out unless it is shown.  name: of the solver's plan."""
    certificate = planned.certificate
    row: dict[str, Any] = {
        "plan_id": name,
        "objective_name": f"total {' + '.join(definition.objective.maximise)}",
        "objective": planned.objective,
        "value_on_fresh_draws": planned.value_on_fresh_draws,
        "baseline_name": "every lever as it was last",
        "baseline_value": planned.status_quo,
        "certificate_kind": certificate.kind,
        "certificate_why": certificate.why,
        "gap": planned.gap,
        "max_violation": max(planned.relative_violations.values(), default=None),
        "outside_share": planned.share_outside,
        "n_decisions": sum(tensor.data.numel() for tensor in planned.decisions.values()),
        "solver": planned.method,
        "iterations": planned.iterations,
    }
    return "plan", {key: None if key in WITHHELD and not is_shown else value for key, value in row.items()}


def decisions(definition: Forecast, planned: Planned, solved: Planned, is_shown: bool) -> Iterator[Record]:
    """One row per lever and cell, with the range that was tried there.  solved: the plan before people changed it."""
    from estimators.forecast.diagnosis.decision_log import cell_text

    tried = planned.plan.tried
    for name, lever in planned.plan.decisions.levers.items():
        values = planned.decisions.get(name)
        lower, upper = lever.cells(tried.lower), lever.cells(tried.upper)
        bounds = [bound.ravel().tolist() for bound in (lower, upper)]
        cells = cells_of(values) if values is not None else []
        before = [value for _, value in cells_of(solved.decisions[name])] if values is not None else []
        for (labels, value), low, high, first in zip(cells, *bounds, before, strict=False):
            yield (
                "decision",
                {
                    "plan_id": plan_id(solved) if is_shown else None,
                    "lever": name,
                    "cell": cell_text(labels),
                    "period": label_text(labels.get(definition.time)),
                    "decision": value if is_shown else None,
                    "decided_as": _decided_as(planned, solved, value != first),
                    "lower": low,
                    "upper": high,
                    "unit": definition.inputs[name].unit,
                },
            )


def constraints(planned: Planned, is_shown: bool) -> Iterator[Record]:
    """One row per constraint; a price by label is one row per label."""
    names = dict.fromkeys((*planned.violations, *planned.slack, *planned.shadow_prices))
    for name in names:
        found = {"violation": planned.violations.get(name), "slack": planned.slack.get(name)}
        price = planned.shadow_prices.get(name)
        if price is None or isinstance(price, float):
            yield "constraint", {"constraint_name": name, **found, "shadow_price": price if is_shown else None}
            continue
        for labels, value in cells_of(price):
            where = ", ".join(f"{dim} {label_text(label)}" for dim, label in labels.items())
            yield (
                "constraint",
                {"constraint_name": f"{name} [{where}]", **found, "shadow_price": value if is_shown else None},
            )


def logged(planned: Planned, forecast_id: str, decided_by: str) -> Iterator[Record]:
    """The decisions as entries of the decision log."""
    from estimators.forecast.diagnosis.decision_log import decision_rows

    frames = {name: tensor.to_frame("value") for name, tensor in planned.decisions.items()}
    said = {"plan_id": plan_id(planned), "forecast_id": forecast_id, "decided_by": decided_by}
    why = "; ".join(planned.record) or None
    kind = "plan" if planned.status == "optimised" else planned.status
    rows = decision_rows(frames, kind, **said, decided_at=now(), reason=why)
    yield from (("logged", row) for row in rows.to_dict("records"))


def overridden(planned: Planned, solved: Planned, forecast_id: str, decided_by: str) -> Iterator[Record]:
    """The cells that people decided otherwise than the plan, as entries of the decision log beside it."""
    from estimators.forecast.diagnosis.decision_log import decision_rows

    frames = {}
    for name, tensor in planned.decisions.items():
        frame = tensor.to_frame("value")
        changed = frame[frame["value"].to_numpy() != solved.decisions[name].to_frame("value")["value"].to_numpy()]
        frames |= {name: changed} if len(changed) else {}
    said = {"plan_id": plan_id(solved), "forecast_id": forecast_id, "decided_by": decided_by}
    rows = decision_rows(frames, "override", **said, decided_at=now(), reason=planned.record[-1])
    yield from (("logged", row) for row in rows.to_dict("records"))


def taken(planned: Planned, values: Mapping[str, Tensor], forecast_id: str, decided_by: str) -> Iterator[Record]:
    """What was really done, as entries of the decision log beside the plan."""
    from estimators.forecast.diagnosis.decision_log import decision_rows

    frames = {name: tensor.to_frame("value") for name, tensor in values.items()}
    said = {"plan_id": plan_id(planned), "forecast_id": forecast_id, "decided_by": decided_by}
    yield from (("logged", row) for row in decision_rows(frames, "taken", **said, decided_at=now()).to_dict("records"))


def regret_rows(found: Regret) -> Iterator[Record]:
    """The causes of regret and their total; the total also as a share of the best value."""
    for row in found.to_frame().to_dict("records"):
        yield "regret", {**row, "share": found.share if row["term"] == "total" else None}


def sensitivity_row(found: Sensitivity) -> Record:
    """One supposition about the model."""
    figures = {name: getattr(found, name) for name in ("promised", "delivered", "best", "loss_share", "share_moved")}
    return "sensitivity", {"parameter": found.parameter, "change": found.share, **figures}


def replanned(planned: Planned, found: Stability) -> Iterator[Record]:
    """The plans made anew on parts of the history and on draws, beside the plan; empty where none was feasible."""
    for row in found.plans.to_dict("records"):
        figures = {"promised": row["promised"], "delivered": row["value"], "share_moved": row.get("share_moved")}
        yield "replanned", {"left_out": row["left_out"], **figures, "loss_share": row["loss"] / abs(planned.objective)}


def checks(planned: Planned) -> Iterator[Check]:
    """Whether the plan may be published, as far as the plan itself can say."""
    from estimators.forecast.planning.planned import FEASIBLE

    worst = max(planned.relative_violations, key=planned.relative_violations.__getitem__, default="")
    violation = planned.relative_violations.get(worst)
    if planned.infeasible_because:
        reason = f"no plan satisfies these together; {'; '.join(planned.infeasible_because)}; fix: loosen one of them"
        yield Check("is_feasible", "fail", reason, statistic=violation, threshold=FEASIBLE)
    elif planned.is_feasible:
        reason = f"{len(planned.relative_violations)} constraints hold, to {FEASIBLE:g} of their bounds"
        yield Check("is_feasible", "pass", reason, statistic=violation, threshold=FEASIBLE)
    else:
        reason = f"{worst} is exceeded by {violation:.2g} of its bound"
        yield Check("is_feasible", "fail", reason, statistic=violation, threshold=FEASIBLE)
    yield _certificate(planned)
    outside = planned.share_outside
    reason = f"{outside:.1%} of the decisions are beyond what was tried"
    yield Check("stays_within_support", "fail" if outside > 0 else "pass", reason, statistic=outside, threshold=0.0)


def _certificate(planned: Planned) -> Check:
    certificate = planned.certificate
    if planned.status in ("fallback", "override"):
        return Check("has_certificate", "warn", f"{planned.status}, which no solver chose; {'; '.join(planned.record)}")
    if certificate.kind == "none" or not certificate.why:
        return Check("has_certificate", "fail", f"nothing says how good the plan is; {certificate.why}")
    return Check("has_certificate", "pass", str(certificate), statistic=certificate.value)


def _decided_as(planned: Planned, solved: Planned, is_changed: bool) -> str:
    """plan, fallback or override; where people changed single cells, the others stay what they were."""
    if planned is not solved and is_changed:
        return "override"
    return "plan" if solved.status == "optimised" else solved.status


def plan_id(planned: Planned) -> str:
    """Head of the md5 of the decisions: the same plan has the same name."""
    digest = hashlib.md5(usedforsecurity=False)
    for name, tensor in sorted(planned.decisions.items()):
        digest.update(name.encode() + tensor.data.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]


def cells_of(tensor: Tensor) -> list[tuple[Mapping[str, Any], float]]:
    """Labels by dim and value of every cell, in order."""
    frame = tensor.to_frame("value")
    dims = [column for column in frame.columns if column != "value"]
    return [({dim: row[dim] for dim in dims}, row["value"]) for row in frame.to_dict("records")]


def label_text(label: Any) -> str | None:
    """A label as tables show it: dates in ISO form."""
    if label is None:
        return None
    is_midnight = isinstance(label, datetime) and (label.hour, label.minute, label.second) == (0, 0, 0)
    return label.date().isoformat() if is_midnight else label.isoformat() if hasattr(label, "isoformat") else str(label)


def now() -> str:
    """This moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
