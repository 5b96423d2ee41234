"""What an analysis returns: frozen records for Python, one long frame for dbt.

Every number leaves as a row of a typed table; this module is the only place that knows how.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["pass", "warn", "fail", "not_evaluated"]


@dataclass(frozen=True)
class Effect:
    """One estimated causal effect.

    estimate, std_error, ci_lower, ci_upper: in units of the outcome (95 % interval).  p_value: two-sided, of no effect.
    n_units, n_treated: the units that the estimate rests on, after matching or trimming.
    population: who the estimand is about when units were dropped, e.g. ``matched 47.6 % of the treated``.
    se_convention: how the standard error was made (``HC2``, ``influence function``, ``CRV1 by stratum``).
    diagnostics: JSON-able figures that an expert asks for.  effects: further estimates (segments, outcomes), a frame.
    """

    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    n_units: int
    n_treated: int
    method: str
    estimand: str
    outcome: str
    population: str = ""
    se_convention: str = ""
    segment: str = ""
    control_mean: float | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    effects: pd.DataFrame | None = None
    series: pd.DataFrame | None = None


@dataclass(frozen=True)
class Check:
    """One robustness check: what was measured, against what, and the verdict.

    is_gate: the study is published only if this check passes.  A `not_evaluated` gate blocks too, unless waived.
    code: of the fault in docs/errors.md when bad input is the reason, else empty.
    bias_bound: for A/A checks, the largest bias that the check could not exclude, in units of the outcome's SD.
    """

    check_name: str
    status: Status
    reason: str
    is_gate: bool = True
    statistic: float | None = None
    threshold: float | None = None
    method: str = ""
    outcome: str = ""
    code: str = ""
    is_waived: bool = False
    bias_bound: float | None = None

    @property
    def blocks(self) -> bool:
        if not self.is_gate or self.status in ("pass", "warn"):
            return False
        return not (self.status == "not_evaluated" and self.is_waived)


@dataclass(frozen=True)
class Balance:
    """Balance of one covariate between the arms: means in its own units, differences in standard deviations."""

    method: str
    covariate: str
    mean_treated: float
    mean_control: float
    mean_treated_adjusted: float
    mean_control_adjusted: float
    smd_raw: float
    smd_adjusted: float
    variance_ratio: float | None


@dataclass(frozen=True)
class Overlap:
    """Overlap of one arm under one method: effective sample size in units, shares of that arm in [0, 1]."""

    method: str
    arm: str
    n_units: int
    effective_sample_size: float
    equipoise_share: float | None
    clipped_share: float | None
    propensity_min: float | None
    propensity_max: float | None


@dataclass(frozen=True)
class Attrition:
    """Units per arm that remain after one step from the cohort to the analysis; steps are numbered from 0."""

    step: int
    step_name: str
    n_treated: int
    n_control: int


def p_value(z: float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def normal_interval(estimate: float, std_error: float, level: float = 0.95) -> tuple[float, float]:
    """Wald interval ``estimate ± z · std_error`` at `level`."""
    from statistics import NormalDist

    half = NormalDist().inv_cdf(0.5 + level / 2.0) * std_error
    return estimate - half, estimate + half


def wald(estimate: float, std_error: float) -> dict[str, float]:
    """The six numbers that follow from an estimate and its standard error, as keywords of `Effect`."""
    lower, upper = normal_interval(estimate, std_error)
    p = p_value(estimate / std_error) if std_error > 0 else math.nan
    return {"estimate": estimate, "std_error": std_error, "ci_lower": lower, "ci_upper": upper, "p_value": p}


def payload(record: Mapping[str, Any]) -> str:
    """JSON text of one record: NaN becomes null, ±inf becomes text, keys keep their order."""

    def plain(value: Any) -> Any:
        if hasattr(value, "item"):  # numpy scalars
            value = value.item()
        if isinstance(value, float):
            if math.isnan(value):
                return None
            return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")
        if isinstance(value, Mapping):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        return value

    return json.dumps(plain(record), ensure_ascii=False, allow_nan=False)


def rows(records: Iterable[Any]) -> list[dict[str, Any]]:
    """Dataclass records as dictionaries without the frames, which have tables of their own."""
    return [{k: v for k, v in asdict(r).items() if k not in ("effects", "series")} for r in records]
