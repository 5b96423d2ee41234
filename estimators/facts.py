"""What the data of a study are like, as far as it decides which methods fit: found by every first stage on its way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """Figures of one study table; None where its shape has no such thing or nobody could find out.

    n_treated, n_control: units, or series.  effective_f: of the instruments (Montiel Olea and Pflueger).
    n_cohorts: different periods in which treatment began.  forbidden_share: weight of comparisons with units already
    treated in a regression with two-way fixed effects (Goodman-Bacon 2021).  has_overlap, has_parallel_trends: verdicts
    of the checks.  n_before, n_after: periods before and from the intervention on.
    """

    n_treated: int = 0
    n_control: int = 0
    has_overlap: bool | None = None
    effective_f: float | None = None
    critical_f: float | None = None
    n_cohorts: int | None = None
    n_never_treated: int | None = None
    forbidden_share: float | None = None
    has_parallel_trends: bool | None = None
    n_before: int | None = None
    n_after: int | None = None
