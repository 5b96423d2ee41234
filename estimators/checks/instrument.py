"""Whether the instruments move the treatment enough (025)."""

from __future__ import annotations

from collections.abc import Sequence

from estimators.checks.verdict import failed, rounded
from estimators.effects.first_stage import FirstStage
from estimators.effects.iv import IvDesign
from estimators.errors import Fault
from estimators.results import Check
from estimators.study_table import listed, shown

NAME = "instrument"
WEAK = 10.0  # effective F: below, estimates and Wald intervals mislead (Staiger and Stock 1997)
_FIX = "find an instrument that moves the treatment more, or read the Anderson-Rubin set only"


def check(design: IvDesign) -> Check:
    """Of a finished design stage: a gate on the effective F of Montiel Olea and Pflueger."""
    return judge(design.first_stage or design.read_first_stage())


def judge(stage: FirstStage) -> Check:
    """Passes at the critical value for the number of instruments, fails below 10, warns in between.

    A weak instrument is no gate: what misleads is withheld in any case, and the Anderson-Rubin set is to be published.
    """
    found = f"effective F {rounded(stage.effective_f)} of {listed([_shown(c) for c in stage.instruments])}"
    figures = {"statistic": stage.effective_f, "threshold": stage.critical_value, "method": "iv"}
    if not stage.effective_f >= WEAK:
        detail = f"{found}, wanted {WEAK:g} at least; the estimate is withheld, its Anderson-Rubin set is not"
        return failed(NAME, Fault("025", "weak instrument", (detail,), _FIX), is_gate=False, **figures)
    wanted = f"the critical value for a bias below a tenth of the worst case is {stage.critical_value:.1f}"
    if not stage.effective_f >= stage.critical_value:
        reason = f"borderline instrument: {found}; {wanted}; rely on the Anderson-Rubin set"
        return Check(NAME, "warn", reason, code="025", **figures)
    return Check(NAME, "pass", f"{found}; {wanted}", **figures)


def _shown(column: str) -> str:
    return shown(column.removeprefix("instrument_"))


def several_treatments(treatments: Sequence[str]) -> Check:
    """The effective F is defined for one endogenous variable."""
    reason = f"{len(treatments)} endogenous variables ({listed([shown(c) for c in treatments])}): no effective F exists"
    return Check(NAME, "not_evaluated", f"{reason}; estimate one at a time, with the others excluded", method="iv")
