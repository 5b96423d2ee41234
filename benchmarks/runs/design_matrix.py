"""The same data for libraries that want a matrix in memory: standardised numbers and 0/1 columns for the categories."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np

from benchmarks.data import CATEGORIES, NUMERIC, WIDE


@dataclass(frozen=True)
class Matrix:
    """x: (n, p) float64; treatment: (n,) in {0, 1}; outcome: (n,)."""

    x: np.ndarray
    treatment: np.ndarray
    outcome: np.ndarray


def load(parquet: str, is_wide: bool) -> Matrix:
    """Reads a Parquet file straight into the matrix, column by column, so that loading adds no second copy of it."""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = true")
        columns = [f"{name}::double" for name in (WIDE if is_wide else NUMERIC)]
        for name, n_levels in ({} if is_wide else CATEGORIES).items():
            columns += [f"({name} = '{name}_{level}')::integer::double" for level in range(1, n_levels)]
        n_rows = connection.execute(f"select count(*) from '{parquet}'").fetchall()[0][0]
        x = np.empty((n_rows, len(columns)), order="C")
        for k, column in enumerate(columns):
            x[:, k] = connection.execute(f"select {column} as v from '{parquet}'").fetchnumpy()["v"]
        both = connection.execute(f"select treatment, outcome_a from '{parquet}'").fetchnumpy()
    return Matrix(x, np.asarray(both["treatment"]), np.asarray(both["outcome_a"]))
