"""Omitted-variable bias within units and periods: what `sensitivity_ovb` needs, from two fixed-effects regressions.

By the theorem of Frisch, Waugh and Lovell the fixed effects are covariates like others, which are partialled out first.
The first regression is the published one with classical errors; the second one, of the treatment on the covariates,
says how much each of them explains of the treatment. In both a covariate's share is t²/(t² + df).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from estimators.checks.sensitivity_ovb import Regression
from estimators.effects.panel import FixedEffectsDesign, panel_design
from estimators.results import Effect


def within_units(design: FixedEffectsDesign, outcomes: Sequence[str]) -> list[Regression]:
    """`Regression` of each outcome on the first treatment. Covariates that are numbers are benchmarks, text is not."""
    relation, columns = design.relation, design.columns
    options = {**design.options, "cov": "unadjusted", "clusters": (), "treatments": columns.treatments}
    spec = replace(design.spec, cluster=None, options=options)
    found = panel_design(relation, spec, tuple(outcomes)).estimate(outcomes).effects
    numbers = [c for c in columns.covariates if relation.columns[c] in ("number", "boolean")]
    of_treatment: dict[str, float] = {}
    if numbers:
        others = (*columns.covariates, *columns.treatments[1:])
        own = {**options, "treatments": (numbers[0],)}
        asked = replace(spec, treatment=numbers[0], covariates=tuple(c for c in others if c != numbers[0]), options=own)
        (fit,) = panel_design(relation, asked, columns.treatments[:1]).estimate(columns.treatments[:1]).effects
        of_treatment = _shares(fit)
    return [_regression(effect, of_treatment, numbers) for effect in found]


def _shares(effect: Effect) -> dict[str, float]:
    """Partial R² of every regressor with the effect's outcome."""
    degrees = effect.diagnostics["degrees_of_freedom"]
    squares = {c: (v["estimate"] / v["std_error"]) ** 2 for c, v in effect.diagnostics["coefficients"].items()}
    return {c: t / (t + degrees) for c, t in squares.items()}


def _regression(effect: Effect, of_treatment: dict[str, float], numbers: Sequence[str]) -> Regression:
    of_outcome = _shares(effect)
    shares = {c: (of_treatment[c], of_outcome[c]) for c in numbers}
    degrees = float(effect.diagnostics["degrees_of_freedom"])
    return Regression(effect.outcome, effect.estimate, effect.std_error, degrees, shares)
