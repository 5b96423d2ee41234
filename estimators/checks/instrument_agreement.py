"""Whether several instruments agree on one effect (over-identification)."""

from __future__ import annotations

from collections.abc import Iterable

from estimators.results import Check, Effect
from estimators.study_table import shown

NAME = "instrument_agreement"
_LEVEL = 0.05


def check(effects: Iterable[Effect]) -> list[Check]:
    """Hansen's test of effects by several instruments. It only warns: it also rejects where effects differ by unit."""
    found = []
    for effect in effects:
        p_value = effect.diagnostics.get("hansen_j_p_value")
        if effect.method != "iv" or effect.segment or p_value is None:
            continue
        figures = {"statistic": effect.diagnostics["hansen_j"], "method": "iv", "outcome": shown(effect.outcome)}
        said = f"Hansen's J {figures['statistic']:.2f}, p = {p_value:.3g}"
        if p_value < _LEVEL:
            reason = f"the instruments do not agree on one effect: {said}; one is invalid, or effects differ by unit"
            found.append(Check(NAME, "warn", reason, is_gate=False, **figures))
        else:
            found.append(Check(NAME, "pass", f"the instruments agree: {said}", is_gate=False, **figures))
    return found
