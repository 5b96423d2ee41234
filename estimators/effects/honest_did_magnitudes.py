"""Intervals when the trend after treatment moves at most M̄ times as fast as it ever did before (relative magnitudes).

Rambachan and Roth (2023), sections 2.4 and 3: for each period before treatment and each sign, whose change is taken as
the largest, the bounds are moment inequalities A(β − τ) ≤ 0, tested by the conditional least-favourable hybrid of
Andrews, Roth and Pakes (2023); the set is the union over periods and signs.

The nuisance effects of the other periods enter linearly, and for this set the linear programme over them has a closed
form. With x_t = τ_t − τ_{t−1}, each x_t lies in an interval that grows with η; all are non-empty, and θ = Σ L_t x_t can
be reached, if and only if η exceeds one number per period and one for either side of θ. Those are the vertices γ of the
dual, so that η = max_k γ_k'(Aβ̂ − a θ), whose distribution given which vertex wins is a truncated normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.event_study import EventStudy
from estimators.effects.group_time_bands import drawn

FIRST_STAGE = 0.1  # of the test's size that goes to the least-favourable first stage, as in the paper
_TINY = 1e-10
_DRAWS = 10_000  # of the least-favourable first stage
_POINTS = 401  # of the grid on which a set is looked for, before its ends are refined
_REFINEMENTS = 3
_WIDENINGS = 8


@dataclass(frozen=True)
class Restriction:
    """One period and sign whose change is the largest before treatment.

    moments: (K,) γ_k'Aβ̂ per vertex.  slope: (K,) how each falls with θ.  covariance: (K, K) of the moments.
    critical: of the least-favourable first stage.
    """

    moments: np.ndarray
    slope: np.ndarray
    covariance: np.ndarray
    critical: float

    def accepts(self, theta: np.ndarray, size: float) -> np.ndarray:
        """Whether each θ (n,) is not rejected by the hybrid test of level `size`."""
        values = self.moments[None, :] - theta[:, None] * self.slope[None, :]
        winner = np.argmax(values, axis=1)
        largest = values[np.arange(len(theta)), winner]
        variance = np.diag(self.covariance)[winner]
        sd = np.sqrt(np.maximum(variance, 0.0))
        # The other vertices' moments, less what they share with the winner, bound where the winner can lie.
        ratio = self.covariance[winner] / np.where(variance > 0.0, variance, 1.0)[:, None]
        rest = values - ratio * largest[:, None]
        room = 1.0 - ratio
        with np.errstate(divide="ignore", invalid="ignore"):
            edges = rest / room
        low = np.max(np.where(room > _TINY, edges, -np.inf), axis=1)
        high = np.minimum(np.min(np.where(room < -_TINY, edges, np.inf), axis=1), self.critical)
        own = (size - FIRST_STAGE * size) / (1.0 - FIRST_STAGE * size)
        limit = np.maximum(_truncated_quantile(1.0 - own, low, high, sd), 0.0)
        is_rejected = np.where(sd > _TINY, largest > limit, largest > _TINY)
        return ~(is_rejected | (largest > self.critical))


class Magnitudes:
    """The sets of one study and target.

    weights: (P,) of the target over the periods after the reference.  size: of the tests, 1 less the level.
    """

    def __init__(self, study: EventStudy, weights: np.ndarray, size: float, seed: str) -> None:
        self.study, self.weights, self.size = study, weights, size
        self.covariance = np.asarray(study.covariance, dtype=float)
        self.estimates = np.asarray(study.estimates, dtype=float)
        self.center = float(weights @ self.estimates[study.n_before :])
        after = self.covariance[study.n_before :, study.n_before :]
        self.std_error = float(np.sqrt(weights @ after @ weights))
        self.draws = drawn(self.covariance, seed, _DRAWS)

    def interval(self, bound: float) -> tuple[float, float]:
        """The ends of the accepted set: on a grid that is widened until they lie inside, then on finer ones."""
        tests = self.restrictions(bound)
        low_set, high_set = self.identified_set(bound)
        margin = 10.0 * self.std_error + 0.5 * (high_set - low_set)
        for _ in range(_WIDENINGS):
            grid = np.linspace(low_set - margin, high_set + margin, _POINTS)
            inside = np.flatnonzero(self._accepts(tests, grid))
            if len(inside) and inside[0] > 0 and inside[-1] < _POINTS - 1:
                lower = self._edge(tests, grid[inside[0] - 1], grid[inside[0]])
                return lower, self._edge(tests, grid[inside[-1] + 1], grid[inside[-1]])
            margin *= 2.0 if len(inside) else 0.25
        return -np.inf, np.inf

    def excludes_zero(self, bound: float) -> bool:
        """Whether 0 and everything on its far side is rejected."""
        low_set, high_set = self.identified_set(bound)
        far = max(abs(low_set), abs(high_set)) + 20.0 * self.std_error
        grid = -np.sign(self.center) * np.linspace(0.0, far, _POINTS)
        return not np.any(self._accepts(self.restrictions(bound), grid))

    def identified_set(self, bound: float) -> tuple[float, float]:
        """Where the target would lie if the estimates had no error."""
        largest = float(np.max(np.abs(_changes_before(self.study) @ self.estimates)))
        reach = bound * largest * float(np.abs(_cumulated(self.weights)).sum())
        return self.center - reach, self.center + reach

    def restrictions(self, bound: float) -> list[Restriction]:
        """One per period before treatment and sign, for M̄ = `bound`."""
        found = []
        for line in _changes_before(self.study):
            for sign in (1.0, -1.0):
                vertices, slope = _vertices(self.study, self.weights, bound, sign * line)
                simulated = np.max(vertices @ self.draws.T, axis=0)
                critical = float(np.quantile(simulated, 1.0 - FIRST_STAGE * self.size))
                moments, covariance = vertices @ self.estimates, vertices @ self.covariance @ vertices.T
                found.append(Restriction(moments, slope, covariance, critical))
        return found

    def _accepts(self, tests: Sequence[Restriction], theta: np.ndarray) -> np.ndarray:
        return np.any([test.accepts(theta, self.size) for test in tests], axis=0)

    def _edge(self, tests: Sequence[Restriction], outside: float, inside: float) -> float:
        """The accepted value nearest to `outside`, between the two."""
        for _ in range(_REFINEMENTS):
            grid = np.linspace(outside, inside, _POINTS)
            first = max(int(np.argmax(self._accepts(tests, grid))), 1)
            outside, inside = grid[first - 1], grid[first]
        return float(inside)


def _changes_before(study: EventStudy) -> np.ndarray:
    """(K, k) changes from each period to the next, up to the reference, as combinations of the coefficients."""
    out = np.zeros((study.n_before, len(study.estimates)))
    for i in range(study.n_before):
        out[i, i] = -1.0
        if i + 1 < study.n_before:
            out[i, i + 1] = 1.0
    return out


def _changes_after(study: EventStudy) -> np.ndarray:
    """(P, k) changes from the reference on."""
    out = np.zeros((study.n_after, len(study.estimates)))
    for i in range(study.n_after):
        out[i, study.n_before + i] = 1.0
        if i:
            out[i, study.n_before + i - 1] = -1.0
    return out


def _cumulated(weights: np.ndarray) -> np.ndarray:
    """L_t = Σ_{s≥t} l_s: the target as a combination of changes of the effects."""
    return np.cumsum(weights[::-1])[::-1]


def _vertices(
    study: EventStudy, weights: np.ndarray, bound: float, largest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices as combinations of the coefficients (K, k), each with the slope in θ, scaled to the moments' own sds.

    largest: (k,) the change before treatment that bounds the others. The inequalities are
    ±(Δβ_t − x_t) ≤ M̄ · largest'β for every period t after the reference.
    """
    change, limit = _changes_after(study), bound * largest
    covariance = np.asarray(study.covariance, dtype=float)
    up, down = change - limit, -change - limit
    sd_up, sd_down = (np.sqrt(np.einsum("ij,jk,ik->i", m, covariance, m)) for m in (up, down))
    rows, slopes = [], []
    if study.n_after > 1:  # with a single period x_1 = θ, and the two sides of θ are all there is
        rows += [(up[t] + down[t]) / (sd_up[t] + sd_down[t]) for t in range(study.n_after)]
        slopes += [0.0] * study.n_after
    share = _cumulated(weights)
    is_up, size = share > 0.0, np.abs(share)
    for side in (1.0, -1.0):
        takes_up = is_up if side > 0 else ~is_up
        total = float(size @ np.where(takes_up, sd_up, sd_down))
        rows.append(size @ np.where(takes_up[:, None], up, down) / total)
        slopes.append(side / total)
    return np.array(rows), np.array(slopes)


def _truncated_quantile(share: float, low: np.ndarray, high: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Quantile of N(0, sd²) between `low` and `high`, in whichever tail keeps the digits."""
    from scipy.special import log_ndtr, ndtri_exp

    scale = np.where(sd > 0.0, sd, 1.0)
    a, b = low / scale, np.maximum(high, low) / scale
    flip = a > 0.0  # mirrored, so that the smaller tail is always the left one
    left, right = np.where(flip, -b, a), np.where(flip, -a, b)
    part = np.where(flip, 1.0 - share, share)
    # log of Φ(left) + part · (Φ(right) − Φ(left)), without leaving the log scale
    log_left, log_right = log_ndtr(left), log_ndtr(right)
    with np.errstate(divide="ignore", invalid="ignore"):
        mixed = log_right + np.log(part + (1.0 - part) * np.exp(np.minimum(log_left - log_right, 0.0)))
    found = np.clip(ndtri_exp(np.minimum(mixed, -1e-300)), left, right)
    return np.where(flip, -found, found) * scale
