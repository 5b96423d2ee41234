"""Assignments are drawn from the law that is declared, neither more nor less likely than it says."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from estimators.checks.randomization_law import Law, drawn, enumerated


def numbers(block: int, draw: int) -> np.random.Generator:
    return np.random.default_rng([7, block, draw])


def matrix(law: Law, n_draws: int, block: int) -> np.ndarray:
    """All blocks side by side (draws × elements)."""
    return np.hstack([np.vstack([make() for _, make in tasks]) for tasks in drawn(law, n_draws, block, numbers)])


def fixed(sizes: list[int], treated: list[int]) -> Law:
    return Law(np.array(sizes), np.array(treated))


@pytest.mark.parametrize("block", [2, 3, 7, 100])
def test_every_assignment_is_equally_likely_however_blocks_cut_the_strata(block):
    law = fixed([4, 3], [2, 1])
    drawn_codes = matrix(law, 20_000, block) @ (2 ** np.arange(7))
    codes, counts = np.unique(drawn_codes, return_counts=True)
    allowed = enumerated(law)[0] @ (2 ** np.arange(7))
    assert set(codes) == set(allowed)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.5, 0.97])
def test_large_strata_have_exactly_as_many_treated(share):
    law = fixed([3000], [round(3000 * share)])
    members = matrix(law, 200, 1100)
    assert set(members.sum(axis=1)) == {law.treated[0]}
    expected = 200 * share
    assert np.abs(members.sum(axis=0) - expected).max() < 6 * math.sqrt(expected * (1 - share)) + 3


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_two_elements_of_a_large_stratum_are_treated_together_as_often_as_they_should(share):
    n, k = 600, round(600 * share)
    members = matrix(fixed([n], [k]), 4000, 600)
    together = (members[:, :-1] & members[:, 1:]).mean()
    expected = k * (k - 1) / (n * (n - 1))
    assert together == pytest.approx(expected, abs=5 * math.sqrt(expected / (4000 * n)) + 1e-4)


def test_strata_of_all_sizes_keep_their_counts():
    law = fixed([1000, 3, 700, 700, 1], [400, 1, 699, 2, 1])
    parts = np.split(matrix(law, 300, 900), np.cumsum(law.sizes)[:-1], axis=1)
    assert [set(part.sum(axis=1)) for part in parts] == [{400}, {1}, {699}, {2}, {1}]


def test_pairs_treat_one_of_two():
    members = matrix(fixed([2] * 400, [1] * 400), 500, 300).reshape(500, 400, 2)
    assert np.all(members.sum(axis=2) == 1)
    assert members[:, :, 0].mean() == pytest.approx(0.5, abs=0.006)


@pytest.mark.parametrize("share", [0.003, 0.25, 0.6])
def test_coins_fall_as_often_as_declared(share):
    members = matrix(Law(np.array([2000]), np.array([5]), share), 500, 700)
    assert members.mean() == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / 1e6))
    assert members.sum(axis=1).var() == pytest.approx(2000 * share * (1 - share), rel=0.4)


def test_all_assignments_of_strata_are_the_product_of_theirs():
    found, chances = enumerated(fixed([3, 2], [1, 1]))
    by_hand = {a + b for a, b in itertools.product([(1, 0, 0), (0, 1, 0), (0, 0, 1)], [(1, 0), (0, 1)])}
    assert {tuple(row) for row in found.astype(int)} == by_hand
    assert chances.sum() == pytest.approx(1.0)


def test_the_probabilities_of_coins_sum_to_one():
    found, chances = enumerated(Law(np.array([6]), np.array([2]), 0.2))
    assert len(np.unique(found, axis=0)) == 64
    assert chances.sum() == pytest.approx(1.0)
    assert chances @ found.sum(axis=1) == pytest.approx(6 * 0.2)


@pytest.mark.parametrize(
    ("law", "count"),
    [
        (fixed([8], [4]), 70),
        (fixed([16, 2], [3, 1]), 1120),
        (fixed([500], [250]), math.comb(500, 250)),
        (fixed([10_000], [5_000]), math.inf),
        (Law(np.array([10]), np.array([4]), 0.5), 1024),
    ],
)
def test_assignments_are_counted(law, count):
    assert law.n_assignments == pytest.approx(count)


def test_many_assignments_are_not_enumerated():
    assert fixed([16], [8]).is_small
    assert not fixed([17], [8]).is_small
    assert not fixed([20_000], [1]).is_small


def test_a_draw_does_not_depend_on_how_many_there_are_in_its_block_of_draws():
    few, many = (matrix(fixed([5000], [1500]), n, 2000) for n in (64, 130))
    assert np.array_equal(few, many[:64])
