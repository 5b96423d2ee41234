"""A sample of units that is the same on every run and engine: those whose hash is low, so many of each arm."""

from __future__ import annotations

from estimators.effects.method import Spec
from estimators.warehouse import Relation

BUCKETS = 2**32


def bucket_of(relation: Relation, spec: Spec) -> str | None:
    """SQL of an integer in [0, 2**32), of the cluster or the unit, that decides who is sampled; None if neither is."""
    if spec.cluster is not None:
        return relation.bucket(relation.name(spec.cluster))
    if "unit_bucket" in relation.columns:
        return relation.name("unit_bucket")
    for column in (spec.unit, "unit_id", "causal_row"):
        if column is not None and column in relation.columns:
            return relation.bucket(relation.name(column))
    return None


def bucket_sample(relation: Relation, spec: Spec, n_units: int) -> Relation | None:
    """About `n_units` units, at most half of them from the larger arm if the smaller one has that many.

    A rare treatment keeps its units; whole clusters stay together, at one rate for both arms, and so it is for a
    treatment that is not 0/1. All rows when they are no more than `n_units`; None where no column can decide.
    """
    treatment = relation.name(spec.treatment)
    arm = f"case when {treatment} = 1 then 1 when {treatment} = 0 then 0 else 2 end"
    found = relation.aggregate({"n": "count(*)"}, by={"causal_t": arm})
    n = {int(t): int(k) for t, k in zip(found["causal_t"], found["n"], strict=True)}
    total = sum(n.values())
    if total <= n_units:
        return relation
    bucket = bucket_of(relation, spec)
    if bucket is None:
        return None
    if spec.cluster is not None or set(n) != {0, 1}:
        return relation.filter(f"{bucket} < {int(n_units / total * BUCKETS)}")
    smaller = min(n, key=lambda t: n[t])
    wanted = {smaller: min(n[smaller], n_units // 2)}
    wanted[1 - smaller] = n_units - wanted[smaller]
    limit = {t: min(int(wanted[t] / n[t] * BUCKETS), BUCKETS) for t in n}
    return relation.filter(f"{bucket} < case when {arm} = 1 then {limit[1]} else {limit[0]} end")
