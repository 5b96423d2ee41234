"""Every outcome window has ended by `as_of` in both arms, and every unit has an index time (033)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from estimators.checks.verdict import count, failed, figure, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, listed

NAME = "windows_ended"
NO_INDEX_TIME = "no index time"  # the study table's reason for leaving a unit out
_COLUMNS = ("treated_at", "outcome_ends_at")


def measures(table: StudyTable) -> dict[str, str]:
    if _absent(table):
        return {}
    treated_at, ends_at = (table.relation.name(c) for c in _COLUMNS)
    ends = table.relation.seconds(ends_at)  # seconds, so that the time zone of a session plays no part
    as_of = table.relation.number(table.study.as_of_at.timestamp())
    return {
        "n_open_windows": f"sum(case when {ends} > {as_of} then 1 else 0 end)",
        "last_window_end": f"max({ends})",
        "n_without_index": f"count(*) - count({treated_at})",
    }


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    absent = _absent(table)
    if absent:
        reason = f"the study table has no column {listed(absent)}; make it with the study-table macro"
        return [Check(NAME, "not_evaluated", reason)]
    n, n_open, as_of = count(facts, "n"), count(facts, "n_open_windows"), table.study.as_of
    checks = []
    if n_open:
        ends_at = datetime.fromtimestamp(figure(facts, "last_window_end"), UTC).strftime("%Y-%m-%d %H:%M:%S")
        details = (f"{n_open:,} of {n:,} outcome windows end after as_of {as_of}", f"the last one ends {ends_at}")
        fix = f"run the study with as_of {ends_at} or later, shorten the window, or leave out the latest units"
        checks.append(
            failed(NAME, Fault("033", "outcome windows have not ended", details, fix), statistic=float(n_open))
        )
    n_without = count(facts, "n_without_index") + sum(table.excluded.get(NO_INDEX_TIME, (0, 0)))
    if n_without:
        fix = "give controls a treated_at of their own, as control_index says"
        fault = Fault("033", "units without an index time", (f"treated_at is null for {n_without:,} units",), fix)
        checks.append(failed(NAME, fault, statistic=float(n_without)))
    return checks or [passed(NAME, f"all {n:,} outcome windows have ended by {as_of}", statistic=0.0)]


def _absent(table: StudyTable) -> list[str]:
    return [c for c in _COLUMNS if not table.has(c)]
