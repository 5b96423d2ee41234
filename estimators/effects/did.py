"""Difference-in-differences with staggered adoption (Callaway and Sant'Anna 2021; Sant'Anna and Zhao 2020).

A balanced panel without covariates is worked from sums in the warehouse (`group_time_sums`); covariates, gaps and the
multiplier bootstrap from passes over blocks of units (`group_time_passes`). A 2x2 design is the case of one cohort and
two periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from estimators.effects.did_frame import effects_frame
from estimators.effects.event_study import EventStudy
from estimators.effects.group_time_averages import Averages
from estimators.effects.group_time_bands import band_of, joint_test
from estimators.effects.group_time_cells import Cell, before_treatment, cells_of
from estimators.effects.group_time_panel import Panel, options_of, plain, read_panel
from estimators.effects.group_time_passes import from_passes
from estimators.effects.group_time_sums import GroupTime, from_sums
from estimators.effects.method import Estimates, PanelDesign, PanelSpec, PreTrends
from estimators.errors import refuse
from estimators.results import Check, Effect, wald
from estimators.warehouse import Relation, as_relation
from estimators.warehouse.blocks import one_blas_thread

AGGREGATES = ("group", "simple", "dynamic", "calendar")
CHOICES = {
    "control": ("never", "not_yet"),
    "method": ("dr", "reg", "ipw"),
    "aggregate": AGGREGATES,
    "base_period": ("varying", "universal"),
}
FEW_CLUSTERS = 30


def did(  # noqa: PLR0913 - the public signature of DESIGN.md
    data: Any,
    unit: str,
    time: str,
    cohort: str,
    outcome: str | Sequence[str],
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    weights: str | None = None,
    control: Literal["never", "not_yet"] = "never",
    method: Literal["dr", "reg", "ipw"] = "dr",
    aggregate: Literal["group", "simple", "dynamic", "calendar"] = "group",
    base_period: Literal["varying", "universal"] = "varying",
    anticipation: float = 0,
    bootstrap: int = 0,
    max_levels: int = 50,
    seed: str = "",
) -> Effect:
    """Average effect on the treated when treatment begins at different times, and its parts in `.effects`.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit and period.  cohort: the period in which a
    unit's treatment began, the same in all its rows; null (or 0 where all periods are later) for units never treated.
    Numbers or dates, as `time`.  covariates: taken from the earlier of the two periods of each comparison.
    cluster: of the standard errors, at or above the unit; the unit otherwise.  weights: of units.

    method: of adjustment for covariates; without any, all three are the same.  anticipation: on the scale of `time`.
    bootstrap: draws of the multiplier bootstrap; with 0 standard errors and bands are analytic.  max_levels: of a text
    covariate.
    With several outcomes the first is returned; use `did_design` for the others.

    Raises CausalError (001, 003, 010-012, 014, 020, 022-024, 026).
    """
    outcomes = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    options = {
        "control": control,
        "method": method,
        "aggregate": aggregate,
        "base_period": base_period,
        "anticipation": anticipation,
        "bootstrap": bootstrap,
        "max_levels": max_levels,
    }
    spec = PanelSpec(unit, time, cohort, None, tuple(covariates), cluster, weights, seed, options)
    return did_design(as_relation(data), spec, outcomes, outcomes[0]).estimate(outcomes).effects[0]


def did_design(
    relation: Relation, spec: PanelSpec, outcomes: Sequence[str] = (), estimated: str | None = None
) -> DidDesign:
    """The design stage: reads units, periods, cohorts and covariates; `outcomes` are only checked for faults.

    estimated: an outcome that may be read at once, where no design stage has to pass before.
    """
    known = {*CHOICES, "anticipation", "bootstrap", "max_levels"}
    unknown = sorted(set(spec.options) - known)
    if unknown:
        fix = f"the options of did are {', '.join(sorted(known))}"
        raise refuse("001", "unknown option", f"no option {', '.join(unknown)}", fix=fix)
    chosen = options_of(spec, CHOICES)
    panel = read_panel(relation, spec, outcomes, int(spec.options.get("max_levels", 50)), estimated)
    return DidDesign(panel, chosen)


class DidDesign(PanelDesign):
    """Cells of the design (`cells`), and flags on cohorts too small to have a variance."""

    def __init__(self, panel: Panel, chosen: dict[str, Any]) -> None:
        self.panel, self.spec, self.chosen = panel, panel.spec, chosen
        self.anticipation = float(panel.spec.options.get("anticipation", 0))
        self.cells = self._cells(chosen["base_period"])
        self.groups_of_one = [panel.label(g) for g, n in zip(panel.cohorts, panel.n_units, strict=False) if n == 1]
        self.checks = tuple(self._flags())

    def estimate(self, outcomes: Sequence[str]) -> Estimates:
        """The chosen average of each outcome. Covariance across outcomes is not worked out: NaN off the diagonal."""
        with one_blas_thread():
            effects = tuple(self._effect(outcome) for outcome in outcomes)
        covariance = np.full((len(effects), len(effects)), np.nan)
        np.fill_diagonal(covariance, [effect.std_error**2 for effect in effects])
        return Estimates(effects, covariance)

    def pre_trends(self, outcomes: Sequence[str]) -> tuple[PreTrends, ...]:
        """Event times before treatment, against the last period before it whatever the study's base period.

        Long differences show a drift at the size it has reached. Outcomes from a cohort's own period on are not read.
        """
        cells = before_treatment(self._cells("universal"), self.panel, self.anticipation)
        found = []
        for outcome in outcomes:
            if not cells:
                found.append(PreTrends(outcome, (), np.zeros(0), np.zeros((0, 0))))
                continue
            joint = self._group_time(cells, outcome, before=True)
            averages = Averages(self.panel, joint).event_times()
            gradients = np.array([a.gradient for a in averages])
            found.append(
                PreTrends(
                    outcome=outcome,
                    relative_periods=tuple(plain(a.value) for a in averages),
                    estimates=np.array([a.estimate for a in averages]),
                    covariance=gradients @ joint.covariance @ gradients.T,
                )
            )
        return tuple(found)

    def scale(self, outcome: str) -> float:
        """SD of an outcome over units and periods before treatment: what margins are measured in."""
        rows, value = self.panel.rows, self.panel.rows.double(self.panel.rows.name(outcome))
        is_before = "causal_cohort is null or causal_time < causal_cohort"
        return float(rows.aggregate({"sd": f"stddev_samp({value})"}, where=is_before)["sd"][0])

    def event_study(self, outcome: str) -> EventStudy:
        """All event times against the last period before treatment (the universal base), for `honest_did`."""
        joint = self._group_time(self._cells("universal"), outcome)
        averages = [a for a in Averages(self.panel, joint).event_times() if not a.is_reference]
        gradients = np.array([a.gradient for a in averages])
        return EventStudy(
            outcome=outcome,
            relative_periods=tuple(plain(a.value) for a in averages),
            estimates=np.array([a.estimate for a in averages]),
            covariance=gradients @ joint.covariance @ gradients.T,
            reference=-1.0 - self.anticipation,
        )

    def _cells(self, base_period: str) -> tuple[Cell, ...]:
        return cells_of(self.panel, self.chosen["control"], base_period, self.anticipation)

    def _group_time(self, cells: Sequence[Cell], outcome: str, before: bool = False) -> GroupTime:
        n_draws = 0 if before else int(self.spec.options.get("bootstrap", 0))
        if self.panel.is_balanced and not self.spec.covariates and not n_draws:
            return from_sums(self.panel, cells, outcome, before)
        return from_passes(self.panel, cells, outcome, self.chosen["method"], (n_draws, self.spec.seed), before)

    def _effect(self, outcome: str) -> Effect:
        found = self._group_time(self.cells, outcome)
        averages = Averages(self.panel, found)
        overall = {kind: averages.overall(kind) for kind in AGGREGATES}
        errors = {kind: float(band_of([a], found, self.spec.seed).std_errors[0]) for kind, a in overall.items()}
        headline = overall[self.chosen["aggregate"]]
        before = [a for a, c in zip(averages.cells(), found.cells, strict=True) if self._is_placebo(c)]
        return Effect(
            **wald(headline.estimate, errors[self.chosen["aggregate"]]),
            n_units=int(self.panel.n_units.sum()),
            n_treated=headline.n_treated,
            method="did",
            estimand="ATT",
            outcome=outcome,
            population=self._population(headline.n_treated),
            se_convention=self._convention(found),
            diagnostics={
                **self.chosen,
                "adjusted_for": list(self.panel.terms.names[1:]),
                "averages": {k: {"estimate": a.estimate, "std_error": errors[k]} for k, a in overall.items()},
                "pre_test": joint_test(before, found),
                "n_never_treated": self.panel.n_never,
                "n_always_treated": self.panel.n_always_treated,
                "is_balanced": self.panel.is_balanced,
                "n_clusters": found.n_clusters,
                "groups_of_one": self.groups_of_one,
                **(found.figures or {}),
            },
            effects=effects_frame(self.panel, found, self.spec.seed),
        )

    def _is_placebo(self, cell: Cell) -> bool:
        return not cell.is_reference and not cell.is_post

    def _population(self, n_treated: int) -> str:
        ever = int(self.panel.n_units[:-1].sum()) + self.panel.n_always_treated
        return "" if n_treated == ever else f"{n_treated:,} of {ever:,} ever treated units"

    def _convention(self, found: GroupTime) -> str:
        kind = "multiplier bootstrap" if found.draws is not None else "influence function"
        return f"{kind} by {self.spec.cluster or self.spec.unit}"

    def _flags(self) -> list[Check]:
        flags = []
        if self.groups_of_one:
            named = ", ".join(map(str, self.groups_of_one))
            reason = f"cohorts of a single unit have no variance of their own: {named}; fix: merge or leave them out"
            flags.append(Check("group_size", "warn", reason, method="did", statistic=1.0, threshold=2.0))
        if self.panel.n_always_treated:
            reason = f"{self.panel.n_always_treated:,} units were treated from the first period on and are left out"
            statistic = float(self.panel.n_always_treated)
            flags.append(Check("always_treated", "warn", reason, False, statistic, method="did"))
        return flags


def with_interval(effect: Effect, lower: float, upper: float, convention: str) -> Effect:
    """The same effect under another interval, which has no standard error or p-value of its own."""
    nothing = float("nan")
    return replace(effect, std_error=nothing, p_value=nothing, ci_lower=lower, ci_upper=upper, se_convention=convention)
