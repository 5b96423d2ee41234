"""What every estimator asks of its columns before it reads them in earnest: all faults of the data at once."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from estimators.errors import CausalError, Fault
from estimators.warehouse.relation import Kind, Relation

NUMERIC = ("number", "boolean")
_COMBINATIONS = 100_000  # of text levels, fetched in one go
_SHOWN = 6  # columns named in one message before "and k more"
_ARMS = {"treated": 1, "control": 0}


@dataclass(frozen=True)
class Inputs:
    """Facts of the data that were found on the way, so that no estimator scans for them again.

    n_units, n_treated: rows in all and with treatment 1 (all rows if the treatment may be, and is, another number).
    kinds: of every column asked about.  minimum, maximum: of numeric columns (booleans as 0 and 1).
    levels: sorted distinct values of each text covariate.
    """

    n_units: int
    n_treated: int
    kinds: Mapping[str, Kind]
    minimum: Mapping[str, float]
    maximum: Mapping[str, float]
    levels: Mapping[str, tuple[str, ...]]

    @property
    def n_control(self) -> int:
        return self.n_units - self.n_treated

    def constant(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Those of `columns` that have a single value."""
        return tuple(c for c in columns if self._is_constant(c))

    def _is_constant(self, column: str) -> bool:
        if column in self.levels:
            return len(self.levels[column]) < 2
        return column in self.minimum and self.minimum[column] == self.maximum[column]


@dataclass(frozen=True)
class Roles:
    treatment: str
    outcomes: tuple[str, ...]
    covariates: tuple[str, ...]
    cluster: str | None
    weights: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        optional = [c for c in (self.cluster, self.weights) if c is not None]
        return tuple(dict.fromkeys([self.treatment, *self.outcomes, *self.covariates, *optional]))


def require_valid(
    relation: Relation,
    treatment: str,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    cluster: str | None = None,
    weights: str | None = None,
    max_levels: int = 50,
    is_binary: bool = True,
) -> Inputs:
    """Checks the columns of an analysis, in two aggregates (a third lists the levels of text covariates, if any).

    max_levels: the most distinct values that a text covariate may have.  is_binary: the treatment must be 0/1.
    Raises CausalError with every fault found: 001 wrong type, 003 no such column, 010 nulls, 011 infinite or NaN,
    012 treatment constant, 013 treatment not 0/1, 022 too many levels, 023 no rows, 024 weights not positive.
    """
    roles = Roles(treatment, tuple(outcomes), tuple(covariates), cluster, weights)
    kinds = {c: relation.columns[c] for c in roles.columns if c in relation.columns}
    faults = [*missing_columns(roles, relation.columns), *_wrong_kinds(roles, kinds)]
    if faults:
        raise CausalError(*faults)
    facts = _scan(relation, roles, kinds)
    n = int(facts["n"])
    if n == 0:
        raise CausalError(Fault("023", "no rows", fix="check the cohort: it has no unit to analyse"))
    faults = [
        *null_faults(facts, roles.columns, n),
        *infinite_faults(relation, facts, [c for c in roles.columns if _is_measured(c, roles, kinds)]),
        *_treatment(facts, treatment, n, is_binary),
        *weight_faults(facts, weights, n),
    ]
    faults += level_faults(facts, _text(roles, kinds), max_levels)
    if faults:
        raise CausalError(*faults)
    levels = _levels(relation, {c: int(facts[f"levels_{c}"]) for c in _text(roles, kinds)})
    faults = level_faults({f"levels_{c}": len(v) for c, v in levels.items()}, levels, max_levels, slack=1)
    if faults:
        raise CausalError(*faults)
    return _inputs(facts, roles, kinds, levels)


def _inputs(facts: Mapping[str, Any], roles: Roles, kinds: Mapping[str, Kind], levels: Mapping[str, Any]) -> Inputs:
    measured = [c for c in roles.columns if _is_measured(c, roles, kinds)]
    n, treated, control = (int(facts[k]) for k in ("n", "treated", "control"))
    return Inputs(
        n_units=n,
        n_treated=treated if treated + control == n else n,
        kinds=dict(kinds),
        minimum={c: float(facts[f"min_{c}"]) for c in measured},
        maximum={c: float(facts[f"max_{c}"]) for c in measured},
        levels=levels,
    )


def _is_measured(column: str, roles: Roles, kinds: Mapping[str, Kind]) -> bool:
    """A cluster may be of any kind; every other numeric column is averaged."""
    used = (roles.treatment, *roles.outcomes, *roles.covariates, roles.weights)
    return column in used and kinds[column] in NUMERIC


def _text(roles: Roles, kinds: Mapping[str, Kind]) -> list[str]:
    return [c for c in roles.covariates if kinds[c] == "text"]


def _scan(relation: Relation, roles: Roles, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Two aggregates: engines answer the first one of a stored table from its statistics, without reading a row."""
    parts = (relation.aggregate(wanted(relation, roles, kinds)) for wanted in (_extent, _counts))
    return {key: values[0] for part in parts for key, values in part.items()}


def _extent(relation: Relation, roles: Roles, kinds: Mapping[str, Kind]) -> dict[str, str]:
    expressions = {"n": "count(*)"}
    for column in roles.columns:
        expressions[f"count_{column}"] = f"count({relation.name(column)})"
        if _is_measured(column, roles, kinds):  # cast afterwards: statistics know the column, not an expression of it
            expressions[f"min_{column}"] = relation.double(f"min({relation.name(column)})")
            expressions[f"max_{column}"] = relation.double(f"max({relation.name(column)})")
    return expressions


def _counts(relation: Relation, roles: Roles, kinds: Mapping[str, Kind]) -> dict[str, str]:
    name = relation.name
    treatment = relation.double(name(roles.treatment))
    expressions = {arm: f"sum(case when {treatment} = {value} then 1 else 0 end)" for arm, value in _ARMS.items()}
    expressions |= {f"levels_{c}": f"approx_count_distinct({name(c)})" for c in _text(roles, kinds)}
    if roles.weights is not None:
        weight = relation.double(name(roles.weights))
        expressions["not_positive"] = f"sum(case when {weight} <= 0 then 1 else 0 end)"
    return expressions


def _levels(relation: Relation, approximate: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Sorted distinct values of text columns: from one scan over their combinations while these can only be few."""
    if not approximate:
        return {}
    if math.prod(approximate.values()) <= _COMBINATIONS:
        combinations = relation.aggregate({}, by=list(approximate))
        return {c: tuple(sorted(set(combinations[c]))) for c in approximate}
    return {c: tuple(relation.aggregate({}, by=[c])[c]) for c in approximate}


def missing_columns(roles: Roles, known: Iterable[str]) -> list[Fault]:
    names = list(known)
    faults = []
    for column in roles.columns:
        if column in names:
            continue
        close = difflib.get_close_matches(column, names, n=1)
        fix = f"did you mean {close[0]}?" if close else f"the data has {_listed(names)}"
        faults.append(Fault("003", "unknown column", (f"no column {column}",), fix))
    return faults


def _wrong_kinds(roles: Roles, kinds: Mapping[str, Kind]) -> list[Fault]:
    faults = []
    if kinds.get(roles.treatment, "number") not in NUMERIC:
        fix = "map the two values to 0 and 1 (treatment_values in a study)"
        detail = f"{roles.treatment} is of kind {kinds[roles.treatment]}"
        faults.append(Fault("013", "treatment is not 0/1", (detail,), fix))
    wanted = [(c, NUMERIC) for c in (*roles.outcomes, roles.weights) if c is not None]
    wanted += [(c, (*NUMERIC, "text")) for c in roles.covariates]
    for column, allowed in wanted:
        if kinds.get(column, allowed[0]) not in allowed:
            detail = f"{column} is of kind {kinds[column]}, wanted {' or '.join(allowed)}"
            faults.append(Fault("001", "column of a wrong type", (detail,), f"cast or derive {column} first"))
    return faults


def null_faults(facts: Mapping[str, Any], columns: Sequence[str], n: int) -> list[Fault]:
    missing = {c: n - int(facts[f"count_{c}"]) for c in columns}
    missing = {c: k for c, k in missing.items() if k}
    if not missing:
        return []
    detail = f"{_listed([f'{c} {k:,}' for c, k in missing.items()])} of {n:,} rows"
    fix = "drop or fill these rows on purpose (missing_values in a study)"
    return [Fault("010", "nulls in the data", (detail,), fix)]


def infinite_faults(relation: Relation, facts: Mapping[str, Any], columns: Sequence[str]) -> list[Fault]:
    suspects = [c for c in columns if not all(math.isfinite(facts[f"{end}_{c}"]) for end in ("min", "max"))]
    suspects = [c for c in suspects if int(facts[f"count_{c}"])]
    if not suspects:
        return []
    values = {c: relation.double(relation.name(c)) for c in suspects}
    # NaN is larger than every number to a warehouse, so that it falls into `else` as infinities do, and as nulls do.
    tests = {c: f"sum(case when abs({v}) <= 1.7976931348623157e308 then 0 else 1 end)" for c, v in values.items()}
    counts = relation.aggregate({c: f"{t} - (count(*) - count({relation.name(c)}))" for c, t in tests.items()})
    detail = f"{_listed([f'{c} {int(counts[c][0]):,}' for c in suspects])} of {int(facts['n']):,} rows"
    return [Fault("011", "infinite or NaN values", (detail,), "correct them at their source, or leave the rows out")]


def _treatment(facts: Mapping[str, Any], treatment: str, n: int, is_binary: bool) -> list[Fault]:
    known, treated, control = (int(facts[k]) for k in (f"count_{treatment}", "treated", "control"))
    other = known - treated - control
    if other and not is_binary:
        if facts[f"min_{treatment}"] < facts[f"max_{treatment}"]:
            return []
        detail = f"{treatment} has one value in {n:,} rows"
        return [Fault("012", "treatment is constant", (detail,), "check the cohort's treatment")]
    if other:
        detail = f"{treatment} is neither 0 nor 1 in {other:,} of {n:,} rows"
        fix = "map the two values to 0 and 1 (treatment_values in a study)"
        return [Fault("013", "treatment is not 0/1", (detail,), fix)]
    if treated and control:
        return []
    return [Fault("012", "treatment is constant", (f"{treated:,} of {n:,} treated",), "check the cohort's treatment")]


def weight_faults(facts: Mapping[str, Any], weights: str | None, n: int) -> list[Fault]:
    if weights is None or not int(facts["not_positive"]):
        return []
    detail = f"{weights} is zero or negative in {int(facts['not_positive']):,} of {n:,} rows"
    return [Fault("024", "weights must be positive", (detail,), "leave out units that should not count")]


def level_faults(facts: Mapping[str, Any], columns: Iterable[str], max_levels: int, slack: float = 1.5) -> list[Fault]:
    """The first count is approximate (little memory whatever the data), hence the slack; the second is exact."""
    faults = []
    for column in columns:
        n_levels = int(facts[f"levels_{column}"])
        if n_levels > max_levels * slack:
            about = "" if slack == 1 else "about "
            detail = f"{column} has {about}{n_levels:,} levels; at most {max_levels} are allowed"
            fix = f"group its levels in a model, drop {column}, or raise max_levels"
            faults.append(Fault("022", "category with too many levels", (detail,), fix))
    return faults


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
