"""The constant effects that randomization inference does not reject: a confidence interval by inversion of the test."""

from __future__ import annotations

import numpy as np

from estimators.checks.randomization_statistic import Assignments

_LEVEL = 0.05
_DOUBLINGS = 40
_HALVINGS = 40


def interval(
    observed: Assignments, drawn: Assignments, chances: np.ndarray, is_exact: bool, studentised: bool
) -> tuple[float, float]:
    """Ends of the 95 % interval, in units of the standardised outcome; infinite where no effect can be rejected.

    The p-value is followed from the estimate, where it is 1, outwards: it falls in steps, one per draw.
    """
    center = float(observed.effect[0])
    gaps = drawn.effect - center * drawn.unit
    step = float(np.sqrt(observed.v0[0])) if studentised else float(gaps.std())
    if not (np.isfinite(step) and step > 0.0):
        return -np.inf, np.inf

    def is_kept(tau: float) -> bool:
        value = abs(observed.statistic(tau, studentised)[0])
        extreme = np.abs(drawn.statistic(tau, studentised)) >= value * (1.0 - 1e-9)
        if is_exact:
            return bool(chances[extreme].sum() > _LEVEL * chances.sum())
        return bool((1 + extreme.sum()) / (1 + len(extreme)) > _LEVEL)

    return _end(is_kept, center, -step), _end(is_kept, center, step)


def _end(is_kept, center: float, step: float) -> float:
    inside, outside = center, center + step
    for _ in range(_DOUBLINGS):
        if not is_kept(outside):
            break
        inside, outside = outside, outside + 2.0 * (outside - center)
    else:
        return np.inf if step > 0.0 else -np.inf
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + outside)
        inside, outside = (middle, outside) if is_kept(middle) else (inside, middle)
    return inside
