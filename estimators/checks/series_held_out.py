"""Held-out fit: does the model predict the end of the pre-period, and are its intervals as wide as they say?

Coverage is judged by the exact binomial law, of the 95 % interval downwards and of the 50 % interval upwards: bands
that are far too wide cover everything, and say nothing. One step ahead, where errors are independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import passed
from estimators.results import Check, Effect

NAME = "held_out_fit"
_FAILS_AT, _WARNS_AT = 0.01, 0.05
_TOO_WIDE = 2.0  # times wider than needed


def held_out_fit(effect: Effect) -> Check:
    """From the figures that `bsts` keeps of its held-out fit."""
    found = effect.diagnostics.get("held_out")
    where = {"method": effect.method, "outcome": effect.outcome}
    if not found:
        reason = "the pre-period is too short to hold a part of it out; fix: a longer pre-period"
        return Check(NAME, "not_evaluated", reason, **where)
    narrow, wide = coverage_p_values(found)
    said = _said(found)
    figures = {"statistic": min(narrow, wide), "threshold": _FAILS_AT, **where}
    if narrow < _FAILS_AT:
        fix = "fix: add controls or a season; the series changes in ways that the model does not know"
        return Check(
            NAME, "fail", f"intervals are too narrow (exact binomial p = {narrow:.2g}): {said}; {fix}", **figures
        )
    if wide < _FAILS_AT and found["width_ratio"] >= _TOO_WIDE:
        fix = "fix: look for outliers or breaks before the intervention that inflate the noise"
        reason = (
            f"intervals are wider than needed, so that their coverage means nothing (p = {wide:.2g}): {said}; {fix}"
        )
        return Check(NAME, "fail", reason, **figures)
    if narrow < _WARNS_AT:
        return Check(NAME, "warn", f"intervals may be too narrow (exact binomial p = {narrow:.2g}): {said}", **figures)
    if not math.isnan(found["mase"]) and found["mase"] >= 1.0:
        return Check(NAME, "warn", f"no better ahead than repeating the past: {said}", **figures)
    return passed(NAME, f"the end of the pre-period is predicted as announced: {said}", **figures)


def coverage_p_values(found: Mapping[str, Any]) -> tuple[float, float]:
    """P(at most so many covered at 95 %) and P(at least so many covered at 50 %), exactly."""
    from scipy.special import bdtr, bdtrc

    n = found["n_held_out"]
    at_50 = found["n_covered_50"]
    return float(bdtr(found["n_covered_95"], n, 0.95)), 1.0 if at_50 == 0 else float(bdtrc(at_50 - 1, n, 0.5))


def _said(found: Mapping[str, Any]) -> str:
    n = found["n_held_out"]
    return (
        f"one step ahead {found['n_covered_95']} of {n} held-out periods in the 95 % interval and "
        f"{found['n_covered_50']} in the 50 % interval, width {found['width_ratio']:.2f} times what was needed; "
        f"several steps ahead MASE {found['mase']:.2f}, {found['coverage']:.0%} covered"
    )
