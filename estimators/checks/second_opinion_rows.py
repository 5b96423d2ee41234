"""The rows that a referee recomputes an effect from, read into memory: columns as they are, and a design matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimators.effects.method import Spec
from estimators.warehouse import Relation


@dataclass(frozen=True)
class RefereeRows:
    """n rows in memory.

    treatment: (n,).  outcomes: (n,) each.  matrix: (n, p), the covariates without an intercept: numbers standardised,
    a dummy per level of a text but the first.  owners: the covariate that each of the p columns belongs to.
    weights: (n,) or None.  clusters: (n,) codes from 0, or None.  further: other columns that were asked for.
    """

    spec: Spec
    treatment: np.ndarray
    outcomes: Mapping[str, np.ndarray]
    matrix: np.ndarray
    owners: tuple[str, ...]
    weights: np.ndarray | None
    clusters: np.ndarray | None
    further: Mapping[str, np.ndarray]

    @property
    def n(self) -> int:
        return len(self.treatment)

    def of(self, covariates: Sequence[str]) -> np.ndarray:
        """The columns of the matrix that belong to `covariates`."""
        return self.matrix[:, [owner in covariates for owner in self.owners]]


def read(
    relation: Relation,
    spec: Spec,
    outcomes: Sequence[str],
    covariates: Sequence[str],
    further: Mapping[str, str] | None = None,
) -> RefereeRows:
    """All rows of `relation`, which is small. further: SQL by name."""
    wanted = {"t": relation.double(relation.name(spec.treatment))}
    wanted |= {f"y{j}": relation.double(relation.name(c)) for j, c in enumerate(outcomes)}
    wanted |= {f"x{i}": _value(relation, c) for i, c in enumerate(covariates)}
    if spec.weights:
        wanted["w"] = relation.double(relation.name(spec.weights))
    if spec.cluster:
        wanted["g"] = relation.name(spec.cluster)
    wanted |= {f"causal_{name}": sql for name, sql in (further or {}).items()}
    found = relation.rows(wanted)
    parts = [_columns(found[f"x{i}"]) for i in range(len(covariates))]
    return RefereeRows(
        spec=spec,
        treatment=found["t"],
        outcomes={c: found[f"y{j}"] for j, c in enumerate(outcomes)},
        matrix=np.column_stack(parts) if parts else np.empty((len(found["t"]), 0)),
        owners=tuple(c for c, part in zip(covariates, parts, strict=True) for _ in range(part.shape[1])),
        weights=found.get("w"),
        clusters=np.unique(found["g"], return_inverse=True)[1] if spec.cluster else None,
        further={name: found[f"causal_{name}"] for name in further or {}},
    )


def _value(relation: Relation, column: str) -> str:
    name = relation.name(column)
    return f"cast({name} as string)" if relation.columns[column] == "text" else relation.double(name)


def _columns(values: np.ndarray) -> np.ndarray:
    """Numbers as one standardised column, text as dummies of all levels but the first."""
    if values.dtype.kind in "OUT":
        levels = np.unique(values.astype(str))
        return (values.astype(str)[:, None] == levels[None, 1:]).astype(float)
    spread = values.std()
    return ((values - values.mean()) / (spread if spread > 0.0 else 1.0))[:, None]
