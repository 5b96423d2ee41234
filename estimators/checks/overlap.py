"""Overlap: for every treated unit there are comparable controls (014)."""

from __future__ import annotations

from collections.abc import Sequence

from estimators.checks.verdict import failed, passed
from estimators.errors import Fault
from estimators.results import Check, Overlap
from estimators.study_table import StudyTable

NAME = "overlap"
_EQUIPOISE = 0.2  # of each arm with a preference score in .3-.7
_CLIPPED_WARN, _CLIPPED_FAIL = 0.02, 0.10
_SHARE_OF_ARM = 0.2
_FEWEST_CONTROLS = 50.0


def check(table: StudyTable, method: str, overlap: Sequence[Overlap]) -> list[Check]:
    """Equipoise share and effective sample size, and the share of units whose propensity was clipped.

    Gates observational designs; in a randomised one overlap holds by design, and a shortfall only warns.
    """
    if not overlap:
        return []
    is_gate = table.study.design == "observational"
    by_arm = {o.arm: o for o in overlap}
    problems = _too_little(table.study.estimand, by_arm)
    clipped = _clipped_share(overlap)
    if clipped is not None and clipped > _CLIPPED_FAIL:
        problems.append(
            f"the propensity of {clipped:.1%} of the units was clipped, at most {_CLIPPED_FAIL:.0%} allowed"
        )
    lowest = min((o.equipoise_share for o in overlap if o.equipoise_share is not None), default=None)
    figures = {"statistic": lowest, "threshold": _EQUIPOISE if lowest is not None else None, "method": method}
    if problems and is_gate:
        fault = Fault(
            "014",
            "no overlap",
            (*_ranges(by_arm), *problems),
            "restrict the cohort to units that could have been in either arm",
        )
        return [failed(NAME, fault, **figures)]
    if problems:
        return [Check(NAME, "warn", "; ".join(problems), is_gate=False, **figures)]
    if clipped is not None and clipped > _CLIPPED_WARN:
        reason = f"the propensity of {clipped:.1%} of the units was clipped: they count for less than their weight"
        return [Check(NAME, "warn", reason, is_gate=is_gate, **figures)]
    return [passed(NAME, _summary(by_arm), is_gate=is_gate, **figures)]


def _too_little(estimand: str, by_arm: dict[str, Overlap]) -> list[str]:
    problems = []
    for arm, row in by_arm.items():
        if row.equipoise_share is not None and row.equipoise_share < _EQUIPOISE:
            found = f"{row.equipoise_share:.1%} of the {_plural(arm)} have a preference score in .3-.7"
            problems.append(f"{found}, {_EQUIPOISE:.0%} needed")
    for arm, needed in _needed(estimand, by_arm).items():
        found = by_arm[arm].effective_sample_size
        if not found >= needed:
            problems.append(f"effective sample size of the {_plural(arm)} is {found:,.1f}, {needed:,.0f} needed")
    return problems


def _needed(estimand: str, by_arm: dict[str, Overlap]) -> dict[str, float]:
    """Least effective sample size per arm: of the arm that is weighted to look like the other, or of both."""
    treated, control = by_arm["treated"], by_arm["control"]
    if estimand == "ATT":
        return {"control": max(_FEWEST_CONTROLS, _SHARE_OF_ARM * treated.n_units)}
    if estimand == "ATC":
        return {"treated": max(_FEWEST_CONTROLS, _SHARE_OF_ARM * control.n_units)}
    return {arm: _SHARE_OF_ARM * row.n_units for arm, row in by_arm.items()}


def _clipped_share(overlap: Sequence[Overlap]) -> float | None:
    known = [o for o in overlap if o.clipped_share is not None]
    n = sum(o.n_units for o in known)
    return sum(o.clipped_share * o.n_units for o in known) / n if n else None


def _ranges(by_arm: dict[str, Overlap]) -> list[str]:
    known = [(arm, o) for arm, o in by_arm.items() if o.propensity_min is not None and o.propensity_max is not None]
    texts = [
        f"{_plural(a)}: {o.n_units:,} units, propensity {o.propensity_min:.2g}-{o.propensity_max:.2g}" for a, o in known
    ]
    return ["; ".join(texts)] if texts else []


def _summary(by_arm: dict[str, Overlap]) -> str:
    return ", ".join(
        f"{_plural(arm)}: effective sample size {o.effective_sample_size:,.0f} of {o.n_units:,}"
        + (f", {o.equipoise_share:.0%} in equipoise" if o.equipoise_share is not None else "")
        for arm, o in by_arm.items()
    )


def _plural(arm: str) -> str:
    return "controls" if arm == "control" else arm
