"""Rosenbaum bounds of a matched comparison: how unequal the chances of treatment within strata may have been.

Two units of one stratum may differ by at most a factor Γ in their odds of treatment. For a score of 0 or 1 per unit,
the number of treated units with score 1 is then, stratum by stratum, stochastically largest where the unobserved cause
is the score itself, and follows an extended hypergeometric distribution with odds Γ (Rosenbaum 2002, sections
4.4.4-4.4.5: sign-score statistics, for any number of treated units and controls per stratum). The score of a 0/1
outcome is the outcome (the Mantel-Haenszel test, for pairs McNemar's), of any other whether it lies above the stratum's
median (the stratified median test). The null hypothesis is no effect on any matched unit; p-values are one-sided in the
direction of the estimate, normal with continuity correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from scipy.special import gammaln

from estimators.checks.sensitivity_rows import Sensitivity, crossing
from estimators.warehouse import Relation

GAMMAS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)
LEVEL = 0.025  # one-sided, as in a two-sided test at 5 %
EXACT_SUPPORT = 400  # moments of larger strata by Rosenbaum's approximation (2002, section 4.6.4)
LARGEST = 1e4


@dataclass(frozen=True)
class Strata:
    """Matched strata of one outcome, those with the same margins together; each array has one entry per kind.

    n, treated, ones: units, treated units and units with score 1 of one stratum.  n_strata: how many are like it.
    hits: treated units with score 1, summed over them.
    """

    n: np.ndarray
    treated: np.ndarray
    ones: np.ndarray
    n_strata: np.ndarray
    hits: np.ndarray

    def p_value(self, gamma: float, is_positive: bool = True) -> float:
        """The largest one-sided p-value that odds up to `gamma` allow, against an effect of that sign."""
        hits = self.hits if is_positive else self.n_strata * self.treated - self.hits
        mean, variance = (self._upper if is_positive else self._lower).moments(gamma)
        total = float(self.n_strata @ variance)
        if total <= 0.0:
            return 1.0
        z = (float(hits.sum()) - 0.5 - float(self.n_strata @ mean)) / math.sqrt(total)
        return 1.0 - NormalDist().cdf(z)

    @cached_property
    def _upper(self) -> Support:
        return Support.of(self.n, self.treated, self.ones)

    @cached_property
    def _lower(self) -> Support:
        """Of scores turned around: a unit that had 1 has 0."""
        return Support.of(self.n, self.treated, self.n - self.ones)

    def gamma(self, is_positive: bool, level: float = LEVEL) -> float:
        """The smallest Γ with a p-value above `level`: 1 if no hidden bias is needed."""
        if self.p_value(1.0, is_positive) > level:
            return 1.0
        return 1.0 + crossing(lambda g: self.p_value(1.0 + g, is_positive) > level, LARGEST)


def moments(n: np.ndarray, treated: np.ndarray, ones: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the extended hypergeometric: treated units with score 1 at odds `gamma`. All (k,)."""
    return Support.of(n, treated, ones).moments(gamma)


@dataclass(frozen=True)
class Support:
    """The possible numbers of treated units with score 1, of all strata of moderate size one after the other.

    margins: (3, k), n, treated and ones.  is_exact: (k,), which strata are here.  x, log_ways: each possible number,
    and the logarithm of the ways to get it.  starts: where each stratum begins.
    """

    margins: np.ndarray
    is_exact: np.ndarray
    x: np.ndarray
    log_ways: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, n: np.ndarray, treated: np.ndarray, ones: np.ndarray) -> Support:
        lowest = np.maximum(0.0, treated + ones - n)
        size = (np.minimum(treated, ones) - lowest + 1.0).astype(int)
        is_exact = size <= EXACT_SUPPORT
        sizes = size[is_exact]
        starts = np.cumsum(sizes) - sizes
        row = np.repeat(np.flatnonzero(is_exact), sizes)
        x = lowest[row] + np.arange(len(row)) - np.repeat(starts, sizes)
        cells = (x, ones[row] - x, treated[row] - x, (n - treated - ones)[row] + x)
        log_ways = -sum(gammaln(cell + 1.0) for cell in cells)
        return cls(np.array([n, treated, ones]), is_exact, x, log_ways, starts)

    def moments(self, gamma: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (k,) at odds `gamma`."""
        mean, variance = _approximate(*self.margins, gamma)
        if len(self.starts):
            logs = self.log_ways + self.x * math.log(gamma)
            sizes = np.diff(np.append(self.starts, len(self.x)))
            chance = np.exp(logs - np.repeat(np.maximum.reduceat(logs, self.starts), sizes))
            total = np.add.reduceat(chance, self.starts)
            middle = np.add.reduceat(chance * self.x, self.starts) / total
            spread = chance * (self.x - np.repeat(middle, sizes)) ** 2
            mean[self.is_exact] = middle
            variance[self.is_exact] = np.add.reduceat(spread, self.starts) / total
        return mean, variance


def _approximate(n: np.ndarray, treated: np.ndarray, ones: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """The mean solves x (n - m - c + x) = Γ (m - x)(c - x); the variance is 1 / Σ 1/cell."""
    if gamma == 1.0:
        mean = treated * ones / n
    else:
        a, b = gamma - 1.0, (gamma - 1.0) * (treated + ones) + n
        mean = (b - np.sqrt(b**2 - 4.0 * a * gamma * treated * ones)) / (2.0 * a)
    with np.errstate(divide="ignore", invalid="ignore"):
        cells = 1.0 / mean + 1.0 / (treated - mean) + 1.0 / (ones - mean) + 1.0 / (n - treated - ones + mean)
        return mean, np.nan_to_num(1.0 / cells)


def strata_of(rows: Relation, keys: Sequence[str], outcome: str, is_binary: bool) -> Strata:
    """The matched strata of `outcome`, two scans. rows: with causal_t (0/1) and the columns `keys` of the stratum.

    Strata without units of both arms, or where all scores are equal, say nothing and are left out.
    """
    value = rows.double(rows.name(outcome))
    by = {key: rows.name(key) for key in keys}
    if is_binary:
        scored = rows.with_columns({"causal_score": value})
    else:
        middle = rows.grouped({"causal_middle": rows.quantile(value, 0.5)}, by)
        scored = rows.joined(middle, list(keys))
        scored = scored.with_columns({"causal_score": f"case when {value} > causal_middle then 1e0 else 0e0 end"})
    sums = {"n": "count(*)", "treated": "sum(causal_t)", "ones": "sum(causal_score)"}
    strata = scored.grouped({**sums, "hits": "sum(causal_t * causal_score)"}, by)
    useful = strata.filter("treated > 0 and treated < n and ones > 0 and ones < n")
    found = useful.aggregate({"n_strata": "count(*)", "total": "sum(hits)"}, by=["n", "treated", "ones"])
    values = (np.asarray(found[c], dtype=float) for c in ("n", "treated", "ones", "n_strata", "total"))
    return Strata(*values)


def rows(found: Strata, method: str, outcome: str, is_positive: bool) -> list[Sensitivity]:
    """p-values over a range of Γ, and the Γ at which the effect is no longer certain."""
    edge = found.gamma(is_positive)
    words = "if the odds of treatment of two units that match differed by up to {:.3g}, {}"
    out = [
        Sensitivity(
            method,
            outcome,
            "rosenbaum",
            "largest p-value",
            gamma,
            p,
            in_words=words.format(gamma, f"the one-sided p-value of no effect could be as large as {p:.2g}"),
        )
        for gamma, p in ((g, found.p_value(g, is_positive)) for g in GAMMAS)
    ]
    finish = "the effect would no longer be told from none"
    return [
        *out,
        Sensitivity(method, outcome, "rosenbaum", "breakdown", edge, LEVEL, in_words=words.format(edge, finish)),
    ]


def pairs(first: int, second: int) -> Strata:
    """Matched pairs with a 0/1 outcome: `first` where the treated unit alone has it, `second` where the control has."""
    counts: Mapping[str, Sequence[float]] = {"n": [2.0], "treated": [1.0], "ones": [1.0]}
    arrays = {k: np.array(v) for k, v in counts.items()}
    return Strata(**arrays, n_strata=np.array([float(first + second)]), hits=np.array([float(first)]))
