"""Effects of experiments from a trained model, with the uncertainty of its draws, and the gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from estimators.forecast.collection import ModelCollection
from estimators.forecast.experiments.consistency import Consistency, judge
from estimators.forecast.experiments.table import Experiments
from estimators.forecast.losses.effects import Effects


def predicted(fitted: Any, experiments: Experiments) -> tuple[np.ndarray, np.ndarray]:
    """Effects (m,) at the best parameters, and at every draw (draws, m)."""
    made = Effects(fitted.model, fitted.history, experiments, fitted.time)

    def at_these(model: ModelCollection) -> np.ndarray:
        with torch.no_grad():
            return made.predicted(model.forward(fitted.history), {}).numpy()

    best = at_these(fitted.model)
    drawn = []
    for state in fitted.draws:
        with fitted.at(state) as model:
            drawn.append(at_these(model))
    return best, np.array(drawn).reshape(len(drawn), len(experiments))


def model_covariance(drawn: np.ndarray) -> np.ndarray:
    """Of the predicted effects over draws (m, m); zero without draws."""
    if len(drawn) < 2:
        return np.zeros((drawn.shape[1], drawn.shape[1]))
    return np.cov(drawn, rowvar=False).reshape(drawn.shape[1], drawn.shape[1])


def effects_frame(fitted: Any, experiments: Experiments) -> Any:
    """One row per experiment: measured beside predicted."""
    import pandas as pd

    best, drawn = predicted(fitted, experiments)
    return _frame(pd, experiments, best, model_covariance(drawn))


def consistency(fitted: Any, experiments: Experiments) -> Consistency:
    """The gate on the randomised experiments among these."""
    import pandas as pd

    randomised = experiments.randomised
    best, drawn = predicted(fitted, randomised)
    spread = model_covariance(drawn)
    verdict = judge(best, randomised.effects, randomised.covariance, spread)
    used = sum(row.split == "train" for row in randomised)
    note = f"; {used} of them were open to training" if used else ""
    note += "" if fitted.draws else "; without draws the model counts as certain"
    return replace(verdict, reason=verdict.reason + note, effects=_frame(pd, randomised, best, spread))


def _frame(pd: Any, experiments: Experiments, best: np.ndarray, spread: np.ndarray) -> Any:
    std_errors = np.sqrt(np.diag(experiments.covariance)) if len(experiments) else np.zeros(0)
    model_sd = np.sqrt(np.clip(np.diag(spread), 0.0, None))
    return pd.DataFrame(
        {
            "experiment": [row.name for row in experiments],
            "cells": [row.label[len(row.name) :].strip(" ()") for row in experiments],
            "lever": [row.lever for row in experiments],
            "outcome": [row.outcome for row in experiments],
            "source": [row.source for row in experiments],
            "split": [row.split for row in experiments],
            "measured": experiments.effects,
            "std_error": std_errors,
            "predicted": best,
            "model_sd": model_sd,
            "z": (best - experiments.effects) / np.sqrt(std_errors**2 + model_sd**2),
        }
    )
