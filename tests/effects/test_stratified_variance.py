"""The standard error of CEM: right where strata predict the outcome, which HC1 is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import cem


def sample(seed: int, n: int = 600) -> pd.DataFrame:
    """Strata that decide most of the outcome; the effect grows with the stratum and is 1 for the average treated."""
    random = np.random.default_rng(seed)
    stratum = random.integers(0, 6, n)
    treatment = (random.random(n) < 0.3 + 0.05 * stratum).astype(int)
    effect = 1 + 0.4 * (stratum - ATT_STRATUM)
    outcome = 3.0 * stratum + effect * treatment + random.normal(size=n)
    return pd.DataFrame({"stratum": stratum.astype(str), "treatment": treatment, "outcome": outcome})


SHARES = 0.3 + 0.05 * np.arange(6)
ATT_STRATUM = float(SHARES @ np.arange(6) / SHARES.sum())  # mean stratum of the treated


def estimate(seed: int):
    return cem(sample(seed), "treatment", "outcome", ["stratum"])


def test_equals_the_formula_by_hand():
    frame, found = sample(3), estimate(3)
    within = between = n_treated = 0.0
    for _, rows in frame.groupby("stratum"):
        arms = [rows.loc[rows["treatment"] == a, "outcome"] for a in (0, 1)]
        b, gap = len(arms[1]), arms[1].mean() - arms[0].mean()
        noise = sum(arm.var() / len(arm) for arm in arms)
        within += (b**2 - b) * noise
        between += b * (gap - found.estimate) ** 2
        n_treated += b
    assert found.std_error == pytest.approx(np.sqrt(within + between) / n_treated, rel=1e-9)
    assert found.se_convention == "stratified"


def test_a_unit_alone_in_its_arm_of_a_stratum_takes_the_average_variance():
    frame = sample(4)
    keep = (frame["stratum"] != "0") | (frame["treatment"] == 0)
    first = frame.index[(frame["stratum"] == "0") & (frame["treatment"] == 1)][:1]
    found = cem(frame[keep | frame.index.isin(first)], "treatment", "outcome", ["stratum"])
    assert 0.05 < found.std_error < 0.2


def test_it_covers_at_its_level_where_hc1_covers_always():
    effects = [estimate(seed) for seed in range(200)]
    apart = np.array([abs(e.estimate - 1.0) for e in effects])
    stratified = np.mean(apart <= 1.96 * np.array([e.std_error for e in effects]))
    hc1 = np.mean(apart <= 1.96 * np.array([e.diagnostics["std_errors"]["HC1"] for e in effects]))
    assert 0.90 <= stratified <= 0.985  # the binomial 99.9 % band around .95
    assert hc1 == 1.0
