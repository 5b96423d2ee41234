"""The study table and the role of each of its columns: what the checks and the methods of one study read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from estimators.errors import CausalError, Fault
from estimators.warehouse import Relation, as_relation

if TYPE_CHECKING:
    from estimators.study import Study

WEIGHT = "weight"  # sampling weights, if the study table has a column of this name
AS_GIVEN = "treatment_as_given"
ARM = "treatment_arm"  # 0/1: the treatment itself, or for a dose whether it is above its mean
_REQUIRED = ("unit_id", "treatment")


@dataclass(frozen=True)
class StudyTable:
    """One row per unit. Immutable: each step of the preparation returns a new table over a new relation.

    relation: the rows that are analysed, treatment as 0/1 (a dose as a number, with ARM beside it).  covariates,
    placebos, outcomes, segments, instruments, negative_controls: its columns.
    shifted_covariates, shifted_outcomes: of the placebo in time.  excluded: units (treated, control) by the reason for
    which the study table leaves them out.  dropped: covariates left out as collinear.
    """

    relation: Relation
    study: Study
    covariates: tuple[str, ...] = ()
    placebos: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    negative_controls: tuple[str, ...] = ()
    shifted_covariates: tuple[str, ...] = ()
    shifted_outcomes: tuple[str, ...] = ()
    cluster: str | None = None
    weights: str | None = None
    excluded: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def has(self, column: str) -> bool:
        return column in self.relation.columns

    def of_kind(self, columns: Iterable[str], *kinds: str) -> tuple[str, ...]:
        """Those of `columns` whose kind is one of `kinds`."""
        return tuple(c for c in columns if self.relation.columns[c] in kinds)

    def numeric(self, columns: Iterable[str]) -> tuple[str, ...]:
        return self.of_kind(columns, "number", "boolean")

    def is_treated(self, arm: int = 1) -> str:
        """SQL condition: the unit belongs to `arm` (1 treated, 0 control)."""
        return f"{self.relation.name(ARM)} = {arm}"

    def with_relation(self, relation: Relation, **changes: Any) -> StudyTable:
        return replace(self, relation=relation, **changes)


def shown(column: str) -> str:
    """A column as the definition names it: without the prefix of its role."""
    for prefix in ("covariate_", "outcome_", "placebo_", "segment_", "instrument_", "negative_control_"):
        if column.startswith(prefix):
            return column.removeprefix(prefix)
    return column


def listed(items: Iterable[str], at_most: int = 6) -> str:
    """``a, b and 3 more``: enough names to act on, never a page of them."""
    names = list(items)
    text = ", ".join(names[:at_most])
    return text if len(names) <= at_most else f"{text} and {len(names) - at_most} more"


def study_table(data: Any, study: Study) -> StudyTable:
    """The study table in `data` with the columns that `study` declares; units that carry an exclusion are left out.

    data: pandas frame, DuckDB relation or `Relation` with the columns that the study-table macro makes.
    Raises CausalError 003 for columns that are not there (all at once).
    """
    relation = as_relation(data)
    table = _roles(relation, study)
    _require(relation, table)
    relation = relation.with_columns({AS_GIVEN: relation.name("treatment")})
    relation = relation.with_columns({"treatment": _treatment(relation, study)})
    relation = relation.with_columns({ARM: _arm(relation, study)})
    if not table.has("unit_bucket"):
        relation = relation.with_columns({"unit_bucket": relation.bucket(relation.name("unit_id"))})
    excluded = _excluded(relation)
    if excluded:
        relation = relation.filter(f"{relation.name('exclusion')} is null")
    return table.with_relation(relation, excluded=excluded)


def _roles(relation: Relation, study: Study) -> StudyTable:
    shifted = study.checks.placebo_in_time is not None
    covariates = tuple(f"covariate_{c.name}" for c in study.confounders)
    outcomes = tuple(f"outcome_{o.name}" for o in study.outcomes)
    return StudyTable(
        relation=relation,
        study=study,
        covariates=covariates,
        placebos=tuple(f"placebo_{p.name}" for p in study.checks.placebo_outcomes),
        outcomes=outcomes,
        segments=tuple(f"segment_{s}" for s in study.segments),
        instruments=study.instrument_columns,
        negative_controls=study.negative_control_columns,
        shifted_covariates=tuple(f"shifted_{c}" for c in covariates) if shifted else (),
        shifted_outcomes=tuple(f"shifted_{o}" for o in outcomes) if shifted else (),
        cluster=_cluster(relation, study),
        weights=WEIGHT if WEIGHT in relation.columns else None,
    )


def _cluster(relation: Relation, study: Study) -> str | None:
    """The study table calls the cluster `cluster_id`; a frame from Python may keep its own name."""
    declared = study.cluster or study.interference.cluster
    if declared is None:
        return None
    return declared if declared in relation.columns else "cluster_id"


def _require(relation: Relation, table: StudyTable) -> None:
    wanted = [*_REQUIRED, *table.covariates, *table.placebos, *table.outcomes, *table.segments]
    wanted += [*table.instruments, *table.negative_controls]
    wanted += [*table.shifted_covariates, *table.shifted_outcomes, *([table.cluster] if table.cluster else [])]
    absent = [c for c in wanted if c not in relation.columns]
    if absent:
        fix = "build the study table again, or correct the names in the definition"
        raise CausalError(Fault("003", "columns missing from the study table", (listed(absent),), fix))


def _treatment(relation: Relation, study: Study) -> str:
    """SQL of the treatment as 0/1, null where its value is neither of the two declared ones."""
    given, kind = relation.name("treatment"), relation.columns["treatment"]
    if study.treatment_kind == "continuous":
        return relation.double(given if kind in ("number", "boolean") else "null")
    values = study.treatment_values
    if values is not None:
        treated, control = (f"{given} = {_literal(relation, kind, v)}" for v in (values.treated, values.control))
    elif kind == "boolean":
        treated, control = given, f"not {given}"
    elif kind == "number":
        treated, control = f"{given} = 1", f"{given} = 0"
    else:
        return "cast(null as integer)"
    return f"case when {treated} then 1 when {control} then 0 end"


def _arm(relation: Relation, study: Study) -> str:
    """A dose has no arms: what is counted by arm is counted above and up to its mean."""
    treatment = relation.name("treatment")
    if study.treatment_kind == "binary":
        return treatment
    mean = float(relation.aggregate({"mean": f"avg({treatment})"})["mean"][0])
    return f"case when {treatment} > {relation.number(mean)} then 1 when {treatment} is not null then 0 end"


def _literal(relation: Relation, kind: str, value: Any) -> str:
    if kind == "boolean":
        return "true" if str(value).lower() in ("true", "1") else "false"
    if kind == "number":
        return relation.number(float(value))
    return relation.text(str(value))


def _excluded(relation: Relation) -> dict[str, tuple[int, int]]:
    if "exclusion" not in relation.columns:
        return {}
    treatment = relation.name(ARM)
    counts = {f"arm_{arm}": f"sum(case when {treatment} = {arm} then 1 else 0 end)" for arm in (0, 1)}
    found = relation.aggregate(counts, by=["exclusion"], where=f"{relation.name('exclusion')} is not null")
    arms = zip(found["exclusion"], found["arm_1"], found["arm_0"], strict=True)
    return {str(reason): (int(treated), int(control)) for reason, treated, control in arms}


def treats_whole_clusters(table: StudyTable) -> bool:
    """Whether treatment is constant within every cluster: then clusters, not units, were assigned."""
    name = table.relation.name
    arms = {"lowest": f"min({name(ARM)})", "highest": f"max({name(ARM)})"}
    clusters = table.relation.grouped(arms, {"cluster": name(table.cluster)})
    return clusters.filter("lowest < highest").n_rows() == 0
