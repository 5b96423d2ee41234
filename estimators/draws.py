"""Random numbers that follow from the study: the same draws whenever the same question is asked."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int | str, purpose: str) -> np.random.Generator:
    """A generator keyed by the study's seed and by what the draws are for, so that no two purposes share draws."""
    digest = hashlib.sha256(f"{seed}|{purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def joint_normal(covariance: np.ndarray, n_draws: int, source: np.random.Generator) -> np.ndarray:
    """Draws (n_draws, k) of a normal with this covariance (k, k), which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return source.standard_normal((n_draws, len(covariance))) @ (vectors * np.sqrt(np.clip(values, 0.0, None))).T
