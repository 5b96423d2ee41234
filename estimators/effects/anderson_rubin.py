"""Anderson-Rubin confidence sets: all effects that the reduced form does not reject, however weak the instruments.

For a single instrument, and for the classical test with any number, the test statistic at an effect b is a ratio of
quadratics in b, so that the set follows from a quadratic inequality. For the robust test with K instruments it is

    AR(b) = g(b)' Ω(b)⁻¹ g(b),   g(b) = g_y - b g_d,   Ω(b) = Ω_yy - 2b Ω_yd + b² Ω_dd,

and AR(b) = c exactly where the matrix [[Ω(b), g(b)], [g(b)', c]], quadratic in b, is singular: the ends of the set are
the real solutions of a quadratic eigenvalue problem. The set may be an interval, a half-line, the whole line, two
half-lines, several pieces, or empty (several instruments that contradict each other).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Interval = tuple[float, float]


@dataclass(frozen=True)
class ReducedForm:
    """What the test needs, for one outcome. moments: g_d and g_y (2, K).  covariance: Ω_dd, Ω_yd, Ω_yy (3, K, K)."""

    moments: np.ndarray
    covariance: np.ndarray

    @property
    def k(self) -> int:
        return self.moments.shape[1]

    def at(self, effect: float) -> tuple[np.ndarray, np.ndarray]:
        """g(b) and Ω(b). Infinite effects stand for the direction of the treatment alone."""
        y, d = (0.0, -1.0) if math.isinf(effect) else (1.0, -effect)
        omega_dd, omega_yd, omega_yy = self.covariance
        return y * self.moments[1] + d * self.moments[0], y * y * omega_yy + 2 * y * d * omega_yd + d * d * omega_dd

    def statistic(self, effect: float) -> float:
        """AR(b): chi-square with K degrees of freedom if b is the effect."""
        g, omega = self.at(effect)
        if self.k > 1:
            return float(g @ np.linalg.solve(omega, g))
        square, variance = float(g[0] ** 2), float(omega[0, 0])
        return square / variance if variance > 0.0 else math.copysign(math.inf, square) if square else 0.0


@dataclass(frozen=True)
class AndersonRubin:
    """intervals: disjoint and in order, with infinite ends where unbounded; none if the set is empty.

    statistic, p_value: of no effect.  distribution: of the statistic.
    """

    intervals: tuple[Interval, ...]
    statistic: float
    p_value: float
    distribution: str

    @property
    def shape(self) -> str:
        """bounded, unbounded (one piece), disjoint or empty."""
        if not self.intervals:
            return "empty"
        if len(self.intervals) > 1:
            return "disjoint"
        return "bounded" if all(map(math.isfinite, self.intervals[0])) else "unbounded"

    def scaled(self, factor: float) -> AndersonRubin:
        """In other units of the effect; factor > 0."""
        intervals = tuple((float(a * factor), float(b * factor)) for a, b in self.intervals)
        return AndersonRubin(intervals, self.statistic, self.p_value, self.distribution)


def robust_set(form: ReducedForm, level: float = 0.95) -> AndersonRubin:
    """The set of a heteroskedasticity- or cluster-robust test."""
    from scipy.special import chdtrc, chdtri

    limit = float(chdtri(form.k, 1.0 - level))
    statistic = form.statistic(0.0)
    ends = _quadratic_ends(form, limit) if form.k == 1 else _eigenvalue_ends(form, limit)
    intervals = intervals_where(lambda b: form.statistic(b) - limit, ends)
    return AndersonRubin(intervals, statistic, float(chdtrc(form.k, statistic)), f"chi2({form.k})")


def classical_set(fitted: np.ndarray, residual: np.ndarray, k: int, degrees: int, level: float = 0.95) -> AndersonRubin:
    """The set of the F test, exact under normal errors of equal variance.

    fitted, residual: (dd, dy, yy) of the parts that z explains and does not.  degrees: n - p - K.
    """
    from scipy.special import fdtrc, fdtri

    limit = float(fdtri(k, degrees, level))

    def statistic(effect: float) -> float:
        y, d = (0.0, -1.0) if math.isinf(effect) else (1.0, -effect)
        powers = np.array([d * d, 2 * y * d, y * y])
        return float(powers @ fitted) / k / (float(powers @ residual) / degrees)

    a, b, c = fitted / k - limit * residual / degrees
    intervals = intervals_where(lambda effect: statistic(effect) - limit, _real_roots(a, -2.0 * b, c))
    return AndersonRubin(intervals, statistic(0.0), float(fdtrc(k, degrees, statistic(0.0))), f"F({k}, {degrees})")


def _quadratic_ends(form: ReducedForm, limit: float) -> list[float]:
    (g_d,), (g_y,) = form.moments
    dd, yd, yy = form.covariance[:, 0, 0]
    return _real_roots(g_d**2 - limit * dd, -2.0 * (g_d * g_y - limit * yd), g_y**2 - limit * yy)


def _real_roots(a: float, b: float, c: float) -> list[float]:
    """Of a b² + b x + c, without the cancellation of the school formula."""
    if a == 0.0:
        return [-c / b] if b else []
    discriminant = b * b - 4.0 * a * c
    if discriminant <= 0.0:
        return []
    q = -0.5 * (b + math.copysign(math.sqrt(discriminant), b))
    return sorted({q / a, c / q}) if q else [0.0]


def _eigenvalue_ends(form: ReducedForm, limit: float) -> list[float]:
    """Real b at which M₀ + b M₁ + b² M₂ is singular, each polished to a change of sign of AR(b) - c."""
    from scipy.linalg import eig

    k = form.k
    quadratic = np.zeros((3, k + 1, k + 1))
    omega_dd, omega_yd, omega_yy = form.covariance
    quadratic[0, :k, :k], quadratic[1, :k, :k], quadratic[2, :k, :k] = omega_yy, -2.0 * omega_yd, omega_dd
    quadratic[0, :k, k] = quadratic[0, k, :k] = form.moments[1]
    quadratic[1, :k, k] = quadratic[1, k, :k] = -form.moments[0]
    quadratic[0, k, k] = limit
    size, one = k + 1, np.eye(k + 1)
    left = np.block([[np.zeros((size, size)), one], [-quadratic[0], -quadratic[1]]])
    right = np.block([[one, np.zeros((size, size))], [np.zeros((size, size)), quadratic[2]]])
    above, below = eig(left, right, right=False, homogeneous_eigvals=True)
    size_of = np.hypot(np.abs(above), np.abs(below))
    finite = np.abs(below) > 1e-13 * size_of
    roots = above[finite] / below[finite]
    real = np.sort(roots.real[np.abs(roots.imag) <= 1e-6 * (1.0 + np.abs(roots))])
    return _polished(lambda b: form.statistic(b) - limit, real)


def _polished(excess: Callable[[float], float], candidates: np.ndarray) -> list[float]:
    """Between two neighbouring candidates' midpoints the sign changes at a true end, and does not at others."""
    from scipy.optimize import brentq

    if not len(candidates):
        return []
    reach = 1.0 + float(np.abs(candidates).max())
    middles = (candidates[1:] + candidates[:-1]) / 2.0
    edges = [candidates[0] - reach, *middles, candidates[-1] + reach]
    found = []
    for low, high in pairwise(edges):
        if excess(low) * excess(high) < 0.0:
            found.append(float(brentq(excess, low, high, xtol=1e-14 * (1.0 + abs(low) + abs(high)), rtol=1e-14)))
    return found


def intervals_where(excess: Callable[[float], float], ends: list[float]) -> tuple[Interval, ...]:
    """The intervals between `ends` on which excess ≤ 0, neighbours joined."""
    edges = [-math.inf, *ends, math.inf]
    found: list[Interval] = []
    for low, high in pairwise(edges):
        if excess(_inside(low, high)) > 0.0:
            continue
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return tuple(found)


def _inside(low: float, high: float) -> float:
    if math.isinf(low) and math.isinf(high):
        return 0.0
    if math.isinf(low):
        return high - 1.0 - abs(high)
    if math.isinf(high):
        return low + 1.0 + abs(low)
    return (low + high) / 2.0
