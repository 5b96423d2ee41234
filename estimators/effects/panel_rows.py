"""A panel as the estimators of fixed effects read it: one row per unit and period, checked for every fault at once.

One scan, grouped by period, counts what is missing and sums every column; a second one only lists the levels of text
covariates, if there are any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimators.effects import inputs
from estimators.errors import CausalError, Fault, refuse
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import design_columns
from estimators.warehouse.terms import Terms

_NUMERIC = ("number", "boolean")
_INFINITY = "cast('Infinity' as double)"
_EXAMPLES = 3


@dataclass(frozen=True)
class PanelColumns:
    """The columns of a panel by what they are for."""

    unit: str
    time: str
    treatments: tuple[str, ...]
    outcomes: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    weights: str | None = None

    @property
    def measured(self) -> tuple[str, ...]:
        """Columns whose values enter sums; covariates may be text."""
        return tuple(dict.fromkeys([*self.treatments, *self.covariates, *self.outcomes]))

    @property
    def all(self) -> tuple[str, ...]:
        weights = () if self.weights is None else (self.weights,)
        return tuple(dict.fromkeys([self.unit, self.time, *self.measured, *self.clusters, *weights]))


@dataclass(frozen=True)
class Levels:
    """The levels of one dimension, sorted. keys, counts: (m,).  weights: sums of the weights (m,) (counts if there are
    none).  means: of every column x (m, c), weighted.  column: causal_unit or causal_time.
    """

    column: str
    keys: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    means: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        return self.weights @ self.means / self.weights.sum()


@dataclass(frozen=True)
class PanelRows:
    """Checked rows with causal_unit, causal_time, the columns causal_x0, causal_x1, ... and, if weighted, causal_w.

    regressors: names of the first of these columns (treatments, then covariates); the outcomes follow.
    n_on: rows in which each treatment is not 0.  is_binary: the first treatment is 0 or 1 in every row.
    """

    columns: PanelColumns
    rows: Relation
    regressors: tuple[str, ...]
    periods: Levels
    n_on: tuple[int, ...]
    is_binary: bool = False

    @property
    def p(self) -> int:
        return len(self.regressors)

    @property
    def size(self) -> int:
        """Number of columns x: regressors and outcomes."""
        return self.p + len(self.columns.outcomes)

    @property
    def is_weighted(self) -> bool:
        return self.columns.weights is not None

    @property
    def n_rows(self) -> int:
        return int(self.periods.counts.sum())

    def weigh(self, expression: str) -> str:
        return f"causal_w * ({expression})" if self.is_weighted else expression

    def without(self, found: Levels, dropped: np.ndarray) -> PanelRows:
        """The rows outside some levels, given as positions."""
        keys = ", ".join(_literal(self.rows, key) for key in found.keys[dropped])
        less = replace(self, rows=self.rows.filter(f"{found.column} not in ({keys})"))
        return replace(less, periods=levels(less, "causal_time"))


def _literal(relation: Relation, value: Any) -> str:
    """A key as SQL."""
    if isinstance(value, str):
        return relation.text(value)
    return str(int(value)) if isinstance(value, int | np.integer) else relation.number(value)


def panel_rows(relation: Relation, columns: PanelColumns, max_levels: int = 50) -> PanelRows:
    """Checks the columns and sums them by period.

    Raises CausalError with every fault found: 001 wrong type, 003 no such column, 010 nulls, 011 infinite or NaN, 012
    nobody treated, 022 too many levels, 023 no rows, 024 weights not positive.
    """
    known = relation.columns
    kinds = {c: known[c] for c in columns.all if c in known}
    faults = [*unknown_columns(relation, columns.all), *_wrong_kinds(columns, kinds)]
    if faults:
        raise CausalError(*faults)
    text = [c for c in columns.covariates if kinds[c] == "text"]
    terms = Terms((), np.empty(0), np.empty(0), _categories(relation, text, max_levels))
    values = _values(relation, columns, terms)
    rows = relation.with_columns(
        {
            "causal_unit": relation.name(columns.unit),
            "causal_time": time_key(relation, columns.time),
            **({"causal_w": relation.double(relation.name(columns.weights))} if columns.weights is not None else {}),
            **{f"causal_x{j}": value for j, (_, value) in enumerate(values)},
        }
    )
    regressors = tuple(name for name, _ in values[: len(values) - len(columns.outcomes)])
    periods, n_on, n_one = _checked(rows, columns, len(values))
    return PanelRows(columns, rows, regressors, periods, n_on, n_on[0] == n_one)


def unknown_columns(relation: Relation, names: Sequence[str]) -> list[Fault]:
    """A fault for each of `names` that is no column, with the name that may have been meant."""
    first, *others = names
    return inputs.missing_columns(inputs.Roles(first, tuple(others), (), None, None), relation.columns)


def _wrong_kinds(columns: PanelColumns, kinds: Mapping[str, str]) -> list[Fault]:
    wanted = [(c, _NUMERIC) for c in (*columns.treatments, *columns.outcomes)]
    wanted += [(c, (*_NUMERIC, "text")) for c in columns.covariates]
    wanted += [(columns.weights, _NUMERIC)] if columns.weights is not None else []
    wanted.append((columns.time, (*_NUMERIC, "text", "time")))
    faults = []
    for column, allowed in wanted:
        if kinds.get(column, allowed[0]) not in allowed:
            detail = f"{column} is of kind {kinds[column]}, wanted {' or '.join(allowed)}"
            faults.append(Fault("001", "column of a wrong type", (detail,), f"cast or derive {column} first"))
    return faults


def time_key(relation: Relation, column: str) -> str:
    """The period as a key that can be written down again: times in whole microseconds."""
    name, kind = relation.name(column), relation.columns[column]
    if kind == "time":
        return f"cast(round({relation.seconds(name)} * 1e6) as bigint)"
    return f"cast({name} as integer)" if kind == "boolean" else name


def _categories(relation: Relation, text: Sequence[str], max_levels: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not text:
        return ()
    counts = {f"levels_{c}": f"approx_count_distinct({relation.name(c)})" for c in text}
    facts = {key: value[0] for key, value in relation.aggregate(counts).items()}
    faults = inputs.level_faults(facts, text, max_levels)
    if faults:
        raise CausalError(*faults)
    # Nulls are counted later, with those of all other columns.
    found = {c: relation.aggregate({}, by=[c], where=f"{relation.name(c)} is not null")[c] for c in text}
    faults = inputs.level_faults({f"levels_{c}": len(v) for c, v in found.items()}, text, max_levels, slack=1)
    if faults:
        raise CausalError(*faults)
    return tuple((c, tuple(str(level) for level in found[c])) for c in text)


def _values(relation: Relation, columns: PanelColumns, terms: Terms) -> list[tuple[str, str]]:
    """Name and SQL of treatments, covariates (a dummy per level of text but the first) and outcomes."""
    text = {c for c, _ in terms.categories}
    dummies = list(zip(terms.names[1:], design_columns(relation, terms, intercept=False).values(), strict=True))
    numbers = [c for c in (*columns.treatments, *columns.covariates) if c not in text]
    found = [(c, relation.double(relation.name(c))) for c in numbers] + dummies
    return found + [(c, relation.double(relation.name(c))) for c in columns.outcomes]


def _checked(rows: Relation, columns: PanelColumns, size: int) -> tuple[Levels, tuple[int, ...], int]:
    n_treatments = len(columns.treatments)
    counts = {f"count_{c}": f"count({rows.name(c)})" for c in columns.all}
    counts |= {f"on{j}": f"count(case when causal_x{j} <> 0 then 1 end)" for j in range(n_treatments)}
    counts["one"] = "count(case when causal_x0 = 1 then 1 end)"
    if columns.weights is not None:
        counts["not_positive"] = "sum(case when causal_w > 0 then 0 else 1 end)"
    found = rows.aggregate({**_sums(size, columns.weights is not None), **counts}, by={"causal_time": "causal_time"})
    n = int(found["n"].sum())
    if n == 0:
        raise refuse("023", "no rows", fix="check the cohort: it has no unit to analyse")
    facts = {key: found[key].sum() for key in (*counts, "n")}
    faults = inputs.null_faults(facts, columns.all, n)
    if not faults:
        faults = [*_infinite(rows, columns, found, n), *inputs.weight_faults(facts, columns.weights, n)]
        faults += _untreated(columns, facts, n)
    if faults:
        raise CausalError(*faults)
    n_on = tuple(int(facts[f"on{j}"]) for j in range(n_treatments))
    return _levels(found, "causal_time", size), n_on, int(facts["one"])


def _infinite(rows: Relation, columns: PanelColumns, found: Mapping[str, np.ndarray], n: int) -> list[Fault]:
    """Counts values that are no number, but only where a sum says that there are any."""
    sums = [found[key] for key in found if key[0] == "s" or key == "w"]
    if np.isfinite(np.array(sums, dtype=float)).all():
        return []
    kinds = rows.columns
    suspects = [c for c in (*columns.measured, columns.weights) if c is not None and kinds[c] in _NUMERIC]
    ends = {f"{end}_{c}": np.inf for end in ("min", "max") for c in suspects}
    facts = {**ends, **{f"count_{c}": n for c in suspects}, "n": n}
    wrong = rows.aggregate(
        {c: f"sum(case when abs({rows.double(rows.name(c))}) < {_INFINITY} then 0 else 1 end)" for c in suspects}
    )
    return inputs.infinite_faults(rows, facts, [c for c in suspects if int(wrong[c][0])])


def _untreated(columns: PanelColumns, facts: Mapping[str, Any], n: int) -> list[Fault]:
    return [
        Fault("012", "treatment is constant", (f"{c} is 0 in all {n:,} rows",), "check the cohort's treatment")
        for j, c in enumerate(columns.treatments)
        if not int(facts[f"on{j}"])
    ]


def _sums(size: int, is_weighted: bool) -> dict[str, str]:
    """Aggregates of which `_levels` makes means."""
    weight = "causal_w * " if is_weighted else ""
    sums = {"n": "count(*)", **{f"s{j}": f"sum({weight}causal_x{j})" for j in range(size)}}
    return {**sums, "w": "sum(causal_w)"} if is_weighted else sums


def _levels(found: Mapping[str, np.ndarray], column: str, size: int) -> Levels:
    counts = found["n"].astype(np.int64)
    weights = np.asarray(found.get("w", counts), dtype=float)
    sums = np.array([found[f"s{j}"] for j in range(size)], dtype=float).T
    return Levels(column, found[column], counts, weights, sums / weights[:, None])


def levels(panel: PanelRows, column: str) -> Levels:
    """Means of every column by unit or period: one scan."""
    found = panel.rows.aggregate(_sums(panel.size, panel.is_weighted), by={column: column})
    return _levels(found, column, panel.size)


def duplicates(panel: PanelRows) -> CausalError:
    """The error to raise where several rows share unit and period: how many, and which, as hashes."""
    pairs = panel.rows.grouped({"n": "count(*)"}, {"causal_unit": "causal_unit", "causal_time": "causal_time"})
    twice = pairs.filter("n > 1")
    units = twice.grouped({"n_pairs": "count(*)"}, {"unit": "causal_unit"})
    hashed = units.with_columns({"unit_hash": units.bucket("unit")})
    first = hashed.head({"unit_hash": "unit_hash"}, _EXAMPLES, order_by="unit_hash")
    examples = ", ".join(f"{int(h):08x}" for h in first["unit_hash"])
    return refuse(
        "026",
        f"duplicates of ({panel.columns.unit}, {panel.columns.time})",
        f"{twice.n_rows():,} combinations have several rows of {panel.n_rows:,}",
        f"examples (md5 of {panel.columns.unit}): {examples}",
        fix="make the panel one row per unit and period; a join that fans out is the usual cause",
    )
