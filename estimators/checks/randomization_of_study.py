"""Randomization inference for a study: by the law that its definition declares, against the p-values it publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from estimators.checks.randomization import NAME, check, randomization_test
from estimators.checks.verdict import METHOD_ERRORS, failures
from estimators.results import Check, Effect
from estimators.study_table import StudyTable, shown

_METHOD = (
    "difference"  # the one whose statistic the draws repeat; others are compared for the reader, and block nothing
)


def checks(table: StudyTable, effects: Sequence[Effect], seed: str) -> list[Check]:
    """One check for each of `effects` on a whole outcome: those of the headline method, which are to be published.

    A second-stage check: it reads outcomes. Faults of data and definition become failed checks.
    """
    study = table.study
    declared = study.checks.randomization
    is_randomised = study.design == "randomised"
    if declared is None:
        reason = "the definition declares no assignment law; checks: {randomization: {law: complete}}"
        return [Check(NAME, "not_evaluated", reason, is_gate=False)] if is_randomised else []
    if table.weights is not None:
        reason = "the study is weighted, and the draws repeat unweighted differences"
        return [Check(NAME, "not_evaluated", reason, is_gate=False)]
    found = []
    for effect in effects:
        if effect.segment:
            continue
        try:
            test = randomization_test(
                table.relation, "treatment", effect.outcome, _covariates(table, effect), **_law(table), seed=seed
            )
        except METHOD_ERRORS as error:
            faults = failures(error, method=effect.method, outcome=shown(effect.outcome))
            found += [replace(c, check_name=NAME, is_gate=is_randomised) for c in faults]
            continue
        one = check(test, effect.p_value, effect.method, is_randomised)
        found.append(replace(one, outcome=shown(effect.outcome), is_gate=one.is_gate and effect.method == _METHOD))
    return found


def _law(table: StudyTable) -> dict[str, Any]:
    declared = table.study.checks.randomization
    is_clustered, is_coin = declared.law == "clustered", declared.law == "bernoulli"
    return {
        "law": declared.law,
        "strata": tuple(f"segment_{name}" for name in declared.strata),
        "cluster": table.cluster if is_clustered else None,
        "share": table.study.expected_share if is_coin else None,
        "n_draws": declared.n_draws,
        "max_levels": table.study.max_levels,
    }


def _covariates(table: StudyTable, effect: Effect) -> tuple[str, ...]:
    """What the effect is adjusted for, so that like is compared with like."""
    is_raw = effect.method == _METHOD and not effect.diagnostics.get("adjusted_for")
    return () if is_raw else table.covariates
