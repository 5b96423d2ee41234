"""Placebo in space: the same analysis for units that were not treated, and what follows for the one that was.

Each placebo takes donors in the place of the treated units (Abadie, Diamond and Hainmueller 2010). Two statistics are
ranked: the ratio of root mean squared gaps after and before, and the average effect over the fit before. The interval
holds every effect that the second test does not reject, so that series which fit badly widen nobody's interval.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.synthetic_control_weights import Weights, simplex_weights

_LEVEL = 0.95


@dataclass(frozen=True)
class Fitted:
    """One synthetic control. expected: (t,).  effect: (t,).  donors: positions that the weights belong to."""

    weights: Weights
    donors: tuple[int, ...]
    expected: np.ndarray
    effect: np.ndarray
    pre_rmspe: float
    post_rmspe: float

    @property
    def ratio(self) -> float:
        return self.post_rmspe / self.pre_rmspe


def fit_weights(
    outcomes: np.ndarray, is_post: np.ndarray, treated: Sequence[int], donors: Sequence[int], demeaned: bool
) -> Fitted:
    """outcomes: (t, units).  demeaned: paths are compared about their own pre-period means (Ferman and Pinto 2021)."""
    path, pool = outcomes[:, list(treated)].mean(axis=1), outcomes[:, list(donors)]
    shift = path[~is_post].mean() - pool[~is_post].mean(axis=0) if demeaned else np.zeros(pool.shape[1])
    found = simplex_weights(path[~is_post], (pool + shift)[~is_post])
    expected = (pool + shift) @ found.values
    effect = path - expected
    floor = 1e-9 * float(np.abs(outcomes).max())  # a perfect fit would make every ratio infinite
    before, after = (max(_rms(effect[part]), floor) for part in (~is_post, is_post))
    return Fitted(found, tuple(donors), expected, effect, before, after)


def _rms(values: np.ndarray) -> float:
    return math.sqrt(float(values @ values) / len(values))


def placebo_sets(donors: Sequence[int], size: int, at_most: int, generator: np.random.Generator) -> list[tuple]:
    """Sets of donors as large as the treated: all of them if there are at most so many, else drawn without repeats."""
    if math.comb(len(donors), size) <= at_most:
        return list(itertools.combinations(donors, size))
    found: dict[tuple, None] = {}
    while len(found) < at_most:
        found[tuple(sorted(generator.choice(donors, size, replace=False).tolist()))] = None
    return list(found)


def placebos(
    outcomes: np.ndarray, is_post: np.ndarray, donors: Sequence[int], sets: Sequence[tuple], demeaned: bool
) -> list[Fitted]:
    """The synthetic control of every set from the donors that are not in it."""
    return [fit_weights(outcomes, is_post, chosen, [d for d in donors if d not in chosen], demeaned) for chosen in sets]


def rank_p(statistic: float, others: np.ndarray) -> float:
    """The share of all statistics, its own included, that are at least as large: never 0."""
    return float((1 + np.count_nonzero(others >= statistic * (1.0 - 1e-12))) / (1 + len(others)))


def largest_compatible(others: np.ndarray) -> np.ndarray:
    """Half-width: the largest |statistic| with p > 5 % among `others` (n, ...), infinite for fewer than 19 of them."""
    n = len(others)
    rank = math.floor((1.0 - _LEVEL) * (n + 1) + 1e-9)
    if rank < 1:
        return np.full(others.shape[1:], np.inf)
    return np.sort(np.abs(others), axis=0)[n - rank]
