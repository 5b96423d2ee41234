"""Does one unit's treatment reach another? The declared assumption, tested on the controls where clusters allow it."""

from __future__ import annotations

import math

from estimators.checks.verdict import passed, rounded
from estimators.results import Check, p_value
from estimators.study_table import StudyTable, shown

NAME = "interference"
_LEVEL = 0.01


def assumed(table: StudyTable) -> list[Check]:
    """The declared assumption, for studies without clusters to test it on."""
    declared = table.study.interference
    if declared.assumption == "unknown":
        reason = "interference is declared unknown: if treated units affect controls, the effect is misstated"
        return [Check(NAME, "warn", reason, is_gate=False)]
    if table.cluster is None:
        reason = f"assumed none, because {declared.because.rstrip('.')}; without clusters it cannot be tested"
        return [Check(NAME, "not_evaluated", reason, is_gate=False)]
    return []


def check(table: StudyTable, outcome: str) -> list[Check]:
    """Controls' outcome on the share treated among the others of their cluster; warns at p < .01.

    Reads the outcome: a check of the second stage. Standard error clustered (CRV1, by cluster).
    """
    if table.cluster is None:
        return []
    slope, error, n_clusters = _regression(table, outcome)
    figures = {"is_gate": False, "outcome": shown(outcome), "threshold": _LEVEL}
    if not error > 0.0:
        reason = "the share treated does not differ between the controls' clusters, so spillovers cannot be seen"
        return [Check(NAME, "not_evaluated", reason, **figures)]
    p = p_value(slope / error)
    found = (
        f"controls of a fully treated cluster differ by {rounded(slope)} (SE {rounded(error)}, CRV1, "
        f"{n_clusters:,} clusters, p = {p:.2g}) in {shown(outcome)} from those of an untreated one"
    )
    if p < _LEVEL:
        reason = f"{found}: spillovers within clusters, or clusters treated more often differ anyway"
        return [Check(NAME, "warn", reason, statistic=p, **figures)]
    return [passed(NAME, found, statistic=p, **figures)]


def _regression(table: StudyTable, outcome: str) -> tuple[float, float, int]:
    """Least squares of the controls' outcome on x = n_treated / (n - 1) of their cluster, from cluster sums.

    All controls of a cluster share x, so that the sum of a cluster's scores is (x - mean x)(Σy - n(a + b x)).
    """
    relation = table.relation
    value = relation.double(relation.name(outcome))
    control = table.is_treated(0)
    sums = {
        "n_treated": f"sum(case when {table.is_treated(1)} then 1.0 else 0.0 end)",
        "n_control": f"sum(case when {control} then 1.0 else 0.0 end)",
        "total": relation.total(f"case when {control} then {value} else 0.0 end"),
        "n_units": "count(*)",
    }
    clusters = relation.grouped(sums, {"cluster": relation.name(table.cluster)})
    clusters = clusters.filter("n_control > 0 and n_units > 1").with_columns(
        {"exposure": "cast(n_treated as double) / (n_units - 1)", "n": "cast(n_control as double)"}
    )
    products = {"g": "count(*)", "n": "sum(n)", "x": "sum(n * exposure)", "y": "sum(total)"}
    first = {k: float(v[0] or 0) for k, v in clusters.aggregate(products).items()}
    if first["g"] < 3:
        return math.nan, math.nan, int(first["g"])
    mean_x, mean_y = first["x"] / first["n"], first["y"] / first["n"]
    gap = f"(exposure - {relation.number(mean_x)})"
    centred = f"(total - n * {relation.number(mean_y)})"
    second = clusters.aggregate({"xx": f"sum(n * {gap} * {gap})", "xy": f"sum({gap} * {centred})"})
    xx, xy = float(second["xx"][0]), float(second["xy"][0])
    if xx <= 1e-12 * first["n"]:
        return math.nan, math.nan, int(first["g"])
    slope = xy / xx
    score = f"{gap} * ({centred} - {relation.number(slope)} * n * {gap})"
    meat = float(clusters.aggregate({"m": f"sum(({score}) * ({score}))"})["m"][0])
    g, n = first["g"], first["n"]
    correction = g / (g - 1.0) * (n - 1.0) / max(n - 2.0, 1.0)
    return slope, math.sqrt(correction * meat) / xx, int(g)
