"""The regret identity on numbers: terms that add up to the bit, and a planted case whose terms are known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from estimators.errors import CausalError
from estimators.forecast.diagnosis.regret import PLANS, TERMS, regret_of_plans, split_regret


def random_values(seed: int, n_cells: int = 1) -> dict[str, np.ndarray]:
    source = np.random.default_rng(seed)
    scale = 10.0 ** source.uniform(-6, 9, size=(5, 1))
    return dict(zip(PLANS, source.normal(size=(5, n_cells)) * scale, strict=True))


@pytest.mark.parametrize("seed", range(50))
def test_the_terms_add_up_to_the_total_exactly_in_any_order(seed):
    regret = split_regret(random_values(seed), "truth")
    sums = {sum(order) for order in itertools.permutations(regret.terms.values())}
    assert sums == {regret.total}


def test_the_terms_of_the_cells_add_up_exactly_too():
    regret = split_regret(random_values(7, n_cells=1000), "truth")
    assert regret.by[[*TERMS, "total"]].sum().to_dict() == {**regret.terms, "total": regret.total}


def test_plain_subtraction_would_not_add_up_exactly():
    values = random_values(3)
    differences = [float(values[a][0] - values[b][0]) for a, b in itertools.pairwise(PLANS)]
    assert any(sum(order) != differences[0] + sum(differences[1:]) for order in itertools.permutations(differences))


def test_rounding_moves_no_value_by_more_than_a_trillionth_of_the_largest():
    values = random_values(11)
    largest = max(abs(float(v[0])) for v in values.values())
    regret = split_regret(values, "truth")
    assert max(abs(regret.values[p] - float(values[p][0])) for p in PLANS) <= 1e-12 * largest


def test_finds_the_planted_cost_of_each_cause():
    """f(x) = −(x − 3)², expected optimum 2.5, the model's 1, the solver stopped at 1.5, people did 0."""
    plans = {"ex_post": 3.0, "expected": 2.5, "model": 1.0, "solver": 1.5, "actual": 0.0}
    regret = regret_of_plans(lambda x: -((x - 3.0) ** 2), plans, "truth")
    assert regret.terms == {"noise": 0.25, "model": 3.75, "solver": -1.75, "execution": 6.75}
    assert regret.total == 9.0


def test_only_the_cause_that_differs_has_a_cost():
    plans = {"ex_post": 1.0, "expected": 1.0, "model": 1.0, "solver": 1.0, "actual": 0.5}
    regret = regret_of_plans(lambda x: 10.0 * x, plans, "truth")
    assert regret.terms == {"noise": 0.0, "model": 0.0, "solver": 0.0, "execution": 5.0}


def test_the_share_is_of_the_best_value_and_unknown_where_that_is_zero():
    best = {"ex_post": 8.0, "expected": 8.0, "model": 8.0, "solver": 8.0, "actual": 6.0}
    assert split_regret(best, "truth").share == 0.25
    assert math.isnan(split_regret(dict.fromkeys(PLANS, 0.0), "truth").share)


def test_the_frame_carries_the_kind_on_every_row():
    frame = split_regret(dict.fromkeys(PLANS, 1.0), "model-relative").to_frame()
    assert frame["term"].tolist() == [*TERMS, "total"]
    assert set(frame["kind"]) == {"model-relative"}


def test_029_a_plan_without_a_value_is_named():
    with pytest.raises(CausalError) as refused:
        split_regret({**dict.fromkeys(PLANS, 1.0), "model": math.nan}, "truth")
    assert str(refused.value) == (
        "CAUSAL-029 regret of a plan without a value\n"
        "  not finite: model\n"
        "  fix: give a finite value of every plan, or leave out the cells where the outcome is not known\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_a_missing_and_an_unknown_plan_are_named_together():
    with pytest.raises(CausalError) as refused:
        split_regret({"ex_post": 1.0, "expected": 1.0, "model": 1.0, "solver": 1.0, "done": 1.0}, "truth")
    assert str(refused.value) == (
        "CAUSAL-029 regret needs five plans\n"
        "  missing: actual\n"
        "  unknown: done\n"
        "  fix: give ex_post, expected, model, solver, actual\n"
        "  more: docs/errors.md#causal-029"
    )


def test_029_plans_over_different_cells_are_refused():
    with pytest.raises(CausalError) as refused:
        split_regret({plan: [1.0] if plan == "actual" else [1.0, 2.0] for plan in PLANS}, "truth")
    assert str(refused.value) == (
        "CAUSAL-029 plans over different cells\n"
        "  cells by plan: ex_post 2, expected 2, model 2, solver 2, actual 1\n"
        "  fix: value all plans on one horizon\n"
        "  more: docs/errors.md#causal-029"
    )
