"""The design is judged before any outcome is read, and a blocked study shows no estimate anywhere."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from estimators.analysis import analyse
from estimators.warehouse import Relation, as_relation
from tests.checks.simulated import checks_named, definition, only, run, simulated, study

OBSERVATIONAL = {"design": "observational", "methods": [{"name": "aipw", "repetitions": 1}]}
SECRETS = ("estimate", "std_error", "ci_lower", "ci_upper", "p_value", "p_value_adjusted", "control_mean")


class OutcomeWasRead(AssertionError):
    pass


class Watched(Relation):
    """A relation that notes, or refuses, every expression over an outcome column."""

    def __init__(self, inner: Relation, log: list[str], outcomes: tuple[str, ...], refuses: bool) -> None:
        self.inner, self.log, self.outcomes, self.refuses = inner, log, outcomes, refuses

    @property
    def columns(self):
        return self.inner.columns

    def _see(self, *texts: object) -> None:
        for text in texts:
            parts = text.values() if isinstance(text, dict) else [text]
            for part in parts:
                if part and any(f'"{o}"' in str(part) for o in self.outcomes):
                    self.log.append(str(part))
                    if self.refuses:
                        raise OutcomeWasRead(str(part))

    def _watched(self, relation: Relation) -> Watched:
        return type(self)(relation, self.log, self.outcomes, self.refuses)

    def aggregate(self, expressions, by=(), where=None):
        self._see(dict(expressions), dict(by) if isinstance(by, dict) else {c: f'"{c}"' for c in by}, where)
        return self.inner.aggregate(expressions, by, where)

    def batches(self, expressions, where=None, order_by=None, n_rows=30_000):
        self._see(dict(expressions), where, order_by)
        return self.inner.batches(expressions, where, order_by, n_rows)

    def filter(self, condition):
        self._see(condition)
        return self._watched(self.inner.filter(condition))

    def with_columns(self, expressions):
        self._see(dict(expressions))
        return self._watched(self.inner.with_columns(expressions))

    def grouped(self, expressions, by):
        self._see(dict(expressions), dict(by))
        return self._watched(self.inner.grouped(expressions, by))

    def __getattr__(self, name):
        return getattr(self.inner, name)


# What a relation answers without a row of its own: how its engine writes an expression
for _name in ("name", "text", "number", "double", "seconds", "bucket", "total", "quantile", "pick"):
    setattr(Watched, _name, lambda self, *a, _name=_name: getattr(self.inner, _name)(*a))
Watched.joined = lambda self, other, on: self._watched(self.inner.joined(getattr(other, "inner", other), on))
Watched.lookup = lambda self, on, table: self._watched(self.inner.lookup(on, table))
Watched.__abstractmethods__ = frozenset()


def watched(frame: pd.DataFrame, refuses: bool) -> tuple[Watched, list[str]]:
    log: list[str] = []
    return Watched(as_relation(frame), log, ("outcome_sales",), refuses), log


def blocked_frame(**changes: object) -> pd.DataFrame:
    return run(simulated(600, hidden=1.0), **OBSERVATIONAL, **changes).frame("run1")


def payloads(frame: pd.DataFrame, record: str) -> list[dict]:
    return [json.loads(p) for p in frame.loc[frame["record"] == record, "payload"]]


@pytest.mark.parametrize("method", ["difference", "aipw", "cem"])
def test_a_study_that_is_blocked_by_its_design_never_reads_an_outcome(method):
    relation, log = watched(simulated(600, hidden=1.5), refuses=True)
    results = analyse(relation, study(design="observational", methods=[method]))
    assert results.status == "blocked"
    assert log == []


def test_outcomes_are_read_once_the_design_has_passed():
    relation, log = watched(simulated(600), refuses=False)
    assert analyse(relation, study()).status == "published"
    assert log


def test_the_watch_sees_a_reader_of_outcomes():
    relation, _ = watched(simulated(50), refuses=True)
    with pytest.raises(OutcomeWasRead):
        relation.filter('"outcome_sales" > 0').aggregate({"n": "count(*)"})


def test_blinding_the_outcome_leaves_the_design_stage_unchanged():
    frame = simulated(600, hidden=1.5)
    blinded = frame.assign(outcome_sales=np.random.default_rng(0).normal(size=len(frame)))
    shown, hidden = (run(f, **OBSERVATIONAL).frame("run1") for f in (frame, blinded))
    pd.testing.assert_frame_equal(shown, hidden)


def test_a_study_blocked_by_its_design_has_a_row_per_method_and_outcome_without_numbers():
    effects = payloads(blocked_frame(), "effect")
    assert [(e["method"], e["outcome"], e["is_headline"]) for e in effects] == [("aipw", "sales", True)]
    assert all(e[key] is None for e in effects for key in SECRETS)
    assert effects[0]["n_units"] == 600


def test_a_study_blocked_after_estimation_keeps_only_a_salted_hash():
    outcomes = [
        {"feature": "sessions", "name": "sales", "window_days": 7},
        {"feature": "sessions", "name": "echo", "window_days": 7, "role": "secondary"},
    ]
    frame = simulated(600).assign(outcome_echo=lambda f: f["treatment"])  # no spread in either arm: no standard error
    results = run(frame, outcomes=outcomes)
    effects = payloads(results.frame("run1"), "effect")
    assert only(results, "standard_error").reason.startswith("no standard error; difference on echo: standard error 0")
    assert results.status == "blocked"
    assert all(e[key] is None for e in effects for key in SECRETS)
    assert all(len(e["estimate_hash"]) == 64 and e["diagnostics"] == {} for e in effects)


def test_the_frame_of_a_blocked_study_does_not_hold_the_estimate_in_any_form():
    frame = simulated(600, hidden=1.0)
    open_study = analyse(frame, study(margin=10.0, **OBSERVATIONAL))
    assert open_study.status == "published"
    effect = open_study.effects[0]
    text = "".join(run(frame, **OBSERVATIONAL).frame("run1")["payload"])
    for value in (effect.estimate, effect.std_error, effect.ci_lower, effect.control_mean):
        assert f"{value:.6g}"[:6] not in text


def test_every_column_of_the_frame_is_text():
    frame = run(simulated(200)).frame("run1", "0.1.0", "abc")
    assert list(frame.columns) == ["record", "study_id", "run_id", "definition_hash", "payload"]
    assert all(isinstance(v, str) for column in frame for v in frame[column])
    always = {"effect", "check", "attrition", "advice", "run"}
    assert always <= set(frame["record"]) <= always | {"overlap", "balance"}


def test_the_run_row_says_who_made_it():
    (found,) = payloads(run(simulated(200)).frame("run1", "0.1.0", "abc"), "run")
    assert (found["library_version"], found["git_commit"], found["as_of"]) == ("0.1.0", "abc", "2026-05-01")
    assert (found["status"], found["tier"], found["n_failed"], found["n_units"]) == ("published", "verified", 0, 200)


def test_the_hash_of_an_estimate_depends_on_run_and_definition():
    def hashes(**names: str) -> set[str]:
        results = analyse(simulated(200), study(), definition_hash=names.get("definition_hash", "d"))
        return {payloads(results.frame(names.get("run_id", "r")), "effect")[0]["estimate_hash"]}

    assert len(hashes() | hashes(run_id="s") | hashes(definition_hash="e")) == 3
    assert hashes() == hashes()


def test_a_waiver_publishes_what_could_not_be_evaluated_as_unverified():
    changes = {**OBSERVATIONAL, "checks": {}}
    frame = simulated(600)
    assert run(frame, **changes).status == "blocked"
    waived = run(frame, **changes, waivers=[{"check": "placebo_outcome", "reason": "no history before launch"}])
    assert (waived.status, waived.tier) == ("published", "unverified")
    assert only(waived, "placebo_outcome").is_waived


def test_a_waiver_does_not_excuse_a_failure():
    results = run(
        simulated(1500, hidden=1.5), **OBSERVATIONAL, waivers=[{"check": "placebo_outcome", "reason": "we are sure"}]
    )
    assert only(results, "placebo_outcome").status == "fail"
    assert results.status == "blocked"


def test_the_order_of_the_rows_changes_nothing():
    frame = simulated(800).assign(segment_platform=lambda f: np.where(f.index % 3, "ios", "web"))
    changes = {
        "design": "observational",
        "methods": [{"name": "aipw", "repetitions": 1}, "difference"],
        "margin": 0.5,
        "segments": ["platform"],
    }
    first = run(frame, **changes).frame("run1")
    second = run(frame.sample(frac=1.0, random_state=3), **changes).frame("run1")
    assert len(first) == len(second)
    for a, b in zip(first["payload"], second["payload"], strict=True):
        assert_same(json.loads(a), json.loads(b))


def assert_same(a: object, b: object, key: str = "") -> None:
    """Equal, numbers to 1e-9; the hash of an estimate follows its last digit and is left out."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for k in a:
            if k != "estimate_hash":
                assert_same(a[k], b[k], k)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-9), key
    else:
        assert a == b, key


def test_the_fingerprint_follows_the_data_and_not_the_order():
    frame = simulated(200)
    swapped = frame.copy()
    swapped.loc[[0, 1], "outcome_sales"] = frame.loc[[1, 0], "outcome_sales"].to_numpy()
    same = run(frame.sample(frac=1.0, random_state=1)).run.data_fingerprint
    assert run(frame).run.data_fingerprint == same
    assert run(swapped).run.data_fingerprint != same


def test_segments_and_p_values_form_one_family():
    outcomes = [
        {"feature": "sessions", "name": "sales", "window_days": 7},
        {"feature": "sessions", "name": "clicks", "window_days": 7, "role": "secondary"},
    ]
    frame = simulated(800).assign(segment_platform=lambda f: np.where(f.index % 3, "ios", "web"))
    frame["outcome_clicks"] = np.random.default_rng(2).normal(size=800)
    effects = run(frame, outcomes=outcomes, segments=["platform"]).effects
    family = [e for e in effects if e.p_value_adjusted is not None]
    assert [e.segment for e in family] == ["", "platform=ios", "platform=web"]
    assert {e.outcome for e in family} == {"sales"}
    assert all(e.p_value_adjusted >= e.p_value for e in family)
    assert [e.outcome for e in effects if e.is_headline] == ["sales", "clicks"]
    assert all(e.diagnostics["ci_lower_adjusted"] < e.ci_lower for e in family)


def test_an_observational_study_shows_the_raw_comparison_beside_its_estimate():
    effects = run(simulated(800, confounding=0.5), **OBSERVATIONAL, margin=0.5).effects
    assert [(e.method, e.role) for e in effects] == [("aipw", "primary"), ("difference", "comparison")]
    assert effects[1].estimate > effects[0].estimate > 0.5


@pytest.mark.parametrize("policy", ["drop", "zero", "indicator"])
def test_missing_covariates_are_treated_as_declared(policy):
    frame = simulated(400)
    frame.loc[frame.index[:10], "covariate_age"] = None
    results = run(frame, missing_values=policy)
    assert results.status == "published"
    assert results.run.n_units == (390 if policy == "drop" else 400)
    assert any(b.covariate == "age_is_missing" for b in results.balance) == (policy == "indicator")


def test_units_without_an_outcome_are_dropped_and_counted():
    frame = simulated(400)
    frame.loc[frame.index[:10], "outcome_sales"] = None
    results = run(frame)
    assert results.attrition[-1].step_name == "without: missing outcomes"
    assert results.effects[0].n_units == results.run.n_units == 390


def test_winsorising_limits_an_outlier():
    frame = simulated(400)
    frame.loc[frame.index[0], "outcome_sales"] = 1e6
    assert run(frame, winsorise=0.01).effects[0].std_error < 0.3 < run(frame).effects[0].std_error


def test_excluded_units_are_left_out_and_counted():
    frame = simulated(400).assign(exclusion=None).astype({"exclusion": object})
    frame.loc[frame.index[:30], "exclusion"] = "not eligible"
    results = run(frame)
    assert [(a.step_name, a.n_treated + a.n_control) for a in results.attrition] == [
        ("cohort", 400),
        ("without: not eligible", 370),
    ]
    assert results.effects[0].n_units == 370


def test_an_engine_error_is_not_taken_for_a_fault_of_the_data():
    class Broken(Watched):
        def aggregate(self, expressions, by=(), where=None):
            raise OSError("disk full")

    relation = Broken(as_relation(simulated(50)), [], (), False)
    with pytest.raises(OSError, match="disk full"):
        analyse(relation, study())


def test_the_definition_used_in_these_tests_is_a_valid_one():
    assert study().model_dump()["design"] == definition()["design"]


def test_a_method_that_refuses_becomes_a_failed_check():
    results = run(simulated(60).head(12), methods=[{"name": "aipw", "folds": 20}])
    assert results.status == "blocked"
    assert any(c.code == "023" and c.method == "aipw" for c in results.checks)
    assert not checks_named(results, "method")


def test_equations_without_a_solution_are_a_fault_of_the_method(monkeypatch):
    from estimators import methods

    def unsolvable(*arguments: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setitem(methods._DESIGNS, "difference", unsolvable)
    results = run(simulated(100))
    assert results.status == "blocked"
    assert [c.code for c in results.checks if c.method == "difference"] == ["020"]
