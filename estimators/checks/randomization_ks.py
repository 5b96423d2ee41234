"""The Kolmogorov-Smirnov statistic of many assignments: the largest gap between the arms' distributions of the outcome.

Under complete randomisation every order of the units is as good as any other, so they are streamed in that of the
outcome, and an assignment needs to remember only how many treated it has passed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from estimators.checks.randomization_elements import Elements
from estimators.checks.randomization_sums import assigned_blocks


def ks_statistics(elements: Elements, n_draws: int, seed: str) -> tuple[float, np.ndarray]:
    """The observed statistic, and those of all assignments, or of `n_draws` of them."""
    n, n_treated = elements.law.n, int(elements.law.treated[0])
    by_outcome = replace(elements, order="causal_v1, causal_t")
    blocks, chances = assigned_blocks(elements.law, n_draws, seed)
    passed = np.zeros(len(chances) + 1, dtype=np.int64)  # treated so far; the last one is the observed assignment
    largest = np.zeros(len(passed))
    start, last = 0, np.nan

    def gap(treated: np.ndarray, place: np.ndarray | int) -> np.ndarray:
        return np.abs(treated / n_treated - (place - treated) / (n - n_treated))

    for block, draws in zip(by_outcome.blocks(), blocks, strict=True):
        y, observed = block["causal_v1"], block["causal_t"] > 0.5
        if y[0] != last:
            largest = np.maximum(largest, gap(passed, start))
        ends = np.flatnonzero(np.diff(y))  # the places of the last of equal outcomes
        for first, made in [*draws, (len(chances), lambda found=observed: found[None, :])]:
            members = made()
            rows = slice(first, first + len(members))
            treated = passed[rows, None] + np.cumsum(members, axis=1)
            passed[rows] = treated[:, -1]
            gaps = gap(treated[:, ends], start + 1 + ends)
            largest[rows] = np.maximum(largest[rows], gaps.max(axis=1, initial=0.0))
        start, last = start + len(y), y[-1]
    return float(largest[-1]), largest[:-1]
