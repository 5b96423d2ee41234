"""A study's own randomization test follows its definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.checks.randomization import randomization_test
from estimators.checks.randomization_of_study import checks
from estimators.effects.difference import difference
from estimators.results import Check
from estimators.study_table import StudyTable, study_table
from tests.checks.simulated import simulated, study


def table(frame: pd.DataFrame, **changes) -> StudyTable:
    return study_table(frame, study(**changes))


def only(frame: pd.DataFrame, adjust: bool = False, **changes) -> Check:
    """The check of the headline effect, as the estimate stage has it."""
    read = table(frame, **changes)
    covariates = read.covariates if adjust else ()
    effect = difference(read.relation, "treatment", "outcome_sales", covariates, cluster=read.cluster)
    (found,) = checks(read, [effect], seed="s")
    return found


def declared(law: str, **keys) -> dict:
    return {"checks": {"randomization": {"law": law, **keys}}}


def test_the_declared_law_and_number_of_draws_are_used():
    found = only(simulated(300), **declared("complete", n_draws=200))
    assert (found.status, found.is_gate, found.outcome) == ("pass", True, "sales")
    assert found.reason.startswith("200 draws by complete randomisation: p = 0.005 (its floor)")


def test_an_adjusted_effect_is_compared_with_adjusted_draws():
    frame = simulated(300)
    columns = ["covariate_age", "covariate_visits"]
    test = randomization_test(frame, "treatment", "outcome_sales", columns, seed="s")
    assert f"statistic {test.statistic:.2f}" in only(frame, adjust=True, **declared("complete")).reason


def test_strata_are_segments_of_the_study():
    frame = simulated(300).assign(segment_country=lambda f: np.where(f.index % 3 == 0, "a", "b"))
    found = only(frame, segments=["country"], **declared("stratified", strata=["country"]))
    assert "draws by stratified randomisation" in found.reason


def test_clusters_are_those_of_the_study():
    frame = simulated(300).assign(cluster_id=lambda f: f.index // 10)
    frame["treatment"] = frame["cluster_id"] % 2
    assert "draws by clustered randomisation" in only(frame, cluster="cluster_id", **declared("clustered")).reason


def test_coins_fall_with_the_expected_share():
    found = only(simulated(300), expected_share=0.5, **declared("bernoulli"))
    assert "draws by bernoulli randomisation" in found.reason


def test_a_law_that_the_data_contradict_fails():
    frame = simulated(300).assign(cluster_id=lambda f: f.index // 10)
    found = only(frame, cluster="cluster_id", **declared("clustered"))
    assert (found.check_name, found.status, found.code) == ("randomization_inference", "fail", "016")


def test_an_undeclared_law_is_no_gate():
    found = only(simulated(300))
    assert (found.status, found.blocks) == ("not_evaluated", False)
    assert found.reason == "the definition declares no assignment law; checks: {randomization: {law: complete}}"


@pytest.mark.parametrize("method", ["aipw", "cem"])
def test_other_methods_are_compared_without_a_gate(method):
    read = table(simulated(300), **declared("complete"))
    effect = difference(read.relation, "treatment", "outcome_sales")
    (found,) = checks(read, [effect.__class__(**{**effect.__dict__, "method": method})], seed="s")
    assert (found.status, found.is_gate, found.method) == ("pass", False, method)


def test_weighted_studies_are_not_evaluated():
    found = only(simulated(300).assign(weight=1.5), **declared("complete"))
    assert (found.status, found.is_gate) == ("not_evaluated", False)
