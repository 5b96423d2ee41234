"""The contract of relations, on Spark: classic and by Connect."""

from __future__ import annotations

import pytest

from estimators.warehouse import as_relation
from tests.spark.library.frames import dataframe
from tests.warehouse.relation_contract import *  # noqa: F403 - a suite that every engine runs


@pytest.fixture
def relation_of(spark):
    return lambda frame: as_relation(dataframe(spark, frame))
