"""Do different methods find the same effect? Like is compared with like only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from estimators.checks.verdict import passed, rounded
from estimators.results import Check, Effect
from estimators.study_table import listed, shown

NAME = "triangulation"
_LEVEL = 0.05
_SAME_ROWS = "they share their rows, so their errors move together and Q finds too little rather than too much"


@dataclass(frozen=True)
class Heterogeneity:
    """Cochran's Q of k estimates of one effect, with I² = max(0, (Q - (k-1)) / Q), and their pooled value."""

    q: float
    degrees: int
    p_value: float
    i_squared: float
    pooled: float


def heterogeneity(estimates: Sequence[float], std_errors: Sequence[float]) -> Heterogeneity:
    """Q = Σ (x - pooled)² / s² against chi-square (Cochran 1954), I² (Higgins and Thompson 2002); arguments (k,)."""
    x, weights = np.asarray(estimates, dtype=float), 1.0 / np.asarray(std_errors, dtype=float) ** 2
    pooled = float(weights @ x / weights.sum())
    q = float(weights @ (x - pooled) ** 2)
    degrees = len(x) - 1
    p = float(stats.chi2.sf(q, degrees)) if degrees else 1.0
    return Heterogeneity(q, degrees, p, max(0.0, (q - degrees) / q) if q > 0.0 else 0.0, pooled)


def check(effects: Sequence[Effect]) -> list[Check]:
    """One check per outcome and estimand that several methods estimate; warns at p < .05, never a gate.

    Effects whose population differs (units trimmed, unmatched) are another estimand and are compared among themselves.
    """
    known = [e for e in effects if np.isfinite(e.estimate) and np.isfinite(e.std_error) and e.std_error > 0.0]
    groups: dict[tuple[str, str, str, str], list[Effect]] = {}
    for e in known:
        groups.setdefault((e.outcome, e.segment, e.estimand, e.population), []).append(e)
    several = {key: group for key, group in groups.items() if len(group) > 1}
    found = [_judged(*key, group) for key, group in several.items()]
    alone = [_alone(group[0], known) for key, group in groups.items() if key not in several]
    return [*found, *(c for c in alone if c is not None)]


def _judged(outcome: str, segment: str, estimand: str, population: str, group: Sequence[Effect]) -> Check:
    h = heterogeneity([e.estimate for e in group], [e.std_error for e in group])
    named = listed([f"{e.method} {rounded(e.estimate)} (SE {rounded(e.std_error)})" for e in group])
    of = f"{estimand} ({population})" if population else estimand
    where = f" in {segment}" if segment else ""
    text = f"{of} on {shown(outcome)}{where}: {named}; Q = {h.q:.2f} on {h.degrees}, p = {h.p_value:.2g}, I² = "
    text += f"{h.i_squared:.0%}; {_SAME_ROWS}"
    figures = {"is_gate": False, "statistic": h.p_value, "threshold": _LEVEL, "outcome": shown(outcome)}
    if h.p_value < _LEVEL:
        return Check(NAME, "warn", f"the methods disagree by more than their errors allow: {text}", **figures)
    return passed(NAME, f"the methods agree: {text}", **figures)


def _alone(effect: Effect, known: Sequence[Effect]) -> Check | None:
    """Said only where other methods looked at the same outcome, but at another effect."""
    place = (effect.outcome, effect.segment)
    rivals = [e for e in known if (e.outcome, e.segment) == place and e.method != effect.method]
    if not rivals:
        return None
    reason = (
        f"no other method estimates {_of(effect)} on {shown(effect.outcome)}: {effect.method} is not comparable with "
        f"{listed(sorted({f'{e.method} ({_of(e)})' for e in rivals}))}"
    )
    return Check(NAME, "not_evaluated", reason, is_gate=False, method=effect.method, outcome=shown(effect.outcome))


def _of(effect: Effect) -> str:
    return f"{effect.estimand}, {effect.population}" if effect.population else effect.estimand
