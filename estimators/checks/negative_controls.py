"""Negative controls: outcomes that the treatment cannot have changed, estimated as the study's own are.

One control that shows no effect proves little, and one that shows an effect may be chance. Several of them show the
distribution of the study's systematic error, by which its p-value and interval can be calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from estimators.checks.empirical_calibration import EmpiricalNull, empirical_null
from estimators.checks.verdict import passed
from estimators.results import Check, Effect
from estimators.study_table import listed, shown

NAME = "negative_controls"
LIMIT = 0.25  # of the expected absolute systematic error: OHDSI's diagnostic (Schuemie et al. 2022)
FEWEST = 5


def null_of(controls: Sequence[Effect], scale: Mapping[str, float] | None = None) -> EmpiricalNull | None:
    """The empirical null of effects on negative controls; None for fewer than five that have a standard error.

    scale: by outcome column, what its estimate is divided by (its SD in the target population); none for log ratios.
    """
    known = _known(controls, scale)
    if len(known) < FEWEST:
        return None
    units = [scale[e.outcome] if scale else 1.0 for e in known]
    estimates = [e.estimate / unit for e, unit in zip(known, units, strict=True)]
    errors = [e.std_error / unit for e, unit in zip(known, units, strict=True)]
    return empirical_null(estimates, errors)


def check(method: str, controls: Sequence[Effect], scale: Mapping[str, float] | None = None) -> Check:
    """Fails if the expected absolute systematic error exceeds 0.25; with fewer than five controls it is no gate."""
    null = null_of(controls, scale)
    if null is None:
        reason = (
            f"{len(_known(controls, scale))} negative controls have an estimate; {FEWEST} are needed to tell a "
            "systematic error from chance"
        )
        return Check(NAME, "not_evaluated", reason, is_gate=False, method=method, threshold=LIMIT)
    error = null.expected_absolute_error
    figures = {"statistic": error, "threshold": LIMIT, "method": method}
    unit = "SD" if scale else "on the log scale"
    found = (
        f"{method} on {null.n_controls} outcomes that treatment cannot have changed errs by {error:.3f} {unit} on "
        f"average (systematic error {null.mean:.3f} with sd {null.sd:.3f}, at most {LIMIT:g} allowed)"
    )
    if error > LIMIT:
        worst = listed(_by_size(controls, scale), 3)
        fix = "find the confounder that the controls share, or choose controls that treatment cannot reach"
        return Check(NAME, "fail", f"{found}; largest: {worst}; fix: {fix}", **figures)
    return passed(NAME, found, **figures)


def _known(controls: Sequence[Effect], scale: Mapping[str, float] | None) -> list[Effect]:
    finite = [e for e in controls if np.isfinite(e.estimate) and np.isfinite(e.std_error) and e.std_error > 0.0]
    return [e for e in finite if scale is None or scale[e.outcome] > 0.0]


def _by_size(controls: Sequence[Effect], scale: Mapping[str, float] | None) -> list[str]:
    sizes = {e.outcome: e.estimate / (scale[e.outcome] if scale else 1.0) for e in _known(controls, scale)}
    return [f"{shown(c)} {x:.2f}" for c, x in sorted(sizes.items(), key=lambda item: -abs(item[1]))]
