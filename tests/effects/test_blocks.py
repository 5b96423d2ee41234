"""Sums over blocks of rows are those of the whole matrix, whatever the columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estimators.warehouse import as_relation
from estimators.warehouse.blocks import column_products, combinations, gram, rough_terms

LEVELS = {"kind": ("a", "b", "c")}


def sample(n: int = 70_000) -> pd.DataFrame:
    """More rows than one block holds."""
    random = np.random.default_rng(1)
    kinds = random.choice(["a", "b", "c"], n)
    return pd.DataFrame({"x": 1e3 + random.normal(size=n), "is_new": random.random(n) < 0.3, "kind": kinds, "w": 1.0})


def matrix(frame: pd.DataFrame, terms) -> np.ndarray:
    numbers = ((frame[list(terms.numbers)].astype(float) - terms.center) / terms.scale).to_numpy()
    return np.column_stack([np.ones(len(frame)), numbers, frame["kind"] == "b", frame["kind"] == "c"]).astype(float)


@pytest.mark.parametrize("weight", [None, "x / 1000.0"])
def test_products_are_those_of_the_design_matrix(weight):
    frame = sample()
    terms = rough_terms(as_relation(frame), ["x", "is_new", "kind"], LEVELS)
    found, z = gram(as_relation(frame), terms, weight), matrix(frame, terms)
    weights = np.ones(len(frame)) if weight is None else frame["x"].to_numpy() / 1000.0
    np.testing.assert_allclose(found.products, z.T @ (z * weights[:, None]), rtol=1e-10, atol=1e-7)
    assert found.n == len(frame)


def test_a_centre_that_misleads_is_corrected():
    frame = sample().assign(x=lambda f: np.where(np.arange(len(f)) < 40_000, 1e-3 * f["x"], 1e9 + f["x"]))
    frame = frame[frame["x"] > 1e6].reset_index(drop=True)
    relation = as_relation(frame)
    terms = rough_terms(relation, ["x"], {})
    away = type(terms)(terms.numbers, np.zeros(1), np.ones(1))
    found = gram(relation, away)
    assert abs(found.means[1]) < 1e-6
    assert found.variances[1] * found.terms.scale[0] ** 2 == pytest.approx(frame["x"].var(ddof=0), rel=1e-6)


def test_first_rows_without_variation_take_the_scale_of_all():
    frame = sample().assign(x=lambda f: np.where(np.arange(len(f)) < 40_000, 5.0, f["x"]))
    terms = rough_terms(as_relation(frame), ["x"], {}, {"x": (5.0, 1005.0)})
    assert (terms.center[0], terms.scale[0]) == (505.0, 1000.0)


def test_combinations_are_the_matrix_times_the_coefficients():
    frame, coefficients = sample(500), np.array([0.5, -2.0, 3.0, 0.25, -1.0])
    relation = as_relation(frame)
    terms = rough_terms(relation, ["x", "is_new", "kind"], LEVELS)
    rows = combinations(relation, terms, {"value": coefficients}).rows({"value": "value"}, order_by="causal_row")
    np.testing.assert_allclose(rows["value"], matrix(frame, terms) @ coefficients, rtol=1e-12)


def test_sums_and_products_of_columns_are_those_of_their_values():
    frame = sample()
    totals, products, n = column_products(as_relation(frame), ["x", "x * w - 1000.0"])
    values = np.column_stack([frame["x"], frame["x"] - 1000.0])
    np.testing.assert_allclose(totals, values.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(products, values.T @ values, rtol=1e-12)
    assert n == len(frame)
