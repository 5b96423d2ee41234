"""Randomization inference: exact where it can be, right in size, and the same as a loop over assignments."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from estimators import difference
from estimators.checks.randomization import randomization_test
from estimators.checks.randomization_law import Law, drawn
from estimators.checks.randomization_statistic import ArmSums, assignments
from tests.checks.experiments import experiment
from tests.datasets import randomization_example, thornton_hiv


def lin_t(y: np.ndarray, t: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Estimate and t statistic by a regression in each arm."""
    z = np.column_stack([np.ones(len(y)), x - x.mean(axis=0)]) if x.size else np.ones((len(y), 1))
    fitted, variance = [], 0.0
    for arm in (0, 1):
        rows, values = z[t == arm], y[t == arm]
        slopes = np.linalg.lstsq(rows, values, rcond=None)[0]
        n, k = rows.shape
        variance += np.sum((values - rows @ slopes) ** 2) / (n - k) / n
        fitted.append(slopes[0])
    return fitted[1] - fitted[0], (fitted[1] - fitted[0]) / math.sqrt(variance)


def all_assignments(n: int, k: int) -> np.ndarray:
    return np.array([[int(i in chosen) for i in range(n)] for chosen in itertools.combinations(range(n), k)])


def test_all_seventy_assignments_give_the_textbook_p_value():
    test = randomization_test(randomization_example(), "d", "y", statistic="difference", unit="name")
    assert (test.n_draws, test.is_exact) == (70, True)
    assert test.estimate == pytest.approx(1.0, abs=1e-12)
    assert test.p_value == pytest.approx(60 / 70, abs=1e-12)
    assert test.p_greater == pytest.approx(30 / 70, abs=1e-12)


def test_the_gap_between_distributions_gives_the_textbook_p_value():
    test = randomization_test(randomization_example(), "d", "y", statistic="ks", unit="name")
    assert (test.statistic, test.p_value) == pytest.approx((0.25, 1.0), abs=1e-12)


@pytest.mark.parametrize("statistic", ["studentised", "difference", "ks"])
def test_a_monte_carlo_p_value_is_never_zero(statistic):
    test = randomization_test(thornton_hiv(), "any", "got", statistic=statistic)
    assert test.p_value == test.floor == 1 / 1001


def test_the_effect_of_an_incentive_is_that_of_the_published_table():
    test = randomization_test(thornton_hiv(), "any", "got")
    assert test.estimate == pytest.approx(0.4505518519, abs=1e-8)
    assert test.std_error == pytest.approx(0.0208652817, abs=1e-8)


def test_enumeration_equals_a_loop_with_regressions():
    frame = experiment(12, effect=1.0)
    y, x = frame["y"].to_numpy(), frame[["x"]].to_numpy()
    test = randomization_test(frame, "t", "y", ["x"])
    observed = lin_t(y, frame["t"].to_numpy(), x)
    by_hand = np.array([lin_t(y, t, x)[1] for t in all_assignments(12, 4)])
    assert (test.estimate, test.statistic) == pytest.approx(observed, rel=1e-9)
    assert test.n_draws == 495
    assert test.p_value == pytest.approx(np.mean(np.abs(by_hand) >= abs(observed[1]) - 1e-9), abs=1e-12)
    assert test.p_greater == pytest.approx(np.mean(by_hand >= observed[1] - 1e-9), abs=1e-12)
    assert (test.draws_mean, test.draws_sd) == pytest.approx((by_hand.mean(), by_hand.std()), rel=1e-8, abs=1e-9)


def test_without_covariates_the_t_statistic_is_that_of_unequal_variances():
    frame = experiment(300, effect=0.4)
    effect = difference(frame, "t", "y")
    test = randomization_test(frame, "t", "y", n_draws=20)
    assert test.estimate == pytest.approx(effect.estimate, rel=1e-9)
    assert test.statistic == pytest.approx(effect.estimate / effect.std_error, rel=1e-9)


def test_the_adjusted_estimate_is_lins():
    frame = experiment(300).assign(group=lambda f: np.where(f["block"] < 2, "a", "b"))
    columns = ["x", "w", "group"]
    test = randomization_test(frame, "t", "y", columns, n_draws=20)
    effect = difference(frame, "t", "y", columns)
    assert test.estimate == pytest.approx(effect.estimate, rel=1e-9)
    assert test.std_error == pytest.approx(effect.std_error, rel=0.1)


def test_draws_agree_with_a_loop_over_random_assignments():
    frame = experiment(40, seed=4)
    y, t = frame["y"].to_numpy(), frame["t"].to_numpy()
    random, none = np.random.default_rng(0), np.empty((40, 0))
    by_hand = np.array([lin_t(y, random.permuted(t), none)[1] for _ in range(4000)])
    p = np.mean(np.abs(by_hand) >= abs(lin_t(y, t, none)[1]))
    test = randomization_test(frame, "t", "y", n_draws=4000)
    assert not test.is_exact
    assert test.p_value == pytest.approx(p, abs=4 * math.sqrt(2 * p * (1 - p) / 4000))
    assert test.draws_sd == pytest.approx(by_hand.std(), rel=0.06)


def test_pairs_give_the_paired_t_statistic():
    frame = experiment(24, effect=1.0).assign(pair=lambda f: f["unit_id"] // 2)
    frame["t"] = (frame["unit_id"] % 2 + frame["pair"]) % 2
    gaps = frame.pivot(index="pair", columns="t", values="y").pipe(lambda f: f[1] - f[0])
    test = randomization_test(frame, "t", "y", law="stratified", strata="pair")
    assert test.statistic == pytest.approx(stats.ttest_1samp(gaps, 0.0).statistic, rel=1e-9)
    signs = np.array(list(itertools.product([-1, 1], repeat=12)))
    by_hand = stats.ttest_1samp(signs * gaps.to_numpy(), 0.0, axis=1).statistic
    assert (test.n_draws, test.n_strata) == (4096, 12)
    assert test.p_value == pytest.approx(np.mean(np.abs(by_hand) >= abs(test.statistic) - 1e-9), abs=1e-12)


def test_strata_with_unequal_shares_are_weighted():
    frame = experiment(60, seed=3, effect=0.5).assign(block=lambda f: (f["unit_id"] > 20).astype(int))
    means = frame.groupby(["block", "t"])["y"].mean().unstack()
    sizes = frame.groupby("block").size()
    test = randomization_test(frame, "t", "y", law="stratified", strata=["block"], n_draws=200)
    assert test.estimate == pytest.approx(float(((means[1] - means[0]) * sizes).sum() / 60), rel=1e-9)
    assert test.draws_mean == pytest.approx(0.0, abs=0.3)


def test_unequal_strata_equal_a_loop():
    frame = experiment(14, seed=3).assign(block=lambda f: (f["unit_id"] >= 5).astype(int))
    frame["t"] = frame["unit_id"].isin([0, 3, 6, 7, 11, 13]).astype(int)
    y, block = frame["y"].to_numpy(), frame["block"].to_numpy()

    def gap(t):
        inside = [y[(block == b) & (t == 1)].mean() - y[(block == b) & (t == 0)].mean() for b in (0, 1)]
        return 5 / 14 * inside[0] + 9 / 14 * inside[1]

    parts = itertools.product(all_assignments(5, 2), all_assignments(9, 4))
    by_hand = np.array([gap(np.concatenate(part)) for part in parts])
    test = randomization_test(frame, "t", "y", law="stratified", strata="block", statistic="difference")
    assert test.n_draws == len(by_hand) == 1260
    assert test.estimate == pytest.approx(gap(frame["t"].to_numpy()), rel=1e-9)
    assert test.p_value == pytest.approx(np.mean(np.abs(by_hand) >= abs(test.estimate) - 1e-9), abs=1e-12)
    assert test.draws_sd == pytest.approx(by_hand.std(), rel=1e-9)


def test_whole_clusters_equal_a_loop_over_clusters():
    frame = experiment(60, seed=5)
    frame = frame[frame["unit_id"] % 7 > 0].assign(t=lambda f: (f["village"] % 3 == 0).astype(int))
    y, village = frame["y"].to_numpy(), frame["village"].to_numpy()

    def statistic(t):
        means = [y[t == arm].mean() for arm in (0, 1)]
        variance = 0.0
        for arm in (0, 1):
            inside = t == arm
            sums = np.bincount(village[inside], y[inside] - means[arm], 12)
            g = len(np.unique(village[inside]))
            variance += g / (g - 1) * np.sum(sums**2) / inside.sum() ** 2
        return (means[1] - means[0]) / math.sqrt(variance)

    by_hand = np.array([statistic(t[village]) for t in all_assignments(12, 4)])
    test = randomization_test(frame, "t", "y", law="clustered", cluster="village")
    assert (test.n_clusters, test.n_draws) == (12, 495)
    assert test.statistic == pytest.approx(statistic(frame["t"].to_numpy()), rel=1e-9)
    assert test.p_value == pytest.approx(np.mean(np.abs(by_hand) >= abs(test.statistic) - 1e-9), abs=1e-12)


def test_clusters_of_one_unit_are_units():
    frame = experiment(40, effect=1.0)
    units = randomization_test(frame, "t", "y", ["x"], n_draws=50)
    clusters = randomization_test(frame, "t", "y", ["x"], law="clustered", cluster="unit_id", n_draws=50)
    assert clusters.statistic == pytest.approx(units.statistic, rel=1e-9)
    assert clusters.p_value == units.p_value


def test_clusters_may_be_drawn_within_strata():
    frame = experiment(60).assign(region=lambda f: f["village"] // 6, t=lambda f: (f["village"] % 2 == 0).astype(int))
    test = randomization_test(frame, "t", "y", ["x"], law="clustered", cluster="village", strata="region")
    assert (test.n_draws, test.n_strata, test.n_clusters) == (400, 2, 12)


def test_every_unit_by_itself_weighs_assignments_by_their_probability():
    frame = experiment(9, seed=2).assign(t=[0, 1, 0, 0, 1, 0, 0, 1, 0])
    y, t = frame["y"].to_numpy(), frame["t"].to_numpy()
    numbers = np.array(list(itertools.product([0, 1], repeat=9)))
    numbers = numbers[(numbers.sum(axis=1) > 0) & (numbers.sum(axis=1) < 9)]
    gaps = np.array([y[d == 1].mean() - y[d == 0].mean() for d in numbers])
    chances = 0.3 ** numbers.sum(axis=1) * 0.7 ** (9 - numbers.sum(axis=1))
    extreme = np.abs(gaps) >= abs(y[t == 1].mean() - y[t == 0].mean()) - 1e-9
    test = randomization_test(frame, "t", "y", law="bernoulli", share=0.3, statistic="difference")
    assert (test.n_draws, test.n_undefined) == (510, 2)
    assert test.p_value == pytest.approx(chances[extreme].sum() / chances.sum(), rel=1e-9)


@pytest.mark.parametrize("share", [0.004, 0.3, 0.5])
def test_bernoulli_draws_have_the_declared_share(share):
    frame = experiment(3000)
    test = randomization_test(frame, "t", "y", law="bernoulli", share=share, n_draws=300)
    assert abs(test.draws_mean) < 0.4
    assert test.draws_sd == pytest.approx(1.0, abs=0.25)


def test_the_interval_ends_where_the_test_begins_to_reject():
    frame = experiment(80, effect=1.0)
    test = randomization_test(frame, "t", "y", ["x"], n_draws=400)
    inside, outside = (
        randomization_test(frame.assign(y=frame["y"] - tau * frame["t"]), "t", "y", ["x"], n_draws=400).p_value
        for tau in (test.ci_upper - 1e-6, test.ci_upper + 1e-6)
    )
    assert inside > 0.05 >= outside
    assert test.ci_lower < test.estimate < test.ci_upper


def test_too_few_assignments_reject_no_effect_at_all():
    frame = experiment(6).assign(t=[1, 0, 0, 1, 0, 1])
    test = randomization_test(frame, "t", "y", statistic="difference")
    assert (test.ci_lower, test.ci_upper) == (-math.inf, math.inf)


def test_the_same_seed_gives_the_same_draws_whatever_the_order_of_the_rows():
    frame = experiment(70_000)
    shuffled = frame.sample(frac=1.0, random_state=1)
    first, second = (randomization_test(f, "t", "y", ["x"], n_draws=70, seed="s") for f in (frame, shuffled))
    assert first == second
    assert randomization_test(frame, "t", "y", ["x"], n_draws=70, seed="other").draws_mean != first.draws_mean


def test_the_number_of_threads_changes_no_digit(monkeypatch):
    frame = experiment(70_000)
    found = []
    for n_threads in (1, 3):
        monkeypatch.setattr("estimators.checks.randomization_sums._THREADS", n_threads)
        found.append(randomization_test(frame, "t", "y", ["x"], n_draws=130))
    assert found[0] == found[1]


def test_blocks_and_batches_change_no_sum(monkeypatch):
    frame = experiment(3000, effect=0.1).assign(big=lambda f: f["unit_id"] > 1900)
    arguments = {"law": "stratified", "strata": "big", "n_draws": 30}
    whole = randomization_test(frame, "t", "y", ["x"], **arguments)
    monkeypatch.setattr("estimators.checks.randomization_elements.BLOCK", 700)
    monkeypatch.setattr("estimators.checks.randomization_sums.BLOCK", 700)
    cut = randomization_test(frame, "t", "y", ["x"], **arguments)
    assert (whole.estimate, whole.std_error) == (cut.estimate, cut.std_error)
    assert whole.draws_mean != cut.draws_mean
    assert cut.draws_sd == pytest.approx(1.0, abs=0.4)


def test_a_unit_without_a_column_is_its_row():
    frame = experiment(60).drop(columns="unit_id")
    assert randomization_test(frame, "t", "y", n_draws=50).n_units == 60


def test_shuffled_treatments_give_uniform_p_values():
    frame = experiment(40)
    random = np.random.default_rng(8)
    p_values = [
        randomization_test(frame.assign(t=random.permuted(frame["t"])), "t", "y", ["x"], n_draws=99).p_value
        for _ in range(30)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def p_values(y: np.ndarray, t: np.ndarray, seed: int) -> tuple[float, float]:
    """Studentised and not, by 99 draws, from arrays."""
    law = Law(np.array([len(t)]), np.array([t.sum()]))
    (tasks,) = drawn(law, 99, len(t), lambda *key: np.random.default_rng([seed, *key]))
    members = np.vstack([*(make() for _, make in tasks), t[None, :] > 0]).astype(float)
    values = np.stack([np.ones(len(t)), y, t])
    sums = [np.einsum("rn,in,jn->rij", m, values, values) for m in (1.0 - members, members)]
    found = assignments(tuple(ArmSums(s[:, 0, 0], s[:, :1], s) for s in sums), np.ones(1), True)
    statistics = [np.abs(found.statistic(0.0, is_studentised)) for is_studentised in (True, False)]
    return tuple(float(np.mean(s >= s[-1] - 1e-9)) for s in statistics)


def test_only_the_studentised_statistic_survives_unequal_variances():
    random, t = np.random.default_rng(3), np.repeat([1, 0], [25, 75])
    found = np.array([p_values(random.standard_normal(100) * (1 + 2 * t), t, seed) for seed in range(400)])
    studentised, plain = (found <= 0.05).mean(axis=0)
    assert 0.02 < studentised < 0.09
    assert plain > 0.15


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_coin_flips_agree_with_pyfixest():
    from pyfixest import feols  # takes seconds to import

    frame = experiment(100, seed=12, effect=0.3).assign(t=lambda f: f["unit_id"] % 2)
    ours = randomization_test(frame, "t", "y", law="bernoulli", share=0.5, statistic="difference", n_draws=5000)
    fit = feols("y ~ t", frame)
    theirs = fit.ritest("t", reps=100, choose_algorithm="slow", rng=np.random.default_rng(1))
    p = ours.p_value
    assert 0.05 < p < 0.95
    assert theirs["Pr(>|t|)"] == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 100))


def test_one_treated_unit_has_a_difference_but_no_standard_error():
    frame = experiment(40).assign(t=lambda f: (f["unit_id"] == 3).astype(int))
    test = randomization_test(frame, "t", "y", statistic="difference")
    ranks = (frame["y"] - (frame["y"].sum() - frame["y"]) / 39).abs()
    assert test.n_draws == 40
    assert test.p_value == pytest.approx(float(np.mean(ranks >= ranks[3] - 1e-9)))
    assert math.isnan(test.std_error)
