"""Plans of forecasts: what a build publishes of one that agrees with its experiments, and of one that does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from estimators.forecast.diagnosis.decision_log import COLUMNS, verify_decisions
from tests.package.consumer import Consumer, Outcome
from tests.package.declared_plans import DECISIONS, OBJECTIVE, PLAN_ID, SHADOW_PRICE

PROBE = Path(__file__).parent / "forecast_probe"
STEPS = (
    "{held: [fit, forecast, backtest, consistency, plan, regret, sensitivity, stability, monitoring, next_experiment],"
    " unheld: [fit, consistency, plan]}"
)
NOTHING = "select 1"
CODE = "package:causal"
TAMPERING = {
    "a decision is edited": "update decision_log set value = '1.0' where record = 'plan'",
    "a reason is edited": "update decision_log set reason = 'x' where record = 'taken'",
    "a row is deleted": "delete from decision_log where record = 'taken' and cell like '%2026-01-12%'",
    "all rows but a link's number are replaced": "update decision_log set link = 2",
    "the chain is edited": "update decision_log set chain = md5('x')",
}


def with_plans(consumer: Consumer) -> Consumer:
    shutil.copytree(PROBE, consumer.folder, dirs_exist_ok=True)
    listed = f"studies: [good, bad]\n  forecasts: {STEPS}"
    consumer.replace("dbt_project.yml", "studies: [good, bad]", listed)
    return consumer


@pytest.fixture(scope="module")
def first(built: Consumer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Consumer, Outcome]:
    """The built project with two forecasts beside, built too, and what that build did."""
    consumer = with_plans(built.copy_to(tmp_path_factory.mktemp("plans") / "project"))
    consumer.write(
        "models/log_copy.sql", "{{ config(materialized='view') }}\nselect * from {{ ref('causal', 'decision_log') }}\n"
    )
    log_test = "models:\n  - name: log_copy\n    data_tests: [causal.log_is_unbroken: {name: added_log_is_unbroken}]\n"
    consumer.write("models/log_copy.yml", log_test)
    return consumer, consumer.build("held+", "unheld+", "log_copy", CODE)


@pytest.fixture(scope="module")
def plans(first: tuple[Consumer, Outcome]) -> Consumer:
    return first[0]


@pytest.fixture
def copied(plans: Consumer, tmp_path: Path) -> Consumer:
    return plans.copy_to(tmp_path / "project")


def statuses(consumer: Consumer) -> dict[str, str]:
    return dict(consumer.published("select forecast_id, status from plan_status"))


def altered_check(results: str, check: str, /, **changes: object) -> str:
    """Statement that changes one check in the frame of a step; a change to null removes the key."""
    return (
        f"update {results} set payload = cast(json_merge_patch(payload, '{json.dumps(changes)}') as varchar)"
        f" where record = 'check' and json_extract_string(payload, '$.check_name') = '{check}'"
    )


def test_a_plan_that_passes_its_gates_is_published(plans: Consumer) -> None:
    rows = plans.published(
        "select period, decision, decided_as, unit, plan_id from published_plan where forecast_id = 'held' order by 1"
    )
    assert rows == [(week, value, "plan", "usd", PLAN_ID) for week, value in DECISIONS.items()]


def test_a_plan_that_disagrees_with_experiments_is_withheld_with_null_decisions(plans: Consumer) -> None:
    rows = plans.published(
        "select distinct status, lever, decision, plan_id, reason from published_plan where forecast_id = 'unheld'"
    )
    reason = "agrees_with_experiments: sum of z² 80.0 on 6 experiments; fix: add experiments to the loss"
    assert rows == [("withheld", "bonus", None, None, reason)]


def test_one_test_fails_and_nothing_is_skipped(first: tuple[Consumer, Outcome]) -> None:
    outcome = first[1]
    assert outcome.with_status("fail") == {"unheld_agrees_with_experiments"}
    assert outcome.with_status("skipped", "error") == set()


def test_the_alarm_says_on_the_terminal_why_the_plan_is_withheld(first: tuple[Consumer, Outcome]) -> None:
    lines = first[1].text
    assert "agrees_with_experiments: the plan of unheld is withheld\n  sum of z² 80.0 on 6 experiments\n" in lines
    assert "  fix: add experiments to the loss\n  more: docs/checks.md#agrees-with-experiments" in lines


@pytest.mark.parametrize("figure", [*DECISIONS.values(), OBJECTIVE, SHADOW_PRICE])
def test_no_figure_of_a_withheld_plan_is_in_a_published_table(plans: Consumer, figure: float) -> None:
    tables = plans.published("select table_name from information_schema.columns where column_name = 'forecast_id'")
    showing = {
        (forecast_id, table)
        for (table,) in tables
        for (forecast_id,) in plans.published(
            f"select forecast_id from {table} as t where cast(t as varchar) like '%{figure}%'"
        )
    }
    assert {forecast_id for forecast_id, _ in showing} == {"held"}


def test_the_leaf_shows_what_the_published_table_shows(plans: Consumer) -> None:
    columns = "forecast_id, status, plan_id, lever, cell, period, decision, reason"
    leaves = " union all ".join(f"select {columns} from {f}__published" for f in ("held", "unheld"))
    assert plans.query(f"{leaves} order by all") == plans.query(f"select {columns} from published_plan order by all")


def test_every_table_of_the_results_is_typed_and_filled(plans: Consumer) -> None:
    tables = (
        "forecasts",
        "fit_losses",
        "fit_parameters",
        "backtests",
        "experiment_agreement",
        "forecast_checks",
        "plan_constraints",
    )
    afterwards = ("actual_against_predicted", "error_attribution", "drift_alarms", "derivatives", "next_experiments")
    for table in (*tables, *afterwards, "plan_sensitivity", "plan_stability", "regret", "plans", "dim_forecasts"):
        assert plans.query(f"select count(*) > 0 from {table} where forecast_id = 'held'") == [(True,)], table


def test_a_forecast_whose_step_crashes_is_recorded_in_the_ledger(copied: Consumer) -> None:
    step = "python_models/held__regret.py"
    copied.replace(step, "return regret(", "raise ValueError('4711')\n    return regret(")
    assert copied.build("held__regret").with_status("error") == {"held__regret"}
    rows = copied.query("select study_id, status, payload from ledger where record = 'crash'")
    assert rows == [("held", "crashed", '{"code": null, "node": "held__regret"}')]


@pytest.mark.parametrize(
    ("test", "results", "check"),
    [
        ("held_agrees_with_experiments", "held__consistency", "agrees_with_experiments"),
        ("held_is_feasible", "held__plan", "is_feasible"),
        ("held_has_certificate", "held__plan", "has_certificate"),
    ],
)
@pytest.mark.parametrize(
    ("changes", "violations"),
    [
        ({}, 0),
        ({"status": "warn"}, 0),
        ({"status": "fail"}, 1),
        ({"status": "fail", "is_waived": True}, 1),
        ({"status": "not_evaluated"}, 1),
        ({"status": "not_evaluated", "is_waived": True}, 0),
        ({"status": None}, 1),
        ({"check_name": "another"}, 1),
    ],
    ids=str,
)
def test_each_gate_has_a_test_that_fails_when_it_should(
    plans: Consumer, test: str, results: str, check: str, changes: dict, violations: int
) -> None:
    assert plans.violations(test, altered_check(results, check, **changes) if changes else NOTHING) == violations


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            altered_check("held__plan", "is_feasible", status="fail", reason="budget exceeded"),
            "is_feasible: budget exceeded",
        ),
        (altered_check("held__plan", "has_certificate", check_name="x"), "not every check was made on the fit"),
        ("update held__consistency set run_id = 'an earlier fit'", "not every check was made on the fit"),
        ("delete from held__consistency where record = 'check'", "not every check was made on the fit"),
    ],
    ids=["infeasible", "without a certificate", "judged on another fit", "not judged"],
)
def test_the_leaf_withholds_a_plan_with_any_gate_open(plans: Consumer, statement: str, reason: str) -> None:
    [leaf] = plans.folder.glob("target/compiled/**/models/forecasts/held__published.sql")
    with duckdb.connect(str(plans.database)) as connection:
        connection.begin()
        connection.execute(statement)
        rows = connection.execute(f"select distinct status, decision, reason from ({leaf.read_text()})").fetchall()
        connection.rollback()
    [(status, decision, said)] = rows
    assert (status, decision) == ("withheld", None)
    assert said.startswith(reason)


def test_an_edited_definition_makes_a_plan_stale(copied: Consumer) -> None:
    copied.replace("models/forecasts/held.yml", "horizon: 2", "horizon: 3")
    copied.build(CODE)
    assert statuses(copied) == {"held": "stale", "unheld": "withheld"}
    assert copied.published("select distinct decision from published_plan") == [(None,)]


def test_a_plan_that_is_not_built_yet_is_listed(fresh: Consumer) -> None:
    with_plans(fresh).build(CODE)
    assert statuses(fresh) == {"held": "not_built", "unheld": "not_built"}


def test_an_acknowledged_block_quiets_the_alarm_and_publishes_nothing(copied: Consumer) -> None:
    [(fingerprint,)] = copied.query("select definition_hash from plan_status where forecast_id = 'unheld'")
    copied.replace(
        "models/forecasts/unheld.yml", "horizon: 2", f'horizon: 2\n          acknowledged_block: "{fingerprint}"'
    )
    outcome = copied.build("unheld+")
    assert outcome.statuses["unheld_agrees_with_experiments"] == "pass"
    assert statuses(copied) == {"held": "published", "unheld": "withheld"}


def test_only_published_plans_are_logged(plans: Consumer) -> None:
    rows = plans.published("select forecast_id, record, count(*) from decision_log group by all order by all")
    assert rows == [("held", "plan", 2), ("held", "taken", 2)]


def test_the_same_plan_is_logged_once(copied: Consumer) -> None:
    before = copied.query("select * from decision_log order by all")
    copied.build("held__fit+")
    assert copied.query("select * from decision_log order by all") == before


def test_the_log_of_sql_is_the_log_of_the_library(plans: Consumer) -> None:
    with duckdb.connect(str(plans.database)) as connection:
        log = connection.execute(f"select {', '.join(COLUMNS)} from decision_log").df()
    assert verify_decisions(log) == []
    log.loc[0, "value"] = "1.0"
    assert len(verify_decisions(log)) == 1


def test_an_untouched_log_is_unbroken(plans: Consumer) -> None:
    assert plans.violations("added_log_is_unbroken", NOTHING) == 0


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING.keys())
def test_tampering_with_the_log_shows(plans: Consumer, statement: str) -> None:
    assert plans.violations("added_log_is_unbroken", statement) > 0


@pytest.mark.usefixtures("without_plugin")
def test_a_forecast_that_is_not_listed_is_refused(copied: Consumer) -> None:
    copied.replace("dbt_project.yml", ", unheld: [fit, consistency, plan]", "")
    outcome = copied.dbt("run-operation", "causal.guard_forecasts")
    assert "unheld is defined but not listed: add it to vars.forecasts of dbt_project.yml" in outcome.text


@pytest.mark.usefixtures("without_plugin")
@pytest.mark.parametrize("gate", ["agrees_with_experiments", "is_feasible", "has_certificate"])
def test_the_leaf_of_a_plan_without_an_alarm_is_refused(copied: Consumer, gate: str) -> None:
    copied.replace("models/forecasts/held.yml", f"      - causal.{gate}: {{name: held_{gate}}}\n", "")
    outcome = copied.dbt("run-operation", "causal.guard_forecasts")
    assert f"held__published lacks the test causal.{gate} (severity error)" in outcome.text
