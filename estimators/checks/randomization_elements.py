"""What was assigned, units or whole clusters, as compact rows that the warehouse hands out in a fixed order.

The outcome is residualised on the covariates once, in the warehouse, which changes no estimate of the adjusted
regressions (Frisch and Waugh) and keeps their sums of squares small. In strata everything is centred on the stratum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimators.checks.randomization_law import Law
from estimators.effects.inputs import Inputs, require_valid
from estimators.errors import refuse
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import collinear, combination, design_columns, products, symmetric
from estimators.warehouse.terms import Terms, describe

BLOCK = 65_536  # elements whose assignments are drawn together
_COARSE = 2.0**20  # any centre and slope do that are about right, so digits that hang on the threads' order are cut


@dataclass(frozen=True)
class Question:
    """Columns, and how treatment was assigned. share: of law bernoulli."""

    treatment: str
    outcome: str
    covariates: tuple[str, ...]
    law: str
    strata: tuple[str, ...]
    cluster: str | None
    share: float | None
    unit: str
    max_levels: int


@dataclass(frozen=True)
class Elements:
    """Rows with causal_t (0/1) and causal_v0.. (z = 1 and covariates, then the outcome, then the treatment).

    Clusters have their sums there, and the sums of products causal_a{i}_{j} besides. n_terms: k, of z.
    scale: of the outcome, in its own units.  order: of the rows, in SQL.
    """

    rows: Relation
    law: Law
    inputs: Inputs
    terms: Terms
    scale: float
    order: str
    is_clustered: bool

    @property
    def n_terms(self) -> int:
        return self.terms.size

    @property
    def is_weighted(self) -> bool:
        """Whether strata differ in size or in their share of treated, so that arms need weights."""
        return len(np.unique(self.law.sizes)) > 1 or len(np.unique(self.law.treated)) > 1

    def weights(self, arm: int) -> tuple[np.ndarray, np.ndarray]:
        """By stratum: ω = n_s / n_as, and n_s / (n_s - 1), which undoes that a stratum's own mean was taken off."""
        n, treated = self.law.sizes.astype(float), self.law.treated
        kappa = n / np.maximum(n - 1.0, 1.0) if len(n) > 1 else np.ones(1)
        return n / (treated if arm else n - treated), kappa

    def first_pairs(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(self.n_terms) for j in range(i, self.n_terms + 2)]

    def blocks(self) -> Iterator[dict[str, np.ndarray]]:
        """All rows as blocks of exactly `BLOCK` of them, the last one shorter."""
        columns = [f"causal_v{j}" for j in range(self.n_terms + 2)]
        columns += [f"causal_a{i}_{j}" for i, j in self.first_pairs()] if self.is_clustered else []
        wanted = {c: c for c in (*columns, "causal_t")}
        held: list[dict[str, np.ndarray]] = []
        for batch in self.rows.batches(wanted, order_by=self.order, n_rows=BLOCK):
            held.append(batch)
            while sum(len(b["causal_t"]) for b in held) >= BLOCK:
                whole = {c: np.concatenate([b[c] for b in held]) for c in wanted}
                yield {c: values[:BLOCK] for c, values in whole.items()}
                held = [{c: values[BLOCK:] for c, values in whole.items()}]
        if sum(len(b["causal_t"]) for b in held):
            yield {c: np.concatenate([b[c] for b in held]) for c in wanted}


def elements(relation: Relation, question: Question) -> Elements:
    """Raises CausalError (001, 003, 010-013, 016, 020, 022, 023, 028)."""
    inputs = _inputs(relation, question)
    terms = _without_last_digits(describe(relation, question.covariates, inputs.levels))
    center, scale = _outcome_scale(relation, question)
    treated = relation.double(relation.name(question.treatment))
    value = relation.double(relation.name(question.outcome))
    columns = design_columns(relation, terms)
    columns["causal_y"] = f"({value} - {relation.number(center)}) * {relation.number(1.0 / scale)}"
    columns |= {"causal_t": treated, "causal_d": treated, "causal_id": relation.name(question.unit)}
    columns |= {f"causal_s{i}": relation.name(c) for i, c in enumerate(question.strata)}
    if question.cluster is not None:
        columns["causal_c"] = relation.name(question.cluster)
    strata = [f"causal_s{i}" for i in range(len(question.strata))]
    rows = _residualised(_centred(relation.with_columns(columns), terms, strata), terms, bool(strata))
    if question.cluster is not None:
        rows = _by_cluster(rows, terms.size, strata)
    law = _law(rows, question, strata)
    tie = ["causal_t", *(f"causal_v{j}" for j in range(terms.size + 2))]
    order = ", ".join([*strata, "causal_id", *tie])
    return Elements(rows, law, inputs, terms, scale, order, question.cluster is not None)


def _inputs(relation: Relation, question: Question) -> Inputs:
    named = [c for c in (*question.strata, question.unit) if c not in relation.columns]
    if named:
        raise refuse("003", "unknown column", *(f"no column {c}" for c in named), fix="name strata=... and unit=...")
    inputs = require_valid(
        relation, question.treatment, [question.outcome], question.covariates, question.cluster, None,
        question.max_levels,
    )  # fmt: skip
    if question.strata:
        counts = relation.aggregate({c: f"count(*) - count({relation.name(c)})" for c in question.strata})
        missing = [f"{c} {int(counts[c][0]):,}" for c in question.strata if int(counts[c][0])]
        if missing:
            detail = f"{', '.join(missing)} of {inputs.n_units:,} rows"
            raise refuse("010", "nulls in the strata", detail, fix="give these units a stratum, or leave them out")
    return inputs


def _outcome_scale(relation: Relation, question: Question) -> tuple[float, float]:
    value = relation.double(relation.name(question.outcome))
    found = relation.aggregate({"mean": f"avg({value})", "sd": f"stddev_pop({value})"})
    mean, sd = float(found["mean"][0]), float(found["sd"][0])
    if not sd > 1e-13 * max(abs(mean), 1e-300):
        raise refuse(
            "028", "outcome does not vary", f"{question.outcome} has one value", fix="choose an outcome that varies"
        )
    sd = float(_short(np.array([sd]))[0])
    return float(_coarse(np.array([mean]), np.array([sd]))[0]), sd


def _without_last_digits(terms: Terms) -> Terms:
    scale = _short(terms.scale)
    return replace(terms, center=_coarse(terms.center, scale), scale=scale)


def _short(values: np.ndarray) -> np.ndarray:
    """To 20 binary digits."""
    digits, powers = np.frexp(values)
    return np.ldexp(np.round(digits * _COARSE) / _COARSE, powers)


def _coarse(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    return np.round(values / units * _COARSE) / _COARSE * units


def _centred(rows: Relation, terms: Terms, strata: Sequence[str]) -> Relation:
    """Covariates, outcome and treatment without the mean of their stratum."""
    if not strata:
        return rows
    columns = [*(f"causal_z{i}" for i in range(1, terms.size)), "causal_y", "causal_d"]
    means = {f"{c}_mean": f"{rows.total(c)} / count(*)" for c in columns}
    rows = rows.joined(rows.grouped(means, {s: s for s in strata}), on=strata)
    return rows.with_columns({c: f"{c} - {c}_mean" for c in columns})


def _residualised(rows: Relation, terms: Terms, is_stratified: bool) -> Relation:
    """With causal_v*: the terms, what they leave of the outcome, and the treatment."""
    k = terms.size
    z = [f"causal_z{i}" for i in range(k)]
    residual = "causal_y"
    if k > 1:
        found = rows.aggregate(
            products(rows, z, "g") | {f"c{i}": rows.total(f"{column} * causal_y") for i, column in enumerate(z)}
        )
        gram = symmetric(found, "g", k)
        flat = [n for n, own in zip(terms.names, np.diag(gram), strict=True) if own <= 1e-12 * gram[0, 0]]
        dependent = flat or collinear(gram, terms.names)
        if dependent:
            where = " within the strata" if is_stratified else ""
            detail = f"{', '.join(dependent)}: constant{where}, or determined by the others"
            raise refuse("020", "collinear covariates", detail, fix="drop them from the adjustment")
        slopes = np.linalg.solve(gram, [found[f"c{i}"][0] for i in range(k)])
        residual = f"causal_y - ({combination(rows, _coarse(slopes, np.ones(k)), z)})"
    values = [*z, residual, "causal_d"]
    return rows.with_columns({f"causal_v{j}": value for j, value in enumerate(values)})


def _by_cluster(rows: Relation, k: int, strata: Sequence[str]) -> Relation:
    """One row per cluster, with sums. Raises CausalError 016 if a cluster is in two arms or strata."""
    sums = {f"causal_v{j}": rows.total(f"causal_v{j}") for j in range(k + 2)}
    pairs = [(i, j) for i in range(k) for j in range(i, k + 2)]
    sums |= {f"causal_a{i}_{j}": rows.total(f"causal_v{i} * causal_v{j}") for i, j in pairs}
    sums |= {"causal_t": "max(causal_t)", "causal_lowest": "min(causal_t)"}
    found = rows.grouped(sums, {"causal_id": "causal_c", **{s: s for s in strata}})
    counts = found.aggregate(
        {
            "mixed": "sum(case when causal_lowest < causal_t then 1 else 0 end)",
            "split": "count(*) - count(distinct causal_id)",
            "n": "count(*)",
        }
    )
    mixed, split, n = (int(counts[c][0]) for c in ("mixed", "split", "n"))
    if mixed:
        detail = f"{mixed:,} of {n:,} clusters hold treated units and controls"
        raise refuse(
            "016", "clusters in both arms", detail, fix="not whole clusters were assigned: declare another law"
        )
    if split:
        detail = f"{split:,} clusters lie in more than one stratum"
        raise refuse("016", "clusters in two strata", detail, fix="take strata that are made of whole clusters")
    return found


def _law(rows: Relation, question: Question, strata: Sequence[str]) -> Law:
    counts = rows.aggregate({"n": "count(*)", "treated": "sum(causal_t)"}, by=list(strata))
    sizes, treated = counts["n"].astype(np.int64), counts["treated"].astype(np.int64)
    one_arm = int(np.sum((treated == 0) | (treated == sizes)))
    if one_arm and strata:
        detail = f"{one_arm:,} of {len(sizes):,} strata have treated units only, or controls only"
        raise refuse("023", "strata with one arm", detail, fix="leave them out, or declare the strata that were used")
    return Law(sizes, treated, question.share)
