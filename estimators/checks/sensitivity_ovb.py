"""Omitted-variable bias of a linear regression, from cross-products alone (Cinelli and Hazlett 2020).

Of the regression of an outcome y on the treatment d and covariates x, a confounder z that was not observed can explain
the share R²(d~z|x) of what x leaves of the treatment, and R²(y~z|d,x) of what d and x leave of the outcome. Its bias is

    |bias| = se · √df · √(R²(y~z|d,x) · R²(d~z|x) / (1 - R²(d~z|x)))

so that the whole analysis follows from the estimate, its classical standard error and the degrees of freedom. Observed
covariates say what shares are large: `bound` gives those of a confounder k times as strong as one of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import stdtrit

from estimators.checks.sensitivity_rows import Sensitivity, crossing, percent, robustness
from estimators.warehouse import Relation
from estimators.warehouse.terms import Terms, describe

BLOCK_VALUES = 1_000_000  # matrix entries held at a time
GRID = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
EXTREME = (1.0, 0.75, 0.5)  # shares of the outcome's residual variation in the extreme scenario
MULTIPLES = (1, 2, 3)
_RANK = 1e-12


@dataclass(frozen=True)
class Regression:
    """One outcome on the treatment and the covariates, by least squares with the classical standard error.

    shares: by covariate, the shares of the residual variation of the treatment, R²(d~xj|x-j), and of the outcome,
    R²(y~xj|d,x-j), that it explains. A text covariate counts with all its levels together.
    """

    outcome: str
    estimate: float
    std_error: float
    degrees: float
    shares: Mapping[str, tuple[float, float]]

    @property
    def t(self) -> float:
        return self.estimate / self.std_error

    @property
    def partial_r2(self) -> float:
        """Share of the outcome's residual variation that the treatment explains."""
        return self.t**2 / (self.t**2 + self.degrees)

    def robustness_value(self, q: float = 1.0, alpha: float = 1.0) -> float:
        """Share of both residual variations with which a confounder takes away the share `q` of the estimate.

        alpha: below 1, takes it away so far that the estimate no longer differs from 0 at that level.
        """
        fq = q * abs(self.t) / math.sqrt(self.degrees)
        critical = _critical(alpha, self.degrees - 1.0) / math.sqrt(self.degrees - 1.0)
        if fq <= critical:
            return 0.0
        if critical > 0.0 and fq > 1.0 / critical:  # the confounder's share of the outcome is bounded by 1
            return (fq**2 - critical**2) / (1.0 + fq**2)
        return robustness(fq - critical)

    def bias(self, r2_treatment: float, r2_outcome: float) -> float:
        return math.sqrt(r2_outcome * r2_treatment / (1.0 - r2_treatment)) * self.std_error * math.sqrt(self.degrees)

    def adjusted(self, r2_treatment: float, r2_outcome: float) -> tuple[float, float]:
        """Estimate and standard error had a confounder of that strength, which moved it away from 0, been observed."""
        estimate = math.copysign(1.0, self.estimate) * (abs(self.estimate) - self.bias(r2_treatment, r2_outcome))
        inflation = math.sqrt((1.0 - r2_outcome) / (1.0 - r2_treatment) * self.degrees / (self.degrees - 1.0))
        return estimate, self.std_error * inflation

    def interval(self, r2_treatment: float, r2_outcome: float, level: float = 0.95) -> tuple[float, float]:
        estimate, std_error = self.adjusted(r2_treatment, r2_outcome)
        half = _critical(1.0 - level, self.degrees - 1.0) * std_error
        return estimate - half, estimate + half

    def bound(self, covariate: str, k: float) -> tuple[float, float]:
        """Shares of a confounder `k` times as strong as `covariate` (Cinelli and Hazlett 2020, section 4.4).

        The share of the treatment is 1, and means nothing, where no confounder can be that strong.
        """
        d, y = self.shares[covariate]
        if k * d / (1.0 - d) >= 1.0:
            return 1.0, 1.0
        both = k * d**2 / ((1.0 - k * d) * (1.0 - d))
        outcome = (math.sqrt(k) + math.sqrt(both)) ** 2 / (1.0 - both) * y / (1.0 - y)
        return k * d / (1.0 - d), min(outcome, 1.0)

    def multiple(self, covariate: str) -> float:
        """How many times as strong as `covariate` a confounder must be to bring the estimate to 0; inf if none is."""
        d, y = self.shares[covariate]
        if d <= 0.0 or y <= 0.0:
            return math.inf

        def is_gone(k: float) -> bool:
            r2 = self.bound(covariate, k)
            return r2[0] >= 1.0 or self.bias(*r2) >= abs(self.estimate)

        return crossing(is_gone, (1.0 - d) / d)

    def strongest(self, among: Sequence[str]) -> str | None:
        """The covariate whose likeness would do the most harm."""
        found = {c: self.multiple(c) for c in among}
        found = {c: k for c, k in found.items() if math.isfinite(k)}
        return min(found, key=lambda c: found[c]) if found else None


def _critical(alpha: float, degrees: float) -> float:
    return abs(float(stdtrit(degrees, alpha / 2.0)))


def regressions(
    relation: Relation,
    treatment: str,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    weights: str | None = None,
) -> tuple[Regression, ...]:
    """`Regression` of every outcome, from one pass over the rows in blocks (and one that describes the covariates).

    covariates: numbers, booleans and text.  weights: a column of positive weights, for weighted least squares.
    Raises CausalError 020 if a covariate is constant.
    """
    levels = _levels(relation, [c for c in covariates if relation.columns[c] == "text"])
    terms = describe(relation, covariates, levels)
    ends = _ends(relation, (treatment, *outcomes))
    n, gram = _gram(relation, terms, ends, weights)
    groups = {c: terms.positions([c])[1:] for c in covariates}
    return tuple(_regression(gram, n, terms.size, j, outcome, groups, ends) for j, outcome in enumerate(outcomes))


def _levels(relation: Relation, text: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {c: tuple(relation.aggregate({}, by=[c])[c]) for c in text}


def _ends(relation: Relation, columns: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each column."""
    values = {c: relation.double(relation.name(c)) for c in columns}
    found = relation.aggregate(
        {f"{kind}{i}": f"{kind}({v})" for i, v in enumerate(values.values()) for kind in ("avg", "stddev_pop")}
    )
    return {c: (float(found[f"avg{i}"][0]), float(found[f"stddev_pop{i}"][0]) or 1.0) for i, c in enumerate(columns)}


def _gram(
    relation: Relation, terms: Terms, ends: Mapping[str, tuple[float, float]], weights: str | None
) -> tuple[int, np.ndarray]:
    """Rows, and cross-products of the terms, then the treatment, then the outcomes, all standardised."""
    wanted = {f"x_{c}": sql for c, sql in terms.columns(relation).items()}
    for i, (column, (mean, sd)) in enumerate(ends.items()):
        value = relation.double(relation.name(column))
        wanted[f"causal_v{i}"] = f"({value} - {relation.number(mean)}) / {relation.number(sd)}"
    if weights is not None:
        wanted["causal_w"] = relation.double(relation.name(weights))
    size = terms.size + len(ends)
    kernel = partial(_products, terms, len(ends))
    n, gram = relation.summed(wanted, kernel, n_rows=max(2_000, BLOCK_VALUES // size))
    return int(n), gram


def _products(terms: Terms, n_values: int, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and cross-products of a block."""
    values = np.column_stack([columns[f"causal_v{i}"] for i in range(n_values)])
    x = {c.removeprefix("x_"): v for c, v in columns.items() if c.startswith("x_")}
    matrix = np.ones((len(values), 1)) if not x else terms.matrix(x)
    matrix = np.hstack([matrix, values])
    weight = columns.get("causal_w")
    return np.array(len(values)), matrix.T @ (matrix if weight is None else matrix * weight[:, None])


def _regression(
    gram: np.ndarray,
    n: int,
    p: int,
    j: int,
    outcome: str,
    groups: Mapping[str, np.ndarray],
    ends: Mapping[str, tuple[float, float]],
) -> Regression:
    """gram: (p + 1 + m, ·) of p terms, the treatment and m outcomes, of which this is number j."""
    on = np.arange(p + 1)
    inverse, rank = _inverse(gram[np.ix_(on, on)])
    beta = inverse @ gram[on, p + 1 + j]
    residual = float(gram[p + 1 + j, p + 1 + j] - beta @ gram[on, p + 1 + j])
    degrees = float(n - rank)
    std_error = math.sqrt(max(residual, 0.0) / degrees * inverse[p, p])
    of_x, _ = _inverse(gram[:p, :p])
    slopes = of_x @ gram[:p, p]
    left = float(gram[p, p] - slopes @ gram[:p, p])
    shares = {
        c: (_share(slopes[at], of_x[np.ix_(at, at)], left), _share(beta[at], inverse[np.ix_(at, at)], residual))
        for c, at in groups.items()
    }
    (_, d_scale), *others = ends.values()
    scale = others[j][1] / d_scale
    return Regression(outcome, float(beta[p]) * scale, std_error * scale, degrees, shares)


def _inverse(gram: np.ndarray) -> tuple[np.ndarray, int]:
    """Inverse on the columns that are independent, zero elsewhere, and how many they are."""
    scale = np.sqrt(np.clip(np.diag(gram), 1e-300, None))
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    keep = values > _RANK * values[-1]
    inverse = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    return inverse / np.outer(scale, scale), int(keep.sum())


def _share(coefficients: np.ndarray, inverse: np.ndarray, residual: float) -> float:
    """Partial R² of a group of terms: what leaving them out adds to the residual sum of squares, relative to the sum.

    coefficients: (k,) of the group; inverse: (k, k), its block of the inverse of the cross-products.
    """
    added = float(coefficients @ np.linalg.solve(inverse, coefficients))
    return max(added, 0.0) / (max(added, 0.0) + max(residual, 1e-300))


def rows(found: Regression, method: str, covariates: Sequence[str] | None = None) -> list[Sensitivity]:
    """All rows for one outcome. covariates: the benchmarks, by default all."""
    names = list(found.shares) if covariates is None else list(covariates)
    return [*_robustness(found, method), *_benchmarks(found, method, names), *_contour(found, method)]


def _robustness(found: Regression, method: str) -> list[Sensitivity]:
    zero, significance = found.robustness_value(), found.robustness_value(alpha=0.05)
    who = "an unobserved confounder that explains"
    both = "of the residual variation of both treatment and outcome"
    common = {"method": method, "outcome": found.outcome, "kind": "robustness_value", "estimate": found.estimate}
    said = [
        ("estimate is 0", 1.0, zero, f"{who} {percent(zero)} {both} brings the estimate to 0"),
        (
            "interval includes 0",
            0.05,
            significance,
            f"{who} {percent(significance)} {both} makes the 95 % interval include 0",
        ),
        (
            "outcome wholly explained",
            1.0,
            found.partial_r2,
            f"a confounder that explains all that is left of the outcome needs {percent(found.partial_r2)} of what is "
            "left of the treatment to bring the estimate to 0",
        ),
    ]  # fmt: skip
    return [Sensitivity(name=name, parameter=a, value=v, in_words=words, **common) for name, a, v, words in said]


def _benchmarks(found: Regression, method: str, covariates: Sequence[str]) -> list[Sensitivity]:
    out = []
    for covariate in covariates:
        for k in MULTIPLES:
            d, y = found.bound(covariate, k)
            if d >= 1.0:
                continue
            estimate, _ = found.adjusted(d, y)
            words = f"a confounder {_times(k)} as strong as {covariate} would leave an estimate of {estimate:.4g}"
            out.append(_row(found, method, "benchmark", f"{covariate} x{k}", (d, y), words))
    return out


def _times(k: int) -> str:
    return {1: "just", 2: "twice"}.get(k, f"{k} times")


def _contour(found: Regression, method: str) -> list[Sensitivity]:
    grid = [("grid", d, y) for d in GRID for y in GRID]
    grid += [("extreme scenario", d, y) for y in EXTREME for d in GRID]
    words = "a confounder that explains {} of what is left of the treatment and {} of the outcome"
    return [_row(found, method, "contour", name, (d, y), words.format(percent(d), percent(y))) for name, d, y in grid]


def _row(found: Regression, method: str, kind: str, name: str, shares: tuple[float, float], words: str) -> Sensitivity:
    estimate, _ = found.adjusted(*shares)
    lower, upper = found.interval(*shares)
    return Sensitivity(method, found.outcome, kind, name, *shares, estimate, lower, upper, words)  # type: ignore[arg-type]
