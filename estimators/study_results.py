"""What `analyse` returns: the rows of every table that a study publishes, and the long frame that dbt stores."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from estimators.results import Attrition, Balance, Check, Effect, Overlap, payload, rows

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("record", "study_id", "run_id", "definition_hash", "payload")


@dataclass(frozen=True)
class StudyEffect:
    """One row of the table of effects; its estimate and all that would give it away are null while it is withheld.

    role: primary or secondary (of the outcome), or comparison (the raw difference).  is_headline: of the first method,
    over all units.  p_value_adjusted: Holm over the study's primary outcomes × segments; null outside that family.
    """

    method: str
    estimand: str
    population: str
    outcome: str
    segment: str
    role: str
    is_headline: bool
    estimate: float | None = None
    std_error: float | None = None
    ci_lower: float | None = None
    ci_upper: float | None = None
    p_value: float | None = None
    p_value_adjusted: float | None = None
    n_units: int | None = None
    n_treated: int | None = None
    control_mean: float | None = None
    se_convention: str = ""
    estimate_hash: str | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, effect: Effect, role: str, is_headline: bool, **names: str) -> StudyEffect:
        """names: how outcome and segment are called in the definition."""
        shared = {k: getattr(effect, k) for k in _SHARED}
        return cls(**{**shared, **names}, role=role, is_headline=is_headline, diagnostics=dict(effect.diagnostics))

    def withheld(self) -> StudyEffect:
        nothing: dict[str, Any] = dict.fromkeys(_WITHHELD)
        return replace(self, **nothing, diagnostics={})


_SHARED = (
    *("method", "estimand", "population", "outcome", "segment", "estimate", "std_error", "ci_lower", "ci_upper"),
    *("p_value", "n_units", "n_treated", "control_mean", "se_convention"),
)
_WITHHELD = ("estimate", "std_error", "ci_lower", "ci_upper", "p_value", "p_value_adjusted", "control_mean")


@dataclass(frozen=True)
class Run:
    """One row per run: its verdict, and what it was about.

    tier: verified, or unverified when a gate could not be evaluated and was waived.  bias_bound: the largest bias, in
    SDs of the outcome, that the headline method's A/A checks do not exclude.  n_failed: checks that block.
    """

    status: Literal["published", "blocked"]
    tier: Literal["verified", "unverified"]
    bias_bound: float | None
    n_failed: int
    n_warned: int
    reason: str
    data_fingerprint: str
    n_units: int
    n_treated: int
    acknowledged_block: str | None
    as_of: str


@dataclass(frozen=True)
class Results:
    """Everything that one analysis found. A blocked study holds no estimate that could be read from here.

    event_times, series: rows of `Effect.effects` and `Effect.series` with their method, estimand and outcome.
    sensitivity: what would have to hold for the effect to be none.  advice: of each method, whether it fits.
    """

    effects: tuple[StudyEffect, ...]
    checks: tuple[Check, ...]
    balance: tuple[Balance, ...]
    overlap: tuple[Overlap, ...]
    attrition: tuple[Attrition, ...]
    run: Run
    study_id: str = "study"
    definition_hash: str = ""
    estimates: tuple[float | None, ...] = field(default=(), repr=False)  # only ever hashed
    event_times: tuple[Mapping[str, Any], ...] = ()
    series: tuple[Mapping[str, Any], ...] = ()
    sensitivity: tuple[Any, ...] = ()
    advice: tuple[Any, ...] = ()

    @property
    def status(self) -> str:
        return self.run.status

    @property
    def tier(self) -> str:
        return self.run.tier

    @property
    def bias_bound(self) -> float | None:
        return self.run.bias_bound

    @property
    def reason(self) -> str:
        return self.run.reason

    def frame(self, run_id: str = "", library_version: str = "", git_commit: str = "") -> pd.DataFrame:
        """The long frame: one row per record, its fields as JSON text in `payload`, all columns text."""
        import pandas as pd

        made_by = {"library_version": library_version, "git_commit": git_commit}
        records = [("effect", r) for r in rows(self._hashed(run_id))]
        records += [("check", r) for r in rows(self.checks)]
        records += [("balance", r) for r in rows(self.balance)]
        records += [("overlap", r) for r in rows(self.overlap)]
        records += [("attrition", r) for r in rows(self.attrition)]
        records += [("event_time", dict(r)) for r in self.event_times]
        records += [("series", dict(r)) for r in self.series]
        records += [("sensitivity", r) for r in rows(self.sensitivity)]
        records += [("advice", r) for r in rows(self.advice)]
        records.append(("run", {**asdict(self.run), **made_by}))
        keys = (self.study_id, run_id, self.definition_hash)
        return pd.DataFrame([(record, *keys, payload(r)) for record, r in records], columns=list(COLUMNS), dtype="str")

    def _hashed(self, run_id: str) -> list[StudyEffect]:
        """The ledger can prove later what a blocked study had found, without showing it now.

        To eleven digits: the last ones of a sum depend on the order in which the engine met the rows.
        """
        salt = f"{self.definition_hash}|{run_id}|"
        found = []
        for effect, estimate in zip(self.effects, self.estimates, strict=True):
            digest = None if estimate is None else hashlib.sha256(f"{salt}{estimate:.10e}".encode()).hexdigest()
            found.append(replace(effect, estimate_hash=digest))
        return found
