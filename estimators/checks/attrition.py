"""Units lost on the way from the cohort to the analysis, per arm."""

from __future__ import annotations

from scipy import stats

from estimators.checks.verdict import passed
from estimators.results import Attrition, Check
from estimators.study_table import StudyTable

NAME = "attrition"
_LEVEL = 0.001
_NOT_ELIGIBLE = "not eligible"  # never part of the cohort proper: no loss
_ORDER = (_NOT_ELIGIBLE, "no index time", "crossed over", "treated later")

Arms = tuple[int, int]  # treated, control


def steps(table: StudyTable, analysed: Arms, complete: Arms | None = None) -> tuple[Attrition, ...]:
    """From the cohort, one exclusion after the other, to the units analysed, and those without missing values."""
    reasons = sorted(table.excluded, key=lambda r: (_ORDER.index(r) if r in _ORDER else len(_ORDER), r))
    treated = analysed[0] + sum(table.excluded[r][0] for r in reasons)
    control = analysed[1] + sum(table.excluded[r][1] for r in reasons)
    found = [Attrition(0, "cohort", treated, control)]
    for reason in reasons:
        treated, control = treated - table.excluded[reason][0], control - table.excluded[reason][1]
        found.append(Attrition(len(found), f"without: {reason}", treated, control))
    if complete is not None:
        found.append(Attrition(len(found), "without: missing values", *complete))
    return tuple(found)


def then(before: tuple[Attrition, ...], step_name: str, arms: Arms) -> tuple[Attrition, ...]:
    return (*before, Attrition(len(before), step_name, *arms))


def check(found: tuple[Attrition, ...]) -> Check:
    """Warns if the arms lose different shares (chi-square, p < .001). Units that were never eligible are not lost."""
    eligible = [s for s in found if s.step == 0 or s.step_name == f"without: {_NOT_ELIGIBLE}"][-1]
    last = found[-1]
    kept = (last.n_treated, last.n_control)
    lost = (eligible.n_treated - last.n_treated, eligible.n_control - last.n_control)
    shares = [k / max(k + m, 1) for k, m in zip(lost, kept, strict=True)]
    text = f"lost: {lost[0]:,} treated ({shares[0]:.1%}) and {lost[1]:,} controls ({shares[1]:.1%})"
    if not sum(lost) or not sum(kept):
        return passed(NAME, text, is_gate=False)
    p = float(stats.chi2_contingency([kept, lost], correction=False).pvalue)
    if p < _LEVEL:
        reason = (
            f"the arms lose different shares of their units, so those that remain may differ too; {text} (p = {p:.2g})"
        )
        return Check(NAME, "warn", reason, is_gate=False, statistic=p, threshold=_LEVEL)
    return passed(NAME, f"{text} (p = {p:.2g})", is_gate=False, statistic=p, threshold=_LEVEL)
