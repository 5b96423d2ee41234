"""The list of studies, the definitions and the alarms must agree before any node runs."""

from __future__ import annotations

import pytest

from tests.package.consumer import Consumer

pytestmark = pytest.mark.usefixtures("without_plugin")
ALARM = "      - causal.has_passed_gates: {name: good_has_passed_gates}\n"


def refused(consumer: Consumer) -> str:
    outcome = consumer.dbt("run-operation", "causal.guard")
    assert not outcome.success
    return outcome.text


def test_a_project_whose_lists_agree_passes(consumer: Consumer) -> None:
    assert consumer.dbt("run-operation", "causal.guard").success


def test_a_study_that_is_not_listed_is_refused(consumer: Consumer) -> None:
    consumer.replace("dbt_project.yml", "studies: [good, bad]", "studies: [bad]")
    assert "good is defined but not listed: add it to vars.studies of dbt_project.yml" in refused(consumer)


def test_a_listed_study_without_a_definition_is_refused(consumer: Consumer) -> None:
    consumer.replace("models/studies/good/good.yml", "        study:", "        studies:")
    assert "good is listed in vars.studies but no model of that name has config.meta.study" in refused(consumer)


def test_a_leaf_without_its_alarm_is_refused(consumer: Consumer) -> None:
    consumer.replace("models/studies/good/good.yml", ALARM, "")
    assert "good__published lacks the test causal.has_passed_gates (severity error)" in refused(consumer)


def test_an_alarm_that_only_warns_is_refused(consumer: Consumer) -> None:
    warning = ALARM.replace("}\n", ", config: {severity: warn}}\n")
    consumer.replace("models/studies/good/good.yml", ALARM, warning)
    assert "good__published lacks the test causal.has_passed_gates (severity error)" in refused(consumer)


def test_all_faults_are_shown_at_once_and_no_node_runs(consumer: Consumer) -> None:
    consumer.replace("dbt_project.yml", "studies: [good, bad]", "studies: [bad, absent]")
    consumer.replace("models/studies/bad/bad.yml", ALARM.replace("good", "bad"), "")
    for results in ("absent__results", "absent"):
        consumer.write(f"models/{results}.sql", "select 1 as unit_id\n")
    outcome = consumer.build()
    assert outcome.with_status("success", "pass", "fail") == set()
    for fault in (
        "good is defined but not listed",
        "bad__published lacks the test",
        "absent is listed in vars.studies",
    ):
        assert fault in outcome.text
