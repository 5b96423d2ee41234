"""Cross-fitted outcome regressions of each arm: linear from cross-products, logistic for 0/1 outcomes, boosted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.nuisances import fit_binary, fit_linear
from estimators.effects.passes import LinearSums, Passes
from estimators.effects.predictors import Predictor
from estimators.errors import refuse

Pair = tuple[Predictor, Predictor | None]


@dataclass(frozen=True)
class OutcomeModels:
    """One pair (control arm, treated arm) per outcome, and what was subtracted from each outcome before modelling."""

    predictors: tuple[Pair, ...]
    centers: dict[str, float]


def fit_outcomes(passes: Passes, outcomes: Sequence[str], model: str, columns: np.ndarray) -> OutcomeModels:
    """Models of all outcomes; every linear one comes from the same pass. columns: positions of the terms to use.

    The ATT needs no model of the treated arm, so none is fitted. Raises CausalError 028 when `model` is logistic and an
    outcome is not 0/1.
    """
    if model == "boosting":
        from estimators.effects.boosting import fit_boosted_outcomes

        return OutcomeModels(tuple(fit_boosted_outcomes(passes, outcomes)), dict(passes.center))
    sums = passes.linear(outcomes)
    binary = _binary(sums, outcomes, model)
    pairs, centers = [], {}
    for j, outcome in enumerate(outcomes):
        arms = (0,) if passes.rows.spec.estimand == "ATT" else (0, 1)
        if binary[j]:
            start = np.zeros(passes.rows.terms.size)
            fitted: list[Predictor] = [fit_binary(passes, outcome, columns, "logit", start, arm) for arm in arms]
        else:
            fitted = [fit_linear(passes, sums.gram[:, arm], sums.cross[j, :, arm], columns) for arm in arms]
        centers[outcome] = 0.0 if binary[j] else passes.center.get(outcome, 0.0)
        pairs.append((fitted[0], fitted[1] if len(fitted) > 1 else None))
    return OutcomeModels(tuple(pairs), centers)


def _binary(sums: LinearSums, outcomes: Sequence[str], model: str) -> np.ndarray:
    if model == "linear":
        return np.zeros(len(outcomes), dtype=bool)
    wrong = [o for o, is_binary in zip(outcomes, sums.is_binary, strict=True) if not is_binary]
    if model == "logistic" and wrong:
        raise refuse("028", "outcome is not 0/1", *wrong, fix="use outcome_model linear, or declare it continuous")
    return sums.is_binary
