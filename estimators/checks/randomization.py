"""Randomization inference: how extreme is the estimate among those of all assignments that could have been drawn?

Fisher's sharp null: treatment changes nobody's outcome. If treatment was assigned by the declared law the test is exact
whatever the outcome's distribution. It takes that law for granted, so it is never evidence against confounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import stats

from estimators.checks.randomization_elements import Elements, Question, elements
from estimators.checks.randomization_interval import interval
from estimators.checks.randomization_ks import ks_statistics
from estimators.checks.randomization_sums import evaluated
from estimators.checks.verdict import passed, rounded
from estimators.errors import refuse
from estimators.results import Check
from estimators.warehouse import as_relation

NAME = "randomization_inference"
Statistic = Literal["studentised", "difference", "ks"]
_LAWS = ("complete", "stratified", "clustered", "bernoulli")
_STATISTICS = ("studentised", "difference", "ks")
_TIE = 1e-9  # relative: assignments with the same value in other digits count as equal, as ties do
_LEVEL = 0.05
_MONTE_CARLO = 0.001  # the draws' own error that the check allows for
_NEVER = "it takes the declared assignment for granted and is never evidence against confounding"


@dataclass(frozen=True)
class RandomizationTest:
    """Randomization inference for one outcome.

    estimate: difference in means, Lin-adjusted with covariates, in units of the outcome (for statistic ks its largest
    gap between distributions).  std_error: HC2, or its adjusted, clustered or stratified analogue; NaN where none is.
    statistic: the observed one (t, in units of the outcome, or ks).  p_value: two-sided; p_greater, p_less: one-sided,
    of effects above and below 0 (NaN for ks).  ci_lower, ci_upper: 95 %, the constant effects that are not rejected.
    n_draws: assignments compared with, the observed one not counted among draws.  n_undefined: further ones left out,
    as an arm was empty or did not determine its regression.  is_exact: whether all assignments were gone through.
    draws_mean, draws_sd: of the statistic.
    """

    estimate: float
    std_error: float
    statistic: float
    p_value: float
    p_greater: float
    p_less: float
    ci_lower: float
    ci_upper: float
    n_units: int
    n_treated: int
    n_draws: int
    n_undefined: int
    is_exact: bool
    draws_mean: float
    draws_sd: float
    law: str
    statistic_name: str
    treatment: str
    outcome: str
    adjusted_for: tuple[str, ...] = ()
    n_clusters: int | None = None
    n_strata: int | None = None

    @property
    def floor(self) -> float:
        """The smallest p-value that this many draws can give."""
        return 0.0 if self.is_exact else 1.0 / (self.n_draws + 1)


def randomization_test(  # noqa: PLR0913 - the declared law belongs to the question as much as the columns do
    data: Any,
    treatment: str,
    outcome: str,
    covariates: Sequence[str] = (),
    law: str = "complete",
    strata: str | Sequence[str] | None = None,
    cluster: str | None = None,
    share: float | None = None,
    n_draws: int = 1000,
    statistic: Statistic = "studentised",
    seed: str = "",
    unit: str = "unit_id",
    max_levels: int = 50,
) -> RandomizationTest:
    """Randomization inference under Fisher's sharp null.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit.  treatment: 0/1 column.  covariates: to adjust
    for, in the observed and in every drawn assignment.
    law: how treatment was assigned. ``complete``: a fixed number of units; ``stratified``: a fixed number within every
    stratum of the columns `strata`; ``clustered``: a fixed number of whole clusters, within `strata` if there are any;
    ``bernoulli``: each unit by itself with probability `share`.
    statistic: ``studentised``; ``difference``, which is not robust to unequal variances; ``ks`` (law complete only).
    All assignments are gone through if there are at most 20,000, else `n_draws` are drawn, keyed by `seed`: the same
    ones whatever the order of the rows, as these are sorted by `unit` (the row's position if a pandas frame has none).
    p = (1 + #extreme) / (1 + draws): never 0.

    Memory: blocks of 65,536 units, whatever their number.
    Raises CausalError (001, 003, 010-013, 016, 020, 022, 023, 028).
    """
    relation = as_relation(data)
    named = (strata,) if isinstance(strata, str) else tuple(strata or ())
    if unit == "unit_id" and unit not in relation.columns and "causal_row" in relation.columns:
        unit = "causal_row"
    question = Question(treatment, outcome, tuple(covariates), law, named, cluster, share, unit, max_levels)
    _require_declared(question, n_draws, statistic)
    found = elements(relation, question)
    _require_enough(found, statistic)
    if statistic == "ks":
        return _by_distribution(found, question, n_draws, seed)
    return _by_mean(found, question, n_draws, seed, statistic)


def check(test: RandomizationTest, p_value: float, method: str = "", is_randomised: bool = True) -> Check:
    """Whether the published p-value is one that the assignment itself supports; a gate for randomised designs only.

    p_value: the published one of the same effect, by large-sample theory.  Fails if it is below .05 while that of the
    test is above .05 by more than the error of its draws (99.9 %).
    """
    figures = {"statistic": test.p_value, "threshold": _LEVEL, "method": method, "outcome": test.outcome}
    found = f"{_said(test)}; published p = {p_value:.2g}"
    if not is_randomised:
        reason = f"were treatment drawn by lot, which it was not: {found}; {_NEVER}"
        return Check(NAME, "not_evaluated", reason, is_gate=False, **figures)
    if p_value < _LEVEL < _lowest(test):
        fix = "publish the randomization p-value; winsorise, or use more units or clusters"
        reason = f"the published p-value rests on large-sample theory that this experiment does not bear out: {found}"
        return Check(NAME, "fail", f"{reason}; fix: {fix}", **figures)
    return passed(NAME, f"{found}; {_NEVER}", **figures)


def _said(test: RandomizationTest) -> str:
    counted = f"all {test.n_draws:,} assignments" if test.is_exact else f"{test.n_draws:,} draws"
    at = " (its floor)" if test.p_value <= test.floor * (1.0 + _TIE) else ""
    return (
        f"{counted} by {test.law} randomisation: p = {test.p_value:.2g}{at} for an effect of {rounded(test.estimate)}, "
        f"{test.statistic_name} statistic {test.statistic:.2f}, draws {test.draws_mean:.2f} on average with sd "
        f"{test.draws_sd:.2f}"
    )


def _lowest(test: RandomizationTest) -> float:
    """Lower limit of the p-value given its draws (Clopper-Pearson)."""
    if test.is_exact:
        return test.p_value
    extreme = round(test.p_value * (test.n_draws + 1)) - 1
    return float(stats.beta.ppf(_MONTE_CARLO, extreme, test.n_draws - extreme + 1)) if extreme else 0.0


def _require_declared(question: Question, n_draws: int, statistic: str) -> None:
    law = question.law
    known = [(law, _LAWS, "law"), (statistic, _STATISTICS, "statistic")]
    for value, allowed, what in known:
        if value not in allowed:
            raise refuse("001", f"unknown {what}", f"got {value}", fix=f"one of {', '.join(allowed)}")
    wrong = [
        (law == "stratified" and not question.strata, "law stratified needs strata", "name the columns: strata=..."),
        (bool(question.strata) and law in ("complete", "bernoulli"), f"law {law} has no strata", "law='stratified'"),
        (law == "clustered" and question.cluster is None, "law clustered needs a cluster", "cluster=..."),
        (law != "clustered" and question.cluster is not None, f"law {law} has no clusters", "law='clustered'"),
        (
            law == "bernoulli" and not (question.share is not None and 0.0 < question.share < 1.0),
            "law bernoulli needs the share of treated that was intended, between 0 and 1",
            "share=..., or law='complete'",
        ),
        (law != "bernoulli" and question.share is not None, f"law {law} has no share", "law='bernoulli'"),
        (
            statistic == "ks" and (law != "complete" or bool(question.covariates)),
            "ks compares the arms as they are",
            "law='complete' and no covariates, or statistic='studentised'",
        ),
        (n_draws < 1, f"{n_draws} draws", "n_draws=1000"),
    ]
    for is_wrong, detail, fix in wrong:
        if is_wrong:
            raise refuse("001", "assignment law not declared", detail, fix=fix)


def _require_enough(found: Elements, statistic: str) -> None:
    """A regression in each arm, and for a studentised statistic one degree of freedom besides."""
    needed = found.n_terms + (statistic == "studentised")
    if min(_arms(found)) >= needed:
        return
    what = "clusters" if found.is_clustered else "units"
    treated, controls = _arms(found)
    detail = f"{treated:,} treated {what} and {controls:,} controls: a variance needs {needed} in each arm"
    fix = "adjust for fewer covariates, or statistic='difference'"
    raise refuse("023", f"too few {what}", detail, fix=fix)


def _by_mean(found: Elements, question: Question, n_draws: int, seed: str, statistic: str) -> RandomizationTest:
    is_studentised = statistic == "studentised"
    observed, drawn, chances = evaluated(found, n_draws, seed, is_studentised)
    if not observed.is_defined[0]:
        detail = f"{', '.join(found.terms.names[1:])}: constant in an arm, or determined by the others there"
        raise refuse("020", "collinear covariates", detail, fix="adjust for fewer covariates")
    kept = drawn.is_defined
    drawn, chances = drawn.only(kept), chances[kept]
    value, values = float(observed.statistic(0.0, is_studentised)[0]), drawn.statistic(0.0, is_studentised)
    lower, upper = interval(observed, drawn, chances, found.law.is_small, is_studentised)
    effect = float(observed.effect[0])
    variance = float(observed.v0[0] + effect * (observed.v1[0] + effect * observed.v2[0]))
    unit = 1.0 if is_studentised else found.scale
    return RandomizationTest(
        estimate=effect * found.scale,
        std_error=float(np.sqrt(variance)) * found.scale if min(_arms(found)) > found.n_terms else float("nan"),
        ci_lower=lower * found.scale,
        ci_upper=upper * found.scale,
        n_undefined=int(np.sum(~kept)),
        statistic=value * unit,
        **_p_values(value, values, chances, found.law.is_small),
        **_moments(values * unit, chances),
        **_facts(found, question),
        statistic_name=statistic,
    )


def _by_distribution(found: Elements, question: Question, n_draws: int, seed: str) -> RandomizationTest:
    value, values = ks_statistics(found, n_draws, seed)
    chances = np.full(len(values), 1.0 / len(values))
    p_values = _p_values(value, values, chances, found.law.is_small)
    nothing = dict.fromkeys(("std_error", "ci_lower", "ci_upper"), float("nan"))
    return RandomizationTest(
        estimate=value,
        statistic=value,
        n_undefined=0,
        **nothing,
        **p_values | {"p_greater": float("nan"), "p_less": float("nan")},
        **_moments(values, chances),
        **_facts(found, question),
        statistic_name="ks",
    )


def _p_values(value: float, values: np.ndarray, chances: np.ndarray, is_exact: bool) -> dict[str, float]:
    slack = _TIE * max(1.0, abs(value)) if np.isfinite(value) else 0.0
    extreme = {
        "p_value": np.abs(values) >= abs(value) - slack,
        "p_greater": values >= value - slack,
        "p_less": values <= value + slack,
    }
    if is_exact:  # the observed assignment is among them
        return {name: float(min(1.0, chances[found].sum() / chances.sum())) for name, found in extreme.items()}
    return {name: (1.0 + int(found.sum())) / (1.0 + len(values)) for name, found in extreme.items()}


def _moments(values: np.ndarray, chances: np.ndarray) -> dict[str, Any]:
    weights = chances / chances.sum() if len(chances) else chances
    mean = float(weights @ values)
    return {"draws_mean": mean, "draws_sd": float(np.sqrt(weights @ (values - mean) ** 2)), "n_draws": len(values)}


def _facts(found: Elements, question: Question) -> dict[str, Any]:
    return {
        "n_units": found.inputs.n_units,
        "n_treated": found.inputs.n_treated,
        "is_exact": found.law.is_small,
        "law": question.law,
        "treatment": question.treatment,
        "outcome": question.outcome,
        "adjusted_for": question.covariates,
        "n_clusters": found.law.n if found.is_clustered else None,
        "n_strata": len(found.law.sizes) if question.strata else None,
    }


def _arms(found: Elements) -> tuple[int, int]:
    treated = int(found.law.treated.sum())
    return treated, found.law.n - treated
