"""The study table of a panel, one row per unit and period, in the form that checks and methods read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from estimators.errors import CausalError, Fault
from estimators.study import Study
from estimators.study_table import ARM, WEIGHT, StudyTable, listed
from estimators.warehouse import Relation, as_relation

UNIT, PERIOD, COHORT = "unit_id", "period", "cohort"


@dataclass(frozen=True)
class Layout:
    """unit: the column of what is followed over periods.  marks: columns that every such table has besides.

    has_cohorts: a column `cohort`, where there is one, says in which period treatment began; else `treatment` says who
    was treated.
    """

    unit: str
    marks: tuple[str, ...]
    has_cohorts: bool = True


UNITS = Layout(UNIT, (COHORT, "treatment"))
DOSES = Layout(UNIT, ("treatment",))  # a dose has no period in which it begins


def panel_table(data: Any, study: Study, layout: Layout | None = None) -> StudyTable:
    """The panel in `data` with the columns that `study` declares; rows that carry an exclusion are left out.

    data: pandas frame, DuckDB relation or `Relation` with the columns that the panel macro makes.  layout: another one
    than that of units; the series macro's is `estimators.series_table.LAYOUT`.  ARM: whether a unit is ever treated
    within the panel.
    Raises CausalError 003 for columns that are not there (all at once).
    """
    relation = as_relation(data)
    layout = layout or (DOSES if study.treatment_kind == "continuous" else UNITS)
    table = StudyTable(
        relation=relation,
        study=study,
        covariates=study.covariate_columns,
        outcomes=tuple(f"outcome_{o.name}" for o in study.outcomes),
        segments=tuple(f"segment_{s}" for s in study.segments),
        negative_controls=study.negative_control_columns,
        cluster="cluster_id" if study.cluster else None,
        weights=WEIGHT if WEIGHT in relation.columns else None,
    )
    wanted = [layout.unit, PERIOD, *table.covariates, *table.outcomes, *table.segments, *table.negative_controls]
    wanted += [*layout.marks, *([table.cluster] if table.cluster else [])]
    absent = [c for c in wanted if c not in relation.columns]
    if absent:
        fix = "build the study table again, or correct the names in the definition"
        raise CausalError(Fault("003", "columns missing from the study table", (listed(absent),), fix))
    relation = relation.with_columns({ARM: _ever_treated(relation, layout)})
    excluded = _excluded(relation, layout.unit)
    if excluded:
        relation = relation.filter(f"{relation.name('exclusion')} is null")
    return replace(table, relation=relation, excluded=excluded)


def _ever_treated(relation: Relation, layout: Layout) -> str:
    by = COHORT if layout.has_cohorts and COHORT in relation.columns else "treatment"
    column = relation.name(by)
    is_treated = f"{column} is not null" if by == COHORT else f"{column} <> 0"
    return f"case when {is_treated} then 1 else 0 end"


def _excluded(relation: Relation, unit: str) -> Mapping[str, tuple[int, int]]:
    """Units (ever treated, never treated) by the reason for which the study table leaves them out."""
    if "exclusion" not in relation.columns:
        return {}
    counts = {
        f"arm_{arm}": f"count(distinct case when {relation.name(ARM)} = {arm} then {relation.name(unit)} end)"
        for arm in (1, 0)
    }
    found = relation.aggregate(counts, by=["exclusion"], where=f"{relation.name('exclusion')} is not null")
    rows = zip(found["exclusion"], found["arm_1"], found["arm_0"], strict=True)
    return {str(reason): (int(treated), int(control)) for reason, treated, control in rows}


def complete(table: StudyTable, columns: Sequence[str]) -> StudyTable:
    """Rows in which none of `columns` is null: a panel with gaps, which every method here takes as it is."""
    if not columns:
        return table
    condition = " and ".join(f"{table.relation.name(c)} is not null" for c in columns)
    return table.with_relation(table.relation.filter(condition))
