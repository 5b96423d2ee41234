"""One step of one forecast at work: its definition, what it reads, and what becomes of its faults."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dbt_causal.forecast_definitions import without_answers
from dbt_causal.forecasts.frames import Identity, Record, identity_of, long_frame, records_of, rows_of
from dbt_causal.turns import turn
from estimators.errors import CausalError, Fault
from estimators.results import Check

if TYPE_CHECKING:
    import pandas as pd

    from estimators.forecast.declared.definition import Forecast

DEBUG_VARIABLE = "CAUSAL_DEBUG"  # set to 1 to see errors of the program as they are, values included


class StepFailed(RuntimeError):
    """A step that could not say what is wrong: a fault of the program or of the machine. Its text holds no values."""


@dataclass(frozen=True)
class Work:
    """What a step works with.  identity: of its rows.  definition: parsed.  earlier: frames of earlier steps."""

    step: str
    identity: Identity
    definition: Forecast
    earlier: Mapping[str, pd.DataFrame]


def run(
    context: Mapping[str, Any],
    step: str,
    earlier: Mapping[str, Any],
    compute: Callable[[Work], Iterable[Record]],
) -> pd.DataFrame:
    """The frame of a step. Faults of definition and data become a failed check; they stop no other forecast.

    context: `dbt.causal`.  earlier: relations of the steps that this one reads, `fit` first.  Raises StepFailed for
    anything that is no fault of the user's.
    """
    _one_thread()
    forecast_id, entry = _only_forecast(context)
    frames = {name: rows_of(relation) for name, relation in earlier.items()}
    identity = Identity(forecast_id, context["invocation_id"], entry["definition_hash"])
    if "fit" in frames:
        identity = identity_of(frames["fit"])
    try:
        definition = parsed(entry)
        _refuse_other_fit(identity, entry, frames)
        with turn():
            records = list(compute(Work(step, identity, definition, frames)))
    except CausalError as error:
        fault = error.faults[0]
        return long_frame(identity, [check_record(step, completes("fail", fault.on_one_line(), fault.code))])
    except ModuleNotFoundError as error:
        return long_frame(identity, [check_record(step, completes("fail", _missing(error).on_one_line(), "029"))])
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE) == "1":
            raise
        raise StepFailed(_bug(forecast_id, step, error)) from None
    return long_frame(identity, [*records, check_record(step, completes("pass", f"{step} is complete"))])


def _one_thread() -> None:
    """Tensors and matrices of a forecast are small: threads would wait for one another, and for those of the step
    beside it. The order of sums is then the same on any machine, too.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # BLAS, for good: the object that would restore it is let go
    if find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)


def completes(status: str, reason: str, code: str = "") -> Check:
    """The check that a step came to its end; a gate, so that a plan of half a forecast is not published."""
    return Check("step_completes", status, reason, code=code)  # type: ignore[arg-type]


def check_record(step: str, check: Check) -> Record:
    """A check as a row of the step's frame."""
    return ("check", {"step": step, **asdict(check)})


def parsed(entry: Mapping[str, Any]) -> Forecast:
    """The definition of a forecast. Raises CausalError with all of its faults."""
    from estimators.forecast.declared.definition import parse

    return parse(without_answers(entry["definition"]), lambda path: entry.get("file", ""))


def _only_forecast(context: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    forecasts = context["forecasts"]
    if len(forecasts) != 1:
        names = ", ".join(sorted(forecasts)) or "none"
        raise StepFailed(f"CAUSAL-001 a step's model refs one forecast, this one: {names}")
    return next(iter(forecasts.items()))


def _refuse_other_fit(identity: Identity, entry: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> None:
    """Raises CAUSAL-029 where the steps that this one reads do not belong to one fit of this definition."""
    if identity.definition_hash != entry["definition_hash"]:
        fix = f"build {identity.forecast_id}__fit and what follows: dbt build -s {identity.forecast_id}__fit+"
        raise CausalError(Fault("029", "the definition changed after the fit", ("this step would mix two",), fix))
    for step, frame in frames.items():
        other = identity_of(frame)
        if other.run_id != identity.run_id:
            fix = f"build what follows the fit: dbt build -s {identity.forecast_id}__fit+"
            raise CausalError(Fault("029", "steps of different fits", (f"{step} was made on another fit",), fix))
    if "fit" in frames and not records_of(frames["fit"], "state"):
        details = [check["reason"] for check in records_of(frames["fit"], "check") if check["status"] == "fail"]
        raise CausalError(Fault("029", "there is no fit", tuple(details[:1]), "correct what stopped the fit"))


def _missing(error: ModuleNotFoundError) -> Fault:
    fix = "pip install 'dbt-causal[forecast]'"
    return Fault("029", "a package is not installed", (f"forecasts need {error.name}",), fix)


def _bug(forecast_id: str, step: str, error: BaseException) -> str:
    """Where in the library it happened and of what kind it was; its text may hold values and is left out."""
    frame, last = error.__traceback__, ""
    while frame is not None:
        code = frame.tb_frame.f_code
        for package in ("estimators", "dbt_causal"):
            marker = os.sep + package + os.sep
            if marker in code.co_filename:
                name = code.co_filename.rsplit(marker, 1)[1]
                last = f" at {package}/{name}:{frame.tb_lineno} in {code.co_name}"
        frame = frame.tb_next
    fix = f"set {DEBUG_VARIABLE}=1 and rerun this step to see the error (it may show values), then report it"
    return f"CAUSAL-000 {step} of {forecast_id} failed\n  {type(error).__name__}{last}\n  fix: {fix}"
