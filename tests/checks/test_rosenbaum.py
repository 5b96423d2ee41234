"""Rosenbaum bounds: published figures for pairs, an exact test by enumeration, and strata of any shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from estimators.checks import rosenbaum
from estimators.warehouse import as_relation


# Rosenbaum 2002, Observational Studies, table 4.1: Hammond's 36,975 pairs of smokers and non-smokers, of which 122 are
# discordant, the smoker having died of lung cancer in 110
@pytest.mark.parametrize(("gamma", "p"), [(1, 0.0001), (2, 0.0001), (3, 0.0001), (4, 0.0036), (5, 0.03), (6, 0.1)])
def test_smoking_and_lung_cancer_equals_the_published_table(gamma, p):
    found = rosenbaum.pairs(110, 12).p_value(gamma)
    assert found < p if p == 0.0001 else found == pytest.approx(p, abs=0.0025)


@pytest.mark.parametrize("gamma", [1.0, 1.3, 2.0, 6.0])
@pytest.mark.parametrize("margins", [(2, 1, 1), (10, 4, 3), (50, 20, 25), (700, 300, 350)])
def test_moments_equal_the_extended_hypergeometric(gamma, margins):
    found = rosenbaum.moments(*(np.array([float(v)]) for v in margins), gamma)
    n, treated, ones = margins
    expected = stats.nchypergeom_fisher.stats(n, ones, treated, gamma, moments="mv")
    assert (found[0][0], found[1][0]) == pytest.approx([float(v) for v in expected], rel=1e-6)


def test_the_approximation_for_large_strata_joins_the_exact_moments():
    large = tuple(np.array([float(v)]) for v in (20_000, 9_000, 8_000))
    mean, variance = rosenbaum.moments(*large, 1.7)
    expected = stats.nchypergeom_fisher.stats(20_000, 8_000, 9_000, 1.7, moments="mv")
    assert mean[0] == pytest.approx(float(expected[0]), rel=1e-4)
    assert variance[0] == pytest.approx(float(expected[1]), rel=1e-3)


def matched(n: int = 600, effect: float = 0.0, hidden: float = 0.0, seed: int = 0) -> pd.DataFrame:
    """60 strata; `hidden` moves treatment and outcome within them."""
    generator = np.random.default_rng(seed)
    stratum, trait = generator.integers(0, 60, n), generator.normal(size=n)
    treatment = (generator.random(n) < 1 / (1 + np.exp(-hidden * trait - 0.02 * (stratum - 30)))).astype(float)
    y = effect * treatment + hidden * trait + 0.05 * stratum + generator.normal(size=n)
    return pd.DataFrame({"causal_t": treatment, "stratum": stratum, "y": y, "died": (y > 2).astype(int)})


def strata(frame: pd.DataFrame, outcome: str) -> rosenbaum.Strata:
    return rosenbaum.strata_of(as_relation(frame), ["stratum"], outcome, is_binary=outcome == "died")


def test_without_hidden_bias_it_is_the_mantel_haenszel_test():
    frame = matched(effect=0.5)
    tables = [pd.crosstab(g["causal_t"], g["died"]).to_numpy() for _, g in frame.groupby("stratum")]
    tables = [t for t in tables if t.shape == (2, 2)]
    chi2 = StratifiedTable(tables).test_null_odds(correction=True).statistic
    assert strata(frame, "died").p_value(1.0) == pytest.approx(1 - stats.norm.cdf(np.sqrt(chi2)), rel=1e-9)


def test_other_outcomes_are_scored_by_the_median_of_their_stratum():
    frame = matched(effect=0.5)
    above = frame["y"] > frame.groupby("stratum")["y"].transform("median")
    same = rosenbaum.strata_of(as_relation(frame.assign(died=above.astype(int))), ["stratum"], "died", is_binary=True)
    assert strata(frame, "y").p_value(1.5) == pytest.approx(same.p_value(1.5), rel=1e-12)


def test_effects_of_both_signs_are_bounded_alike():
    frame = matched(effect=0.8)
    up, down = strata(frame, "y"), strata(frame.assign(y=-frame["y"]), "y")
    assert up.gamma(is_positive=True) > 1.5
    assert down.gamma(is_positive=False) == pytest.approx(
        up.gamma(is_positive=True), rel=0.15
    )  # medians of even strata


def test_the_breakdown_is_where_the_p_value_meets_the_level():
    found = strata(matched(effect=0.8), "y")
    assert found.p_value(found.gamma(True)) == pytest.approx(rosenbaum.LEVEL, rel=1e-6)


def test_no_effect_needs_no_hidden_bias():
    assert strata(matched(effect=0.0, seed=1), "y").gamma(True) == 1.0


def test_the_bound_holds_against_a_hidden_cause_of_its_strength():
    """A trait that multiplies the odds by up to Γ, and no effect: the p-value at Γ rejects at most 5 % of the time."""
    found = [strata(_with_trait(seed), "y") for seed in range(30)]
    assert np.mean([s.p_value(1.0) < 0.05 for s in found]) > 0.9
    assert np.mean([s.p_value(3.0) < 0.05 for s in found]) <= 0.05


def _with_trait(seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    n = 600
    stratum, trait = generator.integers(0, 60, n), generator.integers(0, 2, n)
    treatment = (generator.random(n) < np.where(trait == 1, 0.6, 1 / 3)).astype(float)  # odds 1.5 and 0.5
    return pd.DataFrame({"causal_t": treatment, "stratum": stratum, "y": 3.0 * trait + generator.normal(size=n)})
