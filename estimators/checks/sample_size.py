"""Enough units and clusters for a standard error (023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from estimators.checks.verdict import count, failed, passed
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import StudyTable, treats_whole_clusters

NAME = "sample_size"
FEW_CLUSTERS = 30
_SMALLEST_ARM = 2  # a variance needs two units


def measures(table: StudyTable) -> dict[str, str]:
    if table.study.cluster is None:
        return {}
    cluster = table.relation.name(table.cluster)
    sums = {
        f"clusters_{arm}": f"count(distinct case when {table.is_treated(arm)} then {cluster} end)" for arm in (0, 1)
    }
    return {**sums, "clusters": f"count(distinct {cluster})", "null_clusters": f"count(*) - count({cluster})"}


def empty(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    """The failure of a cohort without units, or nothing."""
    if count(facts, "n"):
        return []
    n_excluded = sum(sum(arms) for arms in table.excluded.values())
    detail = f"0 units to analyse, {n_excluded:,} excluded"
    return [failed(NAME, Fault("023", "empty cohort", (detail,), "check the cohort's conditions and dates"))]


def verdict(table: StudyTable, facts: Mapping[str, Any]) -> list[Check]:
    arms = {"treated": count(facts, "arm_1"), "control": count(facts, "arm_0")}
    small = [f"{k:,} {arm}" for arm, k in arms.items() if 0 < k < _SMALLEST_ARM]
    if small:
        detail = f"{' and '.join(small)} unit; a variance needs {_SMALLEST_ARM}"
        return [failed(NAME, Fault("023", "too few units", (detail,), "widen the cohort"))]
    if table.study.cluster is None and table.cluster is not None and treats_whole_clusters(table):
        detail = f"treatment is the same for all units of a {table.study.interference.cluster}"
        fix = "declare cluster, so that standard errors rest on the number of clusters"
        return [failed(NAME, Fault("023", "whole clusters treated, but no cluster declared", (detail,), fix))]
    if table.study.cluster is None:
        return [passed(NAME, f"{count(facts, 'n'):,} units", statistic=float(count(facts, "n")))]
    return [_clusters(facts)]


def _clusters(facts: Mapping[str, Any]) -> Check:
    n, n_null = count(facts, "clusters"), count(facts, "null_clusters")
    n_treated, n_control = count(facts, "clusters_1"), count(facts, "clusters_0")
    figures = {"statistic": float(n), "threshold": float(FEW_CLUSTERS)}
    if n_null:
        fault = Fault("023", "units without a cluster", (f"{n_null:,} units",), "fill cluster_id in the cohort")
        return failed(NAME, fault, **figures)
    if n < 2 or min(n_treated, n_control) < 2:
        detail = f"{n:,} clusters, {n_treated:,} with treated and {n_control:,} with control units"
        fix = "a standard error needs two clusters in each arm: use smaller clusters, or randomization inference"
        return failed(NAME, Fault("023", "too few clusters", (detail,), fix), **figures)
    if n < FEW_CLUSTERS:
        reason = f"{n} clusters: standard error unreliable below {FEW_CLUSTERS}; intervals are likely too short"
        return Check(NAME, "warn", reason, code="023", **figures)
    return passed(NAME, f"{count(facts, 'n'):,} units in {n:,} clusters", **figures)
