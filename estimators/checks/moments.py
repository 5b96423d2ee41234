"""Means and cross-products of covariates and placebo outcomes by arm: one pass that several design checks share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from estimators.study_table import ARM, StudyTable
from estimators.warehouse.terms import Terms, describe


@dataclass(frozen=True)
class Moments:
    """Cross-products of the standardised terms, the intercept first. Arms are indexed 0 = control, 1 = treated.

    terms: p of them, those of the covariates and the placebo outcomes.  gram: (2, p, p).
    """

    terms: Terms
    gram: np.ndarray

    @property
    def n(self) -> np.ndarray:
        """Units per arm (2,)."""
        return self.gram[:, 0, 0]

    @property
    def means(self) -> np.ndarray:
        """Means of the standardised terms per arm (2, p)."""
        return self.gram[:, 0, :] / self.n[:, None]

    def covariance(self) -> np.ndarray:
        """Covariance (p, p) of the terms over both arms together, divisor n."""
        pooled = self.gram.sum(axis=0)
        mean = pooled[0] / pooled[0, 0]
        return pooled / pooled[0, 0] - np.outer(mean, mean)

    def position(self, column: str) -> int:
        return 1 + self.terms.numbers.index(column)

    def sd(self, column: str, estimand: str) -> float:
        """Standard deviation of a number in the estimand's population, in its own units (n - 1).

        ATT: the treated; ATC: the controls; ATE and ATO: everybody.
        """
        i = self.position(column)
        arms = {"ATT": [1], "ATC": [0]}.get(estimand, [0, 1])
        gram = self.gram[arms].sum(axis=0)
        n = gram[0, 0]
        variance = (gram[i, i] - gram[0, i] ** 2 / n) / max(n - 1.0, 1.0)
        return float(np.sqrt(max(variance, 0.0)) * self.terms.scale[i - 1])


def moments(table: StudyTable, columns: Sequence[str]) -> Moments:
    """One pass over the rows in blocks, folded with BLAS; nothing is kept but the sums.

    columns: covariates and placebos, none of them constant. Raises CausalError 020 as `describe` does.
    """
    terms = describe(table.relation, columns, _levels(table, columns))
    (gram,) = table.relation.summed(_wanted(table, terms), partial(_products, terms))
    return Moments(terms, gram)


def _products(terms: Terms, columns: Mapping[str, np.ndarray]) -> tuple[np.ndarray]:
    """Of the terms, by arm: (2, p, p)."""
    matrix, treated = terms.matrix(columns), columns["treatment"]
    arms = [matrix[treated == arm] for arm in (0, 1)]
    return (np.stack([rows.T @ rows for rows in arms]),)


def _levels(table: StudyTable, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    text = table.of_kind(columns, "text")
    if not text:
        return {}
    combinations = table.relation.grouped({}, {c: table.relation.name(c) for c in text})
    return {c: tuple(combinations.aggregate({}, by=[c])[c]) for c in text}


def design_blocks(
    table: StudyTable, terms: Terms, order_by: str | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of rows as treatment (n,) and design matrix (n × p)."""
    for block in table.relation.batches(_wanted(table, terms), order_by=order_by):
        treated = np.asarray(block["treatment"])
        yield treated, terms.matrix(block)


def _wanted(table: StudyTable, terms: Terms) -> dict[str, str]:
    return {"treatment": table.relation.name(ARM), **terms.columns(table.relation)}
