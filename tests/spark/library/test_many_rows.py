"""Rows that are too many to be fetched in one piece: they stream, or their sums are made in Spark's workers."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from estimators import aipw
from estimators.errors import CausalError
from estimators.warehouse import as_relation
from estimators.warehouse import spark as engine
from estimators.warehouse.blocks import Design
from estimators.warehouse.least_squares import _residuals
from estimators.warehouse.spark_workers import packed
from estimators.warehouse.terms import Terms
from tests.effects.test_conformance import COVARIATES, assert_same, sample
from tests.spark.library.frames import dataframe
from tests.warehouse.relation_contract import (  # noqa: F401 - what rows in one piece must do, along the other path
    frame,
    powers,
    test_blocks_hold_every_row_once_and_in_order,
    test_least_squares_solves_the_normal_equations,
    test_missing_numbers_are_nan_and_missing_texts_none,
    test_no_rows_are_arrays_of_no_rows,
    test_products_of_columns_far_from_zero_keep_their_digits,
    test_sums_over_blocks_are_sums_over_rows,
    test_sums_over_no_rows_are_zeros,
    test_times_arrive_as_the_moments_they_were,
)


@pytest.fixture(autouse=True)
def _nothing_comes_at_once(monkeypatch):
    monkeypatch.setattr(engine, "AT_ONCE_BYTES", -1)


@pytest.fixture
def relation_of(spark):
    return lambda frame: as_relation(dataframe(spark, frame))


OF_A_WORKER = """
import pickle, sys
import numpy as np
(kernel,) = pickle.load(sys.stdin.buffer)
gradient, _, meat = kernel({"t0": np.array([1.0, 2.0]), "t1": np.array([0.5, 1.5])})
print(gradient, meat.shape, [name for name in sys.modules if name.startswith("estimators")])
"""


def test_functions_bring_their_code_to_workers_that_lack_the_library(tmp_path):
    design = Design(Terms(("x", "y"), np.zeros(2), np.ones(2)))
    kernel = partial(_residuals, design, np.array([0, 1]), np.array([-1.0, -1.0, 1.0]), 0.1 * np.eye(2), 1)
    run = subprocess.run(
        [sys.executable, "-c", OF_A_WORKER], input=packed((kernel,)), cwd=tmp_path, capture_output=True, check=True
    )
    assert run.stdout.decode().strip() == "[-3.  -4.5] (2, 2) []"


def test_sums_are_repeatable_to_the_last_bit(relation_of):
    relation = relation_of(frame())
    first, second = (relation.summed({"z": "z", "y": "y"}, partial(powers, 1))[0] for _ in range(2))
    assert list(first) == list(second)


@pytest.mark.slow
def test_a_wide_design_is_estimated_in_the_workers(relation_of, monkeypatch):
    """As with more than forty numbers, where sums by SQL would be slower than products of blocks."""
    from estimators.effects import aipw as module
    from estimators.effects import block_passes

    monkeypatch.setattr(module, "EXACT_ROWS", 100)
    monkeypatch.setattr(module, "fits_sql", lambda rows, folds: False)
    data = sample(3, n=600).assign(unit_id=range(600))
    asked = {"treatment": "treatment", "outcome": "outcome", "covariates": COVARIATES, "estimand": "ATE"}
    wanted = aipw(data, **asked, unit="unit_id", repetitions=1)
    monkeypatch.setattr(block_passes, "CACHE_BYTES", 0)
    found = aipw(relation_of(data), **asked, unit="unit_id", repetitions=1)
    assert_same(found, wanted, 1e-10)
    assert found.diagnostics == pytest.approx(wanted.diagnostics)


def test_rows_that_do_not_fit_into_memory_are_refused_before_they_are_read(relation_of, monkeypatch):
    monkeypatch.setattr(engine, "free_memory", lambda: 1000)
    with pytest.raises(CausalError) as refused:
        relation_of(frame()).rows({"x": "x", "z": "z"})
    assert str(refused.value) == (
        "CAUSAL-031 too big for memory\n"
        "  rows of Spark are needed here: about 0.0 GiB; 0.0 GiB are free\n"
        "  fix: take a sample by unit_bucket, or a method that stays in the warehouse\n"
        "  more: docs/errors.md#causal-031"
    )
