"""What a forecast reads does not depend on the order in which an engine added or returned it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt_causal.forecasts.measured import DIGITS, in_order, rounded, significant

MAGNITUDES = st.floats(1e-250, 1e250)


@settings(max_examples=300, deadline=None)
@given(MAGNITUDES, st.sampled_from((-1.0, 1.0)))
def test_ten_significant_digits_are_kept(magnitude, sign):
    (found,) = significant(np.array([sign * magnitude]))
    assert abs(found - sign * magnitude) <= 0.5000001 * 10.0 ** (1 - DIGITS) * magnitude


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 10**DIGITS - 1), st.integers(-12, 8))
def test_a_number_of_ten_digits_stays_the_same_when_its_last_bits_change(digits, exponent):
    number = float(f"{digits}e{exponent}")
    nearby = [number]
    for direction in (-np.inf, np.inf):
        moved = number
        for _ in range(40):
            moved = np.nextafter(moved, direction)
        nearby.append(moved)
    assert len({x.hex() for x in map(float, significant(np.array(nearby)))}) == 1


def test_sums_in_any_order_are_the_same_number():
    random = np.random.default_rng(5)
    for _ in range(200):
        values = random.lognormal(3.0, 1.0, 40).round(2)
        sums = np.array([values.sum(), values[::-1].cumsum()[-1], random.permutation(values).cumsum()[-1]])
        assert np.unique(significant(sums)).size == 1


def test_decimals_and_what_is_no_number_stay_as_they_are():
    values = np.array([0.0, -0.0, 12.1, 0.1, 1234567.89, np.nan, np.inf, -np.inf, 1e-320])
    assert significant(values).tobytes() == values.tobytes()


def test_only_the_named_columns_are_rounded():
    frame = pd.DataFrame({"week": [1.00000000001], "bonus": [1.00000000001], "n": [12345678901234]})
    found = rounded(frame, ["bonus", "n", "not there"])
    assert found.iloc[0].to_dict() == {"week": 1.00000000001, "bonus": 1.0, "n": 12345678901234}


def test_the_same_rows_come_in_the_same_order():
    frame = pd.DataFrame(
        {"experiment": ["b", "a", "a"], "product": [None, "standard", None], "effect": [1.0, 2.0, 3.0]}
    )
    other = frame.iloc[[2, 0, 1]].assign(product=[np.nan, np.nan, "standard"])
    assert in_order(frame)["effect"].tolist() == in_order(other)["effect"].tolist() == [3.0, 2.0, 1.0]
