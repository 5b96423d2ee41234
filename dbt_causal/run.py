"""The one call of a study's Python model: from what dbt hands over to the long frame of its results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbt_causal.first_import import loaded
from dbt_causal.turns import turn

if TYPE_CHECKING:
    import pandas as pd

    from estimators.errors import Fault

DEBUG_VARIABLE = "CAUSAL_DEBUG"  # set to 1 to see engine errors as they are, values included


class StudyFailed(RuntimeError):
    """A study that could not even be blocked: a fault of the program or of the machine. Its text holds no values."""


def run_study(context: Mapping[str, Any], study_table: Any) -> pd.DataFrame:
    """Everything that the study's definition asks for, as rows record, study_id, run_id, definition_hash, payload.

    context: `dbt.causal`, made by the materialization.  study_table: the relation of the model `<study>`.
    Faults of data and method come back as failed checks, engine errors too. Raises StudyFailed for anything else.
    """
    study_id, entry = _only_study(context)
    try:
        return _analysed(context, study_id, entry, study_table)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE) == "1":
            raise
        from dbt_causal.spark_errors import lost

        fault = lost(error)
        if fault is not None:
            raise StudyFailed(str(fault)) from None
        if not _is_engine_error(error):
            raise StudyFailed(_bug(study_id, error)) from None
        from dbt_causal.redaction import engine_fault

        return blocked_frame(context, study_id, entry, engine_fault(error))


def _only_study(context: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    studies = context["studies"]
    if len(studies) != 1:
        names = ", ".join(sorted(studies)) or "none"
        raise StudyFailed(f"CAUSAL-001 a results model refs one study, this one: {names}")
    return next(iter(studies.items()))


def _analysed(context: Mapping[str, Any], study_id: str, entry: Mapping[str, Any], study_table: Any) -> pd.DataFrame:
    analyse = loaded("estimators.analysis").analyse
    from estimators.errors import CausalError
    from estimators.study import parse

    try:
        study = parse(entry["definition"], lambda path: entry.get("file", ""))
    except CausalError as error:
        return blocked_frame(context, study_id, entry, error.faults[0])
    with turn(study_table):
        results = analyse(
            study_table,
            study,
            study_id=study_id,
            definition_hash=entry["definition_hash"],
            file=entry.get("file", ""),
        )
    return results.frame(**_made_by(context))


def blocked_frame(context: Mapping[str, Any], study_id: str, entry: Mapping[str, Any], fault: Fault) -> pd.DataFrame:
    """The frame of a study that is blocked by one fault before any estimate: a failed check and the run."""
    from estimators.results import Check
    from estimators.study_results import Results, Run

    definition = entry["definition"] if isinstance(entry.get("definition"), Mapping) else {}
    check = Check("analysis_completes", "fail", fault.on_one_line(), code=fault.code)
    run = Run(
        status="blocked",
        tier="unverified",
        bias_bound=None,
        n_failed=1,
        n_warned=0,
        reason=f"{check.check_name}: {check.reason}",
        data_fingerprint="",
        n_units=0,
        n_treated=0,
        acknowledged_block=definition.get("acknowledged_block"),
        as_of=str(definition.get("as_of", "")),
    )
    names = {"study_id": study_id, "definition_hash": entry["definition_hash"]}
    return Results((), (check,), (), (), (), run, **names).frame(**_made_by(context))


def _made_by(context: Mapping[str, Any]) -> dict[str, str]:
    return {
        "run_id": context["invocation_id"],
        "library_version": context.get("library_version") or "",
        "git_commit": context.get("git_commit") or "",
    }


def _is_engine_error(error: BaseException) -> bool:
    from dbt_causal.spark_errors import quotes_data

    is_duckdb = type(error).__module__.lstrip("_").startswith("duckdb")
    return is_duckdb or isinstance(error, MemoryError) or quotes_data(error)


def _bug(study_id: str, error: BaseException) -> str:
    """Where in the library it happened and of what kind it was; its text may hold values and is left out."""
    frame, last = error.__traceback__, ""
    while frame is not None:
        code = frame.tb_frame.f_code
        if os.sep + "estimators" + os.sep in code.co_filename:
            name = code.co_filename.rsplit(os.sep + "estimators" + os.sep, 1)[1]
            last = f" at estimators/{name}:{frame.tb_lineno} in {code.co_name}"
        frame = frame.tb_next
    fix = f"set {DEBUG_VARIABLE}=1 and rerun this study to see the error (it may show values), then report it"
    return f"CAUSAL-000 {study_id} could not be analysed\n  {type(error).__name__}{last}\n  fix: {fix}"
