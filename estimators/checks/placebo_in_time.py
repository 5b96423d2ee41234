"""The study repeated earlier, where treatment had not happened: for cross-sections it only warns.

Assignment may have used the very window that the shift skips, so that an effect there need not be a bias (a panel's
gate, not a cross-section's).
"""

from __future__ import annotations

from dataclasses import replace

from estimators.checks import placebo_outcome
from estimators.checks.placebo_outcome import Placebo
from estimators.results import Check
from estimators.study import Study
from estimators.study_table import StudyTable, shown

NAME = "placebo_in_time"


def shifted(table: StudyTable) -> StudyTable:
    """The same units with the covariates that end at the shifted index; units without complete values left out."""
    covariates = tuple(c for c in table.shifted_covariates if c.removeprefix("shifted_") not in table.dropped)
    columns = [*covariates, *table.shifted_outcomes]
    complete = " and ".join(f"{table.relation.name(c)} is not null" for c in columns)
    return table.with_relation(table.relation.filter(complete), covariates=covariates)


def judge(study: Study, placebo: Placebo) -> Check:
    """The rule of the placebo outcome for observational designs; a failure becomes a warning."""
    found = placebo_outcome.judge(study, replace(placebo, outcome=shown(placebo.outcome.removeprefix("shifted_"))))
    days = study.checks.placebo_in_time.shift_days
    status = "warn" if found.status == "fail" else found.status
    reason = f"{days} days earlier: {found.reason}"
    return replace(found, check_name=NAME, status=status, reason=reason, is_gate=False)


def impossible(reason: str) -> list[Check]:
    return [Check(NAME, "not_evaluated", reason, is_gate=False)]
