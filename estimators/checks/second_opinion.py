"""A second opinion: what we publish, recomputed at run time by the package that the field trusts, on the same rows.

Large studies are recomputed on a sample of units by hash, and compared there: our number of that sample with theirs.
What the sample cannot show is a fault of size alone; the tests and benchmarks look for those. docs/referees.md names
each number's referee, or ``none``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimators.checks import second_opinion_aipw, second_opinion_linear, second_opinion_linearmodels
from estimators.checks.bucket_sample import bucket_sample
from estimators.checks.referees import EXACT, Referee, referee
from estimators.checks.verdict import rounded
from estimators.effects.aipw import AipwDesign, aipw_design
from estimators.effects.bsts import bsts
from estimators.effects.cem import CemDesign, cem_design
from estimators.effects.difference import DifferenceDesign, difference_design
from estimators.effects.iv import IvDesign, iv_design
from estimators.effects.method import Design, PanelDesign, Spec
from estimators.effects.panel import FixedEffectsDesign, panel_design
from estimators.errors import CausalError
from estimators.results import Check, Effect
from estimators.study_table import shown
from estimators.warehouse import Relation

NAME = "second_opinion"
UNITS = 20_000
CELLS = 1_000_000  # rows × covariates that a referee is given
FEWEST_UNITS = 2_000
ROUNDING = 1e-9  # of a standard error
Numbers = Mapping[str, float]
_CONVENTIONS = {"std_error_hc1": "HC1", "std_error_linearmodels": "CRV1 (linearmodels)"}  # in an effect's std_errors
# What a referee may meet on rows that our own estimator took: it says so, and the number has no second opinion.
REFEREE_ERRORS = (CausalError, ArithmeticError, LookupError, RuntimeError, ValueError, np.linalg.LinAlgError)


@dataclass(frozen=True)
class _Method:
    """design: our estimator.  theirs: the referee's numbers, one mapping per outcome."""

    design: Callable[[Relation, Spec, Sequence[str]], Design]
    theirs: Callable[[Relation, Spec, Sequence[str]], Sequence[Numbers]]


_METHODS = {
    "difference": _Method(difference_design, second_opinion_linear.difference),
    "cem": _Method(cem_design, second_opinion_linear.cem),
    "aipw": _Method(aipw_design, second_opinion_aipw.aipw),
    "iv": _Method(iv_design, second_opinion_linearmodels.iv),
}


def of_design(design: Design | PanelDesign, effects: Sequence[Effect], n_units: int = UNITS) -> list[Check]:
    """The second opinion on what a finished design published: `effects` over all units, one per outcome.

    n_units: rows beyond which both sides work on a sample of that size.
    """
    if isinstance(design, AipwDesign):
        return second_opinion(design.rows.relation, design.rows.spec, effects, n_units)
    if isinstance(design, CemDesign | DifferenceDesign):
        return second_opinion(design.rows, design.spec, effects, n_units)
    if isinstance(design, IvDesign):
        return second_opinion(design.relation, design.spec, effects, n_units)
    if isinstance(design, FixedEffectsDesign):
        return of_panel(design, effects, n_units)
    return without_referee(effects)


def without_referee(effects: Sequence[Effect], why: str = "none in the base install") -> list[Check]:
    """One row per effect that says that nobody else has computed it."""
    return [_without(effect, "estimate", why) for effect in effects]


def second_opinion(relation: Relation, spec: Spec, effects: Sequence[Effect], n_units: int = UNITS) -> list[Check]:
    """One check per published number of `effects`: estimate and standard error of each outcome, all of one method.

    Effects without a standard error are passed over, but for those of weak instruments.
    relation, spec: what the effects were estimated from.  n_units: beyond it both sides work on a sample of this size.
    A difference beyond the tolerance fails, and gates; a number without a referee is `not_evaluated` and does not.
    """
    effects = [e for e in effects if e.std_error > 0.0 or e.method == "iv"]
    if not effects:
        return []
    method = effects[0].method
    if method not in _METHODS or (method == "aipw" and not second_opinion_aipw.has_referee(spec)):
        return without_referee(effects)
    columns = len(spec.covariates) + 2
    sample = bucket_sample(relation, spec, min(n_units, max(FEWEST_UNITS, CELLS // columns)))
    if sample is None:
        why = "the rows are too many to recompute, and no column says which to sample (unit_bucket or unit_id)"
        return without_referee(effects, why)
    try:
        ours, theirs, where = _both(method, relation, sample, spec, effects)
    except REFEREE_ERRORS as error:
        return without_referee(effects, _failed(error))
    return [c for e, numbers in zip(ours, theirs, strict=True) for c in _compared(method, e, numbers, where)]


def of_panel(design: FixedEffectsDesign, effects: Sequence[Effect], n_rows: int = UNITS) -> list[Check]:
    """The second opinion on a fixed-effects regression; beyond `n_rows` on whole clusters, sampled by hash."""
    relation, columns = design.relation, design.columns
    by = columns.clusters[0] if len(columns.clusters) == 1 else columns.unit
    spec = Spec(columns.treatments[0], columns.covariates, cluster=by)
    sample = bucket_sample(relation, spec, min(n_rows, max(FEWEST_UNITS, CELLS // (2 + len(columns.covariates)))))
    outcomes = tuple(e.outcome for e in effects)
    try:
        ours = effects
        if sample is not None and sample is not relation:
            design = panel_design(sample, design.spec, outcomes)
            ours = design.estimate(outcomes).effects
        theirs = second_opinion_linearmodels.panel(design, outcomes)
    except REFEREE_ERRORS as error:
        return without_referee(effects, _failed(error))
    n = int(ours[0].diagnostics.get("n_rows", ours[0].n_units)) if ours else 0
    where = f"the same {n:,} rows" if sample is relation else f"a sample of {n:,} rows"
    return [c for e, numbers in zip(ours, theirs, strict=True) for c in _compared("panel", e, numbers, where)]


def of_series(data: Any, effect: Effect, **question: Any) -> list[Check]:
    """The second opinion on `bsts`: tfcausalimpact's default fit, when it is installed. It warns, and never gates.

    question: the keywords of `estimators.bsts` that the effect was asked with (time, controls, intervention, season).
    That package has no seed and takes a quarter of a minute, hence the wide tolerance: half a posterior sd.
    """
    if effect.method != "bsts":
        return without_referee([effect])
    try:
        theirs = bsts(data, outcome=effect.outcome, engine="tfcausalimpact", **question)
    except CausalError as error:
        return without_referee([effect], error.faults[0].on_one_line())
    return _compared("bsts", effect, {"estimate": theirs.estimate}, f"the same {effect.n_units:,} periods")


def _failed(error: Exception) -> str:
    return f"it could not be recomputed ({type(error).__name__}: {str(error).strip().splitlines()[0]})"


def _both(
    method: str, relation: Relation, sample: Relation, spec: Spec, effects: Sequence[Effect]
) -> tuple[Sequence[Effect], Sequence[Numbers], str]:
    """Our effects and their numbers on the same rows, and which rows these are."""
    outcomes = [e.outcome for e in effects]
    n = sample.n_rows()
    asked = second_opinion_aipw.published_splits(sample, spec, n) if method == "aipw" else spec
    if method == "iv" and not all(np.isfinite(e.estimate) for e in effects):  # weak: what is withheld is compared too
        asked = replace(spec, options={**spec.options, "minimum_effective_f": 0.0})
    is_published = sample is relation and asked == spec
    ours = effects if is_published else _METHODS[method].design(sample, asked, ()).estimate(outcomes).effects
    where = f"the same {n:,} rows" if sample is relation else f"a sample of {n:,} rows"
    if asked != spec and method == "aipw":
        where += ", first split"
    return ours, _METHODS[method].theirs(sample, asked, outcomes), where


def _compared(method: str, effect: Effect, theirs: Numbers, where: str) -> list[Check]:
    ours = _ours(effect)
    checks = []
    for number in (k for k in theirs if k in ours):
        checks.append(_judged(effect, referee(method, number), (ours[number], theirs[number]), where))
    if "std_error" not in theirs:
        checks.append(_without(effect, "std_error", "none in the base install"))
    return checks


def _ours(effect: Effect) -> dict[str, float]:
    found = {"estimate": effect.estimate, "std_error": effect.std_error}
    for convention, value in effect.diagnostics.get("std_errors", {}).items():
        for number, prefix in _CONVENTIONS.items():
            if convention.startswith(prefix):
                found[number] = value
    return found


def _judged(effect: Effect, who: Referee, numbers: tuple[float, float], where: str) -> Check:
    """|Δ| on the scale of the standard error against the tolerance; the larger of estimate and SE for exact methods."""
    ours, theirs = numbers
    scale, tolerance = effect.std_error, float(who.tolerance or EXACT)
    gap = abs(ours - theirs) / scale
    allowed = tolerance
    if tolerance == EXACT and who.number == "estimate":
        allowed *= max(abs(effect.estimate) / scale, 1.0)
    # Below a billionth it is rounding, which depends on the order of the rows: what is published must not.
    apart = f"{rounded(gap)} standard errors" if gap > ROUNDING else "less than 1e-9 standard errors"
    gap = gap if gap > ROUNDING else 0.0
    said = f"{who.number} on {where}: ours {_full(ours)}, {who.referee} {_full(theirs)}, {apart} apart"
    figures = {"statistic": gap, "threshold": allowed, "method": effect.method, "outcome": shown(effect.outcome)}
    if gap <= allowed:
        return Check(NAME, "pass", said, is_gate=who.judgement == "gate", **figures)
    fix = "fix: do not trust either number before the difference is explained; report it with the definition"
    status = "fail" if who.judgement == "gate" else "warn"
    reason = f"the referee disagrees: {said}, {rounded(allowed)} allowed; {fix}"
    return Check(NAME, status, reason, is_gate=who.judgement == "gate", **figures)


def _full(value: float) -> str:
    return f"{value:.7g}"


def _without(effect: Effect, number: str, why: str) -> Check:
    reason = f"{number} has no referee: {why}"
    return Check(NAME, "not_evaluated", reason, is_gate=False, method=effect.method, outcome=shown(effect.outcome))
