"""Bounds over a declared range of direct effects of the instrument."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from estimators.effects.iv import iv
from estimators.effects.iv_plausibly_exogenous import plausibly_exogenous
from estimators.errors import CausalError


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The effect is 1, and the instrument z has a direct effect of 0.3 besides."""
    random = np.random.default_rng(3)
    z, second, u, x = random.normal(size=(4, 3000))
    d = z + second + u + x
    return pd.DataFrame({"d": d, "y": d + 0.3 * z + u + x + random.normal(size=3000), "z": z, "second": second, "x": x})


def bounds(frame: pd.DataFrame, direct_effect, instruments="z", **options):
    return plausibly_exogenous(frame, "d", "y", instruments, direct_effect, covariates=["x"], **options)


def test_no_direct_effect_gives_the_interval_of_iv(frame):
    found, wanted = bounds(frame, (0.0, 0.0)), iv(frame, "d", "y", "z", ["x"])
    assert (found.ci_lower, found.ci_upper) == pytest.approx((wanted.ci_lower, wanted.ci_upper), rel=1e-10)


def test_the_union_covers_what_a_violated_instrument_misses(frame):
    found = bounds(frame, (0.0, 0.4))
    assert found.effect.ci_lower > 1.0
    assert found.ci_lower < 1.0 < found.ci_upper


@pytest.mark.parametrize("options", [{}, {"cov": "unadjusted"}, {"instruments": ["z", "second"]}], ids=str)
def test_the_union_is_that_of_a_fine_grid(frame, options):
    direct = {"z": (-0.2, 0.5)}
    found = bounds(frame, direct, **options)
    options = {"instruments": "z", **options}
    grid = np.linspace(-0.2, 0.5, 15)
    each = [iv(frame.assign(y=frame["y"] - g * frame["z"]), "d", "y", covariates=["x"], **options) for g in grid]
    assert found.ci_lower == pytest.approx(min(e.ci_lower for e in each), rel=1e-9)
    assert found.ci_upper == pytest.approx(max(e.ci_upper for e in each), rel=1e-9)


def test_at_the_breakdown_value_the_interval_touches_zero(frame):
    found = bounds(frame, (-0.1, 0.1))
    ends = [bounds(frame, (g, g)) for g in (found.breakdown, -found.breakdown)]
    assert min(abs(e.ci_lower) for e in ends) == pytest.approx(0.0, abs=1e-9)


def test_an_effect_that_is_not_there_breaks_down_at_once(frame):
    found = bounds(frame.assign(y=frame["y"] - 1.3 * frame["d"]), (0.0, 0.1))
    assert found.breakdown == 0.0


def test_a_weak_instrument_has_no_bounds(frame):
    found = bounds(frame.assign(z=np.random.default_rng(9).normal(size=3000)), (0.0, 0.1))
    assert found.is_weak
    assert math.isnan(found.ci_lower)


@pytest.mark.parametrize(
    ("direct_effect", "instruments", "said"),
    [
        ((0.1, -0.1), "z", "z: 0.1 to -0.1"),
        ((0.0, math.inf), "z", "z: 0 to inf"),
        ({"x": (0.0, 0.1)}, "z", "x is no instrument"),
        ((0.0, 0.1), ["z", "second"], "several instruments, one range"),
    ],
)
def test_a_range_that_is_none_is_refused(frame, direct_effect, instruments, said):
    with pytest.raises(CausalError, match=f"CAUSAL-001 range of direct effects\n  {said}"):
        bounds(frame, direct_effect, instruments)
