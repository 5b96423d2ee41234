"""The passes as one aggregate query each: only sums leave the warehouse.

Rows are grouped by fold, arm and combination of categories; the dummies are rebuilt from the group keys afterwards, so
that categories cost nothing in the scan. Numbers are standardised inside the query and sums are compensated, so that
the result does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from estimators.effects.folds import fold_sql
from estimators.effects.passes import BinarySums, ConfoundingSums, LinearSums, Passes, Rows, ScoreSums, WeightSums
from estimators.effects.predictors import LinearPredictor, Nuisances, Predictor
from estimators.effects.weighting import (
    confounding_parts_sql,
    estimand_weights_sql,
    influence_parts_sql,
    preference_score_sql,
    residual_weights_sql,
)
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import products, symmetric

MAX_NUMBERS = 40  # p(p+1)/2 aggregates a scan: beyond this BLAS on blocks is faster
MAX_GROUPS = 20_000


class SqlPasses(Passes):
    """See module docstring. Logistic and linear nuisances only."""

    @cached_property
    def base(self) -> Relation:
        """The relation with treatment, fold, weight and standardised numbers under fixed names."""
        relation, spec = self.rows.relation, self.rows.spec
        columns = {
            "causal_t": relation.double(relation.name(spec.treatment)),
            "causal_fold": fold_sql(self.rows.bucket, self.salt, self.n_folds) if self.n_folds > 1 else "0",
        }
        if spec.weights:
            columns["causal_weight"] = relation.double(relation.name(spec.weights))
        categories = {
            f"causal_c{i}": f"cast({relation.name(c)} as string)" for i, (c, _) in enumerate(self.rows.terms.categories)
        }
        return relation.with_columns({**columns, **categories, **self.rows.terms.standardised(relation)})

    def binary(self, target: str, coefficients: np.ndarray, link: str, arm: int | None = None) -> BinarySums:
        base, spec = self.base, self.rows.spec
        y = "causal_t" if target == spec.treatment else base.double(base.name(target))
        likelihood = (
            f"{y} * causal_eta - greatest(causal_eta, 0e0) - ln(1e0 + exp(-abs(causal_eta)))"  # stable on both sides
        )
        fitted = (
            self._with_etas(base if arm is None else base.filter(f"causal_t = {arm}"), {"causal_eta": coefficients})
            .with_columns({"causal_p": "1e0 / (1e0 + exp(-causal_eta))"})
            .with_columns(
                {
                    "causal_w": self._weighted("causal_p * (1e0 - causal_p)"),
                    "causal_r": self._weighted(f"{y} - causal_p"),
                    "causal_ll": self._weighted(likelihood),
                }
            )
        )
        sums = {**self._moments("causal_w"), **self._products("causal_r", "r")}
        sums["ll"] = base.total("causal_ll")
        groups = fitted.aggregate(sums, by=self._keys())
        fold = groups["causal_fold"].astype(int)
        hessian, gradient = self._matrices(groups), self._vectors(groups, "r")
        return BinarySums(
            _sum_by(hessian, fold, self.n_folds),
            _sum_by(gradient, fold, self.n_folds),
            _sum_by(groups["ll"], fold, self.n_folds),
        )

    def linear(self, outcomes: Sequence[str]) -> LinearSums:
        base = self.base
        columns: dict[str, str] = {"causal_w": self._weighted("1e0")}
        sums = self._moments("causal_w" if self.rows.spec.weights else None)
        for j, column in enumerate(outcomes):
            y = base.double(base.name(column))
            columns[f"causal_y{j}"] = self._weighted(f"({y} - {base.number(self.center.get(column, 0.0))})")
            sums |= self._products(f"causal_y{j}", f"y{j}_")
            sums[f"other{j}"] = f"count(*) filter (where {y} <> 0 and {y} <> 1)"
        groups = base.with_columns(columns).aggregate(sums, by={**self._keys(), "causal_t": "causal_t"})
        code = 2 * groups["causal_fold"].astype(int) + groups["causal_t"].astype(int)
        p, shape = self.rows.terms.size, (self.n_folds, 2)
        gram = _sum_by(self._matrices(groups), code, 2 * self.n_folds).reshape(*shape, p, p)
        cross = [_sum_by(self._vectors(groups, f"y{j}_"), code, 2 * self.n_folds) for j in range(len(outcomes))]
        is_binary = np.array([groups[f"other{j}"].sum() == 0 for j in range(len(outcomes))])
        return LinearSums(gram, np.array(cross).reshape(len(outcomes), *shape, p), is_binary)

    def weights(self, propensity: Predictor, bounds: tuple[float, float]) -> WeightSums:
        base, share = self.base, self.rows.n_treated / self.rows.n_rows
        scored = self._with_propensity(base, propensity, bounds).with_columns(
            {"causal_w": self._weighted(estimand_weights_sql(self.rows.spec.estimand))}
        )
        total = base.total
        sums = {"n": "count(*)", "w": total("causal_w"), "ww": total("causal_w * causal_w")}
        sums["clipped"] = "count(*) filter (where causal_e_raw <> causal_e)"
        sums["equal"] = f"count(*) filter (where {preference_score_sql(share, base)})"
        sums |= {"low": "min(causal_e_raw)", "high": "max(causal_e_raw)"}
        for i in range(len(self.rows.terms.numbers)):
            z = f"causal_z{i}"
            sums |= {f"a{i}": total(z), f"b{i}": total(f"{z} * {z}")}
            sums |= {f"c{i}": total(f"causal_w * {z}"), f"d{i}": total(f"causal_w * {z} * {z}")}
        groups = scored.aggregate(sums, by={"causal_t": "causal_t", **self._categories()})
        return self._weight_sums(groups)

    def scores(self, nuisances: Nuisances, outcomes: Sequence[str], segment: str | None) -> ScoreSums:
        m, cluster = len(outcomes), self.rows.spec.cluster
        scored = self._scored(nuisances, outcomes)
        keys = {"causal_segment": f"cast({scored.name(segment)} as string)"} if segment else {}
        if cluster:
            scored = self._by_cluster(scored, keys, m)
            keys = {k: k for k in keys}
        return self._score_sums(scored, keys, m)

    def confounding(self, nuisances: Nuisances, outcomes: Sequence[str]) -> ConfoundingSums:
        spec, m = self.rows.spec, len(outcomes)
        scored = self._scored(nuisances, outcomes)
        parts = [confounding_parts_sql(spec.estimand, j) for j in range(m)]
        columns = {"causal_one": self._weighted("1e0"), "causal_riesz": self._weighted(parts[0][1])}
        columns |= {f"causal_r{j}": self._weighted(r) for j, (r, _) in enumerate(parts)}
        scored = scored.with_columns(columns)
        names = [["causal_one", "causal_d", f"causal_n{j}", f"causal_r{j}", "causal_riesz"] for j in range(m)]
        if spec.cluster:
            used = dict.fromkeys(c for five in names for c in five)
            scored = scored.grouped(
                {c: scored.total(c) for c in used}, by={"causal_cluster": scored.name(spec.cluster)}
            )
        sums = {"clusters": "count(*)"}
        for j, five in enumerate(names):
            sums |= {f"t{j}_{i}": scored.total(c) for i, c in enumerate(five)} | products(scored, five, f"p{j}_")
        found = scored.aggregate(sums)
        return ConfoundingSums(
            totals=np.array([[found[f"t{j}_{i}"][0] for i in range(5)] for j in range(m)]),
            products=np.array([symmetric(found, f"p{j}_", 5) for j in range(m)]),
            n_clusters=int(found["clusters"][0]) if spec.cluster else 0,
        )

    def _scored(self, nuisances: Nuisances, outcomes: Sequence[str]) -> Relation:
        """Rows with what their part in each effect is made of: causal_n*, causal_b* and causal_d, weighted."""
        spec, m = self.rows.spec, len(outcomes)
        predictors: dict[str, Predictor] = {}
        for j, (control, treated) in enumerate(nuisances.outcomes):
            predictors[f"causal_m0_{j}"] = control
            if treated is not None:
                predictors[f"causal_m1_{j}"] = treated
        scored = self._with_propensity(self.base, nuisances.propensity, nuisances.bounds, predictors)
        columns = residual_weights_sql(spec.estimand)
        for j, (column, center) in enumerate(zip(outcomes, nuisances.centers, strict=True)):
            columns[f"causal_y{j}"] = f"{scored.double(scored.name(column))} - {scored.number(center)}"
        scored = scored.with_columns(columns)
        parts = [influence_parts_sql(spec.estimand, j) for j in range(m)]
        numerators = {f"causal_n{j}": self._weighted(n) for j, (n, _, _) in enumerate(parts)}
        baselines = {f"causal_b{j}": self._weighted(b) for j, (_, _, b) in enumerate(parts)}
        return scored.with_columns({"causal_d": self._weighted(parts[0][1]), **numerators, **baselines})

    # --- pieces of SQL ------------------------------------------------------------------------------------------
    def _keys(self) -> dict[str, str]:
        return {"causal_fold": "causal_fold", **self._categories()}

    def _categories(self) -> dict[str, str]:
        return {f"causal_c{i}": f"causal_c{i}" for i in range(len(self.rows.terms.categories))}

    def _weighted(self, expression: str) -> str:
        return f"causal_weight * ({expression})" if self.rows.spec.weights else f"({expression})"

    def _moments(self, weight: str | None) -> dict[str, str]:
        """Σw, Σw z_i and Σw z_i z_j (i ≤ j)."""
        k, total = len(self.rows.terms.numbers), self.rows.relation.total
        factor = f"{weight} * " if weight else ""
        sums = {"m": total(weight) if weight else "count(*)"}
        for i in range(k):
            sums[f"m{i}"] = total(f"{factor}causal_z{i}")
            for j in range(i, k):
                sums[f"m{i}_{j}"] = total(f"{factor}causal_z{i} * causal_z{j}")
        return sums

    def _products(self, value: str, prefix: str) -> dict[str, str]:
        """Σv and Σv z_i."""
        total = self.rows.relation.total
        sums = {prefix: total(value)}
        return sums | {f"{prefix}{i}": total(f"{value} * causal_z{i}") for i in range(len(self.rows.terms.numbers))}

    def _with_etas(self, relation: Relation, coefficients: Mapping[str, np.ndarray]) -> Relation:
        """Linear predictors as columns. coefficients: by name, (p,) for all rows or (K, p) for the row's fold."""
        terms = self.rows.terms
        offsets = (
            {f"{n}_offset": self._offset(relation, c) for n, c in coefficients.items()} if terms.categories else {}
        )
        by_fold = {n: c for n, c in coefficients.items() if c.ndim == 2 and self.n_folds > 1}
        etas = {
            n: terms.linear_predictor(relation, c if c.ndim == 1 else c[0])
            for n, c in coefficients.items()
            if n not in by_fold
        }
        relation = relation.with_columns(offsets)
        if by_fold:
            table: dict[str, Any] = {"causal_fold": list(range(self.n_folds))}
            for j, (name, c) in enumerate(by_fold.items()):
                table |= {f"causal_b{j}_{i}": c[:, i] for i in range(1 + len(terms.numbers))}
                slopes = [f"causal_b{j}_{i + 1} * causal_z{i}" for i in range(len(terms.numbers))]
                etas[name] = " + ".join([f"causal_b{j}_0", *slopes])
            relation = relation.lookup(["causal_fold"], table)
        return relation.with_columns({n: f"{e} + {n}_offset" if offsets else e for n, e in etas.items()})

    def _offset(self, relation: Relation, coefficients: np.ndarray) -> str:
        """SQL of the categories' part of a linear predictor; (p,) for all rows or (K, p) for the row's fold."""
        by_fold = coefficients.ndim == 2 and self.n_folds > 1
        values = coefficients if by_fold or coefficients.ndim == 1 else coefficients[0]
        parts = []
        for i, (of_category, (_, levels)) in enumerate(
            zip(self.rows.terms.offsets(values), self.rows.terms.categories, strict=True)
        ):
            table = dict(zip(levels, of_category.T.tolist(), strict=True))
            parts.append(relation.pick(f"causal_c{i}", table, "causal_fold" if by_fold else None))
        return " + ".join(parts)

    def _with_propensity(
        self,
        relation: Relation,
        propensity: Predictor,
        bounds: tuple[float, float],
        others: Mapping[str, Predictor] | None = None,
    ) -> Relation:
        """Propensity (raw and clipped) and further predictions as columns, each by the model that left the fold out."""
        models: dict[str, Predictor] = {"causal_e_raw": propensity, **(others or {})}
        linear = {n: m for n, m in models.items() if isinstance(m, LinearPredictor) and m.link != "probit"}
        if len(linear) < len(models):
            raise TypeError("only linear and logistic nuisances have SQL")
        scored = self._with_etas(relation, {f"{n}_eta": m.coefficients for n, m in linear.items()})
        means = {n: f"1e0 / (1e0 + exp(-{n}_eta))" if m.link == "logit" else f"{n}_eta" for n, m in linear.items()}
        low, high = (relation.number(b) for b in bounds)
        return scored.with_columns(means).with_columns({"causal_e": f"least(greatest(causal_e_raw, {low}), {high})"})

    def _by_cluster(self, scored: Relation, keys: Mapping[str, str], m: int) -> Relation:
        """One row per cluster (and segment level): its sums take the place of the rows."""
        total = scored.total
        sums = {"causal_rows": "count(*)", "causal_t": total("causal_t"), "causal_d": total("causal_d")}
        for j in range(m):
            sums |= {f"causal_n{j}": total(f"causal_n{j}"), f"causal_b{j}": total(f"causal_b{j}")}
        return scored.grouped(sums, by={**keys, "causal_cluster": scored.name(self.rows.spec.cluster or "")})

    def _score_sums(self, scored: Relation, keys: Mapping[str, str], m: int) -> ScoreSums:
        total, clustered = scored.total, bool(self.rows.spec.cluster)
        sums = {"n": "sum(causal_rows)" if clustered else "count(*)", "t": total("causal_t"), "clusters": "count(*)"}
        sums |= {"d": total("causal_d"), "dd": total("causal_d * causal_d")}
        for j in range(m):
            sums |= {f"s{j}": total(f"causal_n{j}"), f"sd{j}": total(f"causal_n{j} * causal_d")}
            sums[f"b{j}"] = total(f"causal_b{j}")
            sums |= {f"ss{i}_{j}": total(f"causal_n{i} * causal_n{j}") for i in range(j + 1)}
        found = scored.aggregate(sums, by=keys)
        ss = np.empty((len(found["n"]), m, m))
        for j in range(m):
            for i in range(j + 1):
                ss[:, i, j] = ss[:, j, i] = found[f"ss{i}_{j}"]
        stacked = {k: np.column_stack([found[f"{k}{j}"] for j in range(m)]) for k in ("s", "sd", "b")}
        return ScoreSums(
            levels=tuple(str(v) for v in found["causal_segment"]) if keys else ("",),
            n=found["n"].astype(int),
            n_treated=found["t"],
            n_clusters=found["clusters"] if clustered else np.zeros(len(found["n"]), dtype=int),
            d=found["d"],
            dd=found["dd"],
            s=stacked["s"],
            sd=stacked["sd"],
            ss=ss,
            baseline=stacked["b"],
        )

    # --- from groups to matrices --------------------------------------------------------------------------------
    def _matrices(self, groups: Mapping[str, np.ndarray]) -> np.ndarray:
        """Weighted Σ z z' of every group (G, p, p), dummies included."""
        terms, k = self.rows.terms, len(self.rows.terms.numbers)
        size = len(groups["m"])
        dense = np.zeros((size, 1 + k, 1 + k))
        dense[:, 0, 0] = groups["m"]
        for i in range(k):
            dense[:, 0, 1 + i] = dense[:, 1 + i, 0] = groups[f"m{i}"]
            for j in range(i, k):
                dense[:, 1 + i, 1 + j] = dense[:, 1 + j, 1 + i] = groups[f"m{i}_{j}"]
        dummies = self._dummies(groups, size)
        out = np.zeros((size, terms.size, terms.size))
        out[:, : 1 + k, : 1 + k] = dense
        out[:, 1 + k :, : 1 + k] = dummies[:, :, None] * dense[:, None, 0, :]
        out[:, : 1 + k, 1 + k :] = out[:, 1 + k :, : 1 + k].transpose(0, 2, 1)
        out[:, 1 + k :, 1 + k :] = dummies[:, :, None] * dummies[:, None, :] * dense[:, 0, 0, None, None]
        return out

    def _vectors(self, groups: Mapping[str, np.ndarray], prefix: str) -> np.ndarray:
        """Weighted Σ z v of every group (G, p)."""
        k, total = len(self.rows.terms.numbers), groups[prefix]
        numbers = [groups[f"{prefix}{i}"] for i in range(k)]
        dummies = self._dummies(groups, len(total)) * total[:, None]
        return np.column_stack([total, *numbers, dummies])

    def _dummies(self, groups: Mapping[str, np.ndarray], size: int) -> np.ndarray:
        terms = self.rows.terms
        keys = [groups[f"causal_c{i}"] for i in range(len(terms.categories))]
        return terms.dummies(keys) if keys else np.zeros((size, 0))

    def _weight_sums(self, groups: Mapping[str, np.ndarray]) -> WeightSums:
        arm = groups["causal_t"].astype(int)
        dummies = self._dummies(groups, len(arm))

        def by_arm(numbers: str, of_group: np.ndarray) -> np.ndarray:
            columns = [groups[f"{numbers}{i}"] for i in range(len(self.rows.terms.numbers))]
            return _sum_by(np.column_stack([*columns, dummies * of_group[:, None]]), arm, 2)

        scalars = [_sum_by(groups[name].astype(float), arm, 2) for name in ("n", "w", "ww", "clipped", "equal")]
        n, w = groups["n"].astype(float), groups["w"]
        vectors = [by_arm("a", n), by_arm("b", n), by_arm("c", w), by_arm("d", w)]
        lowest = np.array([groups["low"][arm == a].min() for a in (0, 1)])
        highest = np.array([groups["high"][arm == a].max() for a in (0, 1)])
        return WeightSums(*scalars[:3], *vectors, *scalars[3:], lowest, highest)


def _sum_by(values: np.ndarray, code: np.ndarray, size: int) -> np.ndarray:
    out = np.zeros((size, *values.shape[1:]))
    np.add.at(out, code, values)
    return out


def fits_sql(rows: Rows, n_folds: int) -> bool:
    """Whether the sums of these terms are few enough to be made by the engine."""
    groups = rows.terms.n_cells * n_folds * 2
    return len(rows.terms.numbers) <= MAX_NUMBERS and groups <= MAX_GROUPS
