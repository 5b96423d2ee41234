"""How AIPW behaves: recovery of planted effects, rare treatments, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators import CausalError, aipw


def simulated(n: int, seed: int = 0, share: float = 0.5, effect: float = 1.0) -> pd.DataFrame:
    """Confounded by x, linear and logistic in truth; the effect is the same for all."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 2))
    score = np.log(share / (1 - share)) + 0.5 * x[:, 0]
    treatment = (generator.random(n) < 1 / (1 + np.exp(-score))).astype(int)
    y = 2 * x[:, 0] + x[:, 1] + effect * treatment + generator.normal(size=n)
    return pd.DataFrame({"unit_id": np.arange(n), "a": x[:, 0], "b": x[:, 1], "treatment": treatment, "y": y})


@pytest.mark.parametrize("estimand", ["ATE", "ATT", "ATO"])
def test_recovers_a_planted_effect_that_the_raw_difference_misses(estimand):
    data = simulated(3_000)
    raw = data.groupby("treatment")["y"].mean().diff().iloc[-1]
    found = aipw(data, "treatment", "y", ["a", "b"], estimand=estimand, unit="unit_id")
    assert abs(found.estimate - 1.0) < 3 * found.std_error
    assert abs(raw - 1.0) > 10 * found.std_error


def test_recovers_the_att_when_only_the_propensity_is_right():
    data = simulated(6_000, seed=1)
    data["y"] += data["a"] ** 2  # the linear outcome model is wrong now
    found = aipw(data, "treatment", "y", ["a"], unit="unit_id")
    assert abs(found.estimate - 1.0) < 3 * found.std_error


def test_recovers_the_att_when_only_the_outcome_model_is_right():
    generator = np.random.default_rng(2)
    x = generator.uniform(-1, 1, 6_000)
    treatment = (generator.random(6_000) < 0.2 + 0.5 * (np.abs(x) < 0.5)).astype(int)  # not logistic in x
    data = pd.DataFrame({"x": x, "treatment": treatment, "y": 3 * x + treatment + generator.normal(size=6_000)})
    found = aipw(data, "treatment", "y", ["x"])
    assert abs(found.estimate - 1.0) < 3 * found.std_error


def test_a_rare_treatment_is_not_ruined_by_clipping():
    data = simulated(60_000, seed=3, share=0.003, effect=0.0)
    relative = aipw(data, "treatment", "y", ["a", "b"], estimand="ATE", unit="unit_id")
    absolute = aipw(data, "treatment", "y", ["a", "b"], estimand="ATE", unit="unit_id", clip=0.01)
    assert abs(relative.estimate) < 3 * relative.std_error
    assert absolute.diagnostics["clip_lower"] == 0.01
    assert relative.diagnostics["clip_lower"] < 1e-4


def test_boosting_finds_what_linear_models_miss():
    generator = np.random.default_rng(4)
    x = generator.uniform(-2, 2, 4_000)
    treatment = (generator.random(4_000) < np.where(np.abs(x) < 1, 0.75, 0.25)).astype(int)
    y = 2 * (np.abs(x) < 1) + treatment + 0.5 * generator.normal(size=4_000)
    data = pd.DataFrame({"unit_id": np.arange(4_000), "x": x, "treatment": treatment, "y": y})
    linear = aipw(data, "treatment", "y", ["x"], estimand="ATE", unit="unit_id")
    boosted = aipw(
        data,
        "treatment",
        "y",
        ["x"],
        estimand="ATE",
        unit="unit_id",
        outcome_model="boosting",
        propensity_model="boosting",
    )
    assert abs(linear.estimate - 1.0) > 10 * linear.std_error
    assert abs(boosted.estimate - 1.0) < 4 * boosted.std_error


def test_several_outcomes_and_segments_come_as_a_frame():
    data = simulated(2_000).assign(z=lambda d: d["y"] * 2, platform=lambda d: np.where(d["unit_id"] % 2, "web", "app"))
    found = aipw(data, "treatment", ["y", "z"], ["a", "b"], segment="platform", unit="unit_id")
    assert list(found.effects["segment"]) == ["", "", "app", "app", "web", "web"]
    assert found.effects["estimate"][1] == pytest.approx(2 * found.effects["estimate"][0], rel=1e-9)


def test_clusters_widen_the_interval_when_they_share_their_noise():
    data = simulated(2_000, seed=5)
    data["school"] = data["unit_id"] // 50
    generator = np.random.default_rng(5)
    data["treatment"] = (data["school"] % 2).astype(int)
    data["y"] = data["treatment"] + generator.normal(size=40)[data["school"]] + data["b"]
    alone = aipw(data, "treatment", "y", ["b"], estimand="ATE", unit="unit_id")
    clustered = aipw(data, "treatment", "y", ["b"], estimand="ATE", cluster="school")
    assert clustered.std_error > 3 * alone.std_error
    assert clustered.diagnostics["n_clusters"] == 40


def test_the_same_seed_gives_the_same_numbers_and_another_split_others():
    data = simulated(1_000)
    first, again, other = (
        aipw(data, "treatment", "y", ["a", "b"], unit="unit_id", repetitions=1, seed=s) for s in ("s", "s", "t")
    )
    assert first.estimate == again.estimate
    assert first.estimate != other.estimate


def test_scales_far_apart_change_nothing():
    data = simulated(1_500)
    plain = aipw(data, "treatment", "y", ["a", "b"], unit="unit_id")
    scaled = aipw(
        data.assign(a=data["a"] * 1e9 + 3e9, b=data["b"] * 1e-3), "treatment", "y", ["a", "b"], unit="unit_id"
    )
    assert scaled.estimate == pytest.approx(plain.estimate, rel=1e-6)
    assert scaled.std_error == pytest.approx(plain.std_error, rel=1e-6)


def refusal(data: pd.DataFrame, covariates: list[str], **options) -> CausalError:
    with pytest.raises(CausalError) as caught:
        aipw(data, "treatment", "y", covariates, unit="unit_id", **options)
    return caught.value


def test_collinear_confounders_are_named():
    error = refusal(simulated(500).assign(c=lambda d: 2 * d["a"] - d["b"]), ["a", "b", "c"])
    assert error.code == "020"
    assert "linearly dependent, in one arm at least: a, b, c" in str(error)


def test_perfect_separation_is_no_overlap_and_names_the_confounder():
    data = simulated(500).assign(was_invited=lambda d: d["treatment"] + 0.0)
    error = refusal(data, ["a", "was_invited"])
    assert error.code == "014"
    assert "drop confounder was_invited" in str(error)


def test_an_unknown_option_is_refused():
    assert refusal(simulated(200), ["a"], fold=3).code == "001"


def test_too_few_treated_for_the_folds_are_refused():
    data = simulated(200).assign(treatment=lambda d: (d["unit_id"] < 4).astype(int))
    assert refusal(data, ["a"]).code == "023"


def test_boosting_estimates_its_memory_before_it_loads_rows(monkeypatch):
    from estimators.effects import boosting

    monkeypatch.setattr(boosting, "_free_memory", lambda: 1000)
    error = refusal(simulated(500), ["a", "b"], outcome_model="boosting", folds=2)
    assert str(error) == (
        "CAUSAL-031 too big for memory\n"
        "  boosted nuisances on 500 rows with 2 columns need about 0.0 GiB; 0.0 GiB are free\n"
        "  fix: use linear and logistic nuisances, which stay in the warehouse, or fewer confounders\n"
        "  more: docs/errors.md#causal-031"
    )
