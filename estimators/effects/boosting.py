"""Boosted nuisances: scikit-learn's histogram gradient boosting on a bounded sample, predicting in blocks.

Trees need rows. At most `TRAINING_ROWS` of them are loaded, chosen by bucket so that the same units are chosen every
time; what they need in memory is estimated before a row is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimators.effects.block_passes import BlockPasses
from estimators.effects.passes import Passes
from estimators.effects.predictors import Predictor
from estimators.errors import refuse
from estimators.warehouse.memory import free_memory as _free_memory

TRAINING_ROWS = 500_000
COPIES = (
    4  # of the training matrix at the worst moment: blocks, matrix, a fold's rows, scikit-learn's bins and gradients
)
LEARNING_RATE = 0.05
ITERATIONS = 200
LEAVES = 15


@dataclass(frozen=True)
class BoostedPredictor:
    """One fitted model per left-out fold."""

    models: tuple[Any, ...]
    is_probability: bool

    def predict(self, fold: int, matrix: np.ndarray) -> np.ndarray:
        model, columns = self.models[fold], matrix[:, 1:]  # trees have no use for the constant
        return model.predict_proba(columns)[:, 1] if self.is_probability else model.predict(columns)


@dataclass(frozen=True)
class Training:
    """Rows to learn from. matrix: (n, p - 1) without the intercept's column; fold, treatment, weight: (n,)."""

    matrix: np.ndarray
    fold: np.ndarray
    treatment: np.ndarray
    weight: np.ndarray
    outcomes: np.ndarray


def fit_boosted_propensity(passes: Passes) -> Predictor:
    """P(treatment = 1 | terms), one model per left-out fold."""
    rows = training_rows(passes, ())
    everyone = np.ones(len(rows.treatment), dtype=bool)
    return _fit(passes, rows, rows.treatment, everyone, True)


def fit_boosted_outcomes(passes: Passes, outcomes: Sequence[str]) -> list[tuple[Predictor, Predictor | None]]:
    """E(outcome | terms) in each arm, one model per left-out fold; outcomes less their centre."""
    rows = training_rows(passes, tuple(outcomes))
    pairs: list[tuple[Predictor, Predictor | None]] = []
    for j, outcome in enumerate(outcomes):
        y = rows.outcomes[:, j] - passes.center.get(outcome, 0.0)
        control = _fit(passes, rows, y, rows.treatment == 0, False)
        treated = None if passes.rows.spec.estimand == "ATT" else _fit(passes, rows, y, rows.treatment == 1, False)
        pairs.append((control, treated))
    return pairs


def training_rows(passes: Passes, outcomes: tuple[str, ...]) -> Training:
    """At most `TRAINING_ROWS` rows, after a check that they fit. Raises CausalError 031 when they do not."""
    rows = passes.rows
    wanted = min(rows.n_rows, TRAINING_ROWS)
    need = COPIES * 8 * wanted * (rows.terms.size + len(outcomes) + 3)
    require_memory(need, f"boosted nuisances on {wanted:,} rows with {rows.terms.size - 1:,} columns")
    if rows.n_rows > TRAINING_ROWS:
        sample = rows.relation.filter(f"{rows.bucket} < {int(TRAINING_ROWS / rows.n_rows * 2**32)}")
        rows = replace(rows, relation=sample, n_rows=wanted)
    blocks = list(BlockPasses(rows, passes.n_folds, passes.salt).blocks(outcomes))
    sizes = [(fold, stop - start) for block in blocks for fold, _, start, stop in block.slices]
    y = [np.column_stack([b.raw[c] for c in outcomes]) if outcomes else np.empty((len(b.treatment), 0)) for b in blocks]
    return Training(
        matrix=np.concatenate([b.matrix[:, 1:] for b in blocks]),
        fold=np.repeat([f for f, _ in sizes], [n for _, n in sizes]),
        treatment=np.concatenate([b.treatment for b in blocks]),
        weight=np.concatenate([b.weight for b in blocks]),
        outcomes=np.concatenate(y),
    )


def require_memory(need: int, what: str) -> None:
    """Refuses (031) what would not fit into the memory that is free now. need: bytes."""
    free = _free_memory()
    if need > free:
        raise refuse(
            "031",
            "too big for memory",
            f"{what} need about {need / 2**30:,.1f} GiB; {free / 2**30:,.1f} GiB are free",
            fix="use linear and logistic nuisances, which stay in the warehouse, or fewer confounders",
        )


def _fit(passes: Passes, rows: Training, target: np.ndarray, keep: np.ndarray, is_binary: bool) -> BoostedPredictor:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    make = HistGradientBoostingClassifier if is_binary else HistGradientBoostingRegressor
    models = []
    for fold in range(passes.n_folds):
        use = keep & (rows.fold != fold) if passes.n_folds > 1 else keep
        model = make(
            learning_rate=LEARNING_RATE,
            max_iter=ITERATIONS,
            max_leaf_nodes=LEAVES,
            early_stopping=False,
            random_state=0,
        )
        models.append(model.fit(rows.matrix[use], target[use], sample_weight=rows.weight[use]))
    return BoostedPredictor(tuple(models), is_binary)
