"""Balance of the covariates after adjustment, for observational designs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from estimators.checks.verdict import passed
from estimators.results import Balance, Check
from estimators.study_table import listed, shown

NAME = "balance"
LIMIT = 0.1  # Austin 2009
_RATIO = (0.5, 2.0)  # Rubin 2001


def check(method: str, balance: Sequence[Balance]) -> list[Check]:
    """Fails unless every |SMD| after adjustment is below 0.1; a variance ratio outside .5-2 warns and is no gate."""
    if not balance:
        return [Check(NAME, "not_evaluated", f"{method} reports no balance", method=method)]
    smds = {b.covariate: abs(b.smd_adjusted) for b in balance}
    worst = max((s for s in smds.values() if not math.isnan(s)), default=math.nan)
    figures = {"statistic": worst, "threshold": LIMIT, "method": method}
    wide = [f"{shown(c)} {s:.3f}" for c, s in sorted(smds.items(), key=lambda item: -item[1]) if not s < LIMIT]
    if wide:
        reason = f"after {method} the arms still differ by {LIMIT} SD or more: {listed(wide)}"
        return [Check(NAME, "fail", reason, **figures), *_ratios(method, balance)]
    reason = f"after {method} all {len(smds)} covariates differ by less than {LIMIT} SD, at most {worst:.3f}"
    return [passed(NAME, reason, **figures), *_ratios(method, balance)]


def _ratios(method: str, balance: Sequence[Balance]) -> list[Check]:
    ratios = {b.covariate: b.variance_ratio for b in balance if b.variance_ratio is not None}
    outside = [f"{shown(c)} {r:.2f}" for c, r in ratios.items() if not _RATIO[0] <= r <= _RATIO[1]]
    if not outside:
        return []
    reason = f"variances after {method} differ between the arms by more than a factor of two: {listed(outside)}"
    return [Check("variance_ratio", "warn", reason, is_gate=False, method=method)]
