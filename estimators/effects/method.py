"""The two stages that every method shares.

*Design* reads treatment and covariates: it matches or fits propensities, and reports balance and overlap. *Estimate*
takes a finished design and one or more outcome columns. Placebo checks call `Design.estimate` on a pre-treatment
column, so that they run through exactly the estimator that will see the outcome.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from estimators.results import Balance, Check, Effect, Overlap


@dataclass(frozen=True)
class Spec:
    """What is asked of a method: column names of the relation, the estimand, and the method's own options.

    seed: text that decides folds and draws (derived from the study; differs by purpose).
    """

    treatment: str
    covariates: tuple[str, ...]
    estimand: str = "ATT"
    cluster: str | None = None
    weights: str | None = None
    unit: str | None = None
    seed: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimates:
    """Effects of one call, and their joint covariance (k × k, NaN where the method cannot give it)."""

    effects: tuple[Effect, ...]
    covariance: np.ndarray


class Design(ABC):
    """A method whose design stage has run. `checks` are the method's own gates (dropped share, clipping, ...)."""

    balance: tuple[Balance, ...] = ()
    overlap: tuple[Overlap, ...] = ()
    checks: tuple[Check, ...] = ()

    @abstractmethod
    def estimate(self, outcomes: Sequence[str], segment: str | None = None) -> Estimates:
        """Effects on `outcomes`, in order; with `segment`, one per outcome and level of that column instead."""


@dataclass(frozen=True)
class PanelSpec:
    """What is asked of a method for panels: column names of the relation, one row per unit and period.

    cohort: the period in which a unit's treatment began, null = never treated.  treatment: 0/1 (or a dose) per row.
    A method needs one of the two.  seed: text that decides draws.
    """

    unit: str
    time: str
    cohort: str | None = None
    treatment: str | None = None
    covariates: tuple[str, ...] = ()
    cluster: str | None = None
    weights: str | None = None
    seed: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PreTrends:
    """Placebo effects of one outcome at relative periods before treatment, with their joint covariance (k × k)."""

    outcome: str
    relative_periods: tuple[int, ...]
    estimates: np.ndarray
    covariance: np.ndarray


class PanelDesign(ABC):
    """A panel method whose units, periods and groups are known and whose covariates have been read."""

    checks: tuple[Check, ...] = ()

    @abstractmethod
    def pre_trends(self, outcomes: Sequence[str]) -> tuple[PreTrends, ...]:
        """Effects before treatment, from rows of units not treated by then: never reads an outcome under treatment."""

    @abstractmethod
    def estimate(self, outcomes: Sequence[str]) -> Estimates:
        """The headline effect on each outcome, in order; event times and groups stand in each effect's `.effects`."""
