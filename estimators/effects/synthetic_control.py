"""Synthetic control (Abadie, Diamond and Hainmueller 2010) on outcomes, with placebos in space.

The donors' weighted mean that follows the treated path best before the intervention stands for what would have come
after it. The demeaned variant compares paths about their own means, so that levels need not match.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from estimators.draws import generator
from estimators.effects.synthetic_control_inputs import UnitSeries, read_units
from estimators.effects.synthetic_control_placebo import (
    Fitted,
    fit_weights,
    largest_compatible,
    placebo_sets,
    placebos,
    rank_p,
)
from estimators.errors import refuse
from estimators.results import Effect
from estimators.warehouse import as_relation

_SHOWN = 1e-6  # weights below are rounding


def synthetic_control(
    data: Any,
    unit: str,
    time: str,
    outcome: str,
    treated: Any,
    intervention: Any,
    demeaned: bool = False,
    max_pre_rmspe_ratio: float = math.inf,
    n_placebos: int = 199,
    seed: int | str = 0,
) -> Effect:
    """Effect on the treated unit (or on the mean of several) against the donors' best weighted mean.

    data: pandas frame, DuckDB relation or `Relation`, one row per unit and period, complete.  treated: a value of
    `unit`, or a list of them; all other units are donors.  intervention: the first period touched.
    max_pre_rmspe_ratio: placebos that fit worse than this many times the treated are left out of the ranking.
    n_placebos: at most so many sets of donors are drawn as placebos when several units are treated.

    The estimate is the mean effect per post-period. Its p-value ranks |mean effect| / pre-period RMSPE among placebos
    in space, its interval inverts that test (infinite with fewer than 19 placebos), and its standard error is the
    placebos' root mean square, scaled to the treated unit's fit. `diagnostics`: weights, RMSPE, the p-value of the
    post/pre RMSPE ratio, leave-one-out donors, plain difference in differences.
    Raises CausalError (001, 003, 010, 011, 023, 026, 027, 031).
    """
    panel = read_units(as_relation(data), unit, time, outcome, treated, intervention)
    return units_effect(panel, outcome, demeaned, max_pre_rmspe_ratio, n_placebos, seed)


def units_effect(
    panel: UnitSeries,
    outcome: str,
    demeaned: bool = False,
    max_pre_rmspe_ratio: float = math.inf,
    n_placebos: int = 199,
    seed: int | str = 0,
) -> Effect:
    """The effect in a panel that has been read: what placebo checks call on other parts of it."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the same sums whatever the number of threads
        return _units_effect(panel, outcome, demeaned, max_pre_rmspe_ratio, n_placebos, seed)


def _units_effect(
    panel: UnitSeries, outcome: str, demeaned: bool, max_pre_rmspe_ratio: float, n_placebos: int, seed: int | str
) -> Effect:
    if int((~panel.is_post).sum()) < 2:
        detail = "1 period before the intervention"
        raise refuse("027", "pre-period too short", detail, fix="weights need at least two periods, better ten or more")
    found = fit_weights(panel.outcomes, panel.is_post, panel.treated, panel.donors, demeaned)
    sets = _placebo_sets(panel, n_placebos, seed)
    others = placebos(panel.outcomes, panel.is_post, panel.donors, sets, demeaned)
    kept = [p for p in others if p.pre_rmspe <= max_pre_rmspe_ratio * found.pre_rmspe]
    return _effect(panel, outcome, found, kept, _diagnostics(panel, found, others, kept, demeaned))


def _placebo_sets(panel: UnitSeries, n_placebos: int, seed: int | str) -> list[tuple]:
    """Sets of as many donors as there are treated units; none where no donor would be left for one."""
    size, at_most = len(panel.treated), n_placebos
    if len(panel.donors) - size < 1:
        return []
    if size == 1:
        at_most = len(panel.donors)  # every donor once: the usual placebo in space
    return placebo_sets(panel.donors, size, at_most, generator(f"synthetic_control|{seed}", "placebo in space"))


def _effect(
    panel: UnitSeries, outcome: str, found: Fitted, kept: Sequence[Fitted], diagnostics: dict[str, Any]
) -> Effect:
    post = panel.is_post
    scaled = np.array([p.effect[post].mean() / p.pre_rmspe for p in kept])
    estimate = float(found.effect[post].mean())
    half = float(largest_compatible(scaled)) * found.pre_rmspe
    sd = found.pre_rmspe * math.sqrt(float(scaled @ scaled) / len(scaled)) if len(scaled) else math.nan
    return Effect(
        estimate=estimate,
        std_error=sd,
        ci_lower=estimate - half,
        ci_upper=estimate + half,
        p_value=rank_p(abs(estimate) / found.pre_rmspe, np.abs(scaled)),
        n_units=len(panel.units),
        n_treated=len(panel.treated),
        method="synthetic_control",
        estimand="ATT",
        outcome=outcome,
        se_convention="placebo in space, scaled by the pre-period fit",
        control_mean=float(found.expected[post].mean()),
        diagnostics=diagnostics,
        series=_series(panel, found, kept),
    )


def _series(panel: UnitSeries, found: Fitted, kept: Sequence[Fitted]) -> Any:
    """Pointwise and cumulative effects after the intervention with placebo intervals; before it there are none."""
    import pandas as pd

    post, n = panel.is_post, len(panel.is_post)
    scaled = np.array([p.effect[post] / p.pre_rmspe for p in kept]).reshape(len(kept), -1)
    half, half_sum = np.full(n, np.nan), np.full(n, np.nan)
    half[post] = largest_compatible(scaled) * found.pre_rmspe
    half_sum[post] = largest_compatible(scaled.cumsum(axis=1)) * found.pre_rmspe
    cumulative = np.where(post, np.where(post, found.effect, 0.0).cumsum(), np.nan)
    return pd.DataFrame(
        {
            "period": panel.periods,
            "is_post": post,
            "actual": found.expected + found.effect,
            "expected": found.expected,
            "expected_lower": found.expected - half,
            "expected_upper": found.expected + half,
            "effect": found.effect,
            "effect_lower": found.effect - half,
            "effect_upper": found.effect + half,
            "cumulative": cumulative,
            "cumulative_lower": cumulative - half_sum,
            "cumulative_upper": cumulative + half_sum,
        }
    )


def _diagnostics(
    panel: UnitSeries, found: Fitted, others: Sequence[Fitted], kept: Sequence[Fitted], demeaned: bool
) -> dict[str, Any]:
    post = panel.is_post
    ratios = np.array([p.ratio for p in kept])
    weights = zip(found.donors, found.weights.values.tolist(), strict=True)
    dropped = _leave_one_out(panel, found, demeaned)
    estimate = float(found.effect[post].mean())
    return {
        "weights": {str(panel.units[d]): w for d, w in weights if w > _SHOWN},
        "pre_rmspe": found.pre_rmspe,
        "outcome_sd": float(panel.outcomes[~post].std()),
        "post_rmspe": found.post_rmspe,
        "rmspe_ratio": found.ratio,
        "rmspe_ratio_p": rank_p(found.ratio, ratios),
        "n_placebos": len(kept),
        "n_placebos_left_out": len(others) - len(kept),
        "leave_one_out": dropped,
        "leave_one_out_range": [min([estimate, *dropped.values()]), max([estimate, *dropped.values()])],
        "difference_in_differences": _difference_in_differences(panel),
        "cumulative_effect": {"estimate": float(found.effect[post].sum())},
        "relative_effect": {"estimate": estimate / float(found.expected[post].mean())},
        "duality_gap": found.weights.gap,
        "is_demeaned": demeaned,
        "n_pre": int((~post).sum()),
        "n_post": int(post.sum()),
        "n_donors": len(panel.donors),
    }


def _leave_one_out(panel: UnitSeries, found: Fitted, demeaned: bool) -> dict[str, float]:
    """The estimate without each donor that has weight."""
    used = [d for d, w in zip(found.donors, found.weights.values, strict=True) if w > _SHOWN]
    estimates = {}
    for donor in used:
        rest = [d for d in panel.donors if d != donor]
        without = fit_weights(panel.outcomes, panel.is_post, panel.treated, rest, demeaned)
        estimates[str(panel.units[donor])] = float(without.effect[panel.is_post].mean())
    return estimates


def _difference_in_differences(panel: UnitSeries) -> float:
    """Every donor with the same weight."""
    gap = panel.outcomes[:, list(panel.treated)].mean(axis=1) - panel.outcomes[:, list(panel.donors)].mean(axis=1)
    return float(gap[panel.is_post].mean() - gap[~panel.is_post].mean())
