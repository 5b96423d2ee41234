"""Difference in means, and Lin's covariate-adjusted version of it, from sums in the warehouse.

Each arm has its own regression of the outcome on (1, x); without covariates that is its mean. The effect is the gap of
the two at the mean x̄ of the target population, which equals the coefficient of the treatment in Lin's (2013) fully
interacted regression on centred covariates. Every unit's part in it is linear: with z = (1, x), z̄ = (1, x̄), residual e
and G = Σ w z z' over the unit's arm, u = ± w z̄'G⁻¹z e. Standard errors follow: HC2 is Σ u²/(1 - h) with the leverage
h = w z'G⁻¹z (without covariates the unequal-variance s₁²/n₁ + s₀²/n₀), CRV1 the sum of squares of u summed by cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects.clusters import clustered
from estimators.effects.frames import estimated
from estimators.effects.inputs import Inputs, require_valid
from estimators.effects.method import Design, Estimates, Spec
from estimators.effects.weighted_balance import weighted_balance
from estimators.errors import refuse
from estimators.results import Effect, wald
from estimators.warehouse import Relation, as_relation
from estimators.warehouse.least_squares import collinear, design_columns, products, symmetric
from estimators.warehouse.terms import Terms, describe

_ARMS = (0, 1)


def difference(
    data: Any,
    treatment: str,
    outcome: str | Sequence[str],
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    weights: str | None = None,
    segment: str | None = None,
    estimand: str = "ATE",
    max_levels: int = 50,
) -> Effect:
    """Difference in means between the arms; with `covariates`, Lin-adjusted for them.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit.  treatment: 0/1 column.  outcome: a column, or
    several; the first is the returned effect and all stand in `.effects`, with one row more per level of `segment`.
    estimand: whose covariate means the adjusted effect is taken at (ATE, ATT, ATC); without covariates all are equal.
    Standard errors: HC2, or CRV1 by `cluster` with the factor G/(G-1) · (n-1)/(n-k).

    Raises CausalError (001, 003, 010-013, 020, 022-024).
    """
    relation, outcomes = as_relation(data), (outcome,) if isinstance(outcome, str) else tuple(outcome)
    options = {"adjust": bool(covariates), "max_levels": max_levels}
    spec = Spec(treatment, tuple(covariates), estimand, cluster, weights, options=options)
    design = difference_design(relation, spec, outcomes)
    return estimated(design, outcomes, segment)


def difference_design(relation: Relation, spec: Spec, outcomes: Sequence[str] = ()) -> DifferenceDesign:
    """The design stage: reads treatment and covariates. Option ``adjust`` (default false) asks for Lin's adjustment.

    outcomes: only checked for faults here, never compared between the arms.
    """
    adjust = bool(spec.options.get("adjust", False))
    max_levels = spec.options.get("max_levels", 50)
    inputs = require_valid(relation, spec.treatment, outcomes, spec.covariates, spec.cluster, spec.weights, max_levels)
    if min(inputs.n_treated, inputs.n_control) < 2:
        detail = f"{inputs.n_treated:,} treated, {inputs.n_control:,} controls"
        raise refuse("023", "an arm of one unit", detail, fix="a variance needs two units in each arm")
    covariates = spec.covariates if adjust else ()
    terms = describe(relation, covariates, {c: inputs.levels[c] for c in covariates if c in inputs.levels})
    weight = relation.double(relation.name(spec.weights)) if spec.weights else relation.number(1.0)
    arm = f"cast({relation.name(spec.treatment)} as integer)"
    rows = relation.with_columns({"causal_t": arm, "causal_w": weight, **design_columns(relation, terms)})
    design = DifferenceDesign(spec, inputs, terms, rows)
    if adjust:
        design.require_full_rank()
    return design


@dataclass(frozen=True)
class _Group:
    """One level of the segment (or everybody). gram: (2, p, p) by arm; cross: (2, p, k) with k outcomes; n: (2,)."""

    key: Any
    n: np.ndarray
    gram: np.ndarray
    cross: np.ndarray

    @property
    def has_both_arms(self) -> bool:
        """Whether each arm can bear its own regression: more units than terms, and independent columns."""
        names = [str(i) for i in range(self.gram.shape[1])]
        return all(self.n[a] > len(names) and not collinear(self.gram[a], names) for a in _ARMS)

    def target(self, estimand: str) -> np.ndarray:
        """Mean of the terms (p,) in the population of the estimand."""
        arms = {"ATT": [1], "ATC": [0]}.get(estimand, [0, 1])
        total = self.gram[arms].sum(axis=0)
        return total[0] / total[0, 0]

    def coefficients(self, arm: int) -> np.ndarray:
        """Of every outcome, (p, k)."""
        return np.linalg.solve(self.gram[arm], self.cross[arm])


class DifferenceDesign(Design):
    """Rows with columns causal_t (arm), causal_w (weight) and causal_z* (terms); everything else waits for outcomes."""

    def __init__(self, spec: Spec, inputs: Inputs, terms: Terms, rows: Relation) -> None:
        self.spec, self.inputs, self.terms, self.rows = spec, inputs, terms, rows
        self.columns = [f"causal_z{i}" for i in range(terms.size)]
        found = weighted_balance(rows, "difference", spec, inputs)
        self.balance, self.overlap = found.balance, found.overlap

    def require_full_rank(self) -> None:
        """Raises CausalError 020 where a covariate is constant in an arm or follows from the others there."""
        group = self._groups((), None)[0]
        for arm, name in enumerate(("controls", "treated")):
            dependent = collinear(group.gram[arm], self.terms.names)
            if dependent:
                detail = f"{', '.join(dependent)}: constant among the {name}, or determined by the others there"
                raise refuse("020", "collinear covariates", detail, fix="drop them from the adjustment")

    def estimate(self, outcomes: Sequence[str], segment: str | None = None) -> Estimates:
        groups = self._groups(outcomes, segment)
        usable = [g for g in groups if g.has_both_arms]
        sums = self._influence(usable, outcomes, segment) if usable else {}
        k = len(outcomes)
        covariance = np.full((len(groups) * k, len(groups) * k), np.nan if self.spec.cluster else 0.0)
        effects: list[Effect] = []
        for i, group in enumerate(groups):
            block = slice(i * k, (i + 1) * k)
            correction, variance, diagnostics = sums.get(group.key, (np.full(k, np.nan), np.full((k, k), np.nan), {}))
            covariance[block, block] = variance
            effects += self._effects(group, outcomes, correction, np.sqrt(np.diag(variance)), diagnostics)
        return Estimates(tuple(effects), covariance)

    def _effects(
        self, group: _Group, outcomes: Sequence[str], correction: np.ndarray, std_errors: np.ndarray, diagnostics: Any
    ) -> list[Effect]:
        if group.has_both_arms:
            at = group.target(self.spec.estimand)
            means = np.array([at @ group.coefficients(arm) for arm in _ARMS])
        else:
            means = np.full((2, len(outcomes)), np.nan)
        return [
            Effect(
                **wald(float(means[1, j] - means[0, j] + correction[j]), float(std_errors[j])),
                n_units=int(group.n.sum()),
                n_treated=int(group.n[1]),
                method="difference",
                estimand=self.spec.estimand,
                outcome=outcome,
                se_convention=f"CRV1 by {self.spec.cluster}" if self.spec.cluster else "HC2",
                segment="" if group.key is None else str(group.key),
                control_mean=float(means[0, j]),
                diagnostics={"adjusted_for": list(self.terms.names[1:]), **diagnostics},
            )
            for j, outcome in enumerate(outcomes)
        ]

    def _outcome_columns(self, outcomes: Sequence[str]) -> dict[str, str]:
        return {f"causal_y{j}": self.rows.double(self.rows.name(c)) for j, c in enumerate(outcomes)}

    def _keys(self, segment: str | None) -> dict[str, str]:
        return {"causal_s": self.rows.name(segment)} if segment is not None else {}

    def _groups(self, outcomes: Sequence[str], segment: str | None) -> list[_Group]:
        """First scan: cross-products by segment and arm."""
        rows = self.rows.with_columns(self._outcome_columns(outcomes))
        size, k = len(self.columns), len(outcomes)
        sums = {"n": "count(*)", **products(rows, self.columns, "g", "causal_w")}
        for j in range(k):
            sums |= {f"c{j}_{i}": rows.total(f"{z} * causal_w * causal_y{j}") for i, z in enumerate(self.columns)}
        where = f"{rows.name(segment)} is not null" if segment is not None else None
        found = rows.aggregate(sums, by={**self._keys(segment), "causal_arm": "causal_t"}, where=where)
        places: dict[Any, list[int | None]] = {}
        for row, arm in enumerate(found["causal_arm"]):
            key = found["causal_s"][row] if segment is not None else None
            places.setdefault(key, [None, None])[int(arm)] = row
        groups = []
        for key, at in places.items():
            n, gram, cross = np.zeros(2), np.zeros((2, size, size)), np.zeros((2, size, k))
            for arm, row in enumerate(at):
                if row is None:
                    continue
                n[arm] = found["n"][row]
                gram[arm] = symmetric(found, "g", size, row)
                cross[arm] = [[found[f"c{j}_{i}"][row] for j in range(k)] for i in range(size)]
            groups.append(_Group(key, n, gram, cross))
        return groups

    def _with_influence(self, groups: Sequence[_Group], outcomes: Sequence[str], segment: str | None) -> Relation:
        """Rows with causal_u* (each unit's part in each estimate) and causal_h (its leverage).

        The coefficients come as a small table, one row per segment and arm, so that no expression grows with it.
        """
        size, k = len(self.columns), len(outcomes)
        names = [f"b{j}_{i}" for j in range(k) for i in range(size)] + [f"l{i}" for i in range(size)]
        names += [f"f{i}_{j}" for i in range(size) for j in range(i + 1)]
        table: dict[str, list[Any]] = {name: [] for name in ("causal_t", *names)}
        if segment is not None:
            table["causal_s"] = [g.key for g in groups for _ in _ARMS]
        for group in groups:
            target = group.target(self.spec.estimand)
            for arm in _ARMS:
                factor = np.linalg.inv(np.linalg.cholesky(group.gram[arm]))
                line = (1 if arm else -1) * np.linalg.solve(group.gram[arm], target)
                values = [*group.coefficients(arm).T.ravel(), *line, *factor[np.tril_indices(size)]]
                table["causal_t"].append(arm)
                for name, value in zip(names, values, strict=True):
                    table[name].append(float(value))
        rows = self.rows.with_columns({**self._outcome_columns(outcomes), **self._keys(segment)})
        rows = rows.lookup(["causal_t", *self._keys(segment)], table)
        line = " + ".join(f"l{i} * {z}" for i, z in enumerate(self.columns))
        squares = [" + ".join(f"f{i}_{j} * {self.columns[j]}" for j in range(i + 1)) for i in range(size)]
        columns = {"causal_h": "causal_w * (" + " + ".join(f"({s}) * ({s})" for s in squares) + ")"}
        for j in range(k):
            fitted = " + ".join(f"b{j}_{i} * {z}" for i, z in enumerate(self.columns))
            columns[f"causal_u{j}"] = f"causal_w * ({line}) * (causal_y{j} - ({fitted}))"
        return rows.with_columns(columns)

    def _influence(
        self, groups: Sequence[_Group], outcomes: Sequence[str], segment: str | None
    ) -> dict[Any, tuple[np.ndarray, np.ndarray, dict[str, Any]]]:
        """Second scan. By segment: the correction of rounding in the estimate (k,), its covariance (k, k), figures."""
        rows = self._with_influence(groups, outcomes, segment)
        k, keys = len(outcomes), {c: c for c in self._keys(segment)}
        parts = [f"causal_u{j}" for j in range(k)]
        if self.spec.cluster is not None:
            key = "causal_s" if segment is not None else None
            found = clustered(rows, parts, self.spec.cluster, key, 2 * len(self.columns))
            return {s: (c.totals, c.covariance, c.figures) for s, c in found.items()}
        sums = {f"u{j}": rows.total(part) for j, part in enumerate(parts)} | products(rows, parts, "v", "causal_k")
        # A leverage of 1 makes an infinite weight on every engine; some refuse to divide by 0.
        weight = "case when causal_h = 1e0 then cast('Infinity' as double) else 1e0 / (1e0 - causal_h) end"
        found = rows.with_columns({"causal_k": weight}).aggregate(sums, by=keys)
        return {
            found["causal_s"][row] if keys else None: (
                np.array([found[f"u{j}"][row] for j in range(k)]),
                symmetric(found, "v", k, row),
                {},
            )
            for row in range(len(found["u0"]))
        }
