"""Coarsened exact matching: covariates are cut into bins, and only strata with both arms count.

Iacus, King and Porro 2011, 2012; reference implementation R's MatchIt. The effect is the weighted difference in means
over the matched strata. Its standard error is that of a stratified comparison (`stratified_variance`); those of
weighted least squares on the treatment, as `lm(outcome ~ treatment, weights)` gives on MatchIt's output, stand in
`diagnostics`. Strata stay in the warehouse; sums over them come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from estimators.effects.clusters import ClusterSums, clustered
from estimators.effects.coarsening import Bins, Coarsening, coarsen
from estimators.effects.frames import estimated
from estimators.effects.inputs import Inputs, require_valid
from estimators.effects.method import Design, Estimates, Spec
from estimators.effects.strata import FACTORS, StratumSums, arm_sums, counted, stratum_sums, summed, with_factors
from estimators.effects.weighted_balance import WeightedBalance, balance_sums, stratified_balance, weighted_balance
from estimators.errors import refuse
from estimators.results import Check, Effect, wald
from estimators.warehouse import Relation, as_relation

ESTIMANDS = ("ATT", "ATE", "ATC")
ENOUGH_MATCHED, FEW_MATCHED = 0.8, 0.5  # shares of the target population: below the first warns, the second fails
STRATUM_SUMS = 10_000_000  # that a grouping of the rows may hold in memory; with more strata, rows are joined with them
IMBALANCE_BINS = 5  # the fixed grid of L1: independent of the bins that were matched on
IMBALANCE_UNITS = 200_000  # above, L1 is left out: it is one more grouping of all rows


def cem(  # noqa: PLR0913 - the public signature of DESIGN.md
    data: Any,
    treatment: str,
    outcome: str | Sequence[str],
    covariates: Sequence[str],
    exact: Sequence[str] = (),
    cutpoints: Mapping[str, Bins] | None = None,
    bins: Bins = "sturges",
    estimand: str = "ATT",
    cluster: str | None = None,
    weights: str | None = None,
    segment: str | None = None,
    max_levels: int = 50,
) -> Effect:
    """Effect of a binary treatment among units with a match in the other arm.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit.  treatment: 0/1 column.  outcome: a column, or
    several; the first is the returned effect and all stand in `.effects`, with one row more per level of `segment`
    (matched within it).  exact: covariates not coarsened; text and booleans never are.  cutpoints: bins by covariate.
    bins: for all others; see `coarsening.coarsen`.  estimand: ATT, ATE or ATC, of the matched units (`population`).

    Returns an `Effect` with stratified standard error (CRV1 by `cluster`); HC1, HC2, HC3 and CRV1 by stratum, the
    matched strata, weights and balance in `diagnostics`. Raises CausalError (001, 003, 010-013, 022-024).
    """
    outcomes = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    options = {"exact": tuple(exact), "cutpoints": dict(cutpoints or {}), "bins": bins, "max_levels": max_levels}
    spec = Spec(treatment, tuple(covariates), estimand, cluster, weights, options=options)
    design = cem_design(as_relation(data), spec, outcomes, is_read_at_once=True)
    return estimated(design, outcomes, segment)


def cem_design(
    relation: Relation, spec: Spec, outcomes: Sequence[str] = (), is_read_at_once: bool = False
) -> CemDesign:
    """The design stage: matches, and weighs what matched. Options: exact, cutpoints, bins, max_levels.

    outcomes: only checked for faults here, never compared between the arms. is_read_at_once: a study keeps the stages
    apart; a single call may sum the outcomes in the grouping that the matching needs anyway.
    Raises CausalError 023 if no stratum has both arms, or one unit of an arm alone is matched.
    """
    options = {"exact": (), "cutpoints": {}, "bins": "sturges", "max_levels": 50, **spec.options}
    if spec.estimand not in ESTIMANDS:
        raise refuse("001", "estimand not available", f"cem estimates {', '.join(ESTIMANDS)}; got {spec.estimand}")
    inputs = require_valid(
        relation, spec.treatment, outcomes, spec.covariates, spec.cluster, spec.weights, options["max_levels"]
    )
    arm = relation.double(relation.name(spec.treatment))
    weight = relation.double(relation.name(spec.weights)) if spec.weights else relation.number(1.0)
    coarsening = coarsen(relation, inputs, spec.covariates, options["exact"], options["cutpoints"], options["bins"])
    rows = relation.with_columns({"causal_t": arm, "causal_b": weight, **coarsening.keys})
    measured = _measured(rows, outcomes) if is_read_at_once else None
    found, measured = _matched(rows, coarsening, spec, inputs, measured)
    if min(found.n) < 2:
        detail = f"{found.n[1]:,} of {inputs.n_treated:,} treated and {found.n[0]:,} of {inputs.n_control:,} controls"
        fix = "coarsen further (fewer bins), or match on fewer covariates"
        raise refuse("023", "no matched stratum to estimate from", f"matched {detail}", fix=fix)
    return CemDesign(spec, inputs, coarsening, rows, found, measured)


@dataclass(frozen=True)
class _Measured:
    """Rows with their `outcomes` as causal_y*, each less its `shift`, a rough mean (a large constant cancels in the
    squares). cells: the sums of the outcomes by stratum and arm, where they were made on the way.
    """

    outcomes: tuple[str, ...]
    rows: Relation
    shift: np.ndarray
    cells: Relation | None = None


def _measured(rows: Relation, outcomes: Sequence[str]) -> _Measured:
    values = [rows.double(rows.name(c)) for c in outcomes]
    means = rows.aggregate({f"m{j}": f"avg({v})" for j, v in enumerate(values)})
    shift = np.array([float(means[f"m{j}"][0]) for j in range(len(values))])
    columns = {f"causal_y{j}": f"{v} - {rows.number(shift[j])}" for j, v in enumerate(values)}
    return _Measured(tuple(outcomes), rows.with_columns(columns), shift)


def _matched(
    rows: Relation, coarsening: Coarsening, spec: Spec, inputs: Inputs, measured: _Measured | None
) -> tuple[WeightedBalance, _Measured | None]:
    """Balance before and after: from sums by stratum while these are few, else from the rows with their weights.

    With `measured` rows, the grouping sums their outcomes too and is kept.
    """
    most = min(coarsening.most_strata, float(inputs.n_units))
    if most * (4 + 2 * len(spec.covariates)) > STRATUM_SUMS:
        return weighted_balance(_weighed(rows, list(coarsening.keys), spec), "cem", spec, inputs, "causal_b"), measured
    rows, sums = balance_sums(rows if measured is None else measured.rows, spec, inputs)
    sums |= arm_sums(rows, 0 if measured is None else len(measured.outcomes), spec.weights is not None)
    cells = rows.grouped(sums, {**coarsening.keys, "causal_arm": "cast(causal_t as int)"})
    if measured is not None:
        cells = cells.collected()
        measured = replace(measured, cells=cells)
    texts = {rows.name(c): c for c in inputs.levels}
    keys = {key: texts.get(sql, "") for key, sql in coarsening.keys.items()}
    return stratified_balance(cells, keys, "cem", spec, inputs, FACTORS[spec.estimand]), measured


def _weighed(rows: Relation, keys: Sequence[str], spec: Spec) -> Relation:
    """Rows with their weight causal_w, null for those in a stratum of one arm."""
    strata = with_factors(counted(rows, {key: key for key in keys}, spec.weights is not None), spec.estimand)
    weight = "case when causal_t = 1e0 then g1 else g0 end * causal_b"
    return rows.joined(strata.filter("g1 is not null"), keys).with_columns({"causal_w": weight})


class CemDesign(Design):
    """Rows with columns causal_t (arm), causal_b (weight) and causal_k* (stratum); outcomes come later."""

    def __init__(
        self,
        spec: Spec,
        inputs: Inputs,
        coarsening: Coarsening,
        rows: Relation,
        matched: WeightedBalance,
        measured: _Measured | None = None,
    ) -> None:
        self.spec, self.inputs, self.coarsening, self.rows, self.matched = spec, inputs, coarsening, rows, matched
        self._measured = measured
        self.balance, self.overlap = matched.balance, matched.overlap
        self.checks = (_share_check(self.matched_share, spec.estimand),)

    @property
    def matched_share(self) -> float:
        """Share of the target population that has a match: of the treated (ATT), controls (ATC) or all (ATE)."""
        return _share(self.matched.n, np.array([self.inputs.n_control, self.inputs.n_treated]), self.spec.estimand)

    def estimate(self, outcomes: Sequence[str], segment: str | None = None) -> Estimates:
        measured = self._with_outcomes(outcomes, segment)
        keys, is_weighted = self._keys(segment), self.spec.weights is not None
        in_warehouse = measured.rows.grouped(
            arm_sums(measured.rows, len(outcomes), is_weighted),
            {**{key: key for key in keys}, "causal_arm": "cast(causal_t as int)"},
        )
        cells = in_warehouse if measured.cells is None else measured.cells
        strata = summed(cells, keys, len(outcomes), is_weighted, self.spec.estimand)
        has_leverage = segment is None and self.spec.weights is None
        found = stratum_sums(
            strata,
            len(outcomes),
            "causal_s" if segment is not None else None,
            self.matched.weight if has_leverage else None,
        )
        by_cluster: Mapping[Any, ClusterSums] = {}
        if self.spec.cluster is not None:
            strata = summed(in_warehouse, keys, len(outcomes), is_weighted, self.spec.estimand)
            by_cluster = self._clustered(measured.rows, strata, found, segment)
        k = len(outcomes)
        covariance = np.full((len(found) * k, len(found) * k), np.nan if self.spec.cluster else 0.0)
        effects: list[Effect] = []
        for i, sums in enumerate(found):
            variance, figures = self._variance(sums, by_cluster)
            covariance[i * k : (i + 1) * k, i * k : (i + 1) * k] = variance
            effects += self._effects(sums, measured, variance, figures)
        return Estimates(tuple(effects), covariance)

    def _keys(self, segment: str | None) -> list[str]:
        return [*self.coarsening.keys, *(["causal_s"] if segment is not None else [])]

    def _with_outcomes(self, outcomes: Sequence[str], segment: str | None) -> _Measured:
        if segment is None:
            is_known = self._measured is not None and self._measured.outcomes == tuple(outcomes)
            return self._measured if is_known else _measured(self.rows, outcomes)
        name = self.rows.name(segment)
        return _measured(self.rows.filter(f"{name} is not null").with_columns({"causal_s": name}), outcomes)

    def _variance(self, sums: StratumSums, by_cluster: Mapping[Any, ClusterSums]) -> tuple[np.ndarray, dict[str, Any]]:
        """Covariance (k, k) of the effects in one segment, and the figures that go with it."""
        if min(sums.n) < 2:
            return np.full(sums.dd.shape, np.nan), {}
        n = sums.n.sum()
        hc0 = sums.robust()
        hc1 = hc0 * n / (n - 2)
        conventions = {"stratified": np.sqrt(np.diag(sums.stratified)), "HC1": np.sqrt(np.diag(hc1))}
        if sums.leverage:
            conventions |= {"HC2": np.sqrt(sums.by_leverage(1)), "HC3": np.sqrt(sums.by_leverage(2))}
        if sums.n_strata > 1:
            factor = sums.n_strata / (sums.n_strata - 1) * (n - 1) / (n - 2)
            conventions["CRV1 by stratum"] = np.sqrt(factor * np.diag(sums.by_stratum()))
        if self.spec.cluster is None:
            return sums.stratified, {"std_errors": conventions}
        mine = by_cluster.get(sums.key)
        variance = np.full(hc1.shape, np.nan) if mine is None else mine.covariance
        return variance, {"std_errors": conventions, **({} if mine is None else mine.figures)}

    def _effects(
        self, sums: StratumSums, measured: _Measured, variance: np.ndarray, figures: Mapping[str, Any]
    ) -> list[Effect]:
        with np.errstate(invalid="ignore", divide="ignore"):
            means, std_errors = sums.means, np.sqrt(np.diag(variance))
        share = _share(sums.n, sums.n_all, self.spec.estimand)
        common = self._diagnostics(sums, share)
        effects = []
        for j, outcome in enumerate(measured.outcomes):
            conventions = {name: float(v[j]) for name, v in figures.get("std_errors", {}).items()}
            own = {k: v for k, v in figures.items() if k != "std_errors"}
            effects.append(
                Effect(
                    **wald(float(means[1, j] - means[0, j]), float(std_errors[j])),
                    n_units=int(sums.n.sum()),
                    n_treated=int(sums.n[1]),
                    method="cem",
                    estimand=self.spec.estimand,
                    outcome=outcome,
                    population=_population(share, self.spec.estimand),
                    se_convention=f"CRV1 by {self.spec.cluster}" if self.spec.cluster else "stratified",
                    segment="" if sums.key is None else str(sums.key),
                    control_mean=float(means[0, j] + measured.shift[j]),
                    diagnostics={**common, "std_errors": conventions, **own},
                )
            )
        return effects

    def _diagnostics(self, sums: StratumSums, share: float) -> dict[str, Any]:
        found = {
            "n_matched_treated": int(sums.n[1]),
            "n_matched_control": int(sums.n[0]),
            "n_strata": sums.n_strata,
            "matched_share": share,
        }
        if sums.key is not None:
            return found
        before, after = self.matched.worst
        return {
            **found,
            "effective_sample_size": {o.arm: o.effective_sample_size for o in self.overlap},
            "largest_weight": dict(zip(("control", "treated"), map(float, self.matched.largest_weight), strict=True)),
            "largest_smd": {"before": before, "after": after},
            "l1": self.imbalance,
            "cutpoints": {c: list(points) for c, points in self.coarsening.cutpoints.items()},
        }

    @cached_property
    def imbalance(self) -> dict[str, float] | None:
        """Multivariate L1 before and after (Iacus, King and Porro 2011, eq. 4) on a fixed grid: five equally wide bins
        per number, each level of a text. 0: the arms have the same histogram; 1: they share no cell. None if too many.
        """
        if self.inputs.n_units > IMBALANCE_UNITS:
            return None
        grid = coarsen(self.rows, self.inputs, self.spec.covariates, bins=IMBALANCE_BINS).keys
        rows = _weighed(self.rows, list(self.coarsening.keys), self.spec)
        arms = {"1": "causal_t", "0": "(1e0 - causal_t)"}
        sums = {f"b{a}": rows.total(f"{arm} * causal_b") for a, arm in arms.items()}
        sums |= {f"w{a}": rows.total(f"{arm} * coalesce(causal_w, 0e0)") for a, arm in arms.items()}
        cells = rows.grouped(sums, {f"causal_l{i}": sql for i, sql in enumerate(grid.values())})
        totals = {"b": self.matched.base_weight, "w": self.matched.weight}
        distances = {
            column: cells.total(
                f"abs({column}1 / {cells.number(total[1])} - {column}0 / {cells.number(total[0])}) / 2e0"
            )
            for column, total in totals.items()
        }
        found = cells.aggregate(distances)
        return {"before": float(found["b"][0]), "after": float(found["w"][0])}

    def _clustered(
        self, rows: Relation, strata: Relation, found: Sequence[StratumSums], segment: str | None
    ) -> dict[Any, ClusterSums]:
        """CRV1 of the stratified influence values: a unit's distance from its arm's mean in its stratum, and for units
        of the target population the stratum's effect less the average one. Clusters may cut across strata.
        """
        usable = [s for s in found if min(s.n) > 0]
        rows = rows.joined(strata.filter("g1 is not null"), self._keys(segment)).filter("g1 is not null")
        if segment is None:
            constants = {"causal_total": rows.number(usable[0].weight[1])}
            gaps = usable[0].means[1] - usable[0].means[0]
            rows = rows.with_columns(constants | {f"causal_tau{j}": rows.number(g) for j, g in enumerate(gaps)})
        else:
            table: dict[str, list[Any]] = {"causal_s": [s.key for s in usable]}
            table["causal_total"] = [float(s.weight[1]) for s in usable]
            for j in range(usable[0].y.shape[1] if usable else 0):
                table[f"causal_tau{j}"] = [float(s.means[1, j] - s.means[0, j]) for s in usable]
            rows = rows.lookup(["causal_s"], table)
        parts = {f"causal_u{j}": self._influence(j) for j in range(found[0].y.shape[1])}
        rows = rows.with_columns(parts)
        return clustered(rows, list(parts), str(self.spec.cluster), "causal_s" if segment is not None else None, 2)

    def _influence(self, j: int) -> str:
        is_target = {"ATT": "causal_t", "ATC": "(1e0 - causal_t)", "ATE": "1e0"}[self.spec.estimand]
        # √(n/(n-1)): a distance from a mean that the unit itself is part of is too short by that much.
        own = [f"(causal_y{j} - y{a}_{j} / s{a}) * sqrt(n{a} / greatest(n{a} - 1e0, 1e0))" for a in (0, 1)]
        noise = f"case when causal_t = 1e0 then g1 * {own[1]} else -g0 * {own[0]} end"
        spread = f"{is_target} * (y1_{j} / s1 - y0_{j} / s0 - causal_tau{j})"
        return f"causal_b * ({noise} + {spread}) / causal_total"


def _share(n: np.ndarray, n_all: np.ndarray, estimand: str) -> float:
    """Matched share of the estimand's population. n, n_all: by arm (2,)."""
    arms = {"ATT": [1], "ATC": [0]}.get(estimand, [0, 1])
    total = float(n_all[arms].sum())
    return float(n[arms].sum()) / total if total else float("nan")


_TARGETS = {"ATT": "the treated", "ATC": "the controls", "ATE": "all units"}


def _population(share: float, estimand: str) -> str:
    return "" if share == 1.0 else f"matched {100.0 * share:.1f} % of {_TARGETS[estimand]}"


def _share_check(share: float, estimand: str) -> Check:
    """A matched share below .8 warns and below .5 fails: the effect is then of another population than asked for."""
    status = "pass" if share >= ENOUGH_MATCHED else "warn" if share >= FEW_MATCHED else "fail"
    reason = f"{100.0 * share:.1f} % of {_TARGETS[estimand]} have a match"
    if status != "pass":
        reason += f", wanted {100.0 * ENOUGH_MATCHED:.0f} % (coarsen further, or match on fewer covariates)"
    return Check("matched_share", status, reason, True, share, FEW_MATCHED, method="cem")
