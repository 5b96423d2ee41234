"""Fixtures: the package as installed, a project built once, and copies of it that tests may edit and build again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.consumer import Consumer, Outcome, copy_of_package, new_consumer

ADDED_MODELS = {
    "models/ledger_copy.sql": "{{ config(materialized='view') }}\nselect * from {{ ref('causal', 'ledger') }}\n",
    "models/hand_made.sql": (
        "select 1 as unit_bucket, timestamptz '2026-03-01 00:00:00+00' as treated_at,"
        " timestamptz '2026-02-01 00:00:00+00' as latest_covariate_at,"
        " timestamptz '2026-03-02 00:00:00+00' as earliest_outcome_at\n"
    ),
    "models/ledger_copy.yml": """
models:
  - name: ledger_copy
    data_tests:
      - causal.ledger_is_unbroken: {name: added_ledger_is_unbroken, arguments: {runs: "ref('causal', 'runs')"}}
""",
}
ADDED_TESTS = """      - causal.has_null_effect: {name: added_has_null_effect}
      - causal.has_balanced_covariates: {name: added_has_balanced_covariates}
      - causal.covariates_precede_treatment:
          name: added_covariates_precede_treatment
          arguments: {study_table: ref('hand_made')}
      - causal.outcomes_follow_treatment:
          name: added_outcomes_follow_treatment
          arguments: {study_table: ref('hand_made')}
"""


@pytest.fixture(scope="session", autouse=True)
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        patch.setenv("CAUSAL_GIT_COMMIT", "abc1234")
        patch.delenv("CAUSAL_TARGET", raising=False)
        yield


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_of_package(tmp_path_factory.mktemp("package") / "causal")


@pytest.fixture(scope="session")
def first_build(package: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Consumer, Outcome]:
    """tests/project after one `dbt build`, and what that build did. Tests must not change it."""
    consumer = new_consumer(tmp_path_factory.mktemp("built") / "project", package)
    return consumer, consumer.build()


@pytest.fixture(scope="session")
def built(first_build: tuple[Consumer, Outcome]) -> Consumer:
    return first_build[0]


@pytest.fixture
def consumer(built: Consumer, tmp_path: Path) -> Consumer:
    """A copy of the built project, database and parse cache included, for one test to edit."""
    return built.copy_to(tmp_path / "project")


@pytest.fixture
def fresh(package: Path, tmp_path: Path) -> Consumer:
    """The project before its first build."""
    return new_consumer(tmp_path / "project", package)


@pytest.fixture
def own_package(built: Consumer, package: Path, tmp_path: Path) -> Consumer:
    """A copy of the built project with a package of its own, for tests that edit the package."""
    own = copy_of_package(tmp_path / "package")
    copy = built.copy_to(tmp_path / "project")
    link = copy.folder / "dbt_packages" / "causal"
    link.unlink()
    link.symlink_to(own)
    return Consumer(copy.folder, own)


@pytest.fixture
def without_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets faulty definitions through to the macros, which are the second wall behind the plugin."""
    monkeypatch.setattr("dbt_causal.plugin.refuse", lambda *arguments: None)


@pytest.fixture(scope="session")
def logged(built: Consumer, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """The built project after two more runs, with every generic test on good's leaf or on the ledger, compiled."""
    consumer = built.copy_to(tmp_path_factory.mktemp("logged") / "project")
    consumer.build("good__results+")
    consumer.build("bad__results+")
    for path, text in ADDED_MODELS.items():
        consumer.write(path, text)
    consumer.replace("models/studies/good/good.yml", "    data_tests:\n", f"    data_tests:\n{ADDED_TESTS}")
    outcome = consumer.build("hand_made", "ledger_copy", "good__published")
    assert outcome.success, outcome.text
    return consumer
