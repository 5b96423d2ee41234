"""Where the history is cut."""

from __future__ import annotations

import pytest

from estimators.errors import CausalError
from estimators.forecast.backtests.origins import rolling_origins


def test_the_last_origin_ends_with_the_history():
    assert [origin.cut for origin in rolling_origins(144, origins=4, horizon=12)] == [96, 108, 120, 132]


def test_no_test_period_is_known_at_its_origin():
    for origin in rolling_origins(50, origins=5, horizon=6, step=2):
        assert origin.test.start == origin.cut


def test_origins_can_be_closer_than_the_horizon():
    assert [origin.cut for origin in rolling_origins(20, origins=3, horizon=4, step=1)] == [14, 15, 16]


def test_a_history_too_short_is_refused_with_what_is_left_of_it():
    with pytest.raises(CausalError) as error:
        rolling_origins(20, origins=3, horizon=8)
    assert str(error.value) == (
        "CAUSAL-029 a history too short for this backtest\n"
        "  3 origins, 8 apart with horizon 8, leave 0 of 20 periods to train on\n"
        "  at least 2 are needed at the oldest origin\n"
        "  fix: fewer origins, a shorter horizon, or a longer history\n"
        "  more: docs/errors.md#causal-029"
    )


def test_no_origins_are_refused():
    with pytest.raises(CausalError, match="a backtest without origins"):
        rolling_origins(20, origins=0, horizon=8)
