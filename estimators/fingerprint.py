"""A short text that changes when the data of a study change, and not when their rows are reordered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from estimators.checks.verdict import figure
from estimators.study_table import StudyTable


def fingerprint(table: StudyTable, columns: Sequence[str]) -> str:
    """32 hex digits of the row count and, per column, of its sum and its sum weighted by the unit's hash.

    One scan. Sums enter with 11 digits, so that their order of summation does not matter.
    """
    relation = table.relation
    of_unit = f"cast({relation.name('unit_bucket')} as double)"
    sums = {"n": "count(*)"}
    for i, column in enumerate(columns):
        value = f"coalesce({_number(table, column)}, -1)"
        sums[f"sum{i}"] = relation.total(value)
        sums[f"weighted{i}"] = relation.total(f"{value} * {of_unit}")
    found = relation.aggregate(sums)
    text = "|".join([*columns, *(f"{figure(found, key):.10e}" for key in sums)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _number(table: StudyTable, column: str) -> str:
    relation, name = table.relation, table.relation.name(column)
    kind = relation.columns[column]
    if kind == "time":
        return relation.seconds(name)
    if kind in ("number", "boolean"):
        value = relation.double(name)
        return f"case when abs({value}) <= 1e300 then {value} end"
    return f"cast({relation.bucket(name)} as double)"
