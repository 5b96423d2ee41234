"""The contract of relations, on DuckDB."""

from __future__ import annotations

import pytest

from estimators.warehouse import as_relation
from tests.warehouse.relation_contract import *  # noqa: F403 - a suite that every engine runs


@pytest.fixture
def relation_of():
    return as_relation
