"""What randomization inference refuses, and what it says of a published p-value."""

from __future__ import annotations

import pytest

from estimators import CausalError, difference
from estimators.checks.randomization import check, randomization_test
from tests.checks.experiments import experiment


@pytest.mark.parametrize(
    ("arguments", "detail", "fix"),
    [
        ({"law": "lottery"}, "got lottery", "one of complete, stratified, clustered, bernoulli"),
        ({"statistic": "median"}, "got median", "one of studentised, difference, ks"),
        ({"law": "stratified"}, "law stratified needs strata", "name the columns: strata=..."),
        ({"law": "clustered"}, "law clustered needs a cluster", "cluster=..."),
        ({"strata": "block"}, "law complete has no strata", "law='stratified'"),
        ({"cluster": "village"}, "law complete has no clusters", "law='clustered'"),
        ({"share": 0.5}, "law complete has no share", "law='bernoulli'"),
        (
            {"law": "bernoulli"},
            "law bernoulli needs the share of treated that was intended, between 0 and 1",
            "share=..., or law='complete'",
        ),
        (
            {"statistic": "ks", "covariates": ["x"]},
            "ks compares the arms as they are",
            "law='complete' and no covariates, or statistic='studentised'",
        ),
        ({"n_draws": 0}, "0 draws", "n_draws=1000"),
    ],
)
def test_a_law_that_is_not_declared_is_refused(arguments, detail, fix):
    with pytest.raises(CausalError) as error:
        randomization_test(experiment(), "t", "y", **arguments)
    subject = {"lottery": "unknown law", "median": "unknown statistic"}.get(detail[4:], "assignment law not declared")
    assert str(error.value) == (f"CAUSAL-001 {subject}\n  {detail}\n  fix: {fix}\n  more: docs/errors.md#causal-001")


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        (
            {},
            {"law": "clustered", "cluster": "village"},
            "CAUSAL-016 clusters in both arms\n  9 of 12 clusters hold treated units and controls\n"
            "  fix: not whole clusters were assigned: declare another law\n  more: docs/errors.md#causal-016",
        ),
        (
            {"t": [int(i // 5 in (0, 3)) for i in range(60)]},
            {"law": "clustered", "cluster": "village", "strata": "block"},
            "CAUSAL-016 clusters in two strata\n  48 clusters lie in more than one stratum\n"
            "  fix: take strata that are made of whole clusters\n  more: docs/errors.md#causal-016",
        ),
        (
            {"t": [int(i == 0) for i in range(60)]},
            {},
            "CAUSAL-023 too few units\n  1 treated units and 59 controls: a variance needs 2 in each arm\n"
            "  fix: adjust for fewer covariates, or statistic='difference'\n  more: docs/errors.md#causal-023",
        ),
        (
            {"t": [int(i % 6 == 0) for i in range(60)]},
            {"law": "stratified", "strata": "block"},
            "CAUSAL-023 strata with one arm\n  6 of 6 strata have treated units only, or controls only\n"
            "  fix: leave them out, or declare the strata that were used\n  more: docs/errors.md#causal-023",
        ),
        (
            {"y": 3.0},
            {},
            "CAUSAL-028 outcome does not vary\n  y has one value\n"
            "  fix: choose an outcome that varies\n  more: docs/errors.md#causal-028",
        ),
        (
            {"w": lambda f: f["t"] * f["x"]},
            {"covariates": ["w"]},
            "CAUSAL-020 collinear covariates\n  w: constant in an arm, or determined by the others there\n"
            "  fix: adjust for fewer covariates\n  more: docs/errors.md#causal-020",
        ),
        (
            {"w": lambda f: 2 * f["x"]},
            {"covariates": ["x", "w"]},
            "CAUSAL-020 collinear covariates\n  w: constant, or determined by the others\n"
            "  fix: drop them from the adjustment\n  more: docs/errors.md#causal-020",
        ),
        (
            {"w": lambda f: f["block"] * 1.0},
            {"covariates": ["w"], "law": "stratified", "strata": "block"},
            "CAUSAL-020 collinear covariates\n  w: constant within the strata, or determined by the others\n"
            "  fix: drop them from the adjustment\n  more: docs/errors.md#causal-020",
        ),
        (
            {"block": None},
            {"law": "stratified", "strata": "block"},
            "CAUSAL-010 nulls in the strata\n  block 60 of 60 rows\n"
            "  fix: give these units a stratum, or leave them out\n  more: docs/errors.md#causal-010",
        ),
        (
            {},
            {"unit": "user"},
            "CAUSAL-003 unknown column\n  no column user\n"
            "  fix: name strata=... and unit=...\n  more: docs/errors.md#causal-003",
        ),
    ],
)
def test_data_that_do_not_fit_the_law_are_refused(changes, arguments, message):
    with pytest.raises(CausalError) as error:
        randomization_test(experiment().assign(**changes), "t", "y", **arguments)
    assert str(error.value) == message


def test_a_significant_result_that_the_assignment_bears_out_passes():
    test = randomization_test(experiment(effect=3.0), "t", "y", ["x"])
    found = check(test, p_value=1e-6, method="difference")
    assert (found.status, found.is_gate, found.statistic) == ("pass", True, test.p_value)
    assert found.reason.endswith(
        "it takes the declared assignment for granted and is never evidence against confounding"
    )
    assert "1,000 draws by complete randomisation: p = 0.001 (its floor)" in found.reason


def test_a_significant_result_of_four_clusters_fails():
    frame = experiment(20, seed=5).assign(t=lambda f: f["village"].isin([0, 1]).astype(int))
    frame["y"] += 10 * frame["t"]
    test = randomization_test(frame, "t", "y", law="clustered", cluster="village")
    published = difference(frame, "t", "y", cluster="village").p_value
    found = check(test, published, method="difference")
    assert published < 0.05 < test.p_value
    assert (found.status, found.blocks) == ("fail", True)
    assert found.reason.startswith("the published p-value rests on large-sample theory that this experiment does not")
    assert "all 6 assignments by clustered randomisation: p = 0.33" in found.reason


def test_nothing_is_said_for_an_observational_study():
    found = check(randomization_test(experiment(effect=3.0), "t", "y"), 1e-6, is_randomised=False)
    assert (found.status, found.is_gate, found.blocks) == ("not_evaluated", False, False)
    assert found.reason.startswith("were treatment drawn by lot, which it was not: ")
