"""Looking more than once costs what it should."""

from __future__ import annotations

import numpy as np
import pytest

from estimators import CausalError
from estimators.checks.multiplicity import looks, seen, spent


def test_all_of_the_error_is_spent_at_the_end():
    assert (spent(0.0), spent(1.0), spent(1.5)) == pytest.approx((0.0, 0.05, 0.05))


def test_hardly_any_error_is_spent_early():
    assert spent(0.2) == pytest.approx(1.08e-6, rel=0.01)


def test_one_look_is_an_ordinary_test():
    assert looks([1.0]) == pytest.approx([1.959963984540054])


@pytest.mark.parametrize(
    ("information", "known"),
    [
        ([0.2, 0.4, 0.6, 0.8, 1.0], [4.877, 3.357, 2.680, 2.290, 2.031]),  # as textbooks print them
        ([0.5, 1.0], [2.963, 1.969]),
    ],
)
def test_the_boundaries_are_those_of_lan_and_demets(information, known):
    assert looks(information) == pytest.approx(known, abs=6e-4)


def test_five_looks_at_nothing_find_something_in_five_percent():
    random = np.random.default_rng(2)
    paths = np.cumsum(random.standard_normal((200_000, 5)), axis=1) / np.sqrt(np.arange(1, 6))
    crossed = np.any(np.abs(paths) > looks([0.2, 0.4, 0.6, 0.8, 1.0]), axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.002)
    assert np.any(np.abs(paths) > 1.96, axis=1).mean() > 0.13


def test_variants_that_were_seen_count():
    assert (seen(0.01, 0), seen(0.01, 4), seen(0.5, 3)) == pytest.approx((0.01, 0.05, 1.0))


def test_looks_that_do_not_rise_are_refused():
    with pytest.raises(CausalError) as error:
        looks([0.5, 0.4])
    assert str(error.value) == (
        "CAUSAL-001 looks do not rise\n  shares of the planned information: 0.5, 0.4\n"
        "  fix: give the shares of planned units, rising, at most 1\n  more: docs/errors.md#causal-001"
    )
