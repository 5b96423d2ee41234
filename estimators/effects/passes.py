"""Passes over the rows: every sum that the doubly robust estimator needs, whoever makes it.

Two implementations give the same numbers. `sql_passes` states each pass as one aggregate query: nothing but sums leaves
the warehouse. `block_passes` folds blocks of rows with BLAS: for few rows, for many columns (cross-products grow with
the square), and for nuisances that are not linear.

Shapes: K folds, p terms, m outcomes; arms are indexed 0 = control, 1 = treated.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from estimators.effects.method import Spec
from estimators.effects.predictors import Nuisances, Predictor
from estimators.warehouse import Relation
from estimators.warehouse.terms import Terms


@dataclass(frozen=True)
class Rows:
    """What a pass runs over: the relation, its terms, and how units fall into folds.

    bucket: SQL of an integer in [0, 2**32) per unit (or per cluster, so that a cluster stays in one fold).
    """

    relation: Relation
    terms: Terms
    spec: Spec
    bucket: str
    n_rows: int
    n_treated: int


@dataclass(frozen=True)
class BinarySums:
    """Newton sums of a binary regression by fold. hessian: (K, p, p); gradient: (K, p); log_likelihood: (K,)."""

    hessian: np.ndarray
    gradient: np.ndarray
    log_likelihood: np.ndarray


@dataclass(frozen=True)
class LinearSums:
    """Least-squares sums by fold and arm. gram: (K, 2, p, p); cross: (m, K, 2, p); is_binary: (m,) all 0 or 1."""

    gram: np.ndarray
    cross: np.ndarray
    is_binary: np.ndarray


@dataclass(frozen=True)
class WeightSums:
    """Sums under the estimand's weights, by arm (first axis 2; the terms without the intercept on the last axis).

    n, weight, weight_squared: (2,).  first, second: Σx, Σx² unweighted (2, p-1).  weighted_first, weighted_second:
    the same under the weights.  clipped, equipoise: units per arm.  lowest, highest: propensity per arm.
    """

    n: np.ndarray
    weight: np.ndarray
    weight_squared: np.ndarray
    first: np.ndarray
    second: np.ndarray
    weighted_first: np.ndarray
    weighted_second: np.ndarray
    clipped: np.ndarray
    equipoise: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray


@dataclass(frozen=True)
class ScoreSums:
    """Sums of the influence numerators N (one per outcome) and denominator D, one row per segment level (S of them).

    n, n_treated, n_clusters: (S,).  d, dd: Σ D, Σ D² (S,).  s, sd: Σ N, Σ N·D (S, m).  ss: Σ N N' (S, m, m).
    baseline: Σ of the untreated-outcome part (S, m).  The squares are of cluster sums when there are clusters.
    """

    levels: tuple[str, ...]
    n: np.ndarray
    n_treated: np.ndarray
    n_clusters: np.ndarray
    d: np.ndarray
    dd: np.ndarray
    s: np.ndarray
    sd: np.ndarray
    ss: np.ndarray
    baseline: np.ndarray


@dataclass(frozen=True)
class ConfoundingSums:
    """What bounds the bias of an unobserved confounder, per outcome: sums of (1, D, N, R, A) and of their products.

    D and N as in `ScoreSums`; R and A: `weighting.confounding_parts`.  totals: (m, 5).  products: (m, 5, 5), of rows
    or, when there are clusters (n_clusters > 0), of cluster sums.
    """

    totals: np.ndarray
    products: np.ndarray
    n_clusters: int


@dataclass(frozen=True)
class Passes(ABC):
    """The passes. `salt` and `n_folds` fix the split."""

    rows: Rows
    n_folds: int
    salt: str
    center: dict[str, float] = field(default_factory=dict)  # of the outcomes, so that no large mean cancels

    @abstractmethod
    def binary(self, target: str, coefficients: np.ndarray, link: str, arm: int | None = None) -> BinarySums:
        """Newton sums for P(target = 1) at one set of coefficients (p,), over all rows or those of one arm."""

    @abstractmethod
    def linear(self, outcomes: Sequence[str]) -> LinearSums:
        """Cross-products of the terms with themselves and with each outcome."""

    @abstractmethod
    def weights(self, propensity: Predictor, bounds: tuple[float, float]) -> WeightSums:
        """Balance and overlap under the estimand's weights. Reads no outcome."""

    @abstractmethod
    def scores(self, nuisances: Nuisances, outcomes: Sequence[str], segment: str | None) -> ScoreSums:
        """Sums of the influence function."""

    @abstractmethod
    def confounding(self, nuisances: Nuisances, outcomes: Sequence[str]) -> ConfoundingSums:
        """Sums for the bounds on unobserved confounding. nuisances: with a model of each arm."""
