"""What a change rebuilds, by dbt's own `state:modified+`, and what may sit above a united table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.package.consumer import UNITED, Consumer

TESTS_OF_A_STUDY = ("has_passed_gates", "covariates_precede_treatment", "outcomes_follow_treatment")


def study_nodes(study: str, *parts: str) -> set[str]:
    return {f"{study}{part}" for part in parts} | {f"{study}_{test}" for test in TESTS_OF_A_STUDY}


def modified(consumer: Consumer, state: Path) -> set[str]:
    """Names of the models and tests that `dbt build -s state:modified+` would select."""
    outcome = consumer.dbt(
        "ls", "--select", "state:modified+", "--state", str(state), "--exclude-resource-type", "unit_test"
    )
    return {name.split(".")[-1] for name in outcome.listed}


@pytest.fixture
def state(consumer: Consumer, tmp_path: Path) -> Path:
    return Path(shutil.copytree(consumer.folder / "target", tmp_path / "state"))


def test_nothing_is_selected_without_a_change(consumer: Consumer, state: Path) -> None:
    assert modified(consumer, state) == set()


def test_an_edited_definition_selects_its_study_and_the_united_tables(consumer: Consumer, state: Path) -> None:
    consumer.replace("models/studies/good/good.yml", "Does the treatment", "Did the treatment")
    expected = study_nodes("good", "", "__results", "__published") | set(UNITED) | {"dim_studies"}
    assert modified(consumer, state) == expected


def test_an_edited_cohort_selects_its_study_and_the_united_tables(consumer: Consumer, state: Path) -> None:
    consumer.replace("models/studies/bad/bad__cohort.sql", "'odd'", "'uneven'")
    expected = study_nodes("bad", "__cohort", "", "__results", "__published") | set(UNITED) | {"dim_studies"}
    assert modified(consumer, state) == expected


def test_an_edited_window_of_a_feature_selects_the_studies_that_read_its_model(consumer: Consumer, state: Path) -> None:
    consumer.replace(
        "models/confounders/feat_sessions.yml", "window_days: 7, description: S", "window_days: 8, description: S"
    )
    found = modified(consumer, state)
    assert {"feat_sessions", "good", "bad"} <= found
    assert not {"feat_profile", "good__cohort", "bad__cohort"} & found


@pytest.mark.usefixtures("without_plugin")
def test_another_library_selects_exactly_the_results_and_what_follows(own_package: Consumer, tmp_path: Path) -> None:
    own_package.dbt("parse")
    state = Path(shutil.copytree(own_package.folder / "target", tmp_path / "state"))
    model = own_package.package / "models" / "registry" / "library_version.sql"
    model.write_text(model.read_text().replace("0.1.0+", "0.1.1+"))
    found = modified(own_package, state)
    results = study_nodes("good", "__results", "__published") | study_nodes("bad", "__results", "__published")
    assert found == results | set(UNITED) | {"library_version"}


def manifest_of(consumer: Consumer) -> dict[str, Any]:
    return json.loads((consumer.folder / "target" / "manifest.json").read_text())


def blocking_tests_above_united_tables(manifest: dict[str, Any]) -> set[str]:
    """Error-severity tests on an ancestor of a united table: one failure would hold back every study."""
    nodes = manifest["nodes"]

    def ancestors(ids: Iterable[str], seen: set[str]) -> set[str]:
        for unique_id in ids:
            if unique_id in nodes and unique_id not in seen:
                seen.add(unique_id)
                ancestors(nodes[unique_id]["depends_on"]["nodes"], seen)
        return seen

    above = ancestors([f"model.causal.{name}" for name in UNITED], set())
    return {
        node["name"]
        for node in nodes.values()
        if node["resource_type"] == "test" and node["config"]["severity"].lower() == "error"
        if set(node["depends_on"]["nodes"]) <= above
    }


def test_no_error_test_sits_above_a_united_table(built: Consumer) -> None:
    assert blocking_tests_above_united_tables(manifest_of(built)) == set()


def test_an_error_test_on_a_study_table_is_found(consumer: Consumer) -> None:
    consumer.replace(
        "models/studies/good/good.yml",
        "    description: A study of the tests.\n",
        "    description: A study of the tests.\n    data_tests:\n      - unit_is_not_null\n",
    )
    consumer.write(
        "data_tests/generic/unit.sql",
        "{% test unit_is_not_null(model) %}select * from {{ model }} where unit_id is null{% endtest %}\n",
    )
    consumer.dbt("parse")
    assert blocking_tests_above_united_tables(manifest_of(consumer)) == {"unit_is_not_null_good_"}
