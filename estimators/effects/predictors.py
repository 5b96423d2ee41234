"""Fitted nuisances: predictions for a fold by the model that never saw it, and the terms of a binary regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, log_expit, log_ndtr, ndtr


class Predictor(Protocol):
    """A fitted nuisance: for rows of fold k, the prediction of the model that never saw fold k."""

    def predict(self, fold: int, matrix: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class LinearPredictor:
    """A generalised linear model per fold. coefficients: (K, p) over standardised terms; link names the mean."""

    coefficients: np.ndarray
    link: str = "identity"
    last_step: float = 0.0

    def predict(self, fold: int, matrix: np.ndarray) -> np.ndarray:
        eta = matrix @ self.coefficients[fold]
        return {"identity": lambda v: v, "logit": expit, "probit": ndtr}[self.link](eta)


@dataclass(frozen=True)
class Nuisances:
    """What the scores are made of. outcomes: per outcome the control-arm and the treated-arm model (None: not needed).

    bounds: the propensity is clipped into them.  centers: subtracted from each outcome before it was modelled.
    """

    propensity: Predictor
    outcomes: tuple[tuple[Predictor, Predictor | None], ...]
    bounds: tuple[float, float]
    centers: tuple[float, ...]


def binary_terms(eta: np.ndarray, target: np.ndarray, link: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fisher weight, score and log-likelihood of each row at linear predictor `eta` (logit or probit)."""
    if link == "logit":
        mean = expit(eta)
        return mean * (1.0 - mean), target - mean, np.where(target == 1, log_expit(eta), log_expit(-eta))
    sign = 2.0 * target - 1.0
    log_density = -0.5 * eta**2 - 0.5 * np.log(2.0 * np.pi)
    ratio = np.exp(log_density - log_ndtr(sign * eta))  # φ/Φ on the side that was observed
    weight = np.exp(2.0 * log_density - log_ndtr(eta) - log_ndtr(-eta))
    return weight, sign * ratio, log_ndtr(sign * eta)
