"""Sensitivity to confounders that nobody observed, for every method, and what it means in plain words.

Each function takes what a method published and returns rows (`Sensitivity`) and one check per effect. The check never
gates: how strong a confounder may be is a judgement, which the row helps to make.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from estimators.checks import e_value, rosenbaum, sensitivity_aipw, sensitivity_bias, sensitivity_ovb
from estimators.checks import sensitivity_instrument as direct
from estimators.checks.bucket_sample import bucket_sample
from estimators.checks.sensitivity_bias import OutcomeScale, outcome_scales
from estimators.checks.sensitivity_panel import within_units
from estimators.checks.sensitivity_rows import Sensitivity, percent
from estimators.checks.verdict import rounded
from estimators.effects.aipw import AipwDesign
from estimators.effects.cem import CemDesign
from estimators.effects.difference import DifferenceDesign
from estimators.effects.iv import IvDesign
from estimators.effects.method import Design, PanelDesign, Spec
from estimators.effects.panel import FixedEffectsDesign
from estimators.results import Check, Effect
from estimators.study_table import shown
from estimators.warehouse import Relation

NAME = "sensitivity"
BENCHMARKS = 3  # covariates whose strength is measured by estimating without them
BENCHMARK_UNITS = 20_000


@dataclass(frozen=True)
class Found:
    """rows of the table `sensitivity`, and one check per effect."""

    rows: tuple[Sensitivity, ...] = ()
    checks: tuple[Check, ...] = ()

    def __add__(self, other: Found) -> Found:
        return Found((*self.rows, *other.rows), (*self.checks, *other.checks))


@dataclass(frozen=True)
class Asked:
    """What a definition says about confounders that were not observed.

    benchmarks: columns of covariates to compare them with, by default all (the strongest few where each costs an
    estimate).  biases: in units of the outcome.  direct: range of the instrument's direct effect, outcome per unit.
    """

    benchmarks: tuple[str, ...] = ()
    biases: tuple[float, ...] = ()
    direct: tuple[float, float] | None = None


def sensitivity(design: Design | PanelDesign, effects: Sequence[Effect], asked: Asked | None = None) -> Found:
    """Sensitivity of the effects of one method; `of_effect` is for those that have no analysis of their own.

    design: the finished design of `difference`, `cem`, `aipw`, `iv` or `panel`.  effects: what it published, over all
    units (no segments), one per outcome. Effects without a standard error are passed over.
    """
    asked = asked or Asked()
    effects = [e for e in effects if math.isfinite(e.estimate) and e.std_error > 0.0]
    if not effects:
        return Found()
    if isinstance(design, AipwDesign):
        return of_aipw(design, effects, asked)
    if isinstance(design, CemDesign):
        return of_cem(design, effects, asked)
    if isinstance(design, FixedEffectsDesign):
        return of_panel(design, effects, asked)
    if isinstance(design, IvDesign):
        return of_iv(design, effects, asked)
    if isinstance(design, DifferenceDesign):
        return of_difference(design, effects, asked)
    raise TypeError(f"no sensitivity analysis for {type(design).__name__}")


def of_difference(design: DifferenceDesign, effects: Sequence[Effect], asked: Asked) -> Found:
    """Cinelli and Hazlett for the linear regression on the covariates that are adjusted for, bias bounds, E-values."""
    spec, relation = design.spec, design.rows
    used = tuple(spec.covariates) if spec.options.get("adjust", False) else ()
    scales = outcome_scales(relation, spec, [e.outcome for e in effects])
    fits = sensitivity_ovb.regressions(relation, spec.treatment, [e.outcome for e in effects], used, spec.weights)
    found = Found()
    for effect, fit in zip(effects, fits, strict=True):
        rows = sensitivity_ovb.rows(fit, effect.method, _among(fit, asked))
        nearest = fit.strongest(_among(fit, asked))
        compared = (nearest, fit.multiple(nearest)) if nearest is not None else None
        strength = (fit.robustness_value(), fit.robustness_value(alpha=0.05))
        check = _of_robustness(effect, strength, compared)
        found += Found((*rows, *_common(effect, scales[effect.outcome], asked)), (check,))
    return _shown(found)


def of_aipw(design: AipwDesign, effects: Sequence[Effect], asked: Asked) -> Found:
    """Chernozhukov et al. for doubly robust effects, bias bounds and E-values."""
    spec, relation, outcomes = design.rows.spec, design.rows.relation, tuple(e.outcome for e in effects)
    scales = outcome_scales(relation, spec, outcomes)
    sums = design.confounding(outcomes)
    sample = None if design.options.is_boosted else bucket_sample(relation, spec, BENCHMARK_UNITS)
    found = Found()
    for j, effect in enumerate(effects):
        common = _common(effect, scales[effect.outcome], asked)
        story = sensitivity_aipw.long_story(effect, spec.estimand, sums, j)
        if story is None:
            reason = "the weights of a few units are so large that the bias of a confounder has no bound"
            found += Found(common, (_check(effect, "not_evaluated", reason),))
            continue
        of = {} if sample is None else _strengths(sample, spec, effect.outcome, asked)
        multiples = {c: story.multiple(s) for c, s in of.items()}
        nearest = min(multiples, key=lambda c: multiples[c], default=None)
        compared = (nearest, multiples[nearest]) if nearest is not None else None
        strength = (story.robustness_value(), story.robustness_of_interval(1.959963984540054))
        check = _of_robustness(effect, strength, compared)
        found += Found((*sensitivity_aipw.rows(story, of), *common), (check,))
    return _shown(found)


def _strengths(sample: Relation, spec: Spec, outcome: str, asked: Asked) -> dict[str, sensitivity_aipw.Strength]:
    """Of the covariates that matter most to a linear regression; the one left must not be the only one."""
    if len(spec.covariates) < 2:
        return {}
    named = [c for c in asked.benchmarks if c in spec.covariates]
    if named:
        return sensitivity_aipw.strengths(sample, spec, outcome, named)
    (fit,) = sensitivity_ovb.regressions(sample, spec.treatment, (outcome,), spec.covariates, spec.weights)
    ranked = sorted(fit.shares, key=lambda c: -fit.shares[c][0] * fit.shares[c][1])
    return sensitivity_aipw.strengths(sample, spec, outcome, ranked[:BENCHMARKS])


def of_cem(design: CemDesign, effects: Sequence[Effect], asked: Asked) -> Found:
    """Rosenbaum bounds over the matched strata, bias bounds and E-values."""
    spec, rows = design.spec, design.rows
    scales = outcome_scales(rows, spec, [e.outcome for e in effects])
    found = Found()
    for effect in effects:
        scale, is_positive = scales[effect.outcome], effect.estimate > 0.0
        strata = rosenbaum.strata_of(rows, list(design.coarsening.keys), effect.outcome, scale.is_binary)
        gamma = strata.gamma(is_positive)
        bounds = rosenbaum.rows(strata, effect.method, effect.outcome, is_positive)
        check = _of_gamma(effect, gamma)
        found += Found((*bounds, *_common(effect, scale, asked)), (check,))
    return _shown(found)


def of_iv(design: IvDesign, effects: Sequence[Effect], asked: Asked) -> Found:
    """Plausibly exogenous instruments, and bias bounds."""
    relation, spec = design.relation, design.spec
    scales = outcome_scales(relation, replace(spec, estimand="ATE"), [e.outcome for e in effects])
    found = Found()
    for effect in effects:
        instruments = direct.direct_effects(relation, spec, effect.outcome)
        rows = [row for one in instruments for row in direct.rows(effect, one, asked.direct)]
        edges = {one.instrument: direct.breakdown(one, 1.959963984540054) for one in instruments}
        includes = any(r.name.endswith("declared") and r.ci_lower <= 0.0 <= r.ci_upper for r in rows)
        biases = sensitivity_bias.rows(effect, scales[effect.outcome].target_sd, asked.biases)
        found += Found((*rows, *biases), (_of_instruments(effect, edges, includes),))
    return _shown(found)


def of_panel(design: FixedEffectsDesign, effects: Sequence[Effect], asked: Asked) -> Found:
    """Cinelli and Hazlett within units and periods, and bias bounds in SD of the outcome without treatment."""
    relation, treatment = design.relation, design.columns.treatments[0]
    names = [e.outcome for e in effects]
    values = {c: f"stddev_pop({relation.double(relation.name(c))})" for c in names}
    untreated = relation.aggregate(values, where=f"{relation.name(treatment)} = 0")
    found = Found()
    for effect, fit in zip(effects, within_units(design, names), strict=True):
        sd = float(untreated[effect.outcome][0])
        nearest = fit.strongest(_among(fit, asked))
        compared = (nearest, fit.multiple(nearest)) if nearest is not None else None
        check = _of_robustness(effect, (fit.robustness_value(), fit.robustness_value(alpha=0.05)), compared)
        biases = sensitivity_bias.rows(effect, sd, asked.biases) if sd > 0.0 else []
        found += Found((*sensitivity_ovb.rows(fit, effect.method, _among(fit, asked)), *biases), (check,))
    return _shown(found)


def _among(fit: sensitivity_ovb.Regression, asked: Asked) -> list[str]:
    return [c for c in asked.benchmarks if c in fit.shares] or list(fit.shares)


def of_effect(
    effect: Effect, outcome_sd: float, further: Sequence[Sensitivity] = (), asked: Asked | None = None
) -> Found:
    """Bounds over a range of unknown bias: all that is known for methods without a sensitivity analysis of their own.

    outcome_sd: standard deviation that biases are counted in (of the outcome before treatment, for panels and series).
    further: rows that the method's own analysis made, kept beside.
    """
    rows = (*further, *sensitivity_bias.rows(effect, outcome_sd, asked.biases if asked else ()))
    return _shown(Found(rows, (_of_bias(effect, outcome_sd),)))


def _common(effect: Effect, scale: OutcomeScale, asked: Asked) -> tuple[Sensitivity, ...]:
    of_ratio = e_value.of_effect(effect, scale.pooled_sd, scale.is_binary)
    ratios = e_value.rows(effect, of_ratio) if of_ratio is not None else []
    biases = sensitivity_bias.rows(effect, scale.target_sd, asked.biases) if scale.target_sd > 0.0 else []
    return (*ratios, *biases)


def _of_robustness(effect: Effect, strength: tuple[float, float], compared: tuple[str, float] | None) -> Check:
    """Warns if a confounder just like an observed covariate would be enough."""
    zero, significance = strength
    if sensitivity_bias.breakdown(effect) == 0.0:
        return _check(effect, "pass", _NOT_NEEDED, statistic=zero)
    than = "" if compared is None else f", {_times(compared[1])} as much as {shown(compared[0])} does,"
    reason = (
        f"an unobserved confounder would have to explain {percent(zero)} of the residual variation of both treatment "
        f"and outcome{than} to bring the estimate to 0, and {percent(significance)} to make the 95 % interval include 0"
    )
    is_fragile = compared is not None and compared[1] < 1.0
    if is_fragile:
        reason += f"; one just like {shown(compared[0])} would be enough"  # type: ignore[index]
    return _check(effect, "warn" if is_fragile else "pass", reason, statistic=zero)


def _times(k: float) -> str:
    return f"{k:.2g} times" if k < 100.0 else "more than 100 times"


def _of_gamma(effect: Effect, gamma: float) -> Check:
    if sensitivity_bias.breakdown(effect) == 0.0:
        return _check(effect, "pass", _NOT_NEEDED, statistic=gamma)
    if gamma == 1.0:
        reason = (
            "the sign-score test of the matched strata does not tell the effect from none, even without hidden bias"
        )
        return _check(effect, "pass", reason, statistic=gamma)
    reason = (
        f"two units that match would have to differ by a factor of {rounded(gamma)} in their odds of treatment, "
        "through something unobserved that goes with the outcome, for the effect to be no longer told from none"
    )
    return _check(effect, "pass", reason, statistic=gamma)


def _of_instruments(effect: Effect, edges: Mapping[str, float], includes: bool) -> Check:
    """Warns if the direct effects that the definition does not exclude would be enough."""
    if sensitivity_bias.breakdown(effect) == 0.0 or not edges:
        return _check(effect, "pass", _NOT_NEEDED, statistic=0.0)
    weakest = min(edges, key=lambda name: edges[name])
    reason = (
        f"one SD of {shown(weakest)} would have to move the outcome by {rounded(edges[weakest])} SD directly, not "
        "through the treatment, to make the 95 % interval include 0"
    )
    if includes:
        reason += "; the direct effects that the definition allows for are enough"
    return _check(effect, "warn" if includes else "pass", reason, statistic=edges[weakest])


def _of_bias(effect: Effect, sd: float) -> Check:
    edge = sensitivity_bias.breakdown(effect)
    if edge == 0.0:
        return _check(effect, "pass", _NOT_NEEDED, statistic=0.0)
    reason = (
        f"a bias of {rounded(edge / sd)} SD of the outcome ({rounded(edge)}) would make the 95 % interval include 0"
    )
    return _check(effect, "pass", reason, statistic=edge / sd)


_NOT_NEEDED = "the 95 % interval includes 0: no unobserved confounder is needed to explain the estimate"


def _check(effect: Effect, status: str, reason: str, statistic: float | None = None) -> Check:
    figures: Mapping[str, str] = {"method": effect.method, "outcome": shown(effect.outcome)}
    return Check(NAME, status, reason, is_gate=False, statistic=statistic, **figures)  # type: ignore[arg-type]


def _shown(found: Found) -> Found:
    """Rows with columns as the definition names them."""

    def words(row: Sensitivity) -> Sensitivity:
        name = row.name.removeprefix("covariate_")
        return replace(row, outcome=shown(row.outcome), name=name, in_words=row.in_words.replace("covariate_", ""))

    return Found(tuple(words(r) for r in found.rows), found.checks)
