"""Plausibly exogenous instruments: what an effect would be if the instrument moved the outcome by itself, a little.

Conley, Hansen and Rossi 2012, union of confidence intervals. If one unit of the instrument z adds γ to the outcome
directly, the effect is that of the instrumental-variables estimate for y - γ z. It is linear in the outcome: the
estimates for y and for one y - γ z, and their joint covariance, give the interval for every γ; the range for |γ| <= g
is the union.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from estimators.checks.sensitivity_rows import Sensitivity, crossing
from estimators.effects.iv import iv_design
from estimators.effects.method import Spec
from estimators.results import Effect
from estimators.warehouse import Relation

DIRECT = (0.01, 0.02, 0.05, 0.1)  # in SD of the outcome per SD of the instrument
_POINTS = 41


@dataclass(frozen=True)
class DirectEffect:
    """estimates, covariance: of the effect for γ = 0 and for γ = `unit`, (2,) and (2, 2).

    unit: SD of the outcome over SD of the instrument, which turns a size without units into γ.
    """

    instrument: str
    estimates: np.ndarray
    covariance: np.ndarray
    unit: float

    def interval(self, gamma: float, z: float) -> tuple[float, float]:
        line = np.array([1.0 - gamma / self.unit, gamma / self.unit])
        estimate = float(line @ self.estimates)
        half = z * math.sqrt(max(float(line @ self.covariance @ line), 0.0))
        return estimate - half, estimate + half

    def union(self, smallest: float, largest: float, z: float) -> tuple[float, float]:
        """The range over direct effects γ between two values."""
        ends = np.array([self.interval(g, z) for g in np.linspace(smallest, largest, _POINTS)])
        return float(ends[:, 0].min()), float(ends[:, 1].max())


def direct_effects(relation: Relation, spec: Spec, outcome: str) -> list[DirectEffect]:
    """One per instrument that is a number, the others taken as valid. spec: as `iv_design` takes it."""
    spec = replace(spec, options={**spec.options, "minimum_effective_f": 0.0})
    found = []
    for instrument in spec.options["instruments"]:
        if relation.columns[instrument] not in ("number", "boolean"):
            continue
        value, y = (relation.double(relation.name(c)) for c in (instrument, outcome))
        sd = relation.aggregate({"y": f"stddev_pop({y})", "z": f"stddev_pop({value})"})
        unit = float(sd["y"][0] / sd["z"][0])
        rows = relation.with_columns({"causal_direct": f"{y} - {relation.number(unit)} * {value}"})
        joint = iv_design(rows, spec, (outcome, "causal_direct"), is_read_at_once=True)
        joint = joint.estimate((outcome, "causal_direct"))
        estimates = np.array([e.estimate for e in joint.effects])
        found.append(DirectEffect(instrument, estimates, joint.covariance, unit))
    return found


def rows(effect: Effect, found: DirectEffect, declared: tuple[float, float] | None = None) -> list[Sensitivity]:
    """The range of the effect for direct effects of each size, and the one that makes it include 0.

    declared: direct effects of one unit of the instrument, in units of the outcome, that cannot be excluded.
    """
    z = NormalDist().inv_cdf(0.975)
    out = []
    if declared is not None:
        lower, upper = found.union(*declared, z)
        words = (
            f"if one unit of {found.instrument} moved the outcome by {declared[0]:g} to {declared[1]:g} directly, "
            f"the effect could be {lower:.4g} to {upper:.4g}"
        )
        size = max(map(abs, declared))
        out.append(_row(effect, f"{found.instrument}: declared", size, size / found.unit, (lower, upper), words))
    for size in DIRECT:
        gamma = size * found.unit
        lower, upper = found.union(-gamma, gamma, z)
        words = (
            f"if one SD of {found.instrument} moved the outcome by up to {size:g} SD directly, "
            f"the effect could be {lower:.4g} to {upper:.4g}"
        )
        out.append(_row(effect, f"{found.instrument}: range", gamma, size, (lower, upper), words))
    edge = breakdown(found, z)
    words = f"a direct effect of {edge:.3g} SD of the outcome per SD of {found.instrument} makes the interval include 0"
    gamma = edge * found.unit
    ends = found.union(-gamma, gamma, z) if math.isfinite(edge) else (-math.inf, math.inf)
    return [*out, _row(effect, f"{found.instrument}: breakdown", edge * found.unit, edge, ends, words)]


def breakdown(found: DirectEffect, z: float) -> float:
    """The smallest direct effect, in SD per SD, with which the range includes 0; 0 if it does without any."""

    def includes(size: float) -> bool:
        lower, upper = found.union(-size * found.unit, size * found.unit, z)
        return lower <= 0.0 <= upper

    return 0.0 if includes(0.0) else crossing(includes, math.inf)


def _row(
    effect: Effect, name: str, gamma: float, size: float, interval: tuple[float, float], words: str
) -> Sensitivity:
    common = (effect.method, effect.outcome, "plausibly_exogenous", name, gamma, size, effect.estimate)
    return Sensitivity(*common, *interval, in_words=words)
