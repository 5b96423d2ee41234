"""Code 003: names of confounders, outcomes and placebos against the registry of the models that the study refs."""

from __future__ import annotations

from typing import Any

import pytest

from dbt_causal.definitions import faults
from dbt_causal.project_files import definitions_in
from estimators.registry import Feature, name_violations, registry_faults
from tests.definition.small_project import DEFINITION, REGISTRY, STUDY, write_project

FEATURES = [
    Feature("feat_sessions", "sessions_7d", "7-day session count", 7, "count", has_event_at=True),
    Feature("feat_sessions", "sessions", "Sessions", None, "count", has_event_at=True),
    Feature("feat_profile", "age", "Age", None, "last", has_event_at=False),
    Feature("feat_sessions", "session_rate", None, None, "rate", has_event_at=True),
]
REGISTERED = {"name": "sessions", "column": "session_id", "aggregation": "count"}


def found(**changes: Any) -> list[str]:
    return [str(v.fault(lambda path: "")) for v in name_violations({**DEFINITION, **changes}, FEATURES)]


def project_messages(folder, study: str, **names: str) -> list[str]:
    return [str(f) for f in faults(definitions_in(write_project(folder, study, **names)))]


def test_names_and_labels_are_found():
    assert found(confounders=["sessions_7d", "7-day session count", {"feature": "Sessions"}]) == []


def test_an_unknown_confounder_names_the_nearest_feature_with_file_and_line(tmp_path):
    assert project_messages(tmp_path, STUDY.replace("[sessions_7d]", "[session_7d]")) == [
        "CAUSAL-003 unknown confounder  models/push.yml:14\n"
        "  session_7d is not in the registry of feat_sessions; did you mean sessions_7d?\n"
        "  fix: use a registered name or label, or add its model to features=[ref(...)] in the study's .sql\n"
        "  more: docs/errors.md#causal-003"
    ]


def test_an_unknown_label_names_the_nearest_label():
    (message,) = found(confounders=["7 day session count"])
    assert "did you mean 7-day session count?" in message


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"outcomes": [{"feature": "purchases", "window_days": 7}]}, "outcome"),
        ({"checks": {"placebo_outcomes": [{"feature": "purchases", "window_days": 7}]}}, "placebo outcome"),
    ],
)
def test_outcomes_and_placebos_are_looked_up_too(changes, kind):
    assert found(**changes)[0].startswith(f"CAUSAL-003 unknown {kind}\n  purchases is not in the registry of")


def test_a_feature_that_two_models_declare_is_ambiguous():
    twice = [*FEATURES, Feature("feat_visits", "sessions_7d", None, 7, "sum", has_event_at=True)]
    (violation,) = name_violations(DEFINITION, twice)
    assert violation.details == ("sessions_7d is a feature of feat_sessions and of feat_visits",)


def test_a_feature_without_event_time_is_refused_with_code_017():
    assert found(confounders=["age"]) == [
        "CAUSAL-017 confounder without event time\n"
        "  age of feat_profile has no event_at: nothing shows that it lies on its side of the treatment\n"
        "  fix: add event_at: <column> to the registry of feat_profile\n"
        "  more: docs/errors.md#causal-017"
    ]


def test_an_outcome_window_has_to_end():
    (message,) = found(outcomes=[{"feature": "sessions"}])
    assert message.startswith("CAUSAL-001 outcome without a window\n  sessions has no default window")


def test_a_rate_needs_a_window():
    (message,) = found(confounders=["session_rate"])
    assert message.startswith("CAUSAL-001 rate without a window")


def test_only_models_that_the_study_refs_count(tmp_path):
    write_project(tmp_path)
    (tmp_path / "models" / "push.sql").write_text("{{ causal.study_table(cohort=ref('push__cohort'), features=[]) }}")
    details = [f.details[0] for f in faults(definitions_in(tmp_path))]
    assert details == [
        f"{name} is not in the models that the study refs (none has a registry)" for name in ("sessions_7d", "sessions")
    ]


def test_names_are_left_to_dbt_when_a_ref_leads_out_of_the_project(tmp_path):
    write_project(tmp_path, STUDY.replace("[sessions_7d]", "[session_7d]"))
    (tmp_path / "models" / "push.sql").write_text("{{ causal.study_table(features=[ref('shared', 'feat_x')]) }}")
    assert faults(definitions_in(tmp_path)) == []


def test_a_listed_study_that_nobody_defines_is_named(tmp_path):
    assert project_messages(tmp_path, STUDY, studies="[push, pusch]") == [
        "CAUSAL-003 unknown study  dbt_project.yml:9\n"
        "  vars.studies lists pusch, which no model defines; did you mean push?\n"
        "  fix: correct the name, or take it off the list\n"
        "  more: docs/errors.md#causal-003"
    ]


def test_a_defined_study_that_is_not_listed_is_named(tmp_path):
    assert project_messages(tmp_path, STUDY, studies="[]") == [
        "CAUSAL-003 study is not listed  models/push.yml:5\n"
        "  push is not in vars.studies of dbt_project.yml\n"
        "  fix: add it to vars.studies\n"
        "  more: docs/errors.md#causal-003"
    ]


def test_a_leaf_without_its_alarm_is_refused(tmp_path):
    assert project_messages(tmp_path, STUDY.replace("[causal.has_passed_gates]", "[unique]")) == [
        "CAUSAL-001 study without its alarm  models/push.yml:2\n"
        "  push__published has no test causal.has_passed_gates: a blocked study would go unnoticed\n"
        "  fix: add data_tests: [causal.has_passed_gates] to push__published in this file (causal new writes it)\n"
        "  more: docs/errors.md#causal-001"
    ]


@pytest.mark.parametrize(
    ("tests", "n_faults"),
    [
        ("[{causal.has_passed_gates: {name: push_passes, config: {severity: error}}}]", 0),
        ("[{test_name: causal.has_passed_gates, name: push_passes}]", 0),
        ("[{causal.has_passed_gates: {config: {severity: warn}}}]", 1),
        ("[{causal.has_passed_gates: {severity: WARN}}]", 1),
        ("[]", 1),
    ],
)
def test_an_alarm_counts_unless_it_only_warns(tmp_path, tests, n_faults):
    assert len(project_messages(tmp_path, STUDY.replace("[causal.has_passed_gates]", tests))) == n_faults


def test_a_study_with_a_hostile_name_is_refused(tmp_path):
    found = project_messages(tmp_path, STUDY.replace("name: push", "name: Push It"), studies='["Push It"]')
    assert any(
        m.startswith("CAUSAL-004 name not allowed  models/push.yml:5\n  the study is named 'Push It'") for m in found
    )


def test_faults_of_registry_study_and_list_come_together_in_the_order_of_the_files(tmp_path):
    write_project(tmp_path, STUDY.replace("ATT", "ATTT").replace("cem", "cme"), studies="[push, x]")
    registry = tmp_path / "models" / "feat_sessions.yml"
    registry.write_text(REGISTRY.replace("aggregation: count, window_days: 7", "aggregation: cuont, window_days: 0"))
    wheres = [f.where for f in faults(definitions_in(tmp_path))]
    assert wheres == [
        "dbt_project.yml:9",
        *["models/feat_sessions.yml:9"] * 2,
        "models/push.yml:9",
        "models/push.yml:13",
        "models/push.yml:14",
    ]


def test_a_valid_registry_has_no_faults():
    assert registry_faults({"event_at": "started_at", "features": [REGISTERED]}) == []


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"aggregation": "median"}, "value not allowed"),
        ({"window_days": 0}, "window without a day"),
        ({"colum": "x"}, "unknown key"),
        ({"name": "Sessions; drop"}, "name not allowed"),
        ({"label": 'a "label"'}, "name not allowed"),
        ({"description": "{{ secret }}"}, "Jinja in a definition"),
        ({"column": None, "aggregation": "sum"}, "feature without a column"),
    ],
)
def test_a_faulty_feature_is_refused(change, subject):
    (fault,) = registry_faults({"features": [{**REGISTERED, **change}]})
    assert fault.subject == subject


def test_a_feature_declared_twice_is_refused():
    (fault,) = registry_faults({"features": [REGISTERED, REGISTERED]})
    assert fault.details == ("sessions is there twice",)
