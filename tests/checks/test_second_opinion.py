"""The second opinion: referees agree with what we publish, and a number that is wrong does not pass."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from estimators import methods
from estimators.checks import referees, second_opinion
from estimators.checks.bucket_sample import bucket_sample
from estimators.checks.second_opinion import of_design, of_panel, of_series
from estimators.effects.iv import iv_design
from estimators.effects.method import PanelSpec, Spec
from estimators.effects.panel import panel_design
from estimators.results import Check, Effect, wald
from estimators.study_table import study_table
from estimators.warehouse import as_relation
from tests.checks.simulated import simulated, study
from tests.datasets import wage_panel
from tests.source_tree import ROOT

AIPW = {"name": "aipw", "repetitions": 2, "folds": 3}
LIN = {"name": "difference", "adjust": True}


def data(n: int = 1200, **columns: object) -> pd.DataFrame:
    frame = simulated(n, confounding=0.4)
    generator = np.random.default_rng(9)
    frame["covariate_city"] = generator.choice(["oslo", "rome", "bonn"], n)
    frame["outcome_bought"] = (frame["outcome_sales"] > 3.5).astype(int)
    return frame.assign(weight=generator.uniform(0.5, 2.0, n), school=np.arange(n) // 20, **columns)


def designed(frame: pd.DataFrame, method: object, **changes: object):
    outcomes = [{"feature": "s", "name": name, "window_days": 7} for name in ("sales", "bought")]
    table = study_table(
        frame,
        study(
            methods=[method],
            design="observational",
            confounders=["age", "visits", "city"],
            outcomes=outcomes,
            **changes,
        ),
    )
    design = methods.design(table, table.study.headline, "push")
    return design, design.estimate(table.outcomes).effects


def opinion(frame: pd.DataFrame, method: object, **changes: object) -> list[Check]:
    return of_design(*designed(frame, method, **changes))


def judged(checks: list[Check]) -> list[Check]:
    return [c for c in checks if c.status != "not_evaluated"]


@pytest.mark.parametrize(
    ("estimand", "cluster", "is_weighted"), [("ATT", None, False), ("ATE", None, True), ("ATT", "school", True)]
)
@pytest.mark.parametrize("method", ["difference", LIN, "cem", AIPW])
def test_the_referee_agrees_on_the_same_rows(method, estimand, cluster, is_weighted):
    frame = data(800) if is_weighted else data(800).drop(columns="weight")
    found = judged(opinion(frame, method, estimand=estimand, cluster=cluster))
    assert len(found) == 4  # two numbers of two outcomes
    assert [(c.status, c.is_gate) for c in found] == [("pass", True)] * 4
    assert max(c.statistic for c in found) < 1e-8
    assert "on the same 800 rows" in found[0].reason


@pytest.mark.parametrize("changes", [{"estimand": "ATO"}, {"estimand": "ATC", "methods": "cem"}])
def test_the_referee_knows_every_estimand(changes):
    method = changes.pop("methods", AIPW)
    assert {c.status for c in judged(opinion(data(), method, **changes))} == {"pass"}


@pytest.mark.parametrize(
    "options", [{"propensity_model": "probit"}, {"outcome_model": "linear"}, {"folds": 1}, {"clip": 0.1}]
)
def test_the_referee_knows_every_nuisance_model(options):
    assert {c.status for c in judged(opinion(data(600), {**AIPW, **options}))} == {"pass"}


@pytest.mark.parametrize("method", ["difference", LIN, "cem", AIPW])
@pytest.mark.parametrize("part", ["estimate", "std_error"])
def test_a_number_that_was_tampered_with_fails_and_blocks(method, part):
    design, effects = designed(data(600), method)
    shift = (2e-3 if method is AIPW else 2e-6) * max(abs(effects[0].estimate), effects[0].std_error)
    if part == "std_error" and method == "cem":  # of its errors the referee knows HC1
        named = effects[0].diagnostics["std_errors"]
        changed = {"std_errors": {**named, "HC1": named["HC1"] + shift}}
        wrong = replace(effects[0], diagnostics={**effects[0].diagnostics, **changed})
    else:
        wrong = replace(effects[0], **{part: getattr(effects[0], part) + shift})
    found = of_design(design, [wrong, *effects[1:]])
    failed = [c for c in found if c.status == "fail"]
    assert {(c.outcome, c.blocks) for c in failed} == {("sales", True)}
    assert failed[0].statistic > failed[0].threshold
    assert failed[0].reason.startswith(f"the referee disagrees: {part}")
    assert failed[0].reason.endswith("report it with the definition")


def test_a_smaller_difference_than_allowed_passes():
    design, effects = designed(data(600), "difference")
    near = replace(effects[0], estimate=effects[0].estimate * (1 + 0.5e-6))
    assert {c.status for c in of_design(design, [near, *effects[1:]])} == {"pass"}


@pytest.mark.parametrize("method", ["difference", "cem", AIPW])
def test_a_large_study_is_recomputed_on_a_sample(method):
    design, effects = designed(data(6000), method)
    relation = design.rows.relation if method is AIPW else design.rows
    spec = design.rows.spec if method is AIPW else design.spec
    found = judged(second_opinion.second_opinion(relation, spec, effects, n_units=1500))
    assert {c.status for c in found} == {"pass"}
    size = int(re.search(r"a sample of ([\d,]+) rows", found[0].reason)[1].replace(",", ""))
    assert 1200 < size < 1800


def test_what_a_method_gets_wrong_on_a_sample_is_caught(monkeypatch):
    design, effects = designed(data(6000), "difference")
    wrong = second_opinion._METHODS["difference"]
    monkeypatch.setitem(second_opinion._METHODS, "difference", replace(wrong, theirs=_off_by_one_percent))
    found = second_opinion.second_opinion(design.rows, design.spec, effects, n_units=1500)
    assert {c.status for c in found} == {"fail"}


def _off_by_one_percent(relation, spec, outcomes):
    true = second_opinion.second_opinion_linear.difference(relation, spec, outcomes)
    return [{name: value * 1.01 for name, value in numbers.items()} for numbers in true]


def test_a_rare_treatment_keeps_its_units_in_the_sample():
    frame = pd.DataFrame({"unit_id": np.arange(20_000), "treatment": (np.arange(20_000) % 100 == 0).astype(int)})
    found = bucket_sample(as_relation(frame), Spec("treatment", ()), 2_000)
    treated = found.aggregate({"n": "count(*)"}, by=["treatment"])["n"]
    assert treated[1] == 200
    assert 1_600 < treated[0] < 2_000


def test_the_sample_keeps_clusters_whole():
    frame = pd.DataFrame(
        {"school": np.arange(8_000) // 20, "treatment": np.arange(8_000) % 2, "unit_id": np.arange(8_000)}
    )
    found = bucket_sample(as_relation(frame), Spec("treatment", (), cluster="school"), 2_000)
    assert set(found.aggregate({"n": "count(*)"}, by=["school"])["n"]) == {20}


def test_the_sample_is_the_same_every_time():
    relation, spec = as_relation(data(4000)), Spec("treatment", (), unit="unit_id")
    first, again = (bucket_sample(relation, spec, 1000).rows({"u": "unit_id"}, order_by="u")["u"] for _ in range(2))
    assert list(first) == list(again)


def test_the_first_split_stands_for_many_when_there_is_no_time_for_all(monkeypatch):
    monkeypatch.setattr("estimators.checks.second_opinion_aipw.WORK", 1)
    found = judged(opinion(data(600), AIPW))
    assert {c.status for c in found} == {"pass"}
    assert "on the same 600 rows, first split" in found[0].reason


def test_a_number_without_a_referee_says_so_and_does_not_gate():
    found = [c for c in opinion(data(600), "cem") if c.status == "not_evaluated"]
    assert {(c.is_gate, c.reason) for c in found} == {(False, "std_error has no referee: none in the base install")}
    boosted = opinion(data(600), {**AIPW, "outcome_model": "boosting"})
    assert {(c.status, c.is_gate) for c in boosted} == {("not_evaluated", False)}


def test_a_referee_that_cannot_compute_says_why(monkeypatch):
    def broken(relation, spec, outcomes):
        raise ValueError("exog does not have full column rank")

    wrong = second_opinion._METHODS["difference"]
    monkeypatch.setitem(second_opinion._METHODS, "difference", replace(wrong, theirs=broken))
    (first, *_) = opinion(data(600), "difference")
    assert (first.status, first.is_gate) == ("not_evaluated", False)
    assert first.reason == (
        "estimate has no referee: it could not be recomputed (ValueError: exog does not have full column rank)"
    )


def instrumented(n: int = 800) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x, near, far, u = generator.normal(size=(4, n))
    treatment = 0.5 * near + 0.2 * far + 0.3 * x + u + generator.normal(size=n)
    frame = pd.DataFrame({"x": x, "near": near, "far": far, "treatment": treatment})
    frame["y"] = treatment + x + u + generator.normal(size=n)
    return frame.assign(school=np.arange(n) // 20, weight=generator.uniform(0.5, 2.0, n))


@pytest.mark.parametrize("options", [{}, {"estimator": "liml"}, {"cov": "unadjusted"}])
@pytest.mark.parametrize("columns", [{}, {"cluster": "school"}, {"weights": "weight"}])
def test_linearmodels_agrees_on_instrumental_variables(options, columns):
    if "cluster" in columns and "cov" in options:
        columns = {}
    spec = Spec("treatment", ("x",), "LATE", options={"instruments": ("near", "far"), **options}, **columns)
    design = iv_design(as_relation(instrumented()), spec)
    effects = design.estimate(("y",)).effects
    assert [c.status for c in of_design(design, effects)] == ["pass", "pass"]
    wrong = replace(effects[0], estimate=effects[0].estimate + 1e-5 * effects[0].std_error)
    assert [c.status for c in of_design(design, [wrong])] == ["fail", "pass"]


def test_what_is_withheld_for_weak_instruments_is_recomputed_all_the_same():
    spec = Spec("treatment", ("x",), "LATE", options={"instruments": ("far",), "minimum_effective_f": 1e6})
    design = iv_design(as_relation(instrumented()), spec)
    effects = design.estimate(("y",)).effects
    assert np.isnan(effects[0].estimate)
    assert [c.status for c in of_design(design, effects)] == ["pass", "pass"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"convention": "linearmodels"},
        {"cov": "robust"},
        {"cov": "unadjusted"},
        {"effects": ("unit",)},
        {"clusters": ("nr", "year")},
    ],
)
def test_linearmodels_agrees_on_fixed_effects(options):
    frame = wage_panel()
    frame = frame[frame["nr"] % 4 == 0].sample(frac=0.8, random_state=2)
    spec = PanelSpec("nr", "year", treatment="union", covariates=("married", "expersq"), options=options)
    design = panel_design(as_relation(frame), spec)
    effects = design.estimate(("lwage",)).effects
    found = judged(of_design(design, effects))
    assert {c.status for c in found} == {"pass"}
    wrong = [replace(effects[0], estimate=effects[0].estimate + 1e-5 * effects[0].std_error)]
    assert of_design(design, wrong)[0].status == "fail"


def test_a_large_panel_is_recomputed_on_whole_units():
    spec = PanelSpec("nr", "year", treatment="union", covariates=("married",))
    design = panel_design(as_relation(wage_panel()), spec)
    found = of_panel(design, design.estimate(("lwage",)).effects, n_rows=2_000)
    assert {c.status for c in found} == {"pass"}
    assert "on a sample of" in found[0].reason


def test_a_series_without_tfcausalimpact_has_no_referee(monkeypatch):
    from estimators.errors import refuse

    def absent(data, **question):
        raise refuse("001", "engine is not installed", "tfcausalimpact is missing")

    monkeypatch.setattr(second_opinion, "bsts", absent)
    (check,) = of_series(None, _of_series(5.0), time="day")
    assert (check.status, check.is_gate) == ("not_evaluated", False)
    assert check.reason == "estimate has no referee: engine is not installed; tfcausalimpact is missing"


@pytest.mark.parametrize(("theirs", "status"), [(5.2, "pass"), (5.4, "warn")])
def test_tfcausalimpact_warns_beyond_half_a_posterior_sd(monkeypatch, theirs, status):
    monkeypatch.setattr(second_opinion, "bsts", lambda data, **question: _of_series(theirs))
    check, *rest = of_series(None, _of_series(5.0), time="day")
    assert (check.status, check.is_gate) == (status, False)
    assert {(c.status, c.is_gate) for c in rest} == {("not_evaluated", False)}


def _of_series(estimate: float) -> Effect:
    figures = {"n_units": 60, "n_treated": 20, "method": "bsts", "estimand": "ATT", "outcome": "y"}
    return Effect(**wald(estimate, 0.6), **figures)


def test_the_table_of_the_docs_is_the_one_that_the_code_uses():
    page = (ROOT / "docs" / "referees.md").read_text(encoding="utf-8")
    table = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in page.splitlines() if line[:1] == "|"
    ]
    words = {None: "", referees.EXACT: "1e-6", referees.ITERATIVE: "1e-3 SE", referees.POSTERIOR: "0.5 posterior SD"}
    expected = [(r.method, r.number, r.referee, words[r.tolerance], r.judgement) for r in referees.REFEREES]
    assert table[2:] == expected


def test_every_number_that_is_compared_stands_in_the_table():
    for method in ("difference", "aipw", "iv", "panel"):
        for number in ("estimate", "std_error"):
            assert referees.referee(method, number).judgement == "gate"
    assert referees.referee("did", "att_gt").referee == "none"


def test_no_referee_is_loaded_before_it_is_asked():
    code = "import sys, estimators.checks.second_opinion; print(*{m.split('.')[0] for m in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(run.stdout.split()) & {"statsmodels", "sklearn", "linearmodels", "tensorflow"} == set()
