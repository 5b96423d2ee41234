"""Accepting a failing build by name must accept nothing else."""

from __future__ import annotations

import json

import pytest

from dbt_causal.expected import deviations, main

GATE = "test.shop.causal_has_passed_gates_promo__published_.0a1b2c3d4e"
OTHER = "test.shop.causal_has_passed_gates_banner__published_.5f6a7b8c9d"


def results(**statuses: str) -> list[dict[str, str]]:
    ids = {"model": "model.shop.promo", "gate": GATE, "other": OTHER}
    return [{"unique_id": ids[name], "status": status} for name, status in statuses.items()]


def test_the_named_failure_is_accepted():
    assert deviations(results(model="success", gate="fail", other="pass"), ["has_passed_gates_promo"]) == []


def test_a_test_may_be_given_by_the_whole_name_that_dbt_prints():
    assert deviations(results(gate="fail"), ["causal_has_passed_gates_promo__published_"]) == []


def test_a_second_failing_test_is_not_accepted():
    found = deviations(results(gate="fail", other="fail"), ["has_passed_gates_promo"])
    assert found == [f"not expected: {OTHER} ended with fail"]


def test_an_expected_failure_that_did_not_happen_is_not_accepted():
    found = deviations(results(gate="pass"), ["has_passed_gates_promo"])
    assert found == ["expected to fail, but did not: has_passed_gates_promo"]


@pytest.mark.parametrize("status", ["error", "skipped", "runtime error"])
def test_a_model_that_did_not_finish_is_not_accepted(status):
    found = deviations(results(model=status, gate="fail"), ["has_passed_gates_promo"])
    assert found == [f"not expected: model.shop.promo ended with {status}"]


def test_an_expected_test_that_raised_is_not_accepted():
    assert len(deviations(results(gate="error"), ["has_passed_gates_promo"])) == 2


def test_part_of_a_name_is_not_a_name():
    assert len(deviations(results(gate="fail"), ["has_passed_gates_pro"])) == 2


@pytest.mark.parametrize(("statuses", "exit_status"), [({"gate": "fail"}, 0), ({"gate": "pass"}, 1)])
def test_the_exit_status_tells_whether_the_build_was_as_expected(tmp_path, statuses, exit_status):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "run_results.json").write_text(json.dumps({"results": results(**statuses)}))
    assert main(["--project-dir", str(tmp_path), "--only", "has_passed_gates_promo"]) == exit_status


def test_a_project_that_was_not_built_is_told_what_to_do(tmp_path, capsys):
    assert main(["--project-dir", str(tmp_path), "--only", "has_passed_gates_promo"]) == 2
    assert "fix: run dbt build first" in capsys.readouterr().err
