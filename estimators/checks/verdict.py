"""How a check says its result, the same way in all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from estimators.errors import CausalError, Fault
from estimators.results import Check

# Faults that an estimator raised instead of a check: the name of the check that the row belongs to.
_CHECK_OF_CODE = {
    "001": "column_types",
    "003": "study_table",
    "010": "missing_values",
    "011": "finite_values",
    "012": "treatment_values",
    "013": "treatment_values",
    "014": "overlap",
    "015": "duplicate_units",
    "020": "collinearity",
    "022": "category_levels",
    "023": "sample_size",
    "024": "weights",
    "025": "instrument",
    "028": "outcome_values",
    "031": "memory",
}
METHOD_ERRORS = (CausalError, np.linalg.LinAlgError)
_UNSOLVABLE = Fault(
    "020",
    "equations without a unique solution",
    ("covariates determine each other in one arm or fold",),
    "leave out covariates that are rare or nearly collinear",
)


def passed(check_name: str, reason: str, **figures: Any) -> Check:
    return Check(check_name, "pass", reason, **figures)


def failed(check_name: str, fault: Fault, **figures: Any) -> Check:
    """The check fails by a fault with a code of docs/errors.md."""
    return Check(check_name, "fail", fault.on_one_line(), code=fault.code, **figures)


def failures(error: Exception, **figures: Any) -> list[Check]:
    """One failed gate per fault that a method raised, be it with a code or as equations that have no solution."""
    faults = error.faults if isinstance(error, CausalError) else (_UNSOLVABLE,)
    return [failed(_CHECK_OF_CODE.get(f.code, "method"), f, **figures) for f in faults]


def count(facts: Mapping[str, Any], name: str) -> int:
    """A count from a scan; of no rows at all, engines return null, which counts as 0."""
    return int(figure(facts, name, 0.0))


def figure(facts: Mapping[str, Any], name: str, otherwise: float = math.nan) -> float:
    """A number from a scan, `otherwise` where the engine returned null."""
    value = facts[name]
    value = value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return otherwise
    return float(value)


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def rounded(value: float) -> str:
    """Four significant digits, with thousands separators for large figures."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
