"""Error rates when one looks more than once: interim looks at the same study, and variants of it that were seen.

The family of primary outcomes × segments is `family.holm`; what is here concerns time and the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from estimators.errors import refuse

_NODES = 200  # of the integration over where the statistic may stand at the look before
_FAR = 8.5  # standard deviations, beyond which nothing is left


def spent(information: float, alpha: float = 0.05) -> float:
    """Two-sided error that may be spent once the share `information` of the planned units has been seen.

    O'Brien-Fleming-type of Lan and DeMets (1983), α(t) = 4 (1 - Φ(z_{1-α/4} / √t)), half of it on either side.
    """
    if information <= 0.0:
        return 0.0
    normal = NormalDist()
    return 4.0 * (1.0 - normal.cdf(normal.inv_cdf(1.0 - alpha / 4.0) / min(information, 1.0) ** 0.5))


def looks(information: Sequence[float], alpha: float = 0.05) -> list[float]:
    """Critical |z| at each look, so that together they err with probability `alpha`. information: rising, in (0, 1].

    An effect is significant at look k if |z| exceeds the k-th value, and its interval takes that many standard errors.
    By recursive integration (Armitage, McPherson and Rowe 1969) under independent increments.
    Raises CausalError 001 if `information` does not rise.
    """
    shares = np.asarray(information, dtype=float)
    if not len(shares) or shares[0] <= 0.0 or shares[-1] > 1.0 or np.any(np.diff(shares) <= 0.0):
        detail = f"shares of the planned information: {', '.join(f'{s:g}' for s in shares)}"
        raise refuse("001", "looks do not rise", detail, fix="give the shares of planned units, rising, at most 1")
    points, weights = np.zeros(1), np.ones(1)  # where the sum stands before, and with what probability
    before, already, found = 0.0, 0.0, []
    for share in shares:
        total = spent(share, alpha)
        critical = _critical(points, weights, share - before, np.sqrt(share), total - already)
        found.append(critical)
        points, weights = _carried(points, weights, share - before, critical * np.sqrt(share))
        before, already = share, total
    return found


def seen(p_value: float, n_variants: int) -> float:
    """Bonferroni for a headline of which `n_variants` other variants were seen before, from the ledger."""
    return min(1.0, p_value * (1 + n_variants))


def _critical(points: np.ndarray, weights: np.ndarray, step: float, scale: float, to_spend: float) -> float:
    """|z| that is crossed now with probability `to_spend`, not having been crossed before."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def excess(critical: float) -> float:
        above = ndtr((points - critical * scale) / np.sqrt(step)) + ndtr((-points - critical * scale) / np.sqrt(step))
        return float(weights @ above) - to_spend

    return _FAR if excess(_FAR) >= 0.0 else float(brentq(excess, 0.0, _FAR, xtol=1e-12))


def _carried(points: np.ndarray, weights: np.ndarray, step: float, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """The sum's sub-density at the next look within ± limit, on Gauss-Legendre nodes."""
    nodes, quadrature = np.polynomial.legendre.leggauss(_NODES)
    there = nodes * limit
    gaps = (there[:, None] - points[None, :]) / np.sqrt(step)
    density = np.exp(-0.5 * gaps**2) / np.sqrt(2.0 * np.pi * step) @ weights
    return there, quadrature * limit * density
