"""Overlap on the preference score and by effective sample size."""

from __future__ import annotations

import pytest

from estimators.checks import overlap
from estimators.results import Overlap
from estimators.study_table import StudyTable
from estimators.warehouse import as_relation
from tests.checks.simulated import only, run, simulated, study

AIPW = {"name": "aipw", "repetitions": 1}


def verdict(estimand: str = "ATT", design: str = "observational", **arms: dict):
    rows = [arm_row("control", **arms.get("control", {})), arm_row("treated", **arms.get("treated", {}))]
    definition = study(estimand=estimand, design=design, methods=["aipw"] if estimand != "ATC" else ["cem"])
    (check,) = overlap.check(StudyTable(as_relation(simulated(4)), definition), "aipw", rows)
    return check


def arm_row(
    arm: str, n: int = 1000, ess: float = 900.0, equipoise: float | None = 0.6, clipped: float = 0.0
) -> Overlap:
    return Overlap("aipw", arm, n, ess, equipoise, clipped, 0.1, 0.9)


def test_good_overlap_passes_with_its_figures():
    assert verdict().reason == (
        "controls: effective sample size 900 of 1,000, 60% in equipoise, treated: effective sample size 900 of 1,000, "
        "60% in equipoise"
    )


@pytest.mark.parametrize(
    ("estimand", "arms", "status"),
    [
        ("ATT", {"control": {"equipoise": 0.2}}, "pass"),
        ("ATT", {"control": {"equipoise": 0.19}}, "fail"),
        ("ATT", {"treated": {"equipoise": 0.19}}, "fail"),
        ("ATT", {"control": {"ess": 200.0}}, "pass"),
        ("ATT", {"control": {"ess": 199.0}}, "fail"),
        ("ATT", {"control": {"ess": 49.0}, "treated": {"n": 100}}, "fail"),
        ("ATT", {"control": {"ess": 51.0}, "treated": {"n": 100}}, "pass"),
        ("ATT", {"treated": {"ess": 1.0}}, "pass"),
        ("ATE", {"treated": {"ess": 199.0}}, "fail"),
        ("ATE", {"control": {"ess": 199.0}}, "fail"),
        ("ATC", {"treated": {"ess": 199.0}}, "fail"),
        ("ATC", {"control": {"ess": 1.0}}, "pass"),
        ("ATT", {"control": {"clipped": 0.03}}, "pass"),
        ("ATT", {"control": {"clipped": 0.05}}, "warn"),
        ("ATT", {"control": {"clipped": 0.15}, "treated": {"clipped": 0.15}}, "fail"),
        ("ATT", {"control": {"equipoise": None}, "treated": {"equipoise": None}}, "pass"),
    ],
)
def test_limits_of_equipoise_effective_sample_size_and_clipping(estimand, arms, status):
    assert verdict(estimand, **arms).status == status


def test_the_message_of_code_014_gives_the_figures():
    check = verdict(control={"ess": 9.7, "equipoise": 0.05})
    assert check.code == "014"
    assert check.reason == (
        "no overlap; controls: 1,000 units, propensity 0.1-0.9; treated: 1,000 units, propensity 0.1-0.9; 5.0% of the "
        "controls have a preference score in .3-.7, 20% needed; effective sample size of the controls is 9.7, 200 "
        "needed; fix: restrict the cohort to units that could have been in either arm"
    )


def test_in_a_randomised_design_a_shortfall_only_warns():
    check = verdict(design="randomised", control={"ess": 10.0})
    assert (check.status, check.is_gate) == ("warn", False)


def test_a_treatment_that_a_covariate_decides_blocks_the_study():
    results = run(simulated(1500, confounding=4.0), design="observational", methods=[AIPW])
    assert results.status == "blocked"
    assert any(c.code == "014" and c.status == "fail" for c in results.checks)


def test_a_moderately_confounded_study_overlaps():
    results = run(simulated(1500, confounding=0.4), design="observational", methods=[AIPW])
    assert only(results, "overlap").status == "pass"
