"""The columns of a linear predictor: an intercept, standardised numbers and the dummies of categories.

Numbers are centred and scaled by their own mean and standard deviation before any product is taken: with a column mean
of 1e6 and a standard deviation of 1, raw cross-products cost eleven digits that shifted ones keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimators.errors import refuse
from estimators.warehouse.relation import Relation


@dataclass(frozen=True)
class Terms:
    """Which columns enter, in which order: intercept, `numbers`, then the levels of each category but its first.

    center, scale: of `numbers`, in their own units.  categories: (column, levels) pairs, levels sorted.
    """

    numbers: tuple[str, ...]
    center: np.ndarray
    scale: np.ndarray
    categories: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        dummies = [f"{column} = {level}" for column, levels in self.categories for level in levels[1:]]
        return ("intercept", *self.numbers, *dummies)

    @property
    def size(self) -> int:
        return 1 + len(self.numbers) + sum(len(levels) - 1 for _, levels in self.categories)

    @property
    def n_cells(self) -> int:
        """Number of combinations of the categories' levels."""
        return int(np.prod([len(levels) for _, levels in self.categories], dtype=float)) if self.categories else 1

    def positions(self, columns: Sequence[str]) -> np.ndarray:
        """Positions of the terms that belong to `columns`, the intercept among them."""
        wanted = set(columns)
        keep = [0] + [1 + i for i, c in enumerate(self.numbers) if c in wanted]
        at = 1 + len(self.numbers)
        for column, levels in self.categories:
            if column in wanted:
                keep += range(at, at + len(levels) - 1)
            at += len(levels) - 1
        return np.array(keep)

    def columns(self, relation: Relation) -> dict[str, str]:
        """SQL of what `matrix` takes, by column name: numbers as doubles, categories as positions of their levels."""
        found = {c: relation.double(relation.name(c)) for c in self.numbers}
        for column, levels in self.categories:
            positions = {level: float(code) for code, level in enumerate(levels)}
            found[column] = relation.pick(f"cast({relation.name(column)} as string)", positions)
        return found

    def standardised(self, relation: Relation) -> dict[str, str]:
        """SQL of every standardised number, by the name under which `Terms` refers to it."""
        return {
            f"causal_z{i}": f"({relation.double(relation.name(c))} - {relation.number(m)}) * {relation.number(1.0 / s)}"
            for i, (c, m, s) in enumerate(zip(self.numbers, self.center, self.scale, strict=True))
        }

    def linear_predictor(self, relation: Relation, coefficients: np.ndarray) -> str:
        """SQL of the numbers' part of ``coefficients' z``, over the columns that `standardised` adds.

        coefficients: (size,). The categories' part is `offsets`, to be looked up.
        """
        parts = [relation.number(coefficients[0])]
        slopes = coefficients[1 : 1 + len(self.numbers)]
        parts += [f"{relation.number(b)} * causal_z{i}" for i, b in enumerate(slopes) if b != 0.0]
        return " + ".join(parts)

    def offsets(self, coefficients: np.ndarray) -> list[np.ndarray]:
        """The categories' part of the linear predictor: per category one value per level. coefficients: (..., size)."""
        out, at = [], 1 + len(self.numbers)
        for _, levels in self.categories:
            slopes = coefficients[..., at : at + len(levels) - 1]
            out.append(np.concatenate([np.zeros((*slopes.shape[:-1], 1)), slopes], axis=-1))
            at += len(levels) - 1
        return out

    def matrix(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Rows in memory as a design matrix (n × size). columns: as `columns` asks for them."""
        n = len(next(iter(columns.values())))
        out = np.empty((n, self.size))
        out[:, 0] = 1.0
        for i, column in enumerate(self.numbers):
            out[:, 1 + i] = (columns[column] - self.center[i]) / self.scale[i]
        at = 1 + len(self.numbers)
        for column, levels in self.categories:
            for code in range(1, len(levels)):
                out[:, at] = columns[column] == code
                at += 1
        return out

    def dummies(self, keys: Sequence[np.ndarray]) -> np.ndarray:
        """Dummies (groups × number of dummies) rebuilt from the categories' values as group keys, in order."""
        parts = [
            (values[:, None] == np.array(levels[1:], dtype=object)[None, :]).astype(float)
            for values, (_, levels) in zip(keys, self.categories, strict=True)
        ]
        return np.hstack(parts)


def describe(
    relation: Relation,
    covariates: Sequence[str],
    levels: Mapping[str, tuple[str, ...]],
    ends: Mapping[str, tuple[float, float]] | None = None,
) -> Terms:
    """`Terms` for `covariates`: those with `levels` become categories, numbers and booleans are standardised.

    relation: all rows, or a sample, as any centre and scale of about the right size will do; then `ends`, the smallest
    and largest value of each number on all rows, tell a constant from a number that hardly varies.
    One scan. Raises CausalError 020 for constant columns.
    """
    numbers = tuple(c for c in covariates if c not in levels)
    sums: dict[str, str] = {}
    for i, column in enumerate(numbers):
        value = relation.double(relation.name(column))
        sums[f"mean{i}"] = f"avg({value})"
        sums[f"sd{i}"] = f"stddev_pop({value})"
    found = relation.aggregate(sums) if sums else {}
    center = np.array([found[f"mean{i}"][0] for i in range(len(numbers))], dtype=float)
    scale = np.array([found[f"sd{i}"][0] for i in range(len(numbers))], dtype=float)
    for i, column in enumerate(numbers if ends else ()):
        if not scale[i] > 0.0:
            center[i], scale[i] = ends[column][0], ends[column][1] - ends[column][0]
    # Compared with the size of the column: the spread of a constant 0.1 is rounding, not variation.
    constant = [c for c, m, s in zip(numbers, center, scale, strict=True) if not s > 1e-13 * max(abs(m), 1e-300)]
    categories = tuple((c, levels[c]) for c in covariates if c in levels)
    constant += [c for c, values in categories if len(values) < 2]
    if constant:
        raise refuse("020", "constant confounder", *sorted(constant), fix="drop it: it cannot differ between the arms")
    return Terms(numbers, center, scale, categories)
