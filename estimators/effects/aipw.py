"""Augmented inverse-probability weighting, cross-fitted, from sums in the warehouse.

Robins, Rotnitzky and Zhao 1994; Chernozhukov et al. 2018 (DML); reference implementation DoubleML's IRM. The standard
errors are those of the influence function: they take the nuisances as known, which cross-fitting makes valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from estimators.effects.block_passes import BlockPasses
from estimators.effects.frames import estimated
from estimators.effects.inputs import require_valid
from estimators.effects.method import Design, Estimates, Spec
from estimators.effects.nuisances import EXACT_ROWS, fit_binary, rough_fit
from estimators.effects.outcome_models import fit_outcomes
from estimators.effects.passes import ConfoundingSums, Passes, Rows, WeightSums
from estimators.effects.predictors import LinearPredictor, Nuisances, Predictor
from estimators.effects.scores import Scored, median_of_splits, score
from estimators.effects.sql_passes import SqlPasses, fits_sql
from estimators.effects.weighting import clip_bounds
from estimators.errors import CausalError, refuse
from estimators.results import Balance, Check, Effect, Overlap, wald
from estimators.warehouse import Relation, as_relation
from estimators.warehouse.terms import describe

MANY_SPLITS_BELOW = 20_000
SPLITS = 20
SAMPLE_ROWS = 50_000
ESTIMANDS = ("ATE", "ATT", "ATO")


def aipw(  # noqa: PLR0913 - the public signature of DESIGN.md
    data: Any,
    treatment: str,
    outcome: str | Sequence[str],
    covariates: Sequence[str],
    estimand: str = "ATT",
    folds: int = 5,
    outcome_model: str = "linear",
    propensity_model: str = "logistic",
    clip: str | float = "relative",
    cluster: str | None = None,
    weights: str | None = None,
    segment: str | None = None,
    unit: str | None = None,
    seed: str = "",
    **options: Any,
) -> Effect:
    """Doubly robust effect of a binary treatment.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit.  treatment: 0/1 column.  outcome: a column, or
    several; the first is the returned effect and all stand in `.effects`.  covariates: numbers, booleans (standardised)
    and text (categories).  estimand: ATT, ATE or ATO.  folds: 1 means no cross-fitting.  outcome_model: linear,
    logistic, auto (logistic for outcomes in {0,1}) or boosting; propensity_model: logistic, probit or boosting.
    clip: ``"relative"`` (1 % of the arm's share) or an absolute bound.  cluster, weights, segment, unit: columns;
    folds are a hash of the cluster or unit, so that the same units fall into the same folds on every engine.
    options: ``repetitions`` (splits to take the median over; 20 below 20,000 rows), ``propensity_covariates``.

    Returns an `Effect`, in units of the outcome. Raises CausalError (codes 001, 010-014, 020, 022-024, 031).
    """
    outcomes = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    chosen = {"folds": folds, "outcome_model": outcome_model, "propensity_model": propensity_model, "clip": clip}
    spec = Spec(treatment, tuple(covariates), estimand, cluster, weights, unit, seed, {**chosen, **options})
    relation = as_relation(data)
    design = aipw_design(relation, spec, outcomes)
    return estimated(design, outcomes, segment)


def aipw_design(relation: Relation, spec: Spec, outcomes: Sequence[str] = ()) -> AipwDesign:
    """The design stage: cross-fitted propensities. `outcomes` are only checked for nulls, never modelled here."""
    options = Options.of(spec)
    if spec.estimand not in ESTIMANDS:
        raise refuse("001", "estimand not available", f"aipw estimates {', '.join(ESTIMANDS)}; got {spec.estimand}")
    extra = [c for c in options.propensity_covariates or () if c not in spec.covariates]
    columns = (*spec.covariates, *extra)
    inputs = require_valid(relation, spec.treatment, outcomes, columns, spec.cluster, spec.weights, options.max_levels)
    n_folds = options.folds
    bucket = bucket_of_unit(relation, spec, n_folds)
    ends = {c: (inputs.minimum[c], inputs.maximum[c]) for c in columns if c in inputs.minimum}
    terms = describe(_sample(relation, bucket, inputs.n_units), columns, inputs.levels, ends)
    rows = Rows(relation, terms, spec, bucket, inputs.n_units, inputs.n_treated)
    if n_folds > 1 and min(inputs.n_treated, inputs.n_control) < 2 * n_folds:
        raise refuse(
            "023",
            "too few units for cross-fitting",
            f"{inputs.n_treated:,} treated, {inputs.n_control:,} controls, {n_folds} folds",
            fix="fewer folds, or folds=1",
        )
    splits = [_passes(rows, options, f"{spec.seed}/folds/{i}") for i in range(options.n_splits(rows.n_rows))]
    return AipwDesign(rows, options, splits, _propensities(rows, options, splits))


@dataclass(frozen=True)
class Options:
    """The method's own options, with their defaults."""

    folds: int = 5
    outcome_model: str = "linear"
    propensity_model: str = "logistic"
    clip: str | float = "relative"
    repetitions: int | None = None
    propensity_covariates: tuple[str, ...] | None = None
    max_levels: int = 50

    @classmethod
    def of(cls, spec: Spec) -> Options:
        unknown = sorted(set(spec.options) - set(cls.__dataclass_fields__))
        if unknown:
            raise refuse("001", "unknown option of aipw", ", ".join(unknown), fix="see the docstring of aipw")
        options = cls(**spec.options)
        for value, known in ((options.outcome_model, _OUTCOME_MODELS), (options.propensity_model, _PROPENSITY_MODELS)):
            if value not in known:
                raise refuse("001", "unknown nuisance model", f"got {value}", fix=f"one of {', '.join(known)}")
        if not isinstance(options.folds, int) or options.folds < 1:
            raise refuse("001", "folds must be a positive whole number", f"got {options.folds}")
        return options

    @property
    def is_boosted(self) -> bool:
        return "boosting" in (self.outcome_model, self.propensity_model)

    def n_splits(self, n_rows: int) -> int:
        if self.folds == 1:
            return 1
        return self.repetitions or (SPLITS if n_rows < MANY_SPLITS_BELOW and not self.is_boosted else 1)


_OUTCOME_MODELS = ("linear", "logistic", "auto", "boosting")
_PROPENSITY_MODELS = ("logistic", "probit", "boosting")


@dataclass(frozen=True)
class AipwDesign(Design):
    """Fitted propensities, one set per split; see `estimators.effects.method.Design`."""

    rows: Rows
    options: Options
    splits: list[Passes]
    propensities: list[Predictor]
    fitted: dict[tuple[tuple[str, ...], str], list[tuple[Passes, Nuisances]]] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[float, float]:
        return clip_bounds(self.options.clip, self.rows.n_treated / self.rows.n_rows, self.rows.spec.estimand)

    @cached_property
    def _weights(self) -> WeightSums:
        return self.splits[0].weights(self.propensities[0], self.bounds)

    @cached_property
    def balance(self) -> tuple[Balance, ...]:
        return tuple(_balance(self._weights, self.rows))

    @cached_property
    def overlap(self) -> tuple[Overlap, ...]:
        w = self._weights
        return tuple(
            Overlap(
                method="aipw",
                arm=arm,
                n_units=int(w.n[a]),
                effective_sample_size=float(w.weight[a] ** 2 / w.weight_squared[a]),
                equipoise_share=float(w.equipoise[a] / w.n[a]),
                clipped_share=float(w.clipped[a] / w.n[a]),
                propensity_min=float(w.lowest[a]),
                propensity_max=float(w.highest[a]),
            )
            for a, arm in enumerate(("control", "treated"))
        )

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        steps = [p.last_step for p in self.propensities if isinstance(p, LinearPredictor)]
        if not steps:
            return ()
        step = max(steps)
        status = "pass" if step < 0.1 else "warn"
        reason = "iterated to convergence" if step < 1e-6 else f"one leave-fold-out step of {step:.1e} from the optimum"
        return (Check("propensity_convergence", status, reason, False, step, 0.1, "aipw"),)

    def estimate(self, outcomes: Sequence[str], segment: str | None = None) -> Estimates:
        fitted = self._fitted(tuple(outcomes), self.rows.spec.estimand)
        scored = [score(passes.scores(nuisances, outcomes, segment)) for passes, nuisances in fitted]
        combined, spread = median_of_splits(scored)
        return self._effects(combined, spread, outcomes, np.array(fitted[0][1].centers))

    def confounding(self, outcomes: Sequence[str]) -> ConfoundingSums:
        """Sums that bound the bias of an unobserved confounder, averaged over splits; one scan after `estimate`."""
        estimand = self.rows.spec.estimand
        fitted = self._fitted(tuple(outcomes), "ATE" if estimand == "ATT" else estimand)  # needs a model of each arm
        found = [passes.confounding(nuisances, outcomes) for passes, nuisances in fitted]
        totals, products = (np.mean([getattr(s, name) for s in found], axis=0) for name in ("totals", "products"))
        return ConfoundingSums(totals, products, found[0].n_clusters)

    def _fitted(self, outcomes: tuple[str, ...], estimand: str) -> list[tuple[Passes, Nuisances]]:
        """Passes and nuisances of every split, kept: the models that the estimand asks for."""
        if (outcomes, estimand) not in self.fitted:
            centers, found = self._centers(outcomes), []
            for passes, propensity in zip(self.splits, self.propensities, strict=True):
                centred = replace(passes, center=centers)
                asked = replace(centred, rows=replace(self.rows, spec=replace(self.rows.spec, estimand=estimand)))
                models = fit_outcomes(asked, outcomes, self.options.outcome_model, self._outcome_columns)
                offsets = tuple(models.centers[c] for c in outcomes)
                found.append((centred, Nuisances(propensity, tuple(models.predictors), self.bounds, offsets)))
            self.fitted[outcomes, estimand] = found
        return self.fitted[outcomes, estimand]

    @property
    def _outcome_columns(self) -> np.ndarray:
        return self.rows.terms.positions(self.rows.spec.covariates)

    def _centers(self, outcomes: Sequence[str]) -> dict[str, float]:
        relation = self.rows.relation
        means = {c: f"avg({relation.double(relation.name(c))})" for c in outcomes}
        return {c: float(v[0]) for c, v in relation.aggregate(means).items()}

    def _effects(self, scored: Scored, spread: np.ndarray, outcomes: Sequence[str], offsets: np.ndarray) -> Estimates:
        effects = []
        for i, level in enumerate(scored.levels):
            for j, outcome in enumerate(outcomes):
                effects.append(
                    Effect(
                        **wald(float(scored.estimate[i, j]), float(scored.std_error[i, j])),
                        n_units=int(scored.n[i]),
                        n_treated=int(scored.n_treated[i]),
                        method="aipw",
                        estimand=self.rows.spec.estimand,
                        outcome=outcome,
                        segment=level,
                        se_convention=self._convention(),
                        control_mean=float(scored.control_mean[i, j] + offsets[j]),
                        diagnostics=self._diagnostics(scored, i, float(spread[i, j])),
                    )
                )
        return Estimates(tuple(effects), scored.covariance)

    def _convention(self) -> str:
        return "influence function" + (", CRV1 by cluster" if self.rows.spec.cluster else "")

    def _diagnostics(self, scored: Scored, level: int, split_sd: float) -> dict[str, Any]:
        found: dict[str, Any] = {
            "folds": self.options.folds,
            "splits": len(self.splits),
            "split_sd": split_sd,
            "outcome_model": self.options.outcome_model,
            "propensity_model": self.options.propensity_model,
            "clip_lower": self.bounds[0],
            "clip_upper": self.bounds[1],
        }
        if self.rows.spec.cluster:
            found["n_clusters"] = int(scored.n_clusters[level])
        return found


def bucket_of_unit(relation: Relation, spec: Spec, n_folds: int) -> str:
    """SQL of the integer that decides a unit's fold: of its cluster if there is one, else of the unit."""
    if spec.cluster:
        return relation.bucket(relation.name(spec.cluster))
    for column, expression in (
        ("unit_bucket", relation.name),
        ("causal_row", lambda c: relation.bucket(relation.name(c))),
    ):
        if spec.unit is None and column in relation.columns:
            return expression(column)
    if spec.unit is not None:
        if spec.unit not in relation.columns:
            raise refuse("003", "unknown column", f"unit: no column {spec.unit}")
        return (
            relation.name("unit_bucket")
            if spec.unit == "unit_id" and "unit_bucket" in relation.columns
            else (relation.bucket(relation.name(spec.unit)))
        )
    if n_folds > 1:
        raise refuse(
            "001",
            "folds need a unit",
            "the relation has no column unit_bucket",
            fix="name the unit's column: unit=..., or folds=1",
        )
    return "0"


def _passes(rows: Rows, options: Options, salt: str) -> Passes:
    linear = options.propensity_model == "logistic" and not options.is_boosted
    if linear and rows.n_rows >= EXACT_ROWS and fits_sql(rows, options.folds):
        return SqlPasses(rows, options.folds, salt)
    return BlockPasses(rows, options.folds, salt)


def _propensities(rows: Rows, options: Options, splits: list[Passes]) -> list[Predictor]:
    if options.propensity_model == "boosting":
        from estimators.effects.boosting import fit_boosted_propensity

        return [fit_boosted_propensity(passes) for passes in splits]
    columns = rows.terms.positions(options.propensity_covariates or rows.spec.covariates)
    link = {"logistic": "logit", "probit": "probit"}[options.propensity_model]
    start = _start(rows, rows.spec.treatment, columns, link)
    if isinstance(splits[0], BlockPasses):
        splits[:] = [replace(s, cache=splits[0].cache) for s in splits]
    return [fit_binary(passes, rows.spec.treatment, columns, link, start) for passes in splits]


def _sample(relation: Relation, bucket: str, n_rows: int) -> Relation:
    """About `SAMPLE_ROWS` rows, the same every time: those of the lowest buckets. All rows when they are not many."""
    if n_rows < EXACT_ROWS or bucket == "0":
        return relation
    return relation.filter(f"{bucket} < {int(SAMPLE_ROWS / n_rows * 2**32)}")


def _start(rows: Rows, target: str, columns: np.ndarray, link: str) -> np.ndarray:
    """Coefficients from a sample by bucket, so that large data needs few passes; zeros when the data are small."""
    sample = _sample(rows.relation, rows.bucket, rows.n_rows)
    if sample is rows.relation:
        return np.zeros(rows.terms.size)
    passes = BlockPasses(replace(rows, relation=sample, n_rows=SAMPLE_ROWS), 1, "")
    try:
        return rough_fit(passes, target, columns, link)
    except CausalError:  # a rare level is not in the sample, or perfectly predicted there: all rows will tell
        return np.zeros(rows.terms.size)


def _balance(w: WeightSums, rows: Rows) -> list[Balance]:
    """Standardised mean differences before and after weighting.

    The scale is the SD of the target population's arm: the treated for the ATT, else the root mean of both variances
    (Austin 2009). Dummies use p(1-p).
    """
    mean = w.first / w.n[:, None]
    variance = np.clip(w.second / w.n[:, None] - mean**2, 0.0, None)
    adjusted = w.weighted_first / w.weight[:, None]
    adjusted_variance = np.clip(w.weighted_second / w.weight[:, None] - adjusted**2, 0.0, None)
    pooled = variance[1] if rows.spec.estimand == "ATT" else variance.mean(axis=0)
    terms = rows.terms
    k = len(terms.numbers)
    scale = np.concatenate([terms.scale, np.ones(terms.size - 1 - k)])
    shift = np.concatenate([terms.center, np.zeros(terms.size - 1 - k)])
    out = []
    for i, name in enumerate(terms.names[1:]):
        sd = np.sqrt(pooled[i])
        ratio = adjusted_variance[1, i] / adjusted_variance[0, i] if i < k and adjusted_variance[0, i] > 0 else None
        raw_gap, gap = mean[1, i] - mean[0, i], adjusted[1, i] - adjusted[0, i]
        out.append(
            Balance(
                "aipw",
                name,
                *(float(v * scale[i] + shift[i]) for v in (mean[1, i], mean[0, i], adjusted[1, i], adjusted[0, i])),
                smd_raw=float(raw_gap / sd) if sd > 0 else 0.0,
                smd_adjusted=float(gap / sd) if sd > 0 else 0.0,
                variance_ratio=None if ratio is None else float(ratio),
            )
        )
    return out
