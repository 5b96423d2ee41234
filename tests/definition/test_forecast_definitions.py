"""Faults of the definitions of forecasts are found before anything runs: keys, graph, steps and alarms."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dbt_causal.definitions import faults
from dbt_causal.project_files import definitions_in
from tests.source_tree import ROOT

PROBE = ROOT / "tests/package/forecast_probe"
PROJECT = """
name: shop
version: 0.1.0
profile: causal
model-paths: [models, python_models]
vars:
  forecasts: {held: [fit, consistency, plan], unheld: [fit, consistency, plan]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(PROBE, tmp_path, dirs_exist_ok=True)
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    return tmp_path


def edited(project: Path, file: str, old: str, new: str) -> list[str]:
    path = project / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return [str(fault) for fault in faults(definitions_in(project))]


def test_forecasts_that_are_listed_and_whole_are_valid(project):
    assert faults(definitions_in(project)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "models/forecasts/held.yml",
            "inputs: [bonus]",
            "inputs: [bonos]",
            "CAUSAL-029 missing input  models/forecasts/held.yml:14\n"
            "  hours reads bonos, which is no node and no input; did you mean bonus?\n",
        ),
        (
            "dbt_project.yml",
            ", unheld: [fit, consistency, plan]",
            "",
            "CAUSAL-003 forecast is not listed  models/forecasts/unheld.yml:6\n"
            "  unheld is not in vars.forecasts of dbt_project.yml; did you mean held?\n"
            "  fix: add it with its steps: unheld: [fit, forecast, backtest]\n",
        ),
        (
            "dbt_project.yml",
            "unheld:",
            "unhold:",
            "  vars.forecasts lists unhold, which no model defines; did you mean unheld?\n"
            "  fix: correct the name, or take it off the list\n",
        ),
        (
            "dbt_project.yml",
            "{held: [fit, consistency, plan]",
            "{held: [fit, consistensy, plan]",
            "  held has a step consistensy; did you mean consistency?\n",
        ),
        (
            "dbt_project.yml",
            "{held: [fit, consistency, plan]",
            "{held: [fit, plan]",
            "  plan of held reads consistency\n  fix: add consistency to its steps\n",
        ),
        (
            "models/forecasts/held.yml",
            "      - causal.has_certificate: {name: held_has_certificate}\n",
            "",
            "CAUSAL-001 plan without its alarm  models/forecasts/held.yml:19\n"
            "  held__published has no test causal.has_certificate: a plan that is withheld would go unnoticed\n"
            "  fix: add data_tests: [causal.has_certificate] to held__published\n",
        ),
    ],
    ids=["graph", "not listed", "listed only", "unknown step", "missing step", "alarm"],
)
def test_a_fault_is_shown_with_its_place_and_fix(project, file, old, new, message):
    assert any(message in text for text in edited(project, file, old, new))


def test_an_empty_list_turns_all_forecasts_off(project):
    steps = "{held: [fit, consistency, plan], unheld: [fit, consistency, plan]}"
    assert edited(project, "dbt_project.yml", steps, "{}") == []


def test_the_answer_to_a_block_is_no_key_of_the_definition(project):
    assert (
        edited(project, "models/forecasts/held.yml", "horizon: 2", 'horizon: 2\n          acknowledged_block: "x"')
        == []
    )


def test_the_list_of_steps_is_that_of_the_python_models():
    from dbt_causal import forecast_definitions, forecasts

    assert forecasts.STEPS == forecast_definitions.STEPS
