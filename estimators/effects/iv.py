"""Instrumental variables: two-stage least squares and LIML, from cross-products in the warehouse.

Reference implementations: linearmodels `IV2SLS` and `IVLIML`, R's `ivreg`. Conventions, by name: ``HC1`` is n/(n-k) as
linearmodels' robust covariance with ``debiased=True``; ``CRV1 by g`` has the factor G/(G-1) · (n-1)/(n-k);
``unadjusted`` divides by n-k. k counts the intercept, the covariates and the treatment. Intervals are normal.

An effect whose instruments are weak (effective F below 10) has no estimate and no Wald interval: they mislead however
large the sample. Its Anderson-Rubin confidence set, which is right for weak instruments too, stands in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.effects import iv_estimates as estimates
from estimators.effects.first_stage import FirstStage, first_stage
from estimators.effects.frames import estimated
from estimators.effects.inputs import Inputs
from estimators.effects.iv_inputs import require_instruments, with_defaults
from estimators.effects.iv_sums import Products, Scores, columns_of, products, scores
from estimators.effects.method import Design, Estimates, Spec
from estimators.effects.weighted_balance import weighted_balance
from estimators.errors import CausalError, refuse
from estimators.results import Balance, Effect, wald
from estimators.warehouse import Relation, as_relation
from estimators.warehouse.blocks import Gram, gram, rough_terms


def iv(  # noqa: PLR0913 - the public signature of DESIGN.md
    data: Any,
    treatment: str,
    outcome: str | Sequence[str],
    instruments: str | Sequence[str],
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    cov: str = "robust",
    estimator: str = "2sls",
    weights: str | None = None,
    segment: str | None = None,
    estimand: str = "LATE",
    max_levels: int = 50,
    minimum_effective_f: float = 10.0,
) -> Effect:
    """Effect of a treatment, binary or a number, that only the instruments move without confounding.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit.  outcome: a column, or several; the first is
    the returned effect and all stand in `.effects`, with one row more per level of `segment`.  covariates and
    instruments: numbers, booleans or text (one dummy per level but the first).  cov: robust (HC1, or CRV1 by `cluster`)
    or unadjusted.  estimator: 2sls or liml.  minimum_effective_f: below it the estimate and its interval are withheld;
    0 withholds nothing.

    `diagnostics` has the first stage, effective F and its critical value, the Anderson-Rubin set, OLS, Wu-Hausman,
    Sargan's and Hansen's tests, the reduced form and the complier share. Where `is_weak`, estimate and std_error are
    NaN, the p-value is Anderson-Rubin's, and the interval is its set when that is one piece, else NaN.

    Raises CausalError (001, 003, 010-012, 020, 022-025).
    """
    if not isinstance(treatment, str):
        fix = "estimate one at a time, with instruments that move only that one"
        raise refuse("001", "several endogenous variables", "treatment is one column", fix=fix)
    outcomes = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    names = (instruments,) if isinstance(instruments, str) else tuple(instruments)
    options = {
        "instruments": names, "cov": cov, "estimator": estimator, "max_levels": max_levels,
        "minimum_effective_f": minimum_effective_f,
    }  # fmt: skip
    spec = Spec(treatment, tuple(covariates), estimand, cluster, weights, options=options)
    design = iv_design(as_relation(data), spec, outcomes, is_read_at_once=True)
    return estimated(design, outcomes, segment)


def iv_design(relation: Relation, spec: Spec, outcomes: Sequence[str] = (), is_read_at_once: bool = False) -> IvDesign:
    """The design stage: how strongly the instruments move the treatment. `outcomes` are only checked for faults.

    Options: instruments, estimator, cov, max_levels, minimum_effective_f. is_read_at_once: a study keeps the stages
    apart; a single call needs the first stage only with the outcomes.
    """
    spec = with_defaults(spec)
    design = IvDesign(relation, spec, require_instruments(relation, spec, outcomes))
    if not is_read_at_once:
        design.read_first_stage()
    return design


@dataclass(frozen=True)
class _Level:
    """A level of the segment, or everybody. n_treated: all units if the treatment is not 0/1."""

    name: str
    n_units: int
    n_treated: int


@dataclass(frozen=True)
class _Group:
    """The sums of one level, and what follows from them."""

    level: _Level
    found: Products
    sums: Scores
    fit: estimates.KClass
    stage: FirstStage


class IvDesign(Design):
    """A study's instruments, with `first_stage` once that has been read: what `checks.instrument` judges."""

    def __init__(self, relation: Relation, spec: Spec, inputs: Inputs) -> None:
        self.relation, self.spec, self.inputs = relation, spec, inputs
        self.first_stage: FirstStage | None = None
        self.products: Products | None = None  # of the design stage: without outcomes

    @property
    def se_convention(self) -> str:
        if self.spec.cluster:
            return f"CRV1 by {self.spec.cluster}"
        return "HC1" if self.spec.options["cov"] == "robust" else "unadjusted"

    def read_first_stage(self) -> FirstStage:
        """Two scans. Raises CausalError 020 and 025 for columns without variation of their own."""
        group = self._group(self.relation, (), None)
        self.first_stage, self.products = group.stage, group.found
        if len(self.spec.options["instruments"]) == 1 and group.stage.is_binary:
            self.balance = self._balance(self.spec.options["instruments"][0])
        return group.stage

    def _balance(self, instrument: str) -> tuple[Balance, ...]:
        """The covariates across a 0/1 instrument, in the place of the arms. Nothing is adjusted: 2SLS itself does."""
        weight = self.spec.weights
        columns = {
            "causal_t": f"cast({self.relation.double(self.relation.name(instrument))} as integer)",
            "causal_w": self.relation.double(self.relation.name(weight)) if weight else self.relation.number(1.0),
        }
        return weighted_balance(self.relation.with_columns(columns), "iv", self.spec, self.inputs).balance

    def estimate(self, outcomes: Sequence[str], segment: str | None = None) -> Estimates:
        if segment is None:
            group = self._group(self.relation, outcomes, None)
            return Estimates(tuple(self._effects(group, outcomes)), self._covariance(group))
        effects: list[Effect] = []
        blocks: list[np.ndarray] = []
        for level, rows in self._segments(segment):
            found, block = self._in_segment(rows, outcomes, level)
            effects += found
            blocks.append(block)
        return Estimates(tuple(effects), _block_diagonal(blocks, bool(self.spec.cluster)))

    def _segments(self, segment: str) -> list[tuple[_Level, Relation]]:
        text, treated = f"cast({self.relation.name(segment)} as string)", self.relation.name(self.spec.treatment)
        counts = {"n": "count(*)", "t": f"sum(case when {self.relation.double(treated)} = 0e0 then 0 else 1 end)"}
        is_binary, known = self.inputs.n_control > 0, f"{self.relation.name(segment)} is not null"
        found = self.relation.aggregate(counts, by={"causal_s": text}, where=known)
        levels = [
            _Level(str(name), int(n), int(t) if is_binary else int(n))
            for name, n, t in zip(found["causal_s"], found["n"], found["t"], strict=True)
        ]
        return [(v, self.relation.filter(f"{text} = {self.relation.text(v.name)}")) for v in levels]

    def _in_segment(self, rows: Relation, outcomes: Sequence[str], level: _Level) -> tuple[list[Effect], np.ndarray]:
        """A level in which the instruments move nothing has no estimate; its row says how many units it has."""
        try:
            group = self._group(rows, outcomes, level)
        except (CausalError, np.linalg.LinAlgError) as error:
            reason = str(error).splitlines()[0]
            effects = [self._effect(o, level, wald(np.nan, np.nan), {"not_estimated": reason}) for o in outcomes]
            return effects, np.full((len(outcomes), len(outcomes)), np.nan)
        return self._effects(group, outcomes), self._covariance(group)

    def _group(self, rows: Relation, outcomes: Sequence[str], level: _Level | None) -> _Group:
        spec, inputs = self.spec, self.inputs
        columns = [spec.treatment, *outcomes, *spec.covariates, *spec.options["instruments"]]
        ends = {c: (low, inputs.maximum[c]) for c, low in inputs.minimum.items()}
        terms = rough_terms(rows, list(dict.fromkeys(columns)), inputs.levels, ends)
        weight = rows.double(rows.name(spec.weights)) if spec.weights else None
        sums = gram(rows, terms, weight)
        found = products(sums, columns_of(terms, spec, outcomes), drops_redundant=level is not None)
        if found.n <= found.p + found.k + 1:
            raise refuse("023", "too few units", f"{found.n:,} rows for {found.p + found.k + 1:,} coefficients")
        fit = estimates.k_class(found, spec.options["estimator"])
        squares = scores(rows, spec, found, fit.estimates, fit.curvature)
        if squares.n_clusters == 1:
            raise refuse("023", "one cluster", f"{spec.cluster} has one value", fix="use finer clusters")
        is_binary = found.k == 1 and self._is_binary(sums, found.columns.instruments[0])
        stage = first_stage(found, squares, self.se_convention, is_binary, inputs.n_control > 0)
        return _Group(level or _Level("", found.n, inputs.n_treated), found, squares, fit, stage)

    def _is_binary(self, sums: Gram, position: int) -> bool:
        """Whether a term is 0/1: within [0, 1], only such a variable has the variance m(1 - m)."""
        if position > len(sums.terms.numbers):
            return False  # the level of a text
        column = sums.terms.numbers[position - 1]
        scale, center = sums.terms.scale[position - 1], sums.terms.center[position - 1]
        mean, variance = center + scale * sums.means[position], scale**2 * sums.variances[position]
        is_within = self.inputs.minimum[column] == 0.0 and self.inputs.maximum[column] == 1.0
        return bool(is_within and abs(variance - mean * (1.0 - mean)) <= 1e-9)

    def _is_weak(self, group: _Group) -> bool:
        return not group.stage.effective_f >= self.spec.options["minimum_effective_f"]

    def _covariance(self, group: _Group) -> np.ndarray:
        if self._is_weak(group):
            return np.full((group.found.m, group.found.m), np.nan)
        return self._standardised_covariance(group) * np.outer(self._units(group), self._units(group))

    def _standardised_covariance(self, group: _Group) -> np.ndarray:
        return estimates.covariance(group.found, group.sums, group.fit, self.spec.options["cov"] == "robust")

    def _units(self, group: _Group) -> np.ndarray:
        return group.found.outcome_scale / group.found.treatment_scale

    def _effects(self, group: _Group, outcomes: Sequence[str]) -> list[Effect]:
        is_weak, units = self._is_weak(group), self._units(group)
        errors = np.sqrt(np.diag(self._standardised_covariance(group))) * units
        correction = group.sums.totals if self.spec.options["estimator"] == "2sls" else 0.0
        values = (group.fit.estimates + correction) * units
        found = []
        for j, outcome in enumerate(outcomes):
            is_robust = self.spec.options["cov"] == "robust"
            region = estimates.anderson_rubin(group.found, group.sums, j, is_robust).scaled(float(units[j]))
            numbers = wald(float(values[j]), float(errors[j]))
            if is_weak:
                lower, upper = region.intervals[0] if len(region.intervals) == 1 else (np.nan, np.nan)
                numbers = {"estimate": np.nan, "std_error": np.nan, "p_value": region.p_value}
                numbers |= {"ci_lower": lower, "ci_upper": upper}
            figures = self._diagnostics(group, j, float(units[j]))
            figures |= {
                "is_weak": is_weak,
                "anderson_rubin": [list(interval) for interval in region.intervals],
                "anderson_rubin_shape": region.shape,
                "anderson_rubin_statistic": region.statistic,
                "anderson_rubin_p_value": region.p_value,
                "anderson_rubin_distribution": region.distribution,
            }
            found.append(self._effect(outcome, group.level, numbers, figures))
        return found

    def _diagnostics(self, group: _Group, j: int, unit: float) -> dict[str, Any]:
        found, sums, is_robust = group.found, group.sums, self.spec.options["cov"] == "robust"
        ols, ols_error = estimates.ols(found, sums, j, is_robust)
        reduced, reduced_errors = estimates.reduced_form(found, sums, j)
        out = {
            "estimator": self.spec.options["estimator"],
            "adjusted_for": [found.terms.names[i] for i in found.columns.included[1:]],
            **group.stage.figures(),
            "ols": ols * unit,
            "ols_std_error": ols_error * unit,
            "reduced_form": reduced.tolist(),
            "reduced_form_std_errors": reduced_errors.tolist(),
            **estimates.tests(found, sums, j),
        }
        if self.spec.options["estimator"] == "liml":
            out["liml_kappa"] = float(group.fit.kappa[j])
        if sums.n_clusters:
            out["n_clusters"] = sums.n_clusters
        return out

    def _effect(self, outcome: str, level: _Level, numbers: dict[str, float], diagnostics: dict[str, Any]) -> Effect:
        return Effect(
            **numbers,
            n_units=level.n_units,
            n_treated=level.n_treated,
            method="iv",
            estimand=self.spec.estimand,
            outcome=outcome,
            population="units that the instruments move",
            se_convention=self.se_convention,
            segment=level.name,
            diagnostics=diagnostics,
        )


def _block_diagonal(blocks: Sequence[np.ndarray], has_clusters: bool) -> np.ndarray:
    """Segments share no unit, but they may share clusters: then what they have in common is not known."""
    size = sum(len(b) for b in blocks)
    out, at = np.full((size, size), np.nan if has_clusters else 0.0), 0
    for block in blocks:
        out[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return out
