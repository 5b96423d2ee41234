"""Clustered covariances of linear estimates: each unit's parts summed by cluster, then multiplied across."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from estimators.errors import refuse
from estimators.warehouse import Relation
from estimators.warehouse.least_squares import products, symmetric


@dataclass(frozen=True)
class ClusterSums:
    """totals: sums of the parts over all units (k,).  covariance: CRV1 (k, k).  figures: numbers of clusters."""

    totals: np.ndarray
    covariance: np.ndarray
    figures: dict[str, Any]


def clustered(
    rows: Relation, parts: Sequence[str], cluster: str, segment: str | None, n_parameters: int
) -> dict[Any, ClusterSums]:
    """CRV1 by `cluster`, with the factor G/(G-1) · (n-1)/(n-k) for k = `n_parameters`, by level of column `segment`.

    rows: with columns causal_t (0/1) and `parts`, a unit's share u in each estimate's error.
    Raises CausalError 023 if an arm has a single cluster; within a segment the covariance is NaN then.
    """
    sums = {part: rows.total(part) for part in parts}
    sums |= {"n": "count(*)", "treated": "max(causal_t)", "control": "max(1 - causal_t)"}
    keys = {"causal_segment": segment} if segment else {}
    clusters = rows.grouped(sums, {**keys, "causal_cluster": rows.name(cluster)})
    totals = {f"u{j}": clusters.total(part) for j, part in enumerate(parts)}
    counts = {"n": "sum(n)", "g": "count(*)", "g1": "sum(treated)", "g0": "sum(control)"}
    found = clusters.aggregate({**totals, **counts, **products(clusters, parts, "v")}, by={k: k for k in keys})
    out = {}
    for row in range(len(found["g"])):
        figures = {
            "n_clusters": int(found["g"][row]),
            "n_treated_clusters": int(found["g1"][row]),
            "n_control_clusters": int(found["g0"][row]),
        }
        if not segment:
            _require_two(figures)
        factor = _factor(figures, int(found["n"][row]), n_parameters)
        key = found["causal_segment"][row] if segment else None
        out[key] = ClusterSums(
            totals=np.array([found[f"u{j}"][row] for j in range(len(parts))]),
            covariance=symmetric(found, "v", len(parts), row) * factor,
            figures=figures,
        )
    return out


def _require_two(figures: dict[str, int]) -> None:
    treated, control = figures["n_treated_clusters"], figures["n_control_clusters"]
    if min(treated, control) < 2:
        detail = f"{treated:,} clusters with treated units, {control:,} with controls"
        raise refuse("023", "one cluster in an arm", detail, fix="no standard error exists; use finer clusters")


def _factor(figures: dict[str, int], n: int, n_parameters: int) -> float:
    g = figures["n_clusters"]
    if min(figures.values()) < 2 or n <= n_parameters:
        return float("nan")
    return g / (g - 1) * (n - 1) / (n - n_parameters)
