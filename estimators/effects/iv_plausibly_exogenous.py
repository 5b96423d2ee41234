"""How much of a direct effect of the instrument the conclusion survives.

An instrument is valid if it reaches the outcome through the treatment only. Conley, Hansen and Rossi (2012, section
III.A) let it have a direct effect γ within a declared range: for each γ the estimate is that on the outcome less γ·z,
and the union of their confidence intervals covers the effect whatever γ in the range is true. Each end of an interval
is convex (upper) or concave (lower) in γ, as the standard error is the length of a vector that is linear in γ, so that
the union is found at the corners of the range and needs no grid.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from estimators.effects.iv import iv_design
from estimators.effects.method import Spec
from estimators.errors import refuse
from estimators.results import Effect
from estimators.warehouse import Relation, as_relation

_MOST_CORNERS = 64
_LEVEL = 0.95


@dataclass(frozen=True)
class PlausiblyExogenous:
    """effect: under exact validity, γ = 0.  estimates: the smallest and largest over the range.

    ci_lower, ci_upper: the union of the 95 % intervals.  breakdown: the size of a direct effect from which on the union
    holds 0 (one instrument, both signs of γ allowed); 0 if the interval at γ = 0 does, infinite if none does.  NaN with
    several instruments.  is_weak: the instruments are, and the union does not cover; then everything but `effect` is
    NaN.
    """

    effect: Effect
    estimates: tuple[float, float]
    ci_lower: float
    ci_upper: float
    breakdown: float
    is_weak: bool


def plausibly_exogenous(
    data: Any,
    treatment: str,
    outcome: str,
    instruments: str | Sequence[str],
    direct_effect: tuple[float, float] | Mapping[str, tuple[float, float]],
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    cov: str = "robust",
    estimator: str = "2sls",
    weights: str | None = None,
) -> PlausiblyExogenous:
    """The union of confidence intervals over a range of direct effects of the instruments on the outcome.

    direct_effect: lowest and highest γ, in units of the outcome per unit of the instrument; by instrument where there
    are several (those not named are exactly valid).  The other arguments: as of `iv`.
    Raises CausalError as `iv` does, and 001 for a range that is none.
    """
    names = (instruments,) if isinstance(instruments, str) else tuple(instruments)
    options = {"instruments": names, "cov": cov, "estimator": estimator}
    spec = Spec(treatment, tuple(covariates), "LATE", cluster, weights, options=options)
    return bounds(as_relation(data), spec, outcome, direct_effect)


def bounds(
    relation: Relation, spec: Spec, outcome: str, direct_effect: tuple[float, float] | Mapping[str, tuple[float, float]]
) -> PlausiblyExogenous:
    """`plausibly_exogenous` for a study: spec as `iv_design` takes it."""
    ranges = _ranges(relation, spec, direct_effect)
    corners = list(itertools.product(*ranges.values()))
    shifted = {f"causal_g{i}": _less(relation, outcome, ranges, corner) for i, corner in enumerate(corners)}
    rows = relation.with_columns(shifted)
    design = iv_design(rows, spec, (outcome, *shifted), is_read_at_once=True)
    joint = design.estimate([outcome, *shifted])
    effect, others = joint.effects[0], joint.effects[1:]
    if effect.diagnostics["is_weak"]:
        nothing = math.nan
        return PlausiblyExogenous(effect, (nothing, nothing), nothing, nothing, nothing, is_weak=True)
    values = [e.estimate for e in others]
    return PlausiblyExogenous(
        effect=effect,
        estimates=(min(values), max(values)),
        ci_lower=min(e.ci_lower for e in others),
        ci_upper=max(e.ci_upper for e in others),
        breakdown=_breakdown(joint, corners) if len(ranges) == 1 else math.nan,
        is_weak=False,
    )


def _ranges(
    relation: Relation, spec: Spec, direct_effect: tuple[float, float] | Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    names = spec.options["instruments"]
    ranges = dict(direct_effect) if isinstance(direct_effect, Mapping) else {names[0]: tuple(direct_effect)}
    if not isinstance(direct_effect, Mapping) and len(names) != 1:
        raise refuse("001", "range of direct effects", "several instruments, one range", fix="give one per instrument")
    for name, (low, high) in ranges.items():
        if name not in names:
            raise refuse("001", "range of direct effects", f"{name} is no instrument", fix=f"name {', '.join(names)}")
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise refuse(
                "001", "range of direct effects", f"{name}: {low:g} to {high:g}", fix="lowest first, both finite"
            )
        if relation.columns.get(name) not in ("number", "boolean", None):
            raise refuse("001", "range of direct effects", f"{name} is no number", fix="derive a 0/1 column from it")
    if 2 ** len(ranges) > _MOST_CORNERS:
        raise refuse("001", "range of direct effects", f"{len(ranges)} ranges", fix="vary six instruments at most")
    return ranges


def _less(relation: Relation, outcome: str, ranges: Mapping[str, Any], corner: Sequence[float]) -> str:
    """SQL of the outcome less the direct effects."""
    parts = [f"{relation.number(g)} * {relation.double(relation.name(c))}" for c, g in zip(ranges, corner, strict=True)]
    return f"{relation.double(relation.name(outcome))} - ({' + '.join(parts)})"


def _breakdown(joint: Any, corners: Sequence[tuple[float]]) -> float:
    """The smallest |γ| at which the interval touches 0: estimate linear, variance quadratic in γ, both from two γ."""
    gammas = [0.0, *(c[0] for c in corners)]
    at = next((i for i in np.argsort(np.abs(gammas))[::-1] if gammas[i] != 0.0), None)
    if at is None:
        return math.nan
    gamma, (base, other) = gammas[at], (joint.effects[0].estimate, joint.effects[at].estimate)
    slope, cross = (other - base) / gamma, joint.covariance[0, at]
    own, moved = joint.covariance[0, 0], joint.covariance[at, at]
    linear, quadratic = 2.0 * (cross - own) / gamma, (moved - 2.0 * cross + own) / gamma**2
    z2 = NormalDist().inv_cdf(0.5 + _LEVEL / 2.0) ** 2
    if base**2 <= z2 * own:
        return 0.0
    roots = np.roots([slope**2 - z2 * quadratic, 2.0 * base * slope - z2 * linear, base**2 - z2 * own])
    real = roots.real[np.abs(roots.imag) < 1e-9 * (1.0 + np.abs(roots))]
    return float(np.abs(real).min()) if len(real) else math.inf
