"""Fixed-length intervals when the slope of the trend may change by at most M per period.

Rambachan and Roth (2023), section 4. The estimator is the target plus a weighted sum v'β̂ of the coefficients before
treatment. Its worst bias over all trends with |second differences| ≤ M is M (Σ_s |Σ_{j≤s} j l_{P-s+j}| + Σ_{i<K} |c_i|)
with c the sums of sums of v. A linear trend is removed whatever its slope, which fixes the last of them. Trading bias
for variance is then a lasso in c, solved by coordinate descent; the shortest interval is found along its path.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from estimators.effects.event_study import EventStudy

_PATH = 60  # penalties tried before the best is refined
_SWEEPS = 10_000
_SETTLED = 1e-13


class Smoothness:
    """The affine estimators of ``weights'τ`` that a linear trend does not bias, and their best intervals.

    weights: (P,) of the periods after the reference.
    """

    def __init__(self, study: EventStudy, weights: np.ndarray) -> None:
        self.estimates = np.asarray(study.estimates, dtype=float)
        self.before, self.after = study.n_before, study.n_after
        self.weights = weights
        k, covariance = self.before, np.asarray(study.covariance, dtype=float)
        # v_before = second differences of c, so that c_i = Σ_{j≤i} Σ_{m≤j} v_m.
        self.lines = np.eye(k) - 2.0 * np.eye(k, k=-1) + np.eye(k, k=-2)
        self.last = float(np.arange(1, self.after + 1) @ weights)
        self.quadratic = self.lines.T @ covariance[:k, :k] @ self.lines
        self.linear = self.lines.T @ covariance[:k, k:] @ weights
        self.constant = float(weights @ covariance[k:, k:] @ weights)
        self.fixed_bias = sum(
            abs(float(np.arange(1, s + 1) @ weights[self.after - s :])) for s in range(1, self.after + 1)
        )

    def interval(self, bound: float, level: float) -> tuple[float, float]:
        """The shortest interval for slopes that change by at most `bound` per period."""
        halves = [self.half_length(c, bound, level) for c in self.path]
        best = int(np.argmin(halves))
        c = self._refined(best, bound, level, halves[best])
        center = self.center(c)
        half = self.half_length(c, bound, level)
        return center - half, center + half

    def center(self, c: np.ndarray) -> float:
        v = self.lines @ c
        return float(v @ self.estimates[: self.before] + self.weights @ self.estimates[self.before :])

    def std_error(self, c: np.ndarray) -> float:
        return float(np.sqrt(max(c @ self.quadratic @ c + 2.0 * self.linear @ c + self.constant, 0.0)))

    def bias(self, c: np.ndarray) -> float:
        """The worst bias for M = 1."""
        return self.fixed_bias + float(np.abs(c[:-1]).sum())

    def half_length(self, c: np.ndarray, bound: float, level: float) -> float:
        sd = self.std_error(c)
        return sd * folded_quantile(bound * self.bias(c) / sd, level)

    @cached_property
    def penalties(self) -> np.ndarray:
        """From one at which every free c is 0 down to none at all."""
        gradient = 2.0 * (self.quadratic @ self._start + self.linear)
        largest = float(np.abs(gradient[:-1]).max()) if self.before > 1 else 0.0
        return np.append(largest * np.logspace(0.0, -7.0, _PATH), 0.0) if largest else np.zeros(1)

    @cached_property
    def path(self) -> list[np.ndarray]:
        """c by penalty, each found from the one before it."""
        found, c = [], self._start
        for penalty in self.penalties:
            c = self._solved(c, float(penalty))
            found.append(c)
        return found

    @property
    def _start(self) -> np.ndarray:
        start = np.zeros(self.before)
        start[-1] = self.last
        return start

    def _solved(self, start: np.ndarray, penalty: float) -> np.ndarray:
        """Least variance + penalty · Σ|c_i| with the last c given: coordinate descent (Friedman et al. 2007)."""
        c, free = start.copy(), slice(0, self.before - 1)
        if penalty == 0.0:
            pull = -(self.linear[free] + self.quadratic[free, -1] * c[-1])
            c[free] = np.linalg.lstsq(self.quadratic[free, free], pull, rcond=None)[0]
            return c
        scale = float(np.abs(start).max()) or 1.0
        for _ in range(_SWEEPS):
            moved = 0.0
            for i in range(self.before - 1):
                own = self.quadratic[i, i]
                pull = -(self.linear[i] + self.quadratic[i] @ c - own * c[i])
                new = np.sign(pull) * max(abs(pull) - penalty / 2.0, 0.0) / own
                moved = max(moved, abs(new - c[i]))
                c[i] = new
            if moved <= _SETTLED * scale:
                break
        return c

    def _refined(self, best: int, bound: float, level: float, half: float) -> np.ndarray:
        """The best penalty between its neighbours on the path: the half-length is convex along it."""
        c = self.path[best]
        if len(self.penalties) < 2:
            return c
        from scipy.optimize import minimize_scalar

        ends = self.penalties[min(best + 1, len(self.penalties) - 1)], self.penalties[max(best - 1, 0)]
        found = minimize_scalar(
            lambda penalty: self.half_length(self._solved(c, penalty), bound, level),
            bounds=ends,
            method="bounded",
            options={"xatol": 1e-6 * ends[1]},
        )
        return self._solved(c, float(found.x)) if found.fun < half else c


def folded_quantile(mean: float, level: float) -> float:
    """The quantile of |N(mean, 1)|: half-width of an interval with a bias of up to `mean` standard errors."""
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    if mean > 30.0:
        return float(mean + ndtri(level))
    high = mean + float(ndtri(0.5 + level / 2.0))
    return float(brentq(lambda x: ndtr(x - mean) - ndtr(-x - mean) - level, 0.0, high + 1e-9, xtol=1e-13))
