"""Instrumental variables on any data: they recover a planted effect, keep invariants, and refuse bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.effects.iv import iv, iv_design
from estimators.effects.method import Spec
from estimators.errors import CausalError
from estimators.warehouse import as_relation


def sample(seed: int, n: int = 4000, strength: float = 1.0, is_binary: bool = False) -> pd.DataFrame:
    """The treatment is confounded by u; z moves it and has no other part in the outcome. The effect is 2."""
    random = np.random.default_rng(seed)
    z, u, x = random.integers(0, 2, n).astype(float), random.normal(size=n), random.normal(size=n)
    kind = random.choice(["a", "b", "c"], n)
    index = strength * z + u + 0.5 * x + (kind == "a") + random.normal(size=n)
    d = (index > 0.5).astype(float) if is_binary else index
    outcome = 2.0 * d + 2.0 * u + x + (kind == "b") + random.normal(size=n) * (1 + (x > 0))
    second = z + random.normal(size=n)
    columns = {
        "treatment": d,
        "outcome": outcome,
        "z": z,
        "second": second,
        "x": x,
        "kind": kind,
        "home": np.arange(n) // 8,
    }
    return pd.DataFrame(columns)


def estimate(frame: pd.DataFrame, **changes):
    arguments = {
        "treatment": "treatment",
        "outcome": "outcome",
        "instruments": "z",
        "covariates": ["x", "kind"],
        **changes,
    }
    return iv(frame, **arguments)


@pytest.mark.parametrize("is_binary", [False, True])
@pytest.mark.parametrize("estimator", ["2sls", "liml"])
def test_recovers_an_effect_that_least_squares_misses(is_binary, estimator):
    found = estimate(sample(1, n=20_000, is_binary=is_binary), estimator=estimator, instruments=["z", "second"])
    assert abs(found.estimate - 2.0) <= 3.0 * found.std_error
    assert found.diagnostics["ols"] - 2.0 > 5.0 * found.diagnostics["ols_std_error"]


def test_the_hausman_test_sees_the_confounding():
    found = estimate(sample(1)).diagnostics
    assert max(found["wu_hausman_p_value"], found["wu_hausman_robust_p_value"]) < 1e-6


def test_the_share_of_compliers_is_the_first_stage_of_a_binary_instrument():
    frame = sample(2, is_binary=True)
    found = estimate(frame, covariates=[]).diagnostics
    means = frame.groupby("z")["treatment"].mean()
    assert found["complier_share"] == pytest.approx(means[1.0] - means[0.0], rel=1e-9)


@pytest.mark.parametrize("values", ["second", "within_0_and_1"])
def test_a_number_as_instrument_has_no_share_of_compliers(values):
    frame = sample(2, is_binary=True).assign(within_0_and_1=lambda f: f["second"].rank(pct=True) // 0.01 / 100.0)
    assert estimate(frame, instruments=values).diagnostics["complier_share"] is None


def test_without_covariates_the_estimate_is_walds_ratio():
    frame = sample(3)
    means = frame.groupby("z")[["outcome", "treatment"]].mean().diff().iloc[1]
    assert estimate(frame, covariates=[]).estimate == pytest.approx(means["outcome"] / means["treatment"], rel=1e-10)


def test_a_text_instrument_enters_as_dummies():
    frame = sample(4).assign(judge=lambda f: np.where(f["z"] == 1, "strict", np.where(f["second"] > 0, "mild", "new")))
    dummies = frame.assign(strict=frame["judge"] == "strict", new=frame["judge"] == "new")
    found, wanted = estimate(frame, instruments="judge"), estimate(dummies, instruments=["new", "strict"])
    assert found.diagnostics["instruments"] == ["judge = new", "judge = strict"]
    assert found.estimate == pytest.approx(wanted.estimate, rel=1e-10)
    assert found.std_error == pytest.approx(wanted.std_error, rel=1e-10)


def test_several_outcomes_in_one_go_are_those_of_one_each():
    frame = sample(5).assign(other=lambda f: f["x"] - 3.0 * f["treatment"])
    together = estimate(frame, outcome=["outcome", "other"], instruments=["z", "second"]).effects
    for outcome in ("outcome", "other"):
        row, alone = (
            together[together["outcome"] == outcome].iloc[0],
            estimate(frame, outcome=outcome, instruments=["z", "second"]),
        )
        assert (row["estimate"], row["std_error"]) == pytest.approx((alone.estimate, alone.std_error), rel=1e-10)


def test_the_covariance_of_two_outcomes_adds_up_to_the_error_of_their_sum():
    frame = sample(5).assign(other=lambda f: f["x"] - 3.0 * f["treatment"] + f["second"])
    frame["sum"] = frame["outcome"] + frame["other"]
    spec = Spec("treatment", ("x",), "LATE", options={"instruments": ("z",)})
    joint = iv_design(as_relation(frame), spec).estimate(["outcome", "other", "sum"])
    assert joint.covariance[:2, :2].sum() == pytest.approx(joint.covariance[2, 2], rel=1e-9)


def test_segments_are_estimated_as_if_alone():
    frame = sample(6)
    rows = estimate(frame, segment="kind").effects
    for level in ("a", "b", "c"):
        alone = estimate(frame[frame["kind"] == level], covariates=["x"])
        row = rows[rows["segment"] == level].iloc[0]
        assert (row["estimate"], row["std_error"], row["n_units"]) == pytest.approx(
            (alone.estimate, alone.std_error, alone.n_units), rel=1e-9
        )


def test_a_segment_in_which_the_instrument_is_constant_has_no_estimate():
    frame = sample(6).assign(z=lambda f: np.where(f["kind"] == "a", 1.0, f["z"]))
    rows = estimate(frame, segment="kind", covariates=["x"]).effects.set_index("segment")
    assert np.isnan(rows.loc["a", "estimate"])
    assert np.isfinite(rows.loc["b", "estimate"])


def test_the_design_stage_and_the_estimate_have_the_same_first_stage():
    frame = sample(7)
    spec = Spec("treatment", ("x", "kind"), "LATE", options={"instruments": ("z", "second")})
    design = iv_design(as_relation(frame.drop(columns="outcome")), spec)
    wanted = estimate(frame, instruments=["z", "second"]).diagnostics["effective_f"]
    assert design.first_stage.effective_f == pytest.approx(wanted, rel=1e-10)


def test_covariates_are_compared_across_a_binary_instrument():
    frame = sample(7)
    spec = Spec("treatment", ("x", "kind"), "LATE", options={"instruments": ("z",)})
    rows = {b.covariate: b for b in iv_design(as_relation(frame), spec).balance}
    assert set(rows) == {"x", "kind = a", "kind = b", "kind = c"}
    assert rows["x"].mean_treated == pytest.approx(frame.loc[frame["z"] == 1, "x"].mean(), rel=1e-9)


# --- invariants -----------------------------------------------------------------------------------------------------
def assert_same(found, wanted, tolerance: float) -> None:
    assert abs(found.estimate - wanted.estimate) <= tolerance * max(abs(wanted.estimate), wanted.std_error)
    assert found.std_error == pytest.approx(wanted.std_error, rel=tolerance)
    assert np.ravel(found.diagnostics["anderson_rubin"]) == pytest.approx(
        np.ravel(wanted.diagnostics["anderson_rubin"]), rel=max(tolerance, 1e-9)
    )


@pytest.mark.parametrize("options", [{}, {"cluster": "home"}, {"cov": "unadjusted"}, {"estimator": "liml"}], ids=str)
def test_the_order_of_the_rows_is_irrelevant(options):
    frame = sample(8)
    found = estimate(frame.sample(frac=1.0, random_state=1), instruments=["z", "second"], **options)
    assert_same(found, estimate(frame, instruments=["z", "second"], **options), 1e-12)


@pytest.mark.parametrize("column", ["x", "z"])
@pytest.mark.parametrize(("a", "b"), [(1e-3, 0.0), (1e6, -7.0), (3.0, 1e4)])
def test_units_and_origin_of_covariate_and_instrument_are_irrelevant(column, a, b):
    frame = sample(9)
    assert_same(estimate(frame.assign(**{column: a * frame[column] + b})), estimate(frame), 1e-7)


def test_units_of_treatment_and_outcome_scale_the_effect():
    frame = sample(9)
    moved = frame.assign(treatment=10.0 * frame["treatment"] + 5.0, outcome=1e3 * frame["outcome"] - 1e6)
    found, wanted = estimate(moved), estimate(frame)
    assert found.estimate == pytest.approx(100.0 * wanted.estimate, rel=1e-9)
    assert found.std_error == pytest.approx(100.0 * wanted.std_error, rel=1e-9)


def test_sorted_rows_whose_first_ones_say_nothing_keep_their_digits():
    frame = sample(10, n=40_000)
    frame["x"] = np.where(np.arange(40_000) < 35_000, 1e5, 1e5 + frame["x"])
    assert_same(estimate(frame.sample(frac=1.0, random_state=2)), estimate(frame), 1e-9)


def test_every_row_twice_keeps_the_estimate_and_by_cluster_the_error():
    frame = sample(11)
    once, twice = (estimate(f, cluster="home") for f in (frame, pd.concat([frame, frame])))
    assert twice.estimate == pytest.approx(once.estimate, rel=1e-9)
    assert twice.std_error == pytest.approx(once.std_error, rel=1e-3)


def test_equal_weights_are_no_weights():
    frame = sample(12).assign(weight=2.5)
    assert_same(estimate(frame, weights="weight"), estimate(frame), 1e-9)


# --- weak instruments -------------------------------------------------------------------------------------------------
def test_a_weak_instrument_has_a_set_and_no_estimate():
    found = estimate(sample(13, strength=0.02))
    assert found.diagnostics["effective_f"] < 10
    assert np.isnan([found.estimate, found.std_error]).all()
    assert found.diagnostics["anderson_rubin_shape"] in ("unbounded", "disjoint")


def test_nothing_is_withheld_if_so_asked():
    found = estimate(sample(13, strength=0.02), minimum_effective_f=0)
    assert np.isfinite([found.estimate, found.std_error]).all()


def test_the_set_covers_the_effect_where_wald_does_not():
    """Ten hopeless instruments under strong confounding: 2SLS is drawn to least squares, the robust set is not."""
    names = [f"z{i}" for i in range(10)]
    covers, wald = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        z, u = random.normal(size=(500, 10)), random.normal(size=500)
        d = z.sum(axis=1) * 0.01 + u + 0.3 * random.normal(size=500)
        frame = pd.DataFrame(z, columns=names).assign(treatment=d, outcome=2.0 * d + 2.0 * u + random.normal(size=500))
        found = iv(frame, "treatment", "outcome", names, minimum_effective_f=0)
        covers.append(any(low <= 2.0 <= high for low, high in found.diagnostics["anderson_rubin"]))
        wald.append(found.ci_lower <= 2.0 <= found.ci_upper)
    assert np.mean(covers) >= 0.8
    assert np.mean(wald) <= 0.2


# --- bad input --------------------------------------------------------------------------------------------------------
def message(**changes) -> str:
    frame = changes.pop("frame", sample(14, n=200))
    with pytest.raises(CausalError) as caught:
        estimate(frame, **changes)
    return str(caught.value)


def test_a_constant_instrument_is_refused():
    assert message(frame=sample(14, n=200).assign(z=1.0)) == (
        "CAUSAL-025 constant instrument\n"
        "  z has one value in 200 rows\n"
        "  fix: leave it out: it moves nothing\n"
        "  more: docs/errors.md#causal-025"
    )


def test_the_treatment_is_refused_as_its_own_instrument():
    assert message(instruments=["z", "treatment"]) == (
        "CAUSAL-025 instrument is the treatment\n"
        "  treatment is the treatment as well\n"
        "  fix: an instrument moves the treatment and has no other part in the outcome; give it one role\n"
        "  more: docs/errors.md#causal-025"
    )


def test_a_copy_of_the_treatment_is_refused_as_instrument():
    frame = sample(14, n=200).assign(z=lambda f: 3.0 - 2.0 * f["treatment"])
    assert message(frame=frame) == (
        "CAUSAL-025 instrument is the treatment\n"
        "  the instruments and covariates determine treatment exactly\n"
        "  fix: an instrument must move the treatment without being it; without one, declare another method\n"
        "  more: docs/errors.md#causal-025"
    )


def test_an_instrument_that_the_covariates_determine_is_refused():
    frame = sample(14, n=200).assign(z=lambda f: 2.0 * f["x"] + 1.0)
    assert message(frame=frame) == (
        "CAUSAL-025 instrument without variation of its own\n"
        "  z: constant, or determined by the covariates and the other instruments\n"
        "  fix: leave it out of instruments\n"
        "  more: docs/errors.md#causal-025"
    )


def test_no_instrument_is_refused():
    assert message(instruments=[]) == (
        "CAUSAL-025 no instrument\n"
        "  instruments is empty\n"
        "  fix: name what moves the treatment and nothing else\n"
        "  more: docs/errors.md#causal-025"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instruments": "x"}, "CAUSAL-025 instrument is a covariate"),
        ({"instruments": "outcome"}, "CAUSAL-025 instrument is an outcome"),
        ({"instruments": "zz"}, "CAUSAL-003 unknown column"),
        ({"estimator": "3sls"}, "CAUSAL-001 unknown estimator"),
        ({"cov": "HAC"}, "CAUSAL-001 unknown cov"),
        ({"estimand": "ATT"}, "CAUSAL-001 estimand not available"),
        ({"cov": "unadjusted", "cluster": "home"}, "CAUSAL-001 clusters without robust errors"),
        ({"frame": sample(14, n=4)}, "CAUSAL-023 too few units"),
        ({"frame": sample(14, n=200).assign(outcome=1.0)}, "CAUSAL-028 outcome does not vary"),
        ({"frame": sample(14, n=200).assign(treatment=1.5)}, "CAUSAL-012 treatment is constant"),
        (
            {"frame": sample(14, n=200).assign(copy=lambda f: f["x"]), "covariates": ["x", "copy"]},
            "CAUSAL-020 collinear",
        ),
        ({"frame": sample(14, n=200).assign(home=1), "cluster": "home"}, "CAUSAL-023 one cluster"),
    ],
    ids=str,
)
def test_bad_input_is_refused_with_its_code(changes, said):
    assert message(**changes).startswith(said)


def test_several_treatments_are_refused():
    with pytest.raises(CausalError, match="CAUSAL-001 several endogenous variables"):
        iv(sample(14, n=200), ["treatment", "x"], "outcome", ["z", "second"])


def test_missing_and_infinite_values_are_refused_with_their_counts():
    frame = sample(14, n=200)
    frame.loc[:4, "z"] = np.nan
    frame.loc[7, "treatment"] = np.inf
    found = message(frame=frame)
    assert "z 5" in found
    assert "treatment 1 of 200 rows" in found
