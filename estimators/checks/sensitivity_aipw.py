"""Bounds on omitted-variable bias for doubly robust effects (Chernozhukov, Cinelli, Newey, Sharma, Syrgkanis 2022).

A confounder that was not observed biases the effect by at most

    |bias| <= |ρ| · √(C_Y · C_D / (1 - C_D)) · S,    S² = σ² ν²

with σ² the residual variance of the outcome, ν² the second moment of the effect's Riesz representer, C_Y the share of
σ² that the confounder explains, C_D the share by which it raises the variation of the representer, and ρ = 1 at worst.
σ, ν and the bound are themselves estimated: the interval is that of the influence function ψ_θ ∓ strength · ψ_S.
Reference implementation: DoubleML's `sensitivity_analysis`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from estimators.checks.sensitivity_rows import Sensitivity, crossing, percent, robustness
from estimators.checks.verdict import METHOD_ERRORS
from estimators.effects.aipw import aipw_design
from estimators.effects.method import Spec
from estimators.effects.passes import ConfoundingSums
from estimators.results import Effect
from estimators.warehouse import Relation

GRID = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
MULTIPLES = (1, 2, 3)
_ONE, _D, _N, _R, _A = range(5)


@dataclass(frozen=True)
class Strength:
    """How strong leaving out an observed covariate is: outcome C_Y, treatment C_D, ρ, and the change of the effect."""

    outcome: float
    treatment: float
    rho: float
    change: float


@dataclass(frozen=True)
class LongStory:
    """One effect, S² = σ² ν², and what the variance of its bounds is made of.

    weights: (2, 5), of (1, D, N, R, A) in the influence values of θ and of S.  products: (5, 5), `ConfoundingSums`.
    n, factor: units, and the small-cluster factor.  scale: published standard error over the one from `products`.
    """

    effect: Effect
    outcome_variance: float
    riesz_variance: float
    weights: np.ndarray
    products: np.ndarray
    n: float
    factor: float

    @property
    def largest_bias(self) -> float:
        """S: the bias at strength 1."""
        return math.sqrt(self.outcome_variance * self.riesz_variance)

    @property
    def scale(self) -> float:
        own = self._std_error(self.weights[0])
        return self.effect.std_error / own if own > 0.0 else 1.0

    def _std_error(self, weights: np.ndarray) -> float:
        return math.sqrt(max(self.factor * float(weights @ self.products @ weights), 0.0)) / self.n

    def bound(self, sign: float, strength: float, z: float) -> tuple[float, float]:
        """Lower (sign -1) or upper (+1) bound of the effect at a strength, and the end of its interval."""
        at = self.effect.estimate + sign * strength * self.largest_bias
        std_error = self.scale * self._std_error(self.weights[0] + sign * strength * self.weights[1])
        return at, at + sign * z * std_error

    def robustness_value(self) -> float:
        """C_Y = C_D at which the bound nearer to 0 reaches 0."""
        return robustness(abs(self.effect.estimate) / self.largest_bias)

    def robustness_of_interval(self, z: float) -> float:
        """C_Y = C_D at which the interval of the nearer bound reaches 0; 0 if the effect's own does already."""
        sign = -1.0 if self.effect.estimate > 0.0 else 1.0

        def is_reached(c: float) -> bool:
            return sign * self.bound(sign, _strength(c, c), z)[1] >= 0.0

        return 0.0 if is_reached(0.0) else crossing(is_reached, 1.0 - 1e-9)

    def multiple(self, of: Strength) -> float:
        """How many times as strong as an observed covariate a confounder must be to bring the estimate to 0."""
        both, f = of.outcome * of.treatment, abs(self.effect.estimate) / self.largest_bias
        if both <= 0.0:
            return math.inf
        half = f**2 * of.treatment
        return (math.sqrt(half**2 + 4.0 * both * f**2) - half) / (2.0 * both)


def _strength(outcome: float, treatment: float, rho: float = 1.0) -> float:
    return abs(rho) * math.sqrt(outcome * treatment / (1.0 - treatment))


def long_story(effect: Effect, estimand: str, sums: ConfoundingSums, j: int) -> LongStory | None:
    """From the sums of outcome number `j`; None where ν² is not positive (no overlap to speak of)."""
    n, d, numerator, squares, riesz = sums.totals[j]
    theta = numerator / d
    of_theta = np.zeros(5)
    of_theta[[_D, _N]] = np.array([-theta, 1.0]) * n / d
    of_sigma = np.zeros(5)
    of_nu = np.zeros(5)
    if estimand == "ATO":
        sigma = (squares - 2.0 * theta * numerator + theta**2 * d) / n
        nu = n / d
        of_sigma[[_ONE, _D, _N, _R]] = -sigma, theta**2, -2.0 * theta, 1.0
        of_nu[[_ONE, _D]] = nu, -(nu**2)
    else:
        sigma, share = squares / n, d / n
        nu = riesz / n / share**2
        of_sigma[[_ONE, _R]] = -sigma, 1.0
        of_nu[[_ONE, _A]] = -nu, 1.0 / share**2
    if not (sigma > 0.0 and nu > 0.0):
        return None
    of_bias = (sigma * of_nu + nu * of_sigma) / (2.0 * math.sqrt(sigma * nu))
    g = sums.n_clusters
    return LongStory(
        effect, sigma, nu, np.array([of_theta, of_bias]), sums.products[j], n, g / (g - 1) if g > 1 else 1.0
    )


def strengths(relation: Relation, spec: Spec, outcome: str, covariates: Sequence[str]) -> dict[str, Strength]:
    """Strength of each of `covariates`: the study without it against the study with it, by one split.

    relation: the study's rows, or a sample of them. Each covariate costs one doubly robust estimate. Those without
    which nothing can be estimated are left out; there are none where a sample cannot bear the study itself.
    """
    spec = replace(spec, options={**spec.options, "repetitions": 1})
    try:
        long = _moments(relation, spec, outcome)
    except METHOD_ERRORS:
        return {}
    found = {}
    for covariate in covariates:
        left = tuple(c for c in spec.covariates if c != covariate)
        options = dict(spec.options)
        if options.get("propensity_covariates"):
            options["propensity_covariates"] = tuple(c for c in options["propensity_covariates"] if c != covariate)
        try:
            short = _moments(relation, replace(spec, covariates=left, options=options), outcome)
        except METHOD_ERRORS:  # without it the others cannot be told apart on these rows: no benchmark
            continue
        found[covariate] = _gain(long, short)
    return found


def _moments(relation: Relation, spec: Spec, outcome: str) -> tuple[float, float, float]:
    """σ², ν² and the effect."""
    design = aipw_design(relation, spec, (outcome,))
    (effect,) = design.estimate((outcome,)).effects
    found = long_story(effect, spec.estimand, design.confounding((outcome,)), 0)
    if found is None:
        return math.nan, math.nan, effect.estimate
    return found.outcome_variance, found.riesz_variance, effect.estimate


def _gain(long: tuple[float, float, float], short: tuple[float, float, float]) -> Strength:
    """What the covariate adds: Chernozhukov et al. 2022, section 6; DoubleML's `gain_statistics`."""
    outcome = max((short[0] - long[0]) / long[0], 0.0)
    treatment = min(max(long[1] / short[1] - 1.0, 0.0), 1.0)
    change = short[2] - long[2]
    together = math.sqrt(max(short[0] - long[0], 0.0) * max(long[1] - short[1], 0.0))
    rho = math.copysign(min(abs(change) / together, 1.0), change) if together > 0.0 else 0.0
    return Strength(outcome, treatment, rho, change)


def rows(found: LongStory, benchmarks: Mapping[str, Strength]) -> list[Sensitivity]:
    """Robustness values, the benchmarks at 1, 2 and 3 times their strength, and the contour."""
    z = NormalDist().inv_cdf(0.975)
    effect = found.effect
    common = {
        "method": effect.method,
        "outcome": effect.outcome,
        "kind": "robustness_value",
        "estimate": effect.estimate,
    }
    zero, significance = found.robustness_value(), found.robustness_of_interval(z)
    words = "an unobserved confounder that explains {} of the residual variation of both treatment and outcome {}"
    out = [
        Sensitivity(name=name, parameter=a, value=v, in_words=words.format(percent(v), what), **common)
        for name, a, v, what in (
            ("estimate is 0", 1.0, zero, "brings the estimate to 0"),
            ("interval includes 0", 0.05, significance, "makes the 95 % interval include 0"),
        )
    ]
    for covariate, strength in benchmarks.items():
        for k in MULTIPLES:
            shares = (k * strength.treatment, k * strength.outcome)
            if max(shares) < 1.0:
                words = (
                    f"were a confounder {_times(k)} as strong as {covariate} missing, the effect could be {{}} to {{}}"
                )
                out.append(_row(found, "benchmark", f"{covariate} x{k}", shares, words))
    words = (
        "a confounder with {} of the treatment's and {} of the outcome's variation: the effect could be {{}} to {{}}"
    )
    out += [_row(found, "contour", "grid", (d, y), words.format(percent(d), percent(y))) for d in GRID for y in GRID]
    return out


def _times(k: int) -> str:
    return {1: "just", 2: "twice"}.get(k, f"{k} times")


def _row(found: LongStory, kind: str, name: str, shares: tuple[float, float], words: str) -> Sensitivity:
    z, strength = NormalDist().inv_cdf(0.975), _strength(shares[1], shares[0])
    effect, away = found.effect, -1.0 if found.effect.estimate > 0.0 else 1.0
    nearer, _ = found.bound(away, strength, z)
    ends = (found.bound(-1.0, strength, z)[1], found.bound(1.0, strength, z)[1])
    text = words.format(*(f"{end:.4g}" for end in ends))
    return Sensitivity(effect.method, effect.outcome, kind, name, *shares, nearer, *ends, text)  # type: ignore[arg-type]
