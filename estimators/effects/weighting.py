"""Weights and influence functions of the estimands, as formulas over a row.

Symbols: e propensity, t treatment (0/1), y outcome, m0 and m1 its regressions in the arms. Every estimand is a ratio
ΣN / ΣD with influence (N - θD) / mean(D):

- ATE: N = m1 - m0 + t(y-m1)/e - (1-t)(y-m0)/(1-e), D = 1 (Robins, Rotnitzky and Zhao 1994);
- ATT: N = t(y-m0) - (1-t)(y-m0) e/(1-e), D = t (Hahn 1998; Chernozhukov et al. 2018);
- ATO: N = (t-e)(y-m), D = (t-e)², m = e·m1 + (1-e)·m0: the efficient influence function under overlap weights
  e(1-e) (Li, Morgan and Zaslavsky 2018; Crump et al. 2006), which is the partially linear score.
"""

from __future__ import annotations

import numpy as np

from estimators.warehouse import Relation

TINY = 1e-300  # keeps t/e finite where a propensity underflows


def clip_bounds(clip: str | float, share: float, estimand: str) -> tuple[float, float]:
    """Bounds of the propensity. ``"relative"``: 1 % of the arm's own share, so that a rare treatment is not distorted.

    The ATT weighs only by e/(1-e) and is bounded from above only; overlap weights need no bound.
    """
    if estimand == "ATO":
        return TINY, 1.0
    if clip == "relative":
        return (TINY if estimand == "ATT" else 0.01 * share), 1.0 - 0.01 * (1.0 - share)
    return (TINY if estimand == "ATT" else max(float(clip), TINY)), 1.0 - float(clip)


def estimand_weights(estimand: str, e: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Balancing weight of each row: what its arm must be weighted by to look like the target population."""
    if estimand == "ATT":
        return np.where(t == 1, 1.0, e / (1.0 - e))
    if estimand == "ATO":
        return np.where(t == 1, 1.0 - e, e)
    with np.errstate(divide="ignore"):
        return np.where(t == 1, 1.0 / e, 1.0 / (1.0 - e))


def estimand_weights_sql(estimand: str) -> str:
    """The same over SQL columns causal_e and causal_t."""
    return {
        "ATT": "case when causal_t = 1 then 1e0 else causal_e / (1e0 - causal_e) end",
        "ATO": "case when causal_t = 1 then 1e0 - causal_e else causal_e end",
        "ATE": "case when causal_t = 1 then 1e0 / causal_e else 1e0 / (1e0 - causal_e) end",
    }[estimand]


def influence_parts(
    estimand: str, y: np.ndarray, t: np.ndarray, e: np.ndarray, m0: np.ndarray, m1: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """N, D and the part of N that is the mean untreated outcome of the target population, each (n,)."""
    if estimand == "ATT":
        control = t * m0 + (1.0 - t) * (y - m0) * e / (1.0 - e)
        return t * y - control, t.astype(float), control
    if estimand == "ATO":
        mean = e * m1 + (1.0 - e) * m0
        return (t - e) * (y - mean), (t - e) ** 2, e * (1.0 - e) * m0 + (1.0 - t) * e * (y - m0)
    control = m0 + (1.0 - t) * (y - m0) / (1.0 - e)
    with np.errstate(divide="ignore", invalid="ignore"):
        treated = m1 + np.where(t == 1, (y - m1) / e, 0.0)
    return treated - control, np.ones(len(y)), control


def influence_parts_sql(estimand: str, j: int) -> tuple[str, str, str]:
    """The same over SQL columns causal_t, causal_a0, causal_a1, causal_e, causal_y{j}, causal_m0_{j}, causal_m1_{j}.

    causal_a0, causal_a1: `residual_weights_sql`. No branches: a `case` costs more than the arithmetic it saves.
    """
    y, m0, m1 = f"causal_y{j}", f"causal_m0_{j}", f"causal_m1_{j}"
    if estimand == "ATT":
        return f"(causal_t - causal_a0) * ({y} - {m0})", "causal_t", f"causal_t * {m0} + causal_a0 * ({y} - {m0})"
    if estimand == "ATO":
        control = f"causal_e * (1e0 - causal_e) * {m0} + causal_a0 * ({y} - {m0})"
        mean = f"(causal_e * {m1} + (1e0 - causal_e) * {m0})"
        return f"(causal_t - causal_e) * ({y} - {mean})", "(causal_t - causal_e) * (causal_t - causal_e)", control
    control = f"({m0} + causal_a0 * ({y} - {m0}))"
    return f"{m1} + causal_a1 * ({y} - {m1}) - {control}", "1e0", control


def residual_weights_sql(estimand: str) -> dict[str, str]:
    """The weights of the controls' and the treated's residuals over SQL columns causal_t, causal_e."""
    odds = {"ATT": "causal_e / (1e0 - causal_e)", "ATO": "causal_e", "ATE": "1e0 / (1e0 - causal_e)"}[estimand]
    return {"causal_a0": f"(1e0 - causal_t) * {odds}", "causal_a1": "causal_t / causal_e"}


def preference_score(e: np.ndarray, share: float) -> np.ndarray:
    """Propensity rescaled by prevalence: logit(f) = logit(e) - logit(share) (Walker et al. 2013)."""
    odds = e / np.maximum(1.0 - e, 1e-300) * ((1.0 - share) / share)
    return odds / (1.0 + odds)


def preference_score_sql(share: float, relation: Relation) -> str:
    """Whether a row is in equipoise (preference score in [0.3, 0.7]) as SQL over causal_e_raw."""
    low, high = (relation.number(share / (1.0 - share) * f / (1.0 - f)) for f in (0.3, 0.7))
    return f"causal_e_raw >= {low} * (1e0 - causal_e_raw) and causal_e_raw <= {high} * (1e0 - causal_e_raw)"


def confounding_parts(
    estimand: str, y: np.ndarray, t: np.ndarray, e: np.ndarray, m0: np.ndarray, m1: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """R and A, each (n,), of which the bias of an omitted confounder is made (Chernozhukov et al. 2022, section 3).

    R: squared residual of the outcome's regression, whose mean is σ²; for the ATO of y on m alone (partially linear).
    A: 2 m(α) - α² with the estimand's Riesz representer α, whose mean is ν²; for the ATT without its factor 1/p², for
    the ATO zero, as ν² is 1 / mean(D) there.
    """
    if estimand == "ATO":
        return (y - e * m1 - (1.0 - e) * m0) ** 2, np.zeros(len(y))
    residual = np.where(t == 1, y - m1, y - m0) ** 2
    if estimand == "ATT":
        return residual, 2.0 * t / (1.0 - e) - t - ((1.0 - t) * e / (1.0 - e)) ** 2
    return residual, 2.0 / e + 2.0 / (1.0 - e) - np.where(t == 1, 1.0 / e, 1.0 / (1.0 - e)) ** 2


def confounding_parts_sql(estimand: str, j: int) -> tuple[str, str]:
    """The same over the SQL columns of `influence_parts_sql`."""
    y, m0, m1 = f"causal_y{j}", f"causal_m0_{j}", f"causal_m1_{j}"
    if estimand == "ATO":
        return f"power({y} - (causal_e * {m1} + (1e0 - causal_e) * {m0}), 2)", "0e0"
    residual = f"(causal_t * power({y} - {m1}, 2) + (1e0 - causal_t) * power({y} - {m0}, 2))"
    if estimand == "ATT":
        return residual, "(2e0 * causal_t / (1e0 - causal_e) - causal_t - causal_a0 * causal_a0)"
    return residual, "(2e0 / causal_e + 2e0 / (1e0 - causal_e) - causal_a1 * causal_a1 - causal_a0 * causal_a0)"
