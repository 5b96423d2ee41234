"""Coarsened exact matching against R's MatchIt with lm and sandwich; tests/data/matchit/reference.R has the calls."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from estimators.effects.cem import cem, cem_design
from estimators.effects.method import Spec
from estimators.errors import CausalError
from estimators.warehouse import as_relation
from tests.datasets import DATA, lalonde, nsw_psid

LALONDE = {
    "covariates": ["age", "educ", "race", "married", "nodegree", "re74", "re75"],
    "exact": ["married", "nodegree"],
    "cutpoints": {
        "age": [19.5, 24.5, 29.5, 39.5],
        "educ": [8.5, 11.5, 12.5],
        "re74": [0.5, 5000.5, 10000.5],
        "re75": [0.5, 5000.5, 10000.5],
    },
}
PSID = {
    "covariates": ["age", "education", "black", "hispanic", "married", "nodegree", "re74", "re75"],
    "exact": ["black", "hispanic", "married", "nodegree"],
    "cutpoints": {
        "age": [19.5, 24.5, 29.5, 34.5, 44.5],
        "education": [8.5, 11.5, 12.5],
        "re74": [0.5, 2500.5, 5000.5, 10000.5, 15000.5],
        "re75": [0.5, 2500.5, 5000.5, 10000.5, 15000.5],
    },
}
STUDIES = {"lalonde": (lalonde, LALONDE), "nsw_psid": (nsw_psid, PSID)}
REFERENCE = pd.read_csv(DATA / "matchit" / "reference.csv").to_dict("records")


def matched(data: str, estimand: str = "ATT", rule: str = "cutpoints"):
    frame, options = STUDIES[data]
    chosen = options if rule == "cutpoints" else {"covariates": options["covariates"]}
    bins = int(rule) if rule.isdigit() else "sturges" if rule == "cutpoints" else rule
    return cem(frame(), "treat", "re78", **chosen, bins=bins, estimand=estimand)


def figures(effect) -> dict[str, float]:
    found = effect.diagnostics
    return {
        "n_treated": found["n_matched_treated"],
        "n_control": found["n_matched_control"],
        "n_strata": found["n_strata"],
        "estimate": effect.estimate,
        "hc1": found["std_errors"]["HC1"],
        "hc2": found["std_errors"]["HC2"],
        "hc3": found["std_errors"]["HC3"],
        "crv1_by_stratum": found["std_errors"]["CRV1 by stratum"],
        "ess_treated": found["effective_sample_size"]["treated"],
        "ess_control": found["effective_sample_size"]["control"],
        "largest_weight": max(found["largest_weight"].values()),
        "smd_before": found["largest_smd"]["before"],
        "smd_after": found["largest_smd"]["after"],
    }


@pytest.mark.parametrize("row", REFERENCE, ids=lambda r: f"{r['data']}-{r['rule']}-{r['estimand']}")
def test_every_rule_and_estimand_agrees_with_matchit(row):
    found = figures(matched(row["data"], row["estimand"], str(row["rule"])))
    assert found == pytest.approx({name: row[name] for name in found}, rel=1e-8, abs=1e-10)


def test_d_cem_1_the_att_on_lalonde():
    found = figures(matched("lalonde"))
    assert (found["n_treated"], found["n_control"], found["n_strata"]) == (88, 67, 28)
    wanted = {
        "estimate": -1144.21146782,
        "hc1": 1042.76241409,
        "hc2": 1047.66503823,
        "hc3": 1059.62789181,
        "crv1_by_stratum": 980.29773954,
        "largest_weight": 8.375,
        "smd_before": 1.881868,
        "smd_after": 0.077464,
    }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-5)
    assert (found["estimate"], found["hc1"]) == pytest.approx((wanted["estimate"], wanted["hc1"]), rel=1e-9)


def test_d_cem_2_the_ate_on_lalonde():
    found = figures(matched("lalonde", "ATE"))
    wanted = {"estimate": -232.09969705, "hc1": 997.95389100, "crv1_by_stratum": 978.67741042}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-9)


def test_d_cem_3_the_att_on_the_psid_controls():
    found = figures(matched("nsw_psid"))
    assert (found["n_treated"], found["n_control"], found["n_strata"]) == (58, 54, 27)
    wanted = {"estimate": 1286.25325188, "hc1": 1364.03344794, "crv1_by_stratum": 1161.11813552}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-9)


def test_d_cem_3_says_whom_the_estimate_is_about():
    effect = matched("nsw_psid")
    assert effect.population == "matched 31.4 % of the treated"
    assert (effect.n_treated, effect.n_units) == (58, 112)


def test_bins_closed_on_the_right_give_other_numbers():
    frame = lalonde()
    mirrored = frame.assign(age=-frame["age"], educ=-frame["educ"], re74=-frame["re74"], re75=-frame["re75"])
    options = {"covariates": LALONDE["covariates"], "cutpoints": {"age": [20, 25, 30, 40], "educ": [9, 12, 13]}}
    negative = {name: [-p for p in points] for name, points in options["cutpoints"].items()}
    left = cem(frame, "treat", "re78", **options)
    right = cem(mirrored, "treat", "re78", options["covariates"], cutpoints=negative)
    assert left.estimate != pytest.approx(right.estimate, rel=1e-3)


def test_sturges_of_r_cem_differs_from_that_of_matchit():
    ours = matched("lalonde", rule="cem-sturges")
    assert ours.diagnostics["n_strata"] != matched("lalonde").diagnostics["n_strata"]


def test_sturges_of_r_cem_is_right_closed_bins_one_fewer():
    frame = lalonde()
    points = {}
    for column in ("age", "educ", "re74", "re75"):
        breaks = np.linspace(frame[column].min(), frame[column].max(), 11)
        frame[f"{column}_bin"] = pd.cut(frame[column], breaks, include_lowest=True, labels=False)
        points[column] = f"{column}_bin"
    names = ["race", "married", "nodegree", *points.values()]
    by_hand = cem(frame, "treat", "re78", names, exact=list(points.values()))
    ours = matched("lalonde", rule="cem-sturges")
    assert ours.estimate == pytest.approx(by_hand.estimate, rel=1e-10)


def test_the_weights_reproduce_the_estimate_and_another_weight_does_not():
    """Weighted least squares by statsmodels on the matched units, with weights made here by hand."""
    frame = lalonde()
    keys = [np.searchsorted(points, frame[c], side="right") for c, points in LALONDE["cutpoints"].items()]
    keys += [frame[c] for c in ("race", "married", "nodegree")]
    frame["stratum"] = pd.MultiIndex.from_arrays(keys).to_flat_index()
    n = frame.groupby("stratum")["treat"].agg(treated="sum", units="count")
    frame = frame.join(n, on="stratum")
    frame["control"] = frame["units"] - frame["treated"]
    frame = frame[(frame["treated"] > 0) & (frame["control"] > 0)]
    att = np.where(frame["treat"] == 1, 1.0, frame["treated"] / frame["control"])
    effect = matched("lalonde")

    def wls(weights) -> float:
        return sm.WLS(frame["re78"], sm.add_constant(frame["treat"]), weights=weights).fit().params["treat"]

    assert wls(att) == pytest.approx(effect.estimate, rel=1e-9)
    assert wls(np.ones(len(frame))) != pytest.approx(effect.estimate, rel=1e-2)


def test_balance_follows_matchits_summary():
    balance = {b.covariate: b for b in design("lalonde").balance}
    assert list(balance)[:5] == ["age", "educ", "race = black", "race = hispan", "race = white"]
    age, white = balance["age"], balance["race = white"]
    assert (age.mean_treated, age.mean_control) == pytest.approx((25.8162, 28.0303), abs=5e-5)
    assert (age.mean_treated_adjusted, age.mean_control_adjusted) == pytest.approx((23.1932, 23.0442), abs=5e-5)
    assert (age.smd_raw, age.smd_adjusted, age.variance_ratio) == pytest.approx((-0.3094, 0.0208, 0.5738), abs=5e-5)
    assert (white.smd_raw, white.variance_ratio) == (pytest.approx(-1.8819, abs=5e-5), None)
    assert white.smd_adjusted == pytest.approx(0.0, abs=1e-12)


def design(data: str, estimand: str = "ATT", **more):
    frame, options = STUDIES[data]
    chosen = {**options, **more}
    spec = Spec("treat", tuple(chosen.pop("covariates")), estimand, options=chosen)
    return cem_design(as_relation(frame()), spec)


@pytest.mark.parametrize("estimand", ["ATT", "ATE", "ATC"])
@pytest.mark.parametrize("weights", [None, "weight"])
def test_balance_is_the_same_from_sums_by_stratum_and_from_rows(monkeypatch, estimand, weights):
    frame = lalonde().assign(weight=lambda f: 1.0 + f["age"] / 50)
    options = {k: v for k, v in LALONDE.items() if k != "covariates"}
    spec = Spec("treat", tuple(LALONDE["covariates"]), estimand, weights=weights, options=options)
    by_stratum = cem_design(as_relation(frame), spec).matched
    monkeypatch.setattr("estimators.effects.cem.STRATUM_SUMS", 0)
    by_row = cem_design(as_relation(frame), spec).matched
    assert by_stratum.n.tolist() == by_row.n.tolist()
    assert by_stratum.largest_weight == pytest.approx(by_row.largest_weight, rel=1e-12)
    for one, other in zip(by_stratum.balance, by_row.balance, strict=True):
        numbers = [name for name, value in vars(one).items() if isinstance(value, float)]
        assert [getattr(one, n) for n in numbers] == pytest.approx(
            [getattr(other, n) for n in numbers], rel=1e-9, abs=1e-12
        )
        assert (one.variance_ratio is None) == (other.variance_ratio is None)
    for one, other in zip(by_stratum.overlap, by_row.overlap, strict=True):
        assert one.effective_sample_size == pytest.approx(other.effective_sample_size, rel=1e-12)


def test_overlap_has_the_effective_sample_size_of_each_arm():
    control, treated = design("lalonde").overlap
    assert (control.arm, control.n_units, treated.n_units) == ("control", 67, 88)
    assert control.effective_sample_size == pytest.approx(21.65163672512959, rel=1e-9)


@pytest.mark.parametrize(
    ("covariates", "status"), [(["married", "nodegree"], "pass"), (["race", "age", "educ"], "warn"), (None, "fail")]
)
def test_the_matched_share_is_a_gate(covariates, status):
    chosen = LALONDE if covariates is None else {"covariates": covariates, "exact": [], "cutpoints": {}}
    check = design("lalonde", **chosen).checks[0]
    assert (check.check_name, check.status, check.is_gate) == ("matched_share", status, True)


def test_the_matched_share_says_what_was_wanted():
    assert design("lalonde").checks[0].reason == (
        "47.6 % of the treated have a match, wanted 80 % (coarsen further, or match on fewer covariates)"
    )


def test_l1_is_measured_on_a_grid_of_its_own_and_falls():
    l1 = matched("lalonde").diagnostics["l1"]
    frame = lalonde()
    cells = [pd.cut(frame[c], 5, labels=False) for c in ("age", "educ", "re74", "re75")]
    cells += [frame["race"], frame["married"], frame["nodegree"]]
    shares = pd.crosstab(cells, frame["treat"], normalize="columns")
    assert l1["before"] == pytest.approx(0.5 * (shares[1] - shares[0]).abs().sum(), rel=1e-9)
    assert l1["after"] < l1["before"]


def test_diagnostics_are_json():
    found = matched("lalonde").diagnostics
    assert json.loads(json.dumps(found)) == found


def test_whole_numbers_in_a_narrow_range_are_exact_under_sturges():
    frame = lalonde()
    narrow = frame[(frame["educ"] >= 8) & (frame["educ"] <= 12)]
    binned = cem(narrow, "treat", "re78", ["educ", "race"])
    exact = cem(narrow, "treat", "re78", ["educ", "race"], exact=["educ"])
    assert binned.estimate == pytest.approx(exact.estimate, rel=1e-12)


def test_many_bins_are_the_same_whether_divided_or_compared():
    frame = lalonde()
    by_number = cem(frame, "treat", "re78", ["age", "re75"], bins=20)
    points = {c: np.linspace(frame[c].min(), frame[c].max(), 21)[1:-1] for c in ("age", "re75")}
    by_points = cem(frame, "treat", "re78", ["age", "re75"], cutpoints=points)
    assert by_number.estimate == pytest.approx(by_points.estimate, rel=1e-12)
    assert by_number.diagnostics["n_strata"] == by_points.diagnostics["n_strata"]


def test_more_strata_than_one_key_holds_are_kept_apart():
    frame = lalonde()
    for i in range(6):
        frame[f"copy{i}"] = frame["re78"] * (i + 1)
    names = ["re74", "re75", *(f"copy{i}" for i in range(6))]
    wide = cem_design(as_relation(frame), Spec("treat", tuple(names), options={"bins": 1000, "max_levels": 50}))
    assert len(wide.coarsening.keys) == 2


def test_numbers_that_are_not_whole_can_be_exact():
    frame = lalonde().assign(half=lambda f: f["educ"] / 2 + 0.25)
    halves = cem(frame, "treat", "re78", ["half"], exact=["half"])
    wholes = cem(frame, "treat", "re78", ["educ"], exact=["educ"])
    assert halves.estimate == pytest.approx(wholes.estimate, rel=1e-12)


def test_weights_of_two_are_two_copies():
    frame = lalonde().assign(weight=lambda f: np.where(f["age"] > 25, 2.0, 1.0))
    copies = pd.concat([frame, frame[frame["weight"] == 2.0]])
    weighted = cem(frame, "treat", "re78", **LALONDE, weights="weight")
    assert weighted.estimate == pytest.approx(cem(copies, "treat", "re78", **LALONDE).estimate, rel=1e-10)


def test_clusters_that_are_strata_give_the_stratum_error():
    frame = lalonde().assign(stratum=lambda f: f["race"] + f["married"].astype(str))
    effect = cem(frame, "treat", "re78", ["stratum"], cluster="stratum")
    assert effect.se_convention == "CRV1 by stratum"
    assert effect.std_error == pytest.approx(effect.diagnostics["std_errors"]["CRV1 by stratum"], rel=1e-9)
    assert effect.diagnostics["n_clusters"] == 6


def test_segments_are_matched_within():
    frame = lalonde().assign(group=lambda f: np.where(f["age"] > 25, "old", "young"))
    found = cem(frame, "treat", ["re78", "re75"], ["race", "married"], segment="group")
    alone = cem(frame[frame["group"] == "young"], "treat", "re75", ["race", "married"])
    row = found.effects[(found.effects["segment"] == "young") & (found.effects["outcome"] == "re75")].iloc[0]
    assert (row["estimate"], row["std_error"]) == pytest.approx((alone.estimate, alone.std_error), rel=1e-9)
    assert len(found.effects) == 6


def test_the_covariance_of_two_outcomes_is_that_of_their_sum():
    frame = lalonde().assign(both=lambda f: f["re75"] + f["re78"])
    spec = Spec("treat", ("race", "married"), "ATT")
    found = cem_design(as_relation(frame), spec)
    covariance = found.estimate(["re75", "re78"]).covariance
    assert covariance.sum() == pytest.approx(found.estimate(["both"]).covariance[0, 0], rel=1e-9)


def test_no_match_at_all_is_refused():
    frame = lalonde().assign(key=lambda f: np.where(f["treat"] == 1, "a", "b"))
    with pytest.raises(CausalError) as caught:
        cem(frame, "treat", "re78", ["key"])
    assert str(caught.value) == (
        "CAUSAL-023 no matched stratum to estimate from\n"
        "  matched 0 of 185 treated and 0 of 429 controls\n"
        "  fix: coarsen further (fewer bins), or match on fewer covariates\n"
        "  more: docs/errors.md#causal-023"
    )


def test_a_category_with_too_many_levels_is_refused():
    with pytest.raises(CausalError, match="CAUSAL-022 category with too many levels"):
        cem(lalonde(), "treat", "re78", ["id", "race"])


def test_options_for_a_column_that_is_no_covariate_are_refused():
    with pytest.raises(CausalError, match="CAUSAL-003 option for a column that is no covariate\n  agee\n"):
        cem(lalonde(), "treat", "re78", ["age"], cutpoints={"agee": [20]})


@pytest.mark.parametrize("bins", ["sturgess", "quantile(0)", -1])
def test_unknown_bins_are_refused(bins):
    with pytest.raises(CausalError, match="CAUSAL-001"):
        cem(lalonde(), "treat", "re78", ["age"], bins=bins)


def test_overlap_weights_are_not_a_cem_estimand():
    with pytest.raises(CausalError, match="CAUSAL-001 estimand not available"):
        cem(lalonde(), "treat", "re78", ["age"], estimand="ATO")


def test_one_cluster_is_refused():
    frame = lalonde().assign(site=1)
    with pytest.raises(CausalError, match="CAUSAL-023 one cluster in an arm"):
        cem(frame, "treat", "re78", ["race"], cluster="site")
