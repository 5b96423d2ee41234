"""The labels of the weeks to plan follow those of the history."""

from __future__ import annotations

import datetime

import pytest

from estimators.forecast.labels.dims import Index
from estimators.forecast.planning.horizon import labels_after

DAY = datetime.date(2026, 1, 5)


@pytest.mark.parametrize(
    ("known", "following"),
    [
        ([0, 1, 2], [3, 4]),
        ([10, 20, 30], [40, 50]),
        (
            [DAY + datetime.timedelta(days=7 * i) for i in range(3)],
            [datetime.date(2026, 1, 26), datetime.date(2026, 2, 2)],
        ),
        ([datetime.date(2025, m, 1) for m in (10, 11, 12)], [datetime.date(2026, 1, 1), datetime.date(2026, 2, 1)]),
    ],
)
def test_labels_go_on_at_the_known_spacing(known, following):
    assert list(labels_after(Index(known), 2)) == following


def test_labels_that_are_given_are_taken_as_they_are():
    assert list(labels_after(Index(("w1", "w2")), ["w3", "w4", "w5"])) == ["w3", "w4", "w5"]
