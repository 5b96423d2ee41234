"""What every estimator must do with a binary treatment, whatever its method: one suite, a list of estimators.

To add one, append it to `ESTIMATORS`: a call on a frame with covariates x, z (numbers) and kind (text).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from estimators.effects.aipw import aipw
from estimators.effects.cem import cem
from estimators.effects.difference import difference
from estimators.errors import CausalError
from estimators.results import Effect

COVARIATES = ["x", "z", "kind"]
CUTPOINTS = {"x": [-0.5, 0.5], "z": [9.5, 10.5]}
SWAPPED = {"ATT": "ATC", "ATC": "ATT", "ATE": "ATE", "ATO": "ATO"}


@dataclass(frozen=True)
class Estimator:
    """estimate: (frame, estimand, **columns) -> Effect.  scaled: the same after x became a·x + b."""

    name: str
    estimate: Callable[..., Effect]
    estimands: tuple[str, ...]
    scaled: Callable[..., Effect]


def matched(frame: pd.DataFrame, estimand: str, a: float = 1.0, b: float = 0.0, **columns) -> Effect:
    cutpoints = {**CUTPOINTS, "x": [a * p + b for p in CUTPOINTS["x"]]}
    return cem(frame, "treatment", "outcome", COVARIATES, cutpoints=cutpoints, estimand=estimand, **columns)


def compared(frame: pd.DataFrame, estimand: str, covariates: tuple[str, ...], **columns) -> Effect:
    return difference(frame, "treatment", "outcome", covariates, estimand=estimand, **columns)


def reweighted(frame: pd.DataFrame, estimand: str, **columns) -> Effect:
    return aipw(frame, "treatment", "outcome", COVARIATES, estimand=estimand, folds=1, **columns)


def without_scale(estimate: Callable[..., Effect]) -> Callable[..., Effect]:
    return lambda frame, estimand, a, b: estimate(frame, estimand)


plain, adjusted = partial(compared, covariates=()), partial(compared, covariates=tuple(COVARIATES))
ESTIMATORS = [
    Estimator("difference", plain, ("ATE", "ATT", "ATC"), without_scale(plain)),
    Estimator("lin", adjusted, ("ATE", "ATT", "ATC"), without_scale(adjusted)),
    Estimator("cem", matched, ("ATT", "ATE", "ATC"), matched),
    Estimator("aipw", reweighted, ("ATE", "ATT", "ATO"), without_scale(reweighted)),
]
CASES = [(e, estimand) for e in ESTIMATORS for estimand in e.estimands]
every_case = pytest.mark.parametrize(("estimator", "estimand"), CASES, ids=lambda c: getattr(c, "name", c))
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
few = settings(
    max_examples=2,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # a failing seed is small already: shrinking it refits for minutes
)
seeds = st.integers(0, 2**20)


def sample(seed: int, n: int = 240, effect: float = 1.0) -> pd.DataFrame:
    """Treatment and outcome that both depend on x, z and kind; x is never on a cutpoint."""
    random = np.random.default_rng(seed)
    x, z = random.normal(size=n), random.integers(8, 13, size=n)
    kind = random.choice(["a", "b"], size=n)
    treatment = (random.uniform(size=n) < 1 / (1 + np.exp(-0.5 * x - (kind == "a")))).astype(int)
    outcome = 2 * x + 0.3 * z + effect * treatment + treatment * x + random.normal(size=n)
    return pd.DataFrame({"treatment": treatment, "outcome": outcome, "x": x, "z": z, "kind": kind})


def assert_same(found: Effect, wanted: Effect, tolerance: float = 1e-9) -> None:
    scale = max(abs(wanted.estimate), wanted.std_error)
    assert abs(found.estimate - wanted.estimate) <= tolerance * scale
    assert abs(found.std_error - wanted.std_error) <= tolerance * scale
    assert (found.n_units, found.n_treated) == (wanted.n_units, wanted.n_treated)


@every_case
@few
@given(seed=seeds)
def test_the_order_of_the_rows_is_irrelevant(estimator, estimand, seed):
    frame = sample(seed)
    shuffled = frame.sample(frac=1.0, random_state=seed)
    assert_same(estimator.estimate(shuffled, estimand), estimator.estimate(frame, estimand), 1e-12)


@every_case
@few
@given(seed=seeds)
def test_what_the_units_are_called_is_irrelevant(estimator, estimand, seed):
    frame = sample(seed)
    frame["home"] = np.random.default_rng(seed).integers(0, 40, len(frame))
    renamed = frame.assign(home="home " + (frame["home"] * 7919 % 10007).astype(str))
    found, wanted = (estimator.estimate(f, estimand, cluster="home") for f in (renamed, frame))
    assert_same(found, wanted, 1e-12)


@every_case
@few
@given(seed=seeds, a=st.sampled_from([1e-3, 0.25, 3.0, 1e6]), b=st.sampled_from([0.0, -7.0, 1e4]))
def test_units_and_origin_of_a_covariate_are_irrelevant(estimator, estimand, seed, a, b):
    frame = sample(seed)
    moved = frame.assign(x=a * frame["x"] + b)
    assert_same(estimator.scaled(moved, estimand, a=a, b=b), estimator.estimate(frame, estimand), 1e-6)


@every_case
@few
@given(seed=seeds)
def test_swapping_the_arms_changes_the_sign_and_att_to_atc(estimator, estimand, seed):
    if SWAPPED[estimand] not in estimator.estimands:
        return  # aipw has no ATC to compare its ATT with
    frame = sample(seed)
    swapped = estimator.estimate(frame.assign(treatment=1 - frame["treatment"]), SWAPPED[estimand])
    found = estimator.estimate(frame, estimand)
    assert swapped.estimate == pytest.approx(-found.estimate, rel=1e-9)
    assert swapped.std_error == pytest.approx(found.std_error, rel=1e-9)


@every_case
@few
@given(seed=seeds)
def test_every_row_twice_keeps_the_estimate(estimator, estimand, seed):
    frame = sample(seed)
    once, twice = (estimator.estimate(f, estimand) for f in (frame, pd.concat([frame, frame])))
    assert twice.estimate == pytest.approx(once.estimate, rel=1e-9)
    assert twice.n_units == 2 * once.n_units


@every_case
@few
@given(seed=seeds)
def test_every_row_twice_shrinks_the_standard_error_but_not_by_cluster(estimator, estimand, seed):
    frame = sample(seed).assign(unit=lambda f: np.arange(len(f)))
    doubled = pd.concat([frame, frame])
    plain_error = estimator.estimate(doubled, estimand).std_error
    clustered, alone = (estimator.estimate(f, estimand, cluster="unit").std_error for f in (doubled, frame))
    single = estimator.estimate(frame, estimand).std_error
    assert plain_error < 0.8 * single  # about 1/√2; less where a copy is its unit's only neighbour in a stratum
    assert clustered == pytest.approx(alone, rel=0.1)


@every_case
@few
@given(seed=seeds, constant=st.sampled_from([-1e6, 3.5, 1e6]))
def test_a_constant_added_to_the_outcome_changes_nothing(estimator, estimand, seed, constant):
    frame = sample(seed)
    moved = frame.assign(outcome=frame["outcome"] + constant)
    assert_same(estimator.estimate(moved, estimand), estimator.estimate(frame, estimand), 1e-8)


@every_case
@few
@given(seed=seeds)
def test_equal_weights_are_no_weights(estimator, estimand, seed):
    frame = sample(seed).assign(weight=2.5)
    weighted = estimator.estimate(frame, estimand, weights="weight")
    assert_same(weighted, estimator.estimate(frame, estimand), 1e-9)


@every_estimator
def test_an_effect_that_is_not_there_is_moved_by_an_effect_that_is(estimator):
    """The invariants would hold for an estimator that ignores its data: this one must fail for it."""
    estimand = estimator.estimands[0]
    with_effect, without = (estimator.estimate(sample(1, effect=e), estimand).estimate for e in (1.0, 0.0))
    assert with_effect - without == pytest.approx(1.0, rel=1e-9)


@every_estimator
def test_shuffled_treatment_gives_uniform_p_values(estimator):
    """100 shuffles: the share of p-values below each level is within the binomial 99.9 % band.

    The outcome is noise: what covariates explain of it would make an error that ignores them too large, on purpose.
    """
    random = np.random.default_rng(11)
    frame = sample(7).assign(outcome=random.normal(size=240))
    draws = [frame.assign(treatment=random.permutation(frame["treatment"])) for _ in range(100)]
    p_values = np.array([estimator.estimate(f, estimator.estimands[0]).p_value for f in draws])
    for level in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert abs((p_values < level).mean() - level) <= 3.3 * np.sqrt(level * (1 - level) / 100)


@every_estimator
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"treatment": 1}, "012"),
        ({"treatment": 2}, "013"),
        ({"treatment": "yes"}, "013"),
        ({"outcome": np.nan}, "010"),
        ({"outcome": np.inf}, "011"),
        ({"weight": -1.0}, "024"),
        ({"weight": np.nan}, "010"),
    ],
    ids=str,
)
def test_bad_input_is_refused_with_its_code(estimator, change, code):
    frame = sample(5).assign(weight=1.0)
    column, value = next(iter(change.items()))
    frame[column] = value if column == "treatment" else frame[column].where(frame.index > 3, value)
    with pytest.raises(CausalError) as caught:
        estimator.estimate(frame, estimator.estimands[0], weights="weight")
    assert code in {fault.code for fault in caught.value.faults}
    assert all(str(fault).count("\n") < 6 for fault in caught.value.faults)


@every_estimator
def test_an_empty_frame_is_refused(estimator):
    with pytest.raises(CausalError, match="CAUSAL-023 no rows"):
        estimator.estimate(sample(5).iloc[:0], estimator.estimands[0])
