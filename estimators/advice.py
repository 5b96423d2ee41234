"""Which method fits a study: recommended, possible or ruled out, each with its reasons.

Two things decide: facts of the data, which the design stage has found, and assumptions that no data can show, which
the definition has to argue (`assumptions`). Nothing here reads an outcome under treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from estimators.checks.instrument import WEAK
from estimators.facts import Facts
from estimators.shape_rules import ROWS
from estimators.study import Study
from estimators.study_methods import BY_NAME

Verdict = Literal["recommended", "possible", "ruled_out"]
_RANK: dict[Verdict, int] = {"recommended": 0, "possible": 1, "ruled_out": 2}
_FEW_CONTROLS = 19  # control series: a placebo rank reaches p = .05 with that many
_ENOUGH_BEFORE = 3.0  # times as many periods before as after


@dataclass(frozen=True)
class Advice:
    """reasons: sentences joined by semicolons, the decisive ones first."""

    method: str
    verdict: Verdict
    reasons: str


Reason = tuple[Verdict, str]
Rule = Callable[[Facts, Study], Iterator[Reason]]


def advise(data: Any, study: Study, seed: str = "advice") -> tuple[Advice, ...]:
    """Advice on every method for the study table in `data`: pandas frame, DuckDB relation or `Relation`.

    The design stage of the study is run for it; faults of the data become reasons. The best advice comes first.
    """
    from estimators.analysis import design_of

    return advice(design_of(data, study, seed).facts, study)


def advice(facts: Facts, study: Study) -> tuple[Advice, ...]:
    """The same from facts that are known."""
    found = [_judged(name, facts, study) for name in BY_NAME]
    return tuple(sorted(found, key=lambda a: _RANK[a.verdict]))


def _judged(name: str, facts: Facts, study: Study) -> Advice:
    shape = BY_NAME[name].shape
    if shape != study.shape:
        return Advice(name, "ruled_out", f"needs {ROWS[shape]}; this study has {ROWS[study.shape]}")
    reasons = [*_of_all(name, facts, study), *_RULES[name](facts, study)]
    verdict = max((v for v, _ in reasons), key=_RANK.__getitem__, default="possible")
    decisive = sorted(reasons, key=lambda r: -_RANK[r[0]])
    return Advice(name, verdict, "; ".join(text for _, text in decisive))


def _of_all(name: str, facts: Facts, study: Study) -> Iterator[Reason]:
    if study.treatment_kind == "continuous" and not BY_NAME[name].takes_doses:
        yield "ruled_out", "it compares two arms, and the treatment is a dose"
    if study.shape != "panel" and min(facts.n_treated, facts.n_control) < 1:
        yield "ruled_out", f"{facts.n_treated:,} treated and {facts.n_control:,} controls leave nothing to compare"


def _difference(facts: Facts, study: Study) -> Iterator[Reason]:
    if study.design == "randomised":
        yield "recommended", "treatment was randomised, so that the arms differ by chance alone"
    else:
        yield "ruled_out", "treatment was not randomised: the raw difference mixes its effect with who gets it"


def _adjusting(facts: Facts, study: Study, otherwise: Reason) -> Iterator[Reason]:
    """Common to methods that compare units with equal covariates."""
    if study.design == "randomised":
        yield "possible", "treatment was randomised: adjustment can only add precision"
        return
    if not study.confounders:
        yield "ruled_out", "no confounders are named"
    if facts.has_overlap is False:
        yield "ruled_out", "there are treated units without comparable controls (check overlap)"
    if study.assumptions.unconfoundedness is None:
        yield "possible", "rests on unconfoundedness, which the definition does not argue"
    else:
        yield otherwise


def _cem(facts: Facts, study: Study) -> Iterator[Reason]:
    n = len(study.confounders)
    good = ("recommended" if n <= 4 else "possible", f"matches on {n} confounders without a model")
    yield from _adjusting(facts, study, good)
    if n > 8:
        yield "possible", f"with {n} confounders few strata hold both arms"


def _aipw(facts: Facts, study: Study) -> Iterator[Reason]:
    good = "confounders are named and argued, and one right model of two is enough"
    yield from _adjusting(facts, study, ("recommended", good))


def _iv(facts: Facts, study: Study) -> Iterator[Reason]:
    if not study.instruments:
        yield "ruled_out", "no instrument is named"
        return
    f, critical = facts.effective_f, facts.critical_f
    if f is None:
        yield "possible", "the strength of the instruments is not known"
    elif f < WEAK:
        yield "ruled_out", f"the instruments are weak (effective F {f:.1f}): only the Anderson-Rubin set can be read"
    elif critical is not None and f < critical:
        yield "possible", f"the instruments are borderline (effective F {f:.1f}, {critical:.1f} wanted)"
    else:
        yield "recommended", f"the instruments move the treatment (effective F {f:.1f})"
    if study.assumptions.exclusion is None:
        yield "possible", "rests on exclusion, which the definition does not argue"


def _panel(facts: Facts, study: Study) -> Iterator[Reason]:
    if study.treatment_kind == "binary" and (facts.n_cohorts or 0) > 1:
        share = facts.forbidden_share
        part = "" if share is None else f" ({share:.0%} of the weight)"
        yield (
            "ruled_out",
            f"treatment begins at {facts.n_cohorts} times, so that units already treated serve as controls{part}",
        )
    elif facts.n_cohorts == 0:
        yield "ruled_out", "no unit is treated within the panel"
    yield from _trends(facts, study)


def _did(facts: Facts, study: Study) -> Iterator[Reason]:
    if study.treatment_kind == "continuous":
        return
    if not facts.n_cohorts:
        yield "ruled_out", "no unit is treated after the first period of the panel"
        return
    if facts.n_cohorts == 1 and not facts.n_never_treated:
        yield "ruled_out", "all units are treated at one time: nobody is left to compare with"
    if facts.n_cohorts > 1:
        yield "recommended", f"each of {facts.n_cohorts} cohorts is compared with units not treated by then"
    yield from _trends(facts, study)


def _trends(facts: Facts, study: Study) -> Iterator[Reason]:
    if facts.has_parallel_trends is False:
        yield "possible", "trends before treatment are not shown to be parallel: read the HonestDiD interval"
    if study.assumptions.parallel_trends is None:
        yield "possible", "rests on parallel trends, which the definition does not argue"
    else:
        yield "recommended", "parallel trends are argued"


def _bsts(facts: Facts, study: Study) -> Iterator[Reason]:
    yield from _long_enough(facts)
    if study.assumptions.no_spillover_to_controls is None:
        yield "possible", "rests on untouched control series, which the definition does not argue"
    else:
        yield "recommended", "control series are argued to be untouched"


def _synthetic_control(facts: Facts, study: Study) -> Iterator[Reason]:
    if facts.n_control == 1:
        yield "ruled_out", "one control series leaves no weights to choose"
    elif facts.n_control < _FEW_CONTROLS:
        yield "possible", f"{facts.n_control} control series: a placebo rank below .05 needs {_FEW_CONTROLS}"
    else:
        yield "recommended", f"{facts.n_control} control series to be weighted and to be placebos"
    yield from _long_enough(facts)
    if study.assumptions.no_spillover_to_controls is None:
        yield "possible", "rests on untouched control series, which the definition does not argue"


def _long_enough(facts: Facts) -> Iterator[Reason]:
    before, after = facts.n_before, facts.n_after
    if before is not None and after and before < _ENOUGH_BEFORE * after:
        yield "possible", f"{before} periods before for {after} after: three times as many are wanted"


_RULES: dict[str, Rule] = {
    "difference": _difference,
    "cem": _cem,
    "aipw": _aipw,
    "iv": _iv,
    "panel": _panel,
    "did": _did,
    "bsts": _bsts,
    "synthetic_control": _synthetic_control,
}
