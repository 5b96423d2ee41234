"""Fixtures: the package as installed, a project built once, and copies of it that tests may edit and build again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.package.consumer import Consumer, Outcome, copy_of_package, new_consumer


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
